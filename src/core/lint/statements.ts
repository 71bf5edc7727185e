/** The statements of a policy with their places, read one by one so that a broken one hides no other. */
import { asObject, type DocumentValue, type Members } from "../config/document.ts";
import type { Condition, DocumentKind, PrincipalEntry, Statement } from "../iam/document.ts";
import type { JsonPath } from "../iam/json-members.ts";
import { parsePolicy } from "../iam/parse.ts";
import { printPath } from "../iam/problems.ts";

export interface PlacedStatement {
  readonly statement: Statement;
  readonly path: JsonPath;
  readonly written: Members;
}

/** Those statements of a policy that can be understood. */
export function statementsOf(policy: Members, kind: DocumentKind): readonly PlacedStatement[] {
  const list = policy["Statement"];
  const statements = Array.isArray(list) ? list : list === undefined ? [] : [list];
  return statements.flatMap((one: DocumentValue, index: number) => {
    const written = asObject(one);
    const [statement] = parsePolicy({ ...policy, Statement: [one] }, kind).document?.statements ?? [];
    if (written === undefined || statement === undefined) return [];
    return [{ statement, written, path: Array.isArray(list) ? ["Statement", index] : ["Statement"] }];
  });
}

/** The path of a member of the statement. */
export function memberPath(placed: PlacedStatement, ...steps: JsonPath): string {
  return printPath([...placed.path, ...steps]);
}

/** The path of one pattern of `Action` or `Resource`, whichever form the list has. */
export function patternPath(placed: PlacedStatement, element: "Action" | "Resource", index: number): string {
  const not = element === "Action" ? placed.statement.action.not : placed.statement.resource?.not === true;
  const name = not ? `Not${element}` : element;
  return memberPath(placed, name, ...(Array.isArray(placed.written[name]) ? [index] : []));
}

/** The path of a condition's key, or of one of its values. */
export function conditionPath(placed: PlacedStatement, condition: Condition, index?: number): string {
  const { operator, key } = condition;
  const values = asObject(asObject(placed.written["Condition"])?.[operator])?.[key];
  const steps = index !== undefined && Array.isArray(values) ? [index] : [];
  return memberPath(placed, "Condition", operator, key, ...steps);
}

export function principalPath(placed: PlacedStatement, entry: PrincipalEntry): string {
  const name = placed.statement.principal?.not === true ? "NotPrincipal" : "Principal";
  const values = asObject(placed.written[name])?.[entry.type];
  if (values === undefined) return memberPath(placed, name);
  const steps = Array.isArray(values) ? [values.indexOf(entry.value)] : [];
  return memberPath(placed, name, entry.type, ...steps);
}
