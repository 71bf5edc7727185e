/**
 * Pattern texts of a policy, cut into literal text, wildcards and policy variables.
 *
 * A variable such as `${aws:username}` stands for the request's value of that key, taken literally: a `*` in the value
 * is a star and not a wildcard. `${*}`, `${?}` and `${$}` are those characters. Documents older than 2012-10-17 have
 * no variables; there the same text is literal.
 *
 * @source aws-replication.md §10.2
 */
import { contextValue } from "./context.ts";
import { ANY_ONE, ANY_TEXT, type GlobPart } from "./glob.ts";
import type { RequestContext } from "./model.ts";

export interface Variable {
  /** In lower case, as keys of a context are. */
  readonly key: string;
  /** What `${key, 'text'}` says for requests without the key. */
  readonly fallback?: string;
}

export type TemplatePart = GlobPart | Variable;

export interface TemplateOptions {
  /** Whether the document's version knows policy variables. */
  readonly variables: boolean;
  /** Whether `*` and `?` are wildcards here. */
  readonly wildcards: boolean;
}

// The name holds no character that could start or end another variable, so a failed attempt never reads far twice.
const VARIABLE = /\$\{(?:([*?$])|([^{}$*?',]+)(?:, *'([^'{}]*)')?)\}/y;

/** Cuts a pattern text into its parts. Neighbouring text becomes one part; an ill-formed variable is text. */
export function parseTemplate(pattern: string, options: TemplateOptions): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let textFrom = 0;
  let text = "";
  const endText = (end: number): void => {
    text += pattern.slice(textFrom, end);
    if (text !== "") parts.push(text);
    text = "";
  };
  let at = 0;
  while (at < pattern.length) {
    const character = pattern[at];
    if (options.wildcards && (character === "*" || character === "?")) {
      endText(at);
      parts.push(character === "*" ? ANY_TEXT : ANY_ONE);
      at += 1;
      textFrom = at;
      continue;
    }
    VARIABLE.lastIndex = at;
    const found = character === "$" && options.variables ? VARIABLE.exec(pattern) : null;
    if (found === null) {
      at += 1;
      continue;
    }
    const [whole, escaped, name = "", fallback] = found;
    if (escaped === undefined) {
      endText(at);
      parts.push({ key: name.toLowerCase(), ...(fallback === undefined ? {} : { fallback }) });
    } else text += pattern.slice(textFrom, at) + escaped;
    at += whole.length;
    textFrom = at;
  }
  endText(pattern.length);
  return parts;
}

export function isVariable(part: TemplatePart): part is Variable {
  return typeof part === "object";
}

/** Parts without variables; undefined when one of them is a variable. */
export function withoutVariables(parts: readonly TemplatePart[]): readonly GlobPart[] | undefined {
  const plain: GlobPart[] = [];
  for (const part of parts) {
    if (isVariable(part)) return undefined;
    plain.push(part);
  }
  return plain;
}

/**
 * Puts the request's values in for the variables.
 *
 * @returns undefined when the request has no single value for one of them and it has no fallback
 */
export function resolveTemplate(parts: readonly TemplatePart[], context: RequestContext): GlobPart[] | undefined {
  const resolved: GlobPart[] = [];
  for (const part of parts) {
    if (!isVariable(part)) resolved.push(part);
    else {
      const value = contextValue(context, part.key);
      const text = typeof value === "string" ? value : part.fallback;
      if (text === undefined) return undefined;
      resolved.push(text);
    }
  }
  return resolved;
}
