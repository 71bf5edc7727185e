/**
 * Principals in stored policies. AWS keeps a user or role as its unique id, so that a policy that trusted a deleted
 * role does not trust its successor of the same name; what it returns shows ARNs again, or the bare id when the
 * principal is gone.
 *
 * Documents are JSON texts that have parsed as policies. A text in which nothing has to change is returned as it is.
 *
 * @source aws-replication.md §10.1
 */
import { parseArn } from "../../core/arn.ts";
import type { Directory } from "./directory.ts";
import { holderArn } from "./model.ts";

/** The document with ids for ARNs; or the first principal that names nothing, as AWS words it: `"AWS":"arn:…"`. */
export type Pinned = { readonly document: string } | { readonly unknownPrincipal: string };

/** Replaces users and roles by their ids, and account numbers by the account's ARN. */
export function pinPrincipals(directory: Directory, document: string): Pinned {
  let unknownPrincipal: string | undefined;
  const pinned = mapPrincipals(document, (type, value) => {
    const found = pin(directory, type, value);
    if (found === undefined) unknownPrincipal ??= `"${type}":"${value}"`;
    return found ?? value;
  });
  return unknownPrincipal === undefined ? { document: pinned } : { unknownPrincipal };
}

/** The inverse of `pinPrincipals`. */
export function showPrincipals(directory: Directory, document: string): string {
  return mapPrincipals(document, (type, value) => {
    const holder = type === "AWS" ? directory.holders.get(value) : undefined;
    return holder === undefined ? value : holderArn(holder);
  });
}

/** Whether a value of `"AWS"` in a policy, or a canonical user id, names something that is there. */
export function principalExists(directory: Directory, principal: string): boolean {
  return pin(directory, "AWS", principal) !== undefined || directory.accounts.named(principal) !== undefined;
}

const ACCOUNT_ID = /^\d{12}$/;
const UNIQUE_ID = /^A(?:IDA|ROA)[A-Z0-9]{12,}$/;
const SERVICE = /^[a-z0-9][a-z0-9.-]*\.(?:amazonaws\.com(?:\.cn)?|aws\.internal)$/;

/** The form in which a principal is kept; undefined when it names nothing. */
function pin(directory: Directory, type: string, value: string): string | undefined {
  switch (type) {
    case "AWS":
      return pinAws(directory, value);
    case "CanonicalUser":
      return directory.accounts.named(value) === undefined ? undefined : value;
    case "Service":
      return SERVICE.test(value) ? value : undefined;
    default:
      return value;
  }
}

function pinAws(directory: Directory, value: string): string | undefined {
  if (value === "*") return value;
  if (ACCOUNT_ID.test(value)) {
    return directory.accounts.get(value) === undefined ? undefined : `arn:aws:iam::${value}:root`;
  }
  if (UNIQUE_ID.test(value)) return directory.holders.get(value) === undefined ? undefined : value;
  const arn = parseArn(value);
  if (arn === undefined || directory.accounts.get(arn.account) === undefined) return undefined;
  if (arn.service === "iam") {
    if (arn.resource === "root") return value;
    const holder = directory.holderOfArn(value);
    return holder === undefined || holder.kind === "group" ? undefined : holder.id;
  }
  if (arn.service !== "sts") return undefined;
  // A session is kept as its ARN; only its role has to be there. (What AWS keeps for sessions is unconfirmed.)
  const [kind = "", role = "", session = ""] = arn.resource.split("/");
  if (kind === "federated-user") return value;
  if (kind !== "assumed-role" || session === "") return undefined;
  return directory.findHolder("role", arn.account, role) === undefined ? undefined : value;
}

/** Applies `map` to every value under Principal and NotPrincipal of a document. */
function mapPrincipals(document: string, map: (type: string, value: string) => string): string {
  const policy = JSON.parse(document) as Record<string, unknown>;
  let changed = false;
  const mapOne = (type: string, before: unknown): string => {
    const after = map(type, String(before));
    changed ||= after !== before;
    return after;
  };
  for (const statement of listOf(policy["Statement"]) as Record<string, unknown>[]) {
    for (const element of ["Principal", "NotPrincipal"]) {
      const before = statement[element];
      if (typeof before !== "object" || before === null) continue;
      statement[element] = Object.fromEntries(
        Object.entries(before).map(([type, values]) => [
          type,
          Array.isArray(values) ? values.map((value) => mapOne(type, value)) : mapOne(type, values),
        ]),
      );
    }
  }
  return changed ? JSON.stringify(policy) : document;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
