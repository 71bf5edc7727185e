/** Every rule of `lockstep lint` by its id. Ids are stable: people silence and look up findings by them. */
import { CONDITION_RULES } from "./rules/conditions.ts";
import { DOCUMENT_RULES } from "./rules/documents.ts";
import { PERMISSION_RULES } from "./rules/permissions.ts";
import { POLICY_RULES } from "./rules/policies.ts";
import { REPLICATION_RULES } from "./rules/replication.ts";
import type { LintRule } from "./rules/rule.ts";

export const LINT_RULES = {
  ...DOCUMENT_RULES,
  ...REPLICATION_RULES,
  ...POLICY_RULES,
  ...CONDITION_RULES,
  ...PERMISSION_RULES,
} as const satisfies Record<string, LintRule>;

export type LintRuleId = keyof typeof LINT_RULES;

export function lintRule(id: LintRuleId): LintRule {
  return LINT_RULES[id];
}
