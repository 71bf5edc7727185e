/** The SARIF log has what the standard requires, and what code hosts need to place a finding. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readLintText } from "../../src/cli/lint/input.ts";
import { sarifOf } from "../../src/cli/lint/sarif.ts";
import { lint } from "../../src/core/lint/lint.ts";
import { LINT_RULES } from "../../src/core/lint/rules.ts";
import { checkSarif, type SarifLog } from "./sarif-log.ts";

describe("sarif", () => {
  const text = JSON.stringify({ Role: "arn:aws:iam::111122223333:role/r", Rules: [{ Status: "Enabled" }] }, null, 2);
  const read = readLintText("./some dir/replication.json", text);
  const broken = readLintText("/abs/broken.json", "{");
  const documents = [read, broken].flatMap((one) => one.document ?? []);
  const { findings } = lint(documents, {}, broken.findings);
  const log = sarifOf(findings) as unknown as SarifLog;

  it("has what the standard requires", () => {
    checkSarif(log);
  });

  it("has every rule, and a result for every finding at its place", () => {
    const results = log.runs.flatMap((run) => run.results);
    assert.deepEqual(
      results.map(({ ruleId, locations }) => [ruleId, locations[0]?.physicalLocation.region]),
      findings.map(({ rule, line, column }) => [rule, { startLine: line, startColumn: column }]),
    );
    const rules = log.runs.flatMap((run) => run.tool.driver.rules.map(({ id }) => id));
    assert.deepEqual(rules, Object.keys(LINT_RULES));
  });

  it("names files relative to the repository, as URIs", () => {
    const uris = log.runs[0]?.results.map((one) => one.locations[0]?.physicalLocation.artifactLocation.uri);
    assert.deepEqual(new Set(uris), new Set(["some%20dir/replication.json", "file:///abs/broken.json"]));
  });

  it("says so when a file could not be read", () => {
    assert.equal(log.runs[0]?.invocations[0]?.executionSuccessful, false);
    assert.equal((sarifOf([]) as unknown as SarifLog).runs[0]?.invocations[0]?.executionSuccessful, true);
  });
});
