/**
 * Checks the conditions of a statement by what the language says: keys that there are not, comparisons that never hold.
 *
 * What replication's own requests do not meet is in `replication-conditions.ts`.
 *
 * @source aws-replication.md §5.2, §10.2
 */
import { type Operator, readOperator } from "../iam/conditions.ts";
import type { Condition, Statement } from "../iam/document.ts";
import { ANY_TEXT } from "../iam/glob.ts";
import { parseTemplate } from "../iam/template.ts";
import {
  actionsMatching,
  isConditionKey,
  isKnownService,
  type KnownAction,
  knowsKey,
  nearestConditionKey,
} from "./action-index.ts";
import { isMisspeltContext } from "./encryption-context.ts";
import type { Problem } from "./model.ts";
import { conditionPath, type PlacedStatement } from "./statements.ts";

export function conditionProblems(placed: PlacedStatement): Problem[] {
  const { statement } = placed;
  return statement.conditions.flatMap((condition): Problem[] => {
    const operator = readOperator(condition.operator);
    if (operator === undefined) return [];
    return [
      ...keyProblems(placed, condition, operator),
      ...wildcardProblems(placed, condition, operator),
      ...setProblems(placed, condition, operator),
    ];
  });
}

function serviceOf(name: string): string {
  return name.slice(0, name.indexOf(":")).toLowerCase();
}

function keyProblems(placed: PlacedStatement, condition: Condition, operator: Operator): Problem[] {
  const { key } = condition;
  const path = conditionPath(placed, condition);
  if (isMisspeltContext(key)) return [];
  if (!isConditionKey(key)) {
    const nearest = nearestConditionKey(key);
    const remedy = nearest === undefined ? {} : { remedy: `Did you mean ${nearest}?` };
    return [{ rule: "condition-key-unknown", path, says: `No request carries ${key}`, ...remedy }];
  }
  // The others are made for keys that are not there.
  const needsKey = operator.family !== "null" && !operator.ifExists && operator.set !== "all";
  if (!needsKey || !isKnownService(serviceOf(key)) || placed.statement.action.not) return [];
  const without = placed.statement.action.patterns.filter((pattern) => {
    const actions = actionsMatching(pattern);
    return actions.length > 0 && !actions.some((action) => carries(action, key));
  });
  if (without.length === 0) return [];
  const effect = sayEffect(placed.statement, operator);
  return [{ rule: "condition-key-unsupported", path, says: `${without.join(", ")} never carries ${key}: ${effect}` }];
}

function carries(action: KnownAction, key: string): boolean {
  return action.service === serviceOf(key) && knowsKey(action, key);
}

/** What a key that is not there makes of the statement. */
function sayEffect({ effect }: Statement, { negated }: Operator): string {
  if (effect === "Allow") return negated ? "the condition keeps nothing out" : "the statement never allows it";
  return negated ? "the statement always denies it" : "the statement never denies it";
}

const EXACT = /^(?:for(?:all|any)values?:)?string(?:not)?equals(?:ignorecase)?(?:ifexists)?$/;

function wildcardProblems(placed: PlacedStatement, condition: Condition, operator: Operator): Problem[] {
  if (!EXACT.test(condition.operator.toLowerCase()) || operator.family === "null") return [];
  const index = condition.values.findIndex((value) =>
    parseTemplate(value, { variables: true, wildcards: true }).includes(ANY_TEXT),
  );
  const value = condition.values[index];
  if (value === undefined) return [];
  const path = conditionPath(placed, condition, index);
  return [{ rule: "wildcard-without-like", path, says: `${condition.operator} compares with the star in ${value}` }];
}

function setProblems(placed: PlacedStatement, condition: Condition, operator: Operator): Problem[] {
  const { effect, conditions } = placed.statement;
  if (effect !== "Allow" || operator.set !== "all") return [];
  const key = condition.key.toLowerCase();
  const guarded = conditions.some(
    (one) =>
      readOperator(one.operator)?.family === "null" &&
      one.key.toLowerCase() === key &&
      one.values.every((value) => value.toLowerCase() === "false"),
  );
  if (guarded) return [];
  const says = `Without ${condition.key} in the request the condition holds`;
  const remedy = `Add "Null": {${JSON.stringify(condition.key)}: "false"} beside it`;
  return [{ rule: "for-all-values-without-null", path: conditionPath(placed, condition), says, remedy }];
}
