/** The statement that decides, found in the policy that is to be changed: which lines of it to mark, and why. Pure. */
import type { DocumentValue } from "../../../../core/config/document.ts";
import type { Cause } from "../../../../core/diagnose/report.ts";

export interface ShownPolicy {
  /** Whose policy: as the evidence names it. */
  readonly title: string;
  readonly text: string;
  readonly marked: { readonly first: number; readonly last: number; readonly says: string };
}

/** `statement "OnlyEncrypted" of the bucket policy of photos-replica`, `statement 2 of …`. */
const NAMED = /statement (?:"([^"]+)"|(\d+)) of ([^.,;]+?)(?: denies| allows| would|[.,;]|$)/gi;

/** Undefined when no evidence names a statement of a policy that a patch holds. */
export function decidingPolicy({ evidence, fix }: Cause): ShownPolicy | undefined {
  const documents = fix.patches.flatMap(({ before }) => {
    const statements = statementsOf(before);
    return statements === undefined ? [] : [{ before: documentOf(before), statements }];
  });
  for (const { says } of evidence) {
    for (const [, sid, number, title = ""] of says.matchAll(NAMED)) {
      for (const { before, statements } of documents) {
        const at = sid === undefined ? Number(number) - 1 : statements.findIndex((one) => sidOf(one) === sid);
        if (at < 0 || at >= statements.length || isOther(title, fix.patches)) continue;
        const verb = isDeny(statements[at]) ? "denies it" : "decides it";
        return { title, ...printed(before, at, statements.length, verb) };
      }
    }
  }
  return undefined;
}

/** A statement that is only numbered says nothing of which document it is of, where several are to be changed. */
function isOther(title: string, patches: Cause["fix"]["patches"]): boolean {
  if (patches.length < 2) return false;
  return !patches.some(({ resource, name = "" }) =>
    [resource, name].some((one) => one !== "" && title.includes(one.slice(one.lastIndexOf(":") + 1))),
  );
}

/** Documents are values, or the text of one. */
function documentOf(value: DocumentValue): DocumentValue {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as DocumentValue;
  } catch {
    return value;
  }
}

function statementsOf(value: DocumentValue): readonly DocumentValue[] | undefined {
  const document = documentOf(value);
  const statements = memberOf(document, "Statement");
  if (statements === undefined) return undefined;
  return Array.isArray(statements) ? statements : [statements];
}

function memberOf(value: DocumentValue | undefined, name: string): DocumentValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as { readonly [name: string]: DocumentValue })[name];
}

function sidOf(statement: DocumentValue): DocumentValue | undefined {
  return memberOf(statement, "Sid");
}

function isDeny(statement: DocumentValue | undefined): boolean {
  return memberOf(statement, "Effect") === "Deny";
}

/** The lines of one statement, known by printing those before it alone. */
function printed(document: DocumentValue, at: number, of: number, says: string): Omit<ShownPolicy, "title"> {
  const text = JSON.stringify(document, null, 2);
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^ {2}"Statement": [[{]/.test(line));
  const isList = lines[head]?.endsWith("[") === true;
  const indent = isList ? "    " : "  ";
  const starts = isList ? lines.flatMap((line, row) => (row > head && line === `${indent}{` ? [row] : [])) : [head];
  const first = starts[at] ?? head;
  const last = lines.findIndex((line, row) => row >= first && (line === `${indent}}` || line === `${indent}},`));
  return { text, marked: { first, last: of > 0 && last >= 0 ? last : first, says } };
}
