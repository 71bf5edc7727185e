/**
 * Matches a text against the patterns of one list: one that matches is enough.
 *
 * Patterns without wildcards and variables are one set look-up, the rest are tried in order.
 */
import { ANY_TEXT, compileGlob, type Glob, matchesGlob } from "./glob.ts";
import type { RequestContext } from "./model.ts";
import {
  parseTemplate,
  resolveTemplate,
  type TemplateOptions,
  type TemplatePart,
  withoutVariables,
} from "./template.ts";

export interface TextMatcher {
  readonly any: boolean;
  readonly exact: ReadonlySet<string>;
  readonly globs: readonly Glob[];
  readonly templates: readonly (readonly TemplatePart[])[];
  /** Both sides are compared in lower case. */
  readonly ignoreCase: boolean;
}

export interface TextOptions extends TemplateOptions {
  readonly ignoreCase: boolean;
}

export function compileTexts(patterns: readonly string[], options: TextOptions): TextMatcher {
  const exact = new Set<string>();
  const globs: Glob[] = [];
  const templates: (readonly TemplatePart[])[] = [];
  let any = false;
  for (const pattern of patterns) {
    const parts = parseTemplate(options.ignoreCase ? pattern.toLowerCase() : pattern, options);
    const plain = withoutVariables(parts);
    if (plain === undefined) templates.push(parts);
    else if (plain.length > 0 && plain.every((part) => part === ANY_TEXT)) any = true;
    else if (plain.every((part) => typeof part === "string")) exact.add(plain.join(""));
    else globs.push(compileGlob(plain));
  }
  return { any, exact, globs, templates, ignoreCase: options.ignoreCase };
}

/**
 * Whether one of the patterns matches the whole text. A pattern whose variable the request cannot fill matches nothing.
 *
 * @param text in lower case already, where the matcher ignores case
 */
export function matchesTexts(matcher: TextMatcher, text: string, context: RequestContext): boolean {
  if (matcher.any || matcher.exact.has(text)) return true;
  for (const glob of matcher.globs) if (matchesGlob(glob, text)) return true;
  for (const template of matcher.templates) {
    const parts = resolveTemplate(template, context);
    if (parts === undefined) continue;
    const folded = matcher.ignoreCase
      ? parts.map((part) => (typeof part === "string" ? part.toLowerCase() : part))
      : parts;
    if (matchesGlob(compileGlob(folded), text)) return true;
  }
  return false;
}

/** Whether the request fills every variable of every pattern. */
export function fillsTexts(matcher: TextMatcher, context: RequestContext): boolean {
  return matcher.templates.every((template) => resolveTemplate(template, context) !== undefined);
}
