/** Every row of AWS's table of what is and is not replicated: a case of eligibility, or the place that shows it. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseReplication } from "./config/parse.ts";
import { type Candidate, eligibility } from "./eligibility.ts";
import type { Operation } from "./model.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly configuration: unknown;
  readonly version: Candidate;
  readonly operation: Operation;
  /** By rule id: "taken", or the reason why not. */
  readonly expected: Readonly<Record<string, string>>;
}

const DIRECTORY = "test/fixtures/eligibility";
const CASES = readdirSync(DIRECTORY)
  .sort()
  .flatMap((file) => JSON.parse(readFileSync(join(DIRECTORY, file), "utf8")) as Case[]);

for (const one of CASES) {
  test(`eligibility: ${one.name} (${one.source})`, () => {
    const { configuration } = parseReplication(one.configuration);
    assert.ok(configuration !== undefined);
    const { outcomes, taken } = eligibility(configuration, one.version, one.operation);
    const said = outcomes.map((rule) => [rule.rule.id, rule.taken ? "taken" : rule.because.reason]);
    assert.deepEqual(Object.fromEntries(said), one.expected);
    assert.equal(taken.length, said.filter(([, outcome]) => outcome === "taken").length);
  });
}

const ROWS = 44;

/** Rows that are not about which rules take a version: a file, and words in it that show the row. */
const ELSEWHERE: Readonly<Record<number, readonly [file: string, words: string]>> = {
  6: ["test/fixtures/diagnose/failed.json", "row 37"],
  8: ["test/fixtures/diagnose/failed.json", "row 45"],
  12: ["test/fixtures/diagnose/silent.json", "row 8"],
  18: ["src/core/diagnose/by-design.ts", "permanentDelete"],
  20: ["src/core/diagnose/by-design.ts", "lifecycleActions"],
  27: ["test/fixtures/diagnose/failed.json", "locks on both sides"],
  28: ["test/fixtures/diagnose/failed.json", "row 42"],
  29: ["test/fixtures/diagnose/failed.json", "row 32"],
  30: ["test/fixtures/diagnose/failed.json", "row 43"],
  31: ["test/fixtures/diagnose/failed.json", "DstBucketNotFound"],
  32: ["test/fixtures/diagnose/failed.json", "row 44"],
  34: ["src/engine/write.ts", "storageClassOf"],
  37: ["src/core/plan.test.ts", "parts"],
  42: ["test/fixtures/diagnose/silent.json", "row 53"],
  43: ["test/fixtures/diagnose/silent.json", "row 8"],
};

/** Rows that nothing in the product can meet, and why. */
const NOWHERE: Readonly<Record<number, string>> = {
  21: "settings of a bucket are no versions: nothing in the product copies them",
  33: "directory and table buckets have other ARNs: a rule cannot name them, and they take no configuration",
  41: "what AWS answers for a Region that is not enabled is not known (A11)",
  44: "replication of annotations is not documented yet",
};

test("eligibility: no row of AWS's table is without a case or a place that shows it", () => {
  const inCases = new Set(CASES.map((one) => Number(/row (\d+)$/.exec(one.source)?.[1])));
  const rows = Array.from({ length: ROWS }, (_, index) => index + 1);
  const missing = rows.filter((row) => !inCases.has(row) && !(row in ELSEWHERE) && !(row in NOWHERE));
  assert.deepEqual(missing, []);
  for (const [row, [file, words]] of Object.entries(ELSEWHERE)) {
    assert.ok(existsSync(file) && readFileSync(file, "utf8").includes(words), `row ${row}: ${words} in ${file}`);
  }
});
