/**
 * The `Condition` element: one operator over one key, compiled once.
 *
 * Missing keys decide most surprises: a comparison with an absent key is false, and its negation is true.
 * `…IfExists` makes it true in both cases. `ForAllValues:` is true and `ForAnyValue:` false for a key that is absent or
 * empty. A key with several values matches nothing unless a set qualifier says how.
 *
 * @source aws-replication.md §10.1, §10.2
 */
import {
  ARN_LIKE,
  BINARY_EQUALS,
  BOOL,
  type Comparison,
  dateFamily,
  type Family,
  IP_ADDRESS,
  isBool,
  numericFamily,
  STRING_EQUALS,
  STRING_EQUALS_IGNORE_CASE,
  STRING_LIKE,
} from "./condition-families.ts";
import { contextValue } from "./context.ts";
import type { Condition } from "./document.ts";
import type { RequestContext } from "./model.ts";

export interface CompiledCondition {
  readonly written: Condition;
  /** The key in lower case. */
  readonly key: string;
  readonly holds: (context: RequestContext) => boolean;
}

/** An operator's name, taken apart. */
export interface Operator {
  readonly set: "none" | "all" | "any";
  readonly ifExists: boolean;
  readonly negated: boolean;
  /** `null` is the operator that asks whether the key is there. */
  readonly family: Family | "null";
}

interface Base {
  readonly family: Family | "null";
  readonly negated: boolean;
}

const positive = (family: Family | "null"): Base => ({ family, negated: false });
const negative = (family: Family): Base => ({ family, negated: true });

const BASES: ReadonlyMap<string, Base> = new Map([
  ["stringequals", positive(STRING_EQUALS)],
  ["stringnotequals", negative(STRING_EQUALS)],
  ["stringequalsignorecase", positive(STRING_EQUALS_IGNORE_CASE)],
  ["stringnotequalsignorecase", negative(STRING_EQUALS_IGNORE_CASE)],
  ["stringlike", positive(STRING_LIKE)],
  ["stringnotlike", negative(STRING_LIKE)],
  ["arnequals", positive(ARN_LIKE)],
  ["arnlike", positive(ARN_LIKE)],
  ["arnnotequals", negative(ARN_LIKE)],
  ["arnnotlike", negative(ARN_LIKE)],
  ["numericequals", positive(numericFamily("equals"))],
  ["numericnotequals", negative(numericFamily("equals"))],
  ["numericlessthan", positive(numericFamily("lessThan"))],
  ["numericlessthanequals", positive(numericFamily("lessThanEquals"))],
  ["numericgreaterthan", positive(numericFamily("greaterThan"))],
  ["numericgreaterthanequals", positive(numericFamily("greaterThanEquals"))],
  ["dateequals", positive(dateFamily("equals"))],
  ["datenotequals", negative(dateFamily("equals"))],
  ["datelessthan", positive(dateFamily("lessThan"))],
  ["datelessthanequals", positive(dateFamily("lessThanEquals"))],
  ["dategreaterthan", positive(dateFamily("greaterThan"))],
  ["dategreaterthanequals", positive(dateFamily("greaterThanEquals"))],
  ["bool", positive(BOOL)],
  ["binaryequals", positive(BINARY_EQUALS)],
  ["ipaddress", positive(IP_ADDRESS)],
  ["notipaddress", negative(IP_ADDRESS)],
  ["null", positive("null")],
]);

const OPERATOR = /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/;

/** Reads an operator's name, in any case; undefined when there is no such operator. */
export function readOperator(name: string): Operator | undefined {
  const [, qualifier, word = "", ifExists] = OPERATOR.exec(name.toLowerCase()) ?? [];
  const base = BASES.get(word);
  if (base === undefined || (base.family === "null" && ifExists !== undefined)) return undefined;
  const set = qualifier === undefined ? "none" : qualifier === "forallvalues" ? "all" : "any";
  return { ...base, set, ifExists: ifExists !== undefined };
}

/** Whether the operator can compare with a value that a policy gives. */
export function acceptsValue(operator: Operator, value: string): boolean {
  return operator.family === "null" ? isBool(value) : operator.family.accepts(value);
}

/**
 * Compiles one condition. An operator that does not exist holds for no request.
 *
 * @param variables whether the document's version knows policy variables
 */
export function compileCondition(written: Condition, variables: boolean): CompiledCondition {
  const key = written.key.toLowerCase();
  const operator = readOperator(written.operator);
  if (operator === undefined) return { written, key, holds: () => false };
  if (operator.family === "null") return { written, key, holds: compileNull(key, written.values) };
  const comparison = operator.family.compile(written.values, variables);
  return { written, key, holds: compileHolds(key, operator, compileOne(comparison, operator.negated)) };
}

type MatchesOne = (actual: string, context: RequestContext) => boolean;

/** A variable that the request cannot fill makes a negated comparison false, as it makes the others. */
function compileOne(comparison: Comparison, negated: boolean): MatchesOne {
  const { matches, isFilled } = comparison;
  if (!negated) return matches;
  if (isFilled === undefined) return (actual, context) => !matches(actual, context);
  return (actual, context) => isFilled(context) && !matches(actual, context);
}

function compileHolds(key: string, operator: Operator, matchesOne: MatchesOne): (context: RequestContext) => boolean {
  const { set } = operator;
  const whenAbsent = operator.ifExists || set === "all" || (set === "none" && operator.negated);
  return (context) => {
    const actual = contextValue(context, key);
    if (actual === undefined) return whenAbsent;
    if (set === "none") return typeof actual === "string" && matchesOne(actual, context);
    const values = typeof actual === "string" ? [actual] : actual;
    // AWS: a key that "resolves to an empty data set, such as an empty string" is as good as absent here.
    if (values.every((value) => value === "")) return set === "all";
    return set === "all"
      ? values.every((value) => matchesOne(value, context))
      : values.some((value) => matchesOne(value, context));
  };
}

/** `true` holds when the key is absent or has no values, `false` when it has one. */
function compileNull(key: string, values: readonly string[]): (context: RequestContext) => boolean {
  const words = new Set(values.map((value) => value.toLowerCase()));
  const whenAbsent = words.has("true");
  const whenPresent = words.has("false");
  return (context) => {
    const actual = contextValue(context, key);
    return actual === undefined || (actual.length === 0 && typeof actual !== "string") ? whenAbsent : whenPresent;
  };
}
