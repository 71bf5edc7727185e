/**
 * Finds the allow statements that would have applied but for one thing, and says what that thing is.
 *
 * Most broken policies are almost right: `dst` instead of `dst/*`, a role without its path, an encryption context that
 * changed. Only statements that could have changed the decision are looked at, and deny statements never are.
 */
import {
  type Asked,
  type CompiledPolicy,
  type CompiledStatement,
  failedConditions,
  matchesAction,
  matchesResource,
  principalReach,
} from "./compile.ts";
import type { CompiledCondition } from "./conditions.ts";
import { contextValue } from "./context.ts";
import type { PatternElement, PrincipalElement } from "./document.ts";
import { capLevels, findAllow, type Policies } from "./evaluate.ts";
import { encryptionContext, type GrantMiss, grantMisses, grantRef } from "./grants.ts";
import type { FailedCondition, Grant, NearMiss, PolicyKind, Principal, RequestContext } from "./model.ts";
import { REACH } from "./principal-matcher.ts";

/** The near misses among the policies that did not allow, in the order in which AWS asks them. */
export function findNearMisses(asked: Asked, policies: Policies, missing: readonly PolicyKind[]): readonly NearMiss[] {
  const misses: NearMiss[] = [];
  for (const policy of policiesThatLack(asked, policies, missing)) {
    for (const statement of policy.allows) {
      const miss = missOfStatement(statement, asked);
      if (miss !== undefined) misses.push(miss);
    }
  }
  if (!asksResource(asked, missing)) return misses;
  for (const [index, grant] of (policies.grants ?? []).entries()) {
    const miss = missOfGrant(grant, index, asked);
    if (miss !== undefined) misses.push(miss);
  }
  return misses;
}

/** Whether the resource's side could have changed the decision: it lacks, or it would have done instead of the other. */
function asksResource(asked: Asked, missing: readonly PolicyKind[]): boolean {
  const { principal, resourceAccount } = asked.request;
  const sameAccount = "accountId" in principal && principal.accountId === resourceAccount;
  return missing.includes("resource") || (sameAccount && missing.includes("identity"));
}

function policiesThatLack(asked: Asked, policies: Policies, missing: readonly PolicyKind[]): readonly CompiledPolicy[] {
  const lacks = (level: readonly CompiledPolicy[]): boolean => findAllow(level, asked) === undefined;
  const { vpcEndpoint, identity, boundary, session, resource } = policies;
  return [
    ...capLevels(asked, policies.scps, "scp").filter(lacks).flat(),
    ...capLevels(asked, policies.rcps, "rcp").filter(lacks).flat(),
    ...(vpcEndpoint !== undefined && missing.includes("vpcEndpoint") ? [vpcEndpoint] : []),
    ...(missing.includes("identity") ? identity : []),
    ...(boundary !== undefined && missing.includes("boundary") ? [boundary] : []),
    ...(session !== undefined && missing.includes("session") ? session : []),
    ...(resource !== undefined && asksResource(asked, missing) ? [resource] : []),
  ];
}

function missOfStatement(statement: CompiledStatement, asked: Asked): NearMiss | undefined {
  const { written, ref } = statement;
  const { request } = asked;
  const found: NearMiss[] = [];
  if (!matchesAction(statement, asked)) {
    // Another service's action is not near, whatever else agrees.
    if (!isSameService(written.action, asked.action)) return undefined;
    const expected = sayPatterns(written.action, request.action);
    found.push({ statement: ref, failed: "action", expected, actual: request.action });
  }
  if (written.resource !== undefined && !matchesResource(statement, asked)) {
    const expected = sayPatterns(written.resource, request.resource);
    found.push({ statement: ref, failed: "resource", expected, actual: request.resource });
  }
  if (written.principal !== undefined && principalReach(statement, asked) === REACH.none) {
    const expected = sayPrincipals(written.principal);
    found.push({
      statement: ref,
      failed: "principal",
      expected,
      actual: sayAsking(request.principal, written.principal),
    });
  }
  const conditions = failedConditions(statement, asked);
  if (conditions.length > 0) {
    found.push({ statement: ref, failed: "condition", ...sayConditions(conditions, request.context) });
  }
  return found.length === 1 ? found[0] : undefined;
}

function isSameService(action: PatternElement, asked: string): boolean {
  const service = `${asked.slice(0, asked.indexOf(":"))}:`;
  return action.not || action.patterns.some((pattern) => pattern.toLowerCase().startsWith(service));
}

function missOfGrant(grant: Grant, index: number, asked: Asked): NearMiss | undefined {
  const [failed, ...others] = grantMisses(grant, asked);
  if (failed === undefined || others.length > 0) return undefined;
  return { statement: grantRef(grant, index), failed, ...sayGrantMiss(grant, failed, asked) };
}

function sayGrantMiss(grant: Grant, failed: GrantMiss, asked: Asked): Pick<NearMiss, "expected" | "actual"> {
  const { principal, action, context } = asked.request;
  if (failed === "action") return { expected: sayList(grant.operations), actual: action };
  if (failed === "principal") {
    return { expected: grant.granteePrincipal, actual: "arn" in principal ? principal.arn : sayNameless(principal) };
  }
  const { encryptionContextEquals, encryptionContextSubset, sourceArn } = grant;
  const asking = contextValue(context, "aws:sourcearn");
  if (sourceArn !== undefined && asking !== sourceArn) {
    return {
      expected: `aws:SourceArn = ${sourceArn}`,
      actual: typeof asking === "string" ? asking : "no aws:SourceArn",
    };
  }
  const equals = Object.entries(encryptionContextEquals ?? {});
  const subset = Object.entries(encryptionContextSubset ?? {});
  const parts = [
    ...(encryptionContextEquals === undefined ? [] : [`exactly ${sayPairs(equals)}`]),
    ...(encryptionContextSubset === undefined ? [] : [`at least ${sayPairs(subset)}`]),
  ];
  return { expected: `the encryption context ${parts.join(" and ")}`, actual: sayPairs(encryptionContext(context)) };
}

function sayPairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.length === 0 ? "nothing" : sayList(pairs.map(([key, value]) => `${key} = ${value}`));
}

const LISTED_MAX = 5;

function sayList(texts: readonly string[], separator = ", "): string {
  const listed = texts.slice(0, LISTED_MAX).join(separator);
  return texts.length <= LISTED_MAX ? listed : `${listed} and ${texts.length - LISTED_MAX} more`;
}

/** Those first that begin as the actual text does: the nearest of many is the one that was meant. */
function sayPatterns(element: PatternElement, actual: string): string {
  const nearest = [...element.patterns].sort((one, other) => sharedLength(other, actual) - sharedLength(one, actual));
  return element.not ? `anything but ${sayList(nearest)}` : sayList(nearest);
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

function sayPrincipals(element: PrincipalElement): string {
  const named = sayList(element.entries.map((entry) => entry.value));
  return element.not ? `anyone but ${named}` : named;
}

const UNIQUE_ID = /^A[A-Z0-9]{15,}$/;

/** The form of the one who asks that the statement could have named: a unique id where it names such ids. */
function sayAsking(principal: Principal, element: PrincipalElement): string {
  const byId = element.entries.some((entry) => entry.type === "AWS" && UNIQUE_ID.test(entry.value));
  if (principal.kind === "session") return byId ? `${principal.roleArn} (${principal.roleId})` : principal.roleArn;
  if (principal.kind === "user") return byId ? `${principal.arn} (${principal.userId})` : principal.arn;
  return principal.kind === "root" ? principal.arn : sayNameless(principal);
}

function sayNameless(principal: Principal): string {
  return principal.kind === "service" ? principal.service : "nobody: the request is not signed";
}

function sayConditions(
  failed: readonly CompiledCondition[],
  context: RequestContext,
): { readonly expected: string; readonly actual: string; readonly conditions: readonly FailedCondition[] } {
  const conditions = failed.map(({ written, key }): FailedCondition => {
    const actual = contextValue(context, key);
    return { ...written, ...(actual === undefined ? {} : { actual }) };
  });
  return {
    expected: conditions.map((one) => `${one.operator} ${one.key} = ${sayList(one.values, " or ")}`).join("; "),
    actual: conditions.map(sayActual).join("; "),
    conditions,
  };
}

function sayActual({ key, actual }: FailedCondition): string {
  if (actual === undefined) return `${key} not in the request`;
  return `${key} = ${typeof actual === "string" ? actual : sayList(actual)}`;
}
