/**
 * Findings in SARIF 2.1.0, which code hosts and CI systems show beside the lines they are about.
 *
 * @source OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0
 */
import type { DocumentValue } from "../config/document.ts";
import type { LintFinding } from "./model.ts";
import { LINT_RULES, type LintRuleId, lintRule } from "./rules.ts";

export interface SarifTool {
  readonly version: string;
  /** Turns a file's name into a URI reference. */
  readonly uriOf: (file: string) => string;
}

/** The log of one run. Rules that found nothing are in it too: a viewer can tell what was looked for. */
export function sarifLog(findings: readonly LintFinding[], tool: SarifTool): DocumentValue {
  const ids = Object.keys(LINT_RULES) as LintRuleId[];
  const isUnreadable = findings.some((one) => one.rule === "unreadable-document");
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Lockstep", semanticVersion: tool.version, rules: ids.map(sarifRule) } },
        columnKind: "utf16CodeUnits",
        invocations: [{ executionSuccessful: !isUnreadable }],
        results: findings.map((one) => sarifResult(one, ids.indexOf(one.rule), tool)),
      },
    ],
  };
}

function sarifRule(id: LintRuleId): DocumentValue {
  const { title, remedy, severity, source, unconfirmed } = lintRule(id);
  return {
    id,
    shortDescription: { text: `${title}.` },
    help: { text: `${remedy}.` },
    defaultConfiguration: { level: severity },
    properties: { source, ...(unconfirmed === undefined ? {} : { unconfirmed }) },
  };
}

function sarifResult(finding: LintFinding, ruleIndex: number, { uriOf }: SarifTool): DocumentValue {
  const { file, line, column, path, rule, severity, says, remedy, aws } = finding;
  const logical = path === "" ? {} : { logicalLocations: [{ fullyQualifiedName: path }] };
  return {
    ruleId: rule,
    ruleIndex,
    level: severity,
    message: { text: `${lintRule(rule).title}. ${says}. ${remedy}${remedy.endsWith("?") ? "" : "."}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line, startColumn: column } },
        ...logical,
      },
    ],
    ...(aws === undefined ? {} : { properties: { aws: { ...aws } } }),
  };
}
