/**
 * Reads policy documents: JSON text or parsed JSON becomes a typed document, and everything in it that AWS would
 * refuse becomes a problem with its place.
 *
 * Pure and total: any input yields a value. What a document means is not judged here; a policy that is well formed and
 * useless has no problems.
 *
 * @source aws-replication.md §10.1, §10.2; IAM User Guide, "Grammar of the IAM JSON policy language"
 */
import type { DocumentKind, PolicyDocument, Statement } from "./document.ts";
import { type JsonPath, repeatedMembers } from "./json-members.ts";
import { isObject, ownMember, parseStatement } from "./parse-statement.ts";
import { type PolicyProblem, ProblemList, shorten } from "./problems.ts";

export interface ParsedPolicy {
  /**
   * Absent when the statements cannot be read. Present in spite of problems that leave the meaning clear, so that a
   * policy of a lenient store can still be explained; who stores policies refuses any problem.
   */
  readonly document?: PolicyDocument;
  /** In document order; empty when AWS would take the document. */
  readonly problems: readonly PolicyProblem[];
}

const VERSIONS = ["2008-10-17", "2012-10-17"] as const;
const MEMBERS = new Set(["Version", "Id", "Statement"]);

/**
 * Reads one policy document.
 *
 * @param input JSON text, or the value that parsing it gave
 * @param kind  which rules hold for principals and resources
 */
export function parsePolicy(input: unknown, kind: DocumentKind): ParsedPolicy {
  const problems = new ProblemList();
  const root = typeof input === "string" ? parseJson(input, problems) : input;
  if (root === undefined && problems.list.length > 0) return { problems: problems.list };
  if (!isObject(root)) {
    problems.fatal("notAnObject", [], "A policy is a JSON object with the members Version and Statement.");
    return { problems: problems.list };
  }
  problems.unknownMembers(root, MEMBERS, []);
  const version = parseVersion(ownMember(root, "Version"), problems);
  const id = ownMember(root, "Id");
  if (id !== undefined && typeof id !== "string") problems.add("wrongType", ["Id"], "Id has to be text.");
  const statements = parseStatements(ownMember(root, "Statement"), kind, problems);
  if (problems.isFatal) return { problems: problems.list };
  const document = { version, ...(typeof id === "string" ? { id } : {}), statements };
  return { document, problems: problems.list };
}

function parseJson(text: string, problems: ProblemList): unknown {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? `: ${error.message}` : "";
    problems.fatal("notJson", [], `The policy is not JSON${reason}.`);
    return undefined;
  }
  for (const path of repeatedMembers(text)) {
    problems.add("repeatedMember", path, `${String(path.at(-1))} stands twice in the same object; only one may.`);
  }
  return root;
}

function parseVersion(version: unknown, problems: ProblemList): PolicyDocument["version"] {
  if (version === undefined) return "2008-10-17";
  const known = VERSIONS.find((one) => one === version);
  if (known === undefined) problems.add("badVersion", ["Version"], `Version has to be one of ${VERSIONS.join(", ")}.`);
  return known ?? "2008-10-17";
}

function parseStatements(value: unknown, kind: DocumentKind, problems: ProblemList): readonly Statement[] {
  if (value === undefined) {
    problems.fatal("missingMember", ["Statement"], "A policy needs a Statement.");
    return [];
  }
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) problems.add("emptyList", ["Statement"], "A policy needs at least one statement.");
  const statements: Statement[] = [];
  const sids = new Set<string>();
  for (const [index, one] of list.entries()) {
    const path = Array.isArray(value) ? ["Statement", index] : ["Statement"];
    const statement = parseStatement(one, { kind, path, problems });
    if (statement === undefined) continue;
    if (kind !== "resource") checkSid(statement.sid ?? "", sids, { path: [...path, "Sid"], problems });
    statements.push(statement);
  }
  return statements;
}

const SID = /^[A-Za-z0-9]*$/;

/** IAM's own rule; the services that keep resource policies take other characters and repeated ids. */
function checkSid(
  sid: string,
  seen: Set<string>,
  { path, problems }: { readonly path: JsonPath; readonly problems: ProblemList },
): void {
  if (!SID.test(sid)) problems.add("badSid", path, "A Sid of an IAM policy consists of letters and digits.");
  if (sid !== "" && seen.has(sid)) problems.add("repeatedSid", path, `Two statements have the Sid ${shorten(sid)}.`);
  seen.add(sid);
}
