/** Whatever the validator of configurations and the parser of policies refuse, lint tells, with AWS's code and status. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readLintText } from "../../src/cli/lint/input.ts";
import { parseReplication } from "../../src/core/config/parse.ts";
import type { DocumentKind } from "../../src/core/iam/document.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import { lint } from "../../src/core/lint/lint.ts";
import type { LintFinding, LintKind } from "../../src/core/lint/model.ts";

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../test/fixtures/${name}`, import.meta.url), "utf8")) as T;
}

function findingsOf(value: unknown, kind: LintKind): readonly LintFinding[] {
  const { document, findings } = readLintText("document.json", JSON.stringify(value), kind);
  return lint(document === undefined ? [] : [document], {}, findings).findings;
}

describe("lint and the validator", () => {
  const cases = read<readonly { readonly name: string; readonly document: object }[]>("config/validation.json");
  for (const { name, document } of cases) {
    it(name, () => {
      const told = findingsOf(document, "replication").flatMap(({ path, aws }) =>
        aws?.message === undefined ? [] : [`${aws.code} ${aws.status} ${path}: ${aws.message}`],
      );
      const { problems } = parseReplication(document);
      const refused = problems.map(({ code, path, message }) => `${code} 400 ${path}: ${message}`);
      assert.deepEqual(told.sort(), refused.sort());
    });
  }
});

describe("lint and the parser of policies", () => {
  const KINDS: Record<DocumentKind, LintKind> = {
    identity: "role-policy",
    resource: "bucket-policy",
    trust: "trust-policy",
  };
  const CODES: Partial<Record<LintKind, string>> = { "bucket-policy": "MalformedPolicy" };
  const { documents } = read<{
    readonly documents: readonly { readonly name: string; readonly kind: DocumentKind; readonly document: unknown }[];
  }>("iam/documents.json");
  for (const { name, kind, document } of documents) {
    it(name, () => {
      const value = typeof document === "string" ? asJson(document) : document;
      if (value === undefined) return;
      const lintKind = KINDS[kind];
      const code = CODES[lintKind] ?? "MalformedPolicyDocument";
      const told = findingsOf(value, lintKind).filter(({ aws }) => aws?.code === code && aws.message === undefined);
      const refused = parsePolicy(value, kind).problems.map(({ path, says }) => `${path}: ${says.replace(/\.$/, "")}`);
      assert.deepEqual(told.map(({ path, says }) => `${path}: ${says}`).sort(), refused.sort());
    });
  }

  function asJson(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }
});
