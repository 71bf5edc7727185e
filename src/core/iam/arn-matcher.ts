/**
 * Matches an ARN against patterns, each of the six parts by itself.
 *
 * A wildcard never reaches over a colon into another part, except in the last one, which holds whatever follows the
 * fifth colon. The pattern `*` alone matches everything.
 *
 * @source aws-replication.md §10.1, §10.2
 */
import { ANY_TEXT, compileGlob, type Glob, type GlobPart, matchesGlob } from "./glob.ts";
import type { RequestContext } from "./model.ts";
import {
  isVariable,
  parseTemplate,
  resolveTemplate,
  type TemplateOptions,
  type TemplatePart,
  withoutVariables,
} from "./template.ts";

/** An ARN cut once for many patterns. */
export interface ArnText {
  readonly text: string;
  /** Through the fifth colon; undefined when the text has fewer. */
  readonly head: string | undefined;
  /** What follows the fifth colon. */
  readonly tail: string;
}

export interface ArnMatcher {
  readonly any: boolean;
  /** Whole ARNs without wildcards and variables. */
  readonly exact: ReadonlySet<string>;
  readonly patterns: readonly ArnPattern[];
  /** Patterns with variables, all six parts of each. */
  readonly templates: readonly ArnTemplate[];
}

interface ArnPattern {
  /** The first five parts: literal text with its colons, or one pattern each. */
  readonly head: string | readonly Glob[];
  readonly tail: Glob;
}

type ArnTemplate = readonly (readonly TemplatePart[])[];

const HEAD_PARTS = 5;

export function cutArn(text: string): ArnText {
  let colon = -1;
  for (let part = 0; part < HEAD_PARTS; part += 1) {
    colon = text.indexOf(":", colon + 1);
    if (colon < 0) return { text, head: undefined, tail: "" };
  }
  return { text, head: text.slice(0, colon + 1), tail: text.slice(colon + 1) };
}

/**
 * Compiles patterns. One with fewer than six parts matches nothing.
 *
 * @param variablesIn which parts may hold variables: in a `Resource` only the last one, in a condition all
 */
export function compileArns(
  patterns: readonly string[],
  options: Pick<TemplateOptions, "variables"> & { readonly variablesIn: "everyPart" | "lastPart" },
): ArnMatcher {
  const exact = new Set<string>();
  const compiled: ArnPattern[] = [];
  const templates: ArnTemplate[] = [];
  let any = false;
  for (const pattern of patterns) {
    const parts = parseTemplate(pattern, { variables: options.variables, wildcards: true });
    if (parts.length > 0 && parts.every((part) => part === ANY_TEXT)) {
      any = true;
      continue;
    }
    const six = cutTemplate(parts);
    if (six === undefined) continue;
    if (parts.some(isVariable)) {
      const misplaced =
        options.variablesIn === "lastPart" && six.slice(0, HEAD_PARTS).some((part) => part.some(isVariable));
      if (!misplaced) templates.push(six);
      continue;
    }
    const plain = six.map((part) => withoutVariables(part) ?? []);
    if (plain.every(isText)) exact.add(plain.map((part) => part.join("")).join(":"));
    else compiled.push(compilePattern(plain));
  }
  return { any, exact, patterns: compiled, templates };
}

/** Whether one of the patterns matches. A pattern whose variable the request cannot fill matches nothing. */
export function matchesArns(matcher: ArnMatcher, arn: ArnText, context: RequestContext): boolean {
  if (matcher.any || matcher.exact.has(arn.text)) return true;
  const { head, tail } = arn;
  if (head === undefined) return false;
  for (const pattern of matcher.patterns) if (matchesPattern(pattern, head, tail)) return true;
  for (const template of matcher.templates) {
    const filled = fill(template, context);
    if (filled !== undefined && matchesPattern(compilePattern(filled), head, tail)) return true;
  }
  return false;
}

/** Whether the request fills every variable of every pattern. */
export function fillsArns(matcher: ArnMatcher, context: RequestContext): boolean {
  return matcher.templates.every((template) => fill(template, context) !== undefined);
}

function fill(template: ArnTemplate, context: RequestContext): (readonly GlobPart[])[] | undefined {
  const filled: (readonly GlobPart[])[] = [];
  for (const part of template) {
    const resolved = resolveTemplate(part, context);
    if (resolved === undefined) return undefined;
    filled.push(resolved);
  }
  return filled;
}

/** Cuts at the first five literal colons: a colon in a variable's name or value is none. */
function cutTemplate(parts: readonly TemplatePart[]): ArnTemplate | undefined {
  const six: TemplatePart[][] = [[]];
  for (const part of parts) {
    let rest: TemplatePart = part;
    while (typeof rest === "string" && six.length <= HEAD_PARTS) {
      const colon: number = rest.indexOf(":");
      if (colon < 0) break;
      if (colon > 0) six[six.length - 1]?.push(rest.slice(0, colon));
      six.push([]);
      rest = rest.slice(colon + 1);
    }
    if (rest !== "") six[six.length - 1]?.push(rest);
  }
  return six.length > HEAD_PARTS ? six : undefined;
}

function compilePattern(six: readonly (readonly GlobPart[])[]): ArnPattern {
  const head = six.slice(0, HEAD_PARTS);
  const tail = compileGlob(six[HEAD_PARTS] ?? []);
  if (head.every(isText)) return { head: `${head.map((part) => part.join("")).join(":")}:`, tail };
  return { head: head.map(compileGlob), tail };
}

function matchesPattern(pattern: ArnPattern, head: string, tail: string): boolean {
  const matches = typeof pattern.head === "string" ? pattern.head === head : matchesHead(pattern.head, head);
  return matches && matchesGlob(pattern.tail, tail);
}

function matchesHead(globs: readonly Glob[], head: string): boolean {
  const parts = head.split(":");
  return globs.every((glob, index) => matchesGlob(glob, parts[index] ?? ""));
}

function isText(parts: readonly GlobPart[]): parts is readonly string[] {
  return parts.every((part) => typeof part === "string");
}
