/** The part of SARIF 2.1.0 that Lockstep writes, and what the standard requires of it. */
import assert from "node:assert/strict";

export interface SarifLog {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] } };
    readonly columnKind: string;
    readonly invocations: readonly { readonly executionSuccessful: boolean }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string };
          readonly region: { readonly startLine: number; readonly startColumn: number };
        };
      }[];
    }[];
  }[];
}

/** @source OASIS SARIF 2.1.0 §3.13, §3.14, §3.18, §3.19, §3.27, §3.30 */
export function checkSarif(log: SarifLog): void {
  assert.equal(log.version, "2.1.0");
  assert.match(log.$schema, /sarif-2\.1\.0\.json$/);
  assert.equal(log.runs.length, 1);
  for (const { tool, results, columnKind, invocations } of log.runs) {
    assert.notEqual(tool.driver.name, "");
    const ids = tool.driver.rules.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(["utf16CodeUnits", "unicodeCodePoints"].includes(columnKind));
    for (const { executionSuccessful } of invocations) assert.equal(typeof executionSuccessful, "boolean");
    for (const { ruleId, ruleIndex, level, message, locations } of results) {
      assert.equal(ids[ruleIndex], ruleId);
      assert.ok(["none", "note", "warning", "error"].includes(level), level);
      assert.notEqual(message.text, "");
      assert.equal(locations.length, 1);
      for (const { physicalLocation } of locations) {
        assert.doesNotMatch(physicalLocation.artifactLocation.uri, /[\s\\]/);
        assert.ok(physicalLocation.region.startLine >= 1 && physicalLocation.region.startColumn >= 1);
      }
    }
  }
}
