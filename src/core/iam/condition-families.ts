/**
 * How each family of condition operators compares one value of the request with the values of the policy.
 *
 * Only the comparison in its positive sense: negation, absent keys, `IfExists` and the set qualifiers are the same for
 * every family and live in `conditions.ts`.
 *
 * @source aws-replication.md §10.2
 */
import { compileArns, cutArn, fillsArns, matchesArns } from "./arn-matcher.ts";
import { parseInstant } from "./instant.ts";
import { type IpRange, ipRangeHolds, parseIpRange } from "./ip.ts";
import type { RequestContext } from "./model.ts";
import { compileTexts, fillsTexts, matchesTexts, type TextOptions } from "./text-matcher.ts";

/** One comparison, compiled for the policy's values. */
export interface Comparison {
  /** Whether the request's value matches one of the policy's values. */
  readonly matches: (actual: string, context: RequestContext) => boolean;
  /** Whether the request fills every policy variable; absent when there are none. */
  readonly isFilled?: (context: RequestContext) => boolean;
}

export interface Family {
  readonly compile: (values: readonly string[], variables: boolean) => Comparison;
  /** Whether a value of a policy is one that this family can compare with. */
  readonly accepts: (value: string) => boolean;
}

const anyText = (): boolean => true;
const VARIABLE_START = "${";

function textFamily(options: Omit<TextOptions, "variables">): Family {
  return {
    compile: (values, variables) => {
      const matcher = compileTexts(values, { ...options, variables });
      const fold = options.ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
      const matches = (actual: string, context: RequestContext) => matchesTexts(matcher, fold(actual), context);
      return matcher.templates.length === 0
        ? { matches }
        : { matches, isFilled: (context) => fillsTexts(matcher, context) };
    },
    accepts: anyText,
  };
}

export const STRING_EQUALS = textFamily({ wildcards: false, ignoreCase: false });
export const STRING_EQUALS_IGNORE_CASE = textFamily({ wildcards: false, ignoreCase: true });
export const STRING_LIKE = textFamily({ wildcards: true, ignoreCase: false });

/** `ArnEquals` is the same comparison as `ArnLike`. */
export const ARN_LIKE: Family = {
  compile: (values, variables) => {
    const matcher = compileArns(values, { variables, variablesIn: "everyPart" });
    const matches = (actual: string, context: RequestContext) => matchesArns(matcher, cutArn(actual), context);
    return matcher.templates.length === 0
      ? { matches }
      : { matches, isFilled: (context) => fillsArns(matcher, context) };
  },
  accepts: anyText,
};

/** Compares in lower case, and only the two words; a variable may stand for one of them. */
export const BOOL: Family = {
  compile: (values, variables) => {
    const comparison = STRING_EQUALS_IGNORE_CASE.compile(values, variables);
    return { ...comparison, matches: (actual, context) => isBool(actual) && comparison.matches(actual, context) };
  },
  accepts: (value) => isBool(value) || value.includes(VARIABLE_START),
};

export function isBool(value: string): boolean {
  const lower = value.toLowerCase();
  return lower === "true" || lower === "false";
}

/** The orders that numbers and dates can be compared by, with the request's value on the left. */
const ORDERS = {
  equals: (actual: number, value: number) => actual === value,
  lessThan: (actual: number, value: number) => actual < value,
  lessThanEquals: (actual: number, value: number) => actual <= value,
  greaterThan: (actual: number, value: number) => actual > value,
  greaterThanEquals: (actual: number, value: number) => actual >= value,
} as const;
type Order = keyof typeof ORDERS;

export function numericFamily(order: Order): Family {
  return orderedFamily(order, parseNumber);
}

export function dateFamily(order: Order): Family {
  return orderedFamily(order, parseInstant);
}

function orderedFamily(order: Order, parse: (text: string) => number | undefined): Family {
  const compare = ORDERS[order];
  return {
    compile: (values) => {
      const parsed = values.map(parse).filter((value) => value !== undefined);
      return {
        matches: (actual) => {
          const number = parse(actual);
          return number !== undefined && parsed.some((value) => compare(number, value));
        },
      };
    },
    accepts: (value) => parse(value) !== undefined,
  };
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/;

function parseNumber(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

export const IP_ADDRESS: Family = {
  compile: (values) => {
    const ranges = values.map(parseIpRange).filter((range): range is IpRange => range !== undefined);
    return {
      matches: (actual) => {
        const address = parseIpRange(actual);
        return address !== undefined && ranges.some((range) => ipRangeHolds(range, address));
      },
    };
  },
  accepts: (value) => parseIpRange(value) !== undefined,
};

/** Both sides are base64; what they encode is compared, so a different spelling of the same bytes is equal. */
export const BINARY_EQUALS: Family = {
  compile: (values) => {
    const bytes = new Set(values.map(decodeBase64).filter((value) => value !== undefined));
    return {
      matches: (actual) => {
        const decoded = decodeBase64(actual);
        return decoded !== undefined && bytes.has(decoded);
      },
    };
  },
  accepts: (value) => decodeBase64(value) !== undefined,
};

const BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The encoded bytes, one character for each; undefined when the text is not base64. */
function decodeBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  let decoded = "";
  let bits = 0;
  let bitCount = 0;
  for (const digit of text) {
    if (digit === "=") break;
    bits = ((bits << 6) | BASE64_DIGITS.indexOf(digit)) & 0xffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      decoded += String.fromCharCode((bits >> bitCount) & 0xff);
    }
  }
  return decoded;
}
