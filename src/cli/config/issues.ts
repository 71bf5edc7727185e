/** What is wrong with a configuration: where, what was expected, what stands there, and what to do. */
import type { z } from "zod";
import type { JsonPath } from "../../core/iam/json-members.ts";
import { printPath } from "../../core/iam/problems.ts";
import type { CommandResult } from "../command.ts";

export interface ConfigIssue {
  readonly file: string;
  readonly line: number;
  /** `sites.dr.endpoint`; "" for the whole file. */
  readonly path: string;
  readonly expected: string;
  /** What stands there, shortened; what may be a secret is not repeated. */
  readonly received: string;
  readonly remedy: string;
}

/** An issue before its place in the file is known. */
export interface FoundIssue {
  readonly path: JsonPath;
  readonly expected: string;
  readonly received: string;
  readonly remedy: string;
}

export function issueWords({ file, line, path, expected, received, remedy }: ConfigIssue): string {
  const where = path === "" ? "" : ` ${path}:`;
  return `${file}:${line}:${where} expected ${expected}, found ${received}. ${remedy}.`;
}

/** Raised for a file that cannot be used. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(issueWords).join("\n"));
    this.issues = issues;
  }
}

/** What a command answers for such a file. */
export function refusalOf({ issues }: ConfigError): CommandResult {
  return { status: 2, value: { ok: false, issues }, words: () => issues.map(issueWords).join("\n") };
}

/** The issues that the schema finds, those of the most fitting form where there are several. */
export function issuesOf(error: z.core.$ZodError, document: unknown): FoundIssue[] {
  return error.issues.flatMap((one) => issueOf(one, [], document));
}

function issueOf(issue: z.core.$ZodIssue, above: JsonPath, document: unknown): FoundIssue[] {
  const path = [...above, ...issue.path.map((one) => (typeof one === "number" ? one : String(one)))];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => found([...path, name], issue.message, `the unknown member ${name}`));
  }
  // A name of a record: what is wrong with it stands inside.
  if (issue.code === "invalid_key") {
    return issue.issues.map((one) => found(path, one.message, `the name ${shortened(path.at(-1))}`));
  }
  if (issue.code === "invalid_union") {
    const form = fittingForm(issue.errors, valueAt(document, path));
    if (form !== undefined) return form.flatMap((one) => issueOf(one, path, document));
  }
  return [found(path, issue.message, received(valueAt(document, path), path))];
}

function found(path: JsonPath, message: string, what: string): FoundIssue {
  const [expected = "", remedy = ""] = message.split("\n");
  return { path, expected, received: what, remedy };
}

/** The form that was meant: the one with the fewest issues inside it, where the value is of its kind at all. */
function fittingForm(
  forms: readonly (readonly z.core.$ZodIssue[])[],
  value: unknown,
): readonly z.core.$ZodIssue[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const count = (form: readonly z.core.$ZodIssue[]) =>
    form.reduce((sum, one) => sum + (one.code === "unrecognized_keys" ? one.keys.length * 2 : 1), 0);
  const inside = forms.filter((form) => form.every((one) => one.path.length > 0 || one.code === "unrecognized_keys"));
  return inside.toSorted((one, other) => count(one) - count(other))[0];
}

function valueAt(document: unknown, path: JsonPath): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[String(step)];
  }
  return value;
}

const SECRET = /(?:key|secret|token|password|slack|pagerduty)/i;
/** A user, and perhaps a password, in an address. */
const SIGNED_IN = /^[a-z]+:\/\/[^\s/]*@/i;
const SHOWN_MAX = 60;

/** Words for what stands somewhere. */
export function received(value: unknown, path: JsonPath): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return `an object with ${Object.keys(value).join(", ") || "no members"}`;
  const isSecret = SECRET.test(String(path.at(-1))) || path.at(-2) === "headers";
  if (typeof value === "string" && (isSecret || SIGNED_IN.test(value))) return "other text, not shown here";
  return shortened(value);
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** A path as it is shown; problems of an embedded configuration bring the rest of theirs. */
export function pathWords(path: JsonPath): string {
  return printPath(path);
}
