/**
 * KMS grants: each lets one principal use one key for some operations, and can never deny.
 *
 * @source aws-replication.md §10.4; KMS Developer Guide, "Using grants", "Troubleshooting key access"
 */
import type { Asked } from "./compile.ts";
import { contextValue } from "./context.ts";
import type { Grant, Principal, RequestContext, StatementRef } from "./model.ts";
import { accountNamed, REACH, type Reach } from "./principal-matcher.ts";

const SERVICE_PREFIX = "kms:";
/** In lower case, as keys of a context are: so the constraints of a grant are compared without regard to case. */
const CONTEXT_PREFIX = "kms:encryptioncontext:";

/** Why one grant does not apply; undefined when it does. */
export type GrantMiss = "principal" | "action" | "condition";

/** Everything in which a grant differs from a request; empty when it applies. */
export function grantMisses(grant: Grant, asked: Asked): readonly GrantMiss[] {
  const misses: GrantMiss[] = [];
  if (granteeReach(grant, asked.request.principal) === REACH.none) misses.push("principal");
  if (!grant.operations.some((operation) => SERVICE_PREFIX + operation.toLowerCase() === asked.action)) {
    misses.push("action");
  }
  if (!holdsConstraints(grant, asked)) misses.push("condition");
  return misses;
}

/** How closely the grant reaches the one who asks, when all of it applies. A role's grant reaches its sessions. */
export function reachOfGrant(grant: Grant, asked: Asked): Reach {
  return grantMisses(grant, asked).length === 0 ? granteeReach(grant, asked.request.principal) : REACH.none;
}

/** A grant as the statement that a decision names. */
export function grantRef(grant: Grant, index: number): StatementRef {
  return { source: { kind: "grant", name: `grant ${grant.grantId}` }, sid: grant.grantId, index, effect: "Allow" };
}

/** The encryption context of a request, keys in lower case. */
export function encryptionContext(context: RequestContext): readonly (readonly [key: string, value: string])[] {
  const pairs: [string, string][] = [];
  for (const key of Object.keys(context)) {
    const value = key.startsWith(CONTEXT_PREFIX) ? contextValue(context, key) : undefined;
    if (typeof value === "string") pairs.push([key.slice(CONTEXT_PREFIX.length), value]);
  }
  return pairs;
}

function granteeReach(grant: Grant, principal: Principal): Reach {
  const { granteePrincipal } = grant;
  if (principal.kind === "anonymous") return REACH.none;
  if (principal.kind === "service") return granteePrincipal === principal.service ? REACH.direct : REACH.none;
  if (granteePrincipal === principal.arn) return REACH.direct;
  if (principal.kind === "session" && granteePrincipal === principal.roleArn) return REACH.role;
  return accountNamed(granteePrincipal) === principal.accountId ? REACH.account : REACH.none;
}

/** Operations that carry an encryption context. Constraints on the context bind these alone. */
const WITH_CONTEXT: ReadonlySet<string> = new Set([
  "kms:encrypt",
  "kms:decrypt",
  "kms:reencryptfrom",
  "kms:reencryptto",
  "kms:generatedatakey",
  "kms:generatedatakeywithoutplaintext",
  "kms:generatedatakeypair",
  "kms:generatedatakeypairwithoutplaintext",
]);

function holdsConstraints(grant: Grant, { action, request: { context } }: Asked): boolean {
  const { encryptionContextEquals, encryptionContextSubset, sourceArn } = grant;
  const isRetired = action === "kms:retiregrant";
  if (sourceArn !== undefined && !isRetired && contextValue(context, "aws:sourcearn") !== sourceArn) return false;
  if (!WITH_CONTEXT.has(action)) return true;
  if (encryptionContextEquals !== undefined) {
    const wanted = Object.entries(encryptionContextEquals);
    if (wanted.length !== encryptionContext(context).length || !holdsPairs(wanted, context)) return false;
  }
  return encryptionContextSubset === undefined || holdsPairs(Object.entries(encryptionContextSubset), context);
}

function holdsPairs(pairs: readonly (readonly [string, string])[], context: RequestContext): boolean {
  return pairs.every(([key, value]) => contextValue(context, CONTEXT_PREFIX + key.toLowerCase()) === value);
}
