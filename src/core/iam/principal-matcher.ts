/**
 * Matches the one who asks against the principals of a statement, and tells how closely it names them.
 *
 * How closely matters: a resource policy that names a user or a session lets it in by itself, one that names a role is
 * still limited by the role's boundary and the session's policies, and one that names an account only lets that
 * account's own policies decide.
 *
 * @source aws-replication.md §10.1, §10.3
 */
import { parseArn } from "../arn.ts";
import { unreachable } from "../assert.ts";
import type { PrincipalElement } from "./document.ts";
import type { Principal } from "./model.ts";

/** How closely a statement names the one who asks, from not at all to directly; greater is closer. */
export const REACH = { none: 0, account: 1, role: 2, direct: 3 } as const;
export type Reach = (typeof REACH)[keyof typeof REACH];

export interface PrincipalMatcher {
  readonly not: boolean;
  /** `"*"` and `{"AWS": "*"}`: everybody, with or without a signature. */
  readonly everyone: boolean;
  /** Account ids, also those of root ARNs. */
  readonly accounts: ReadonlySet<string>;
  /** ARNs of users, roles and sessions, and their unique ids. */
  readonly names: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  readonly canonicalUsers: ReadonlySet<string>;
}

const ACCOUNT_ID = /^\d{12}$/;

/** Compiles the entries. `Federated` ones are kept out: nobody in this model asks as an identity provider. */
export function compilePrincipals(element: PrincipalElement): PrincipalMatcher {
  const accounts = new Set<string>();
  const names = new Set<string>();
  const services = new Set<string>();
  const canonicalUsers = new Set<string>();
  let everyone = false;
  for (const { type, value } of element.entries) {
    if (type === "*" || (type === "AWS" && value === "*")) everyone = true;
    else if (type === "Service") services.add(value);
    else if (type === "CanonicalUser") canonicalUsers.add(value);
    else if (type === "AWS") {
      const account = accountNamed(value);
      if (account === undefined) names.add(value);
      else accounts.add(account);
    }
  }
  return { not: element.not, everyone, accounts, names, services, canonicalUsers };
}

/** The account that a bare account id or a root ARN names; undefined for everything else. */
export function accountNamed(value: string): string | undefined {
  if (ACCOUNT_ID.test(value)) return value;
  const arn = parseArn(value);
  return arn?.service === "iam" && arn.resource === "root" ? arn.account : undefined;
}

/** How closely `Principal` names the one who asks. */
export function reachOf(matcher: PrincipalMatcher, principal: Principal): Reach {
  if (matcher.everyone) return REACH.direct;
  switch (principal.kind) {
    case "anonymous":
      return REACH.none;
    case "service":
      return namesService(matcher, principal.service) ? REACH.direct : REACH.none;
    case "root":
      return namesAccount(matcher, principal) ? REACH.direct : REACH.none;
    case "user":
      if (matcher.names.has(principal.arn) || matcher.names.has(principal.userId)) return REACH.direct;
      return namesAccount(matcher, principal) ? REACH.account : REACH.none;
    case "session":
      if (matcher.names.has(principal.arn)) return REACH.direct;
      if (namesRole(matcher, principal)) return REACH.role;
      return namesAccount(matcher, principal) ? REACH.account : REACH.none;
    default:
      return unreachable(principal);
  }
}

/**
 * Whether `NotPrincipal` covers the one who asks: with `Deny` everyone is, but those who are listed in every form that
 * they have (a session with its role and its account, a user with its account); with `Allow` everyone is, but those
 * who are listed in any form.
 *
 * AWS says that some services do without the account in the list; this takes the strict reading for all of them.
 *
 * @param bounded whether a permissions boundary is set: such principals are always hit by a Deny
 */
export function isCoveredByNot(
  matcher: PrincipalMatcher,
  principal: Principal,
  statement: { readonly effect: "Allow" | "Deny"; readonly bounded: boolean },
): boolean {
  if (matcher.everyone) return false;
  if (statement.effect === "Allow") return reachOf(matcher, principal) === REACH.none;
  if (statement.bounded) return true;
  switch (principal.kind) {
    case "anonymous":
      return true;
    case "service":
      return !namesService(matcher, principal.service);
    case "root":
      return !namesAccount(matcher, principal);
    case "user":
      return !(
        namesAccount(matcher, principal) &&
        (matcher.names.has(principal.arn) || matcher.names.has(principal.userId))
      );
    case "session":
      return !(namesAccount(matcher, principal) && namesRole(matcher, principal) && matcher.names.has(principal.arn));
    default:
      return unreachable(principal);
  }
}

function namesService(matcher: PrincipalMatcher, service: string): boolean {
  return matcher.services.has(service) || matcher.services.has("*");
}

function namesRole(matcher: PrincipalMatcher, session: Extract<Principal, { kind: "session" }>): boolean {
  return matcher.names.has(session.roleArn) || matcher.names.has(session.roleId);
}

function namesAccount(
  matcher: PrincipalMatcher,
  principal: { readonly accountId: string; readonly canonicalUserId?: string },
): boolean {
  if (matcher.accounts.has(principal.accountId)) return true;
  const { canonicalUserId } = principal;
  return canonicalUserId !== undefined && matcher.canonicalUsers.has(canonicalUserId);
}
