/** Constraints on parameters, and their violation in the words that AWS's services share. */

/** What a text must look like. */
export interface TextRule {
  /** Default 1. */
  readonly min?: number;
  readonly max?: number;
  /** Anchored at both ends. */
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

export const NOT_NULL = "Member must not be null";

/** The constraint that a text violates; undefined when it is fine. */
export function violatedByText(value: string, rule: TextRule): string | undefined {
  const { min = 1, max = Number.POSITIVE_INFINITY, pattern, oneOf } = rule;
  if (value.length < min) return `Member must have length greater than or equal to ${min}`;
  if (value.length > max) return `Member must have length less than or equal to ${max}`;
  if (pattern !== undefined && !pattern.test(value)) {
    return `Member must satisfy regular expression pattern: ${pattern.source}`;
  }
  if (oneOf !== undefined && !oneOf.includes(value)) return `Member must satisfy enum value set: [${oneOf.join(", ")}]`;
  return undefined;
}

/** The same for a number; what is not a number counts as too small. */
export function violatedByNumber(value: number, range: NumberRange): string | undefined {
  if (!(value >= range.min)) return `Member must have value greater than or equal to ${range.min}`;
  if (value > range.max) return `Member must have value less than or equal to ${range.max}`;
  return undefined;
}

/**
 * The message of a validation error.
 *
 * @param member as in the API's model; it is shown with a small first letter
 * @param value  undefined when it must not be shown or is not there
 */
export function violation(member: string, value: string | undefined, constraint: string): string {
  const name = member.replace(/^./, (first) => first.toLowerCase());
  const shown = value === undefined ? (constraint === NOT_NULL ? " null" : "") : ` '${value}'`;
  return `1 validation error detected: Value${shown} at '${name}' failed to satisfy constraint: ${constraint}`;
}
