/** Rows of AWS's table of what is and is not replicated. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
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
