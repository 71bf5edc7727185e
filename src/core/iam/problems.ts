/** The problems of a policy document, gathered while it is read. */
import type { JsonPath } from "./json-members.ts";

export type PolicyProblemCode =
  | "notJson"
  | "notAnObject"
  | "repeatedMember"
  | "unknownMember"
  | "missingMember"
  | "wrongType"
  | "emptyList"
  | "bothMembers"
  | "badVersion"
  | "badEffect"
  | "badSid"
  | "repeatedSid"
  | "badAction"
  | "badResource"
  | "badPrincipal"
  | "principalNotAllowed"
  | "resourceNotAllowed"
  | "unknownOperator"
  | "badConditionKey"
  | "badConditionValue";

/** Something for which AWS would refuse the document. */
export interface PolicyProblem {
  readonly code: PolicyProblemCode;
  /** Where, such as `Statement[1].Resource[0]`; "" for the whole document. */
  readonly path: string;
  /** One sentence for a person. */
  readonly says: string;
}

/** A hostile document could have millions; nobody reads more than this. */
const PROBLEMS_MAX = 1000;

/** Gathers problems in the order in which they are found. */
export class ProblemList {
  readonly list: PolicyProblem[] = [];
  /** Whether one of the problems leaves the meaning of the document unclear. */
  isFatal = false;

  add(code: PolicyProblemCode, path: JsonPath, says: string): void {
    if (this.list.length < PROBLEMS_MAX) this.list.push({ code, path: printPath(path), says });
  }

  fatal(code: PolicyProblemCode, path: JsonPath, says: string): void {
    this.isFatal = true;
    this.add(code, path, says);
  }

  /** Reports every member that is not one of the known ones. */
  unknownMembers(object: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, path: JsonPath): void {
    for (const name of Object.keys(object)) {
      if (known.has(name)) continue;
      const meant = [...known].find((one) => one.toLowerCase() === name.toLowerCase());
      const hint = meant === undefined ? "" : ` The name is spelt ${meant}.`;
      this.add("unknownMember", [...path, name], `No member called ${shorten(name)} may stand here.${hint}`);
    }
  }
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A path as problems show it: `Statement[1].Resource[0]`. */
export function printPath(path: JsonPath): string {
  let printed = "";
  for (const step of path) {
    if (typeof step === "number") printed += `[${step}]`;
    else if (PLAIN_NAME.test(step)) printed += printed === "" ? step : `.${step}`;
    else printed += `[${JSON.stringify(shorten(step))}]`;
  }
  return printed;
}

const TEXT_MAX = 200;

/** Text of the document for a sentence, cut where it is too long to read. */
export function shorten(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`;
}
