/** Every case under `test/fixtures/lint`: exactly these findings, in their files and at their paths, and no others. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readLintText } from "../../src/cli/lint/input.ts";
import { type LintReport, lint } from "../../src/core/lint/lint.ts";
import type { LintKind, LintOptions } from "../../src/core/lint/model.ts";
import { LINT_RULES, lintRule } from "../../src/core/lint/rules.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly kind?: LintKind;
  readonly options?: LintOptions;
  /** By file name: the text, or what it is the JSON of. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** Without a file it is the only one's. */
  readonly expected: readonly { readonly file?: string; readonly rule: string; readonly path: string }[];
}

const FOLDER = new URL("../../../test/fixtures/lint/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
const CASES = FILES.map((file): [string, readonly Case[]] => [
  file,
  JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as Case[],
]);

function report({ documents, kind, options }: Case): LintReport {
  const inputs = Object.entries(documents).map(([file, content]) =>
    readLintText(file, typeof content === "string" ? content : JSON.stringify(content, null, 2), kind),
  );
  return lint(
    inputs.flatMap((one) => one.document ?? []),
    options,
    inputs.flatMap((one) => one.findings),
  );
}

for (const [file, cases] of CASES) {
  describe(`lint: ${file}`, () => {
    for (const one of cases) {
      it(one.name, () => {
        const [only = ""] = Object.keys(one.documents);
        const { findings } = report(one);
        const said = findings.map(({ file: name, rule, path }) => `${name} ${rule} ${path}`).sort();
        const expected = one.expected.map((each) => `${each.file ?? only} ${each.rule} ${each.path}`).sort();
        assert.deepEqual(said, expected, JSON.stringify(findings, null, 1));
        for (const { says, remedy, line, column } of findings) {
          assert.ok(says.length > 10 && !says.endsWith("."), says);
          assert.ok(remedy.length > 3, remedy);
          assert.ok(line >= 1 && column >= 1);
        }
      });
    }
  });
}

describe("lint rules", () => {
  const expected = new Set(CASES.flatMap(([, cases]) => cases.flatMap((one) => one.expected.map(({ rule }) => rule))));

  /** Their documents are too long for a case; `limits.test.ts` makes them. */
  const ELSEWHERE = new Set(["configuration-too-large", "policy-too-large", "policy-near-limit"]);

  for (const id of Object.keys(LINT_RULES) as (keyof typeof LINT_RULES)[]) {
    it(`${id} has a case, a kebab-case id, a title, a remedy and a source`, () => {
      assert.equal(expected.has(id), !ELSEWHERE.has(id));
      assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      const { title, remedy, source, severity } = lintRule(id);
      assert.match(title, /^[A-Za-z].*[^.]$/);
      assert.match(remedy, /^[A-Z"].*[^.]$/);
      assert.notEqual(source, "");
      assert.ok(["error", "warning", "note"].includes(severity));
    });
  }

  it("there are no cases of rules that there are not", () => {
    assert.deepEqual(
      [...expected].filter((id) => !(id in LINT_RULES)),
      [],
    );
  });
});
