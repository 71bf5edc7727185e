/**
 * Decides requests by compiled policies.
 *
 * The order of a decision: a deny in any policy ends it. Then every cap has to allow (SCPs of the principal's account,
 * RCPs of the resource's, the VPC endpoint's policy). Then somebody has to let the principal in: its own policies, the
 * resource's policy, or both, which depends on whose accounts they are and on how closely the resource's policy names
 * the principal. Explaining a decision is `explain.ts`'s.
 *
 * @source aws-replication.md §10.3, §10.4
 */
import { unreachable } from "../assert.ts";
import { type Asked, ask, type CompiledPolicy, type CompiledStatement, reachOfStatement } from "./compile.ts";
import { grantRef, reachOfGrant } from "./grants.ts";
import type { AccessRequest, Decision, Grant, PolicyKind, ResourceRule, StatementRef } from "./model.ts";
import { REACH, type Reach } from "./principal-matcher.ts";

/** Policies of an organisation, from its root to one account: each level must allow. */
export type Levels = readonly (readonly CompiledPolicy[])[];

/** Every policy that has a say in one decision. What does not apply is absent; an empty list means "there are none". */
export interface Policies {
  /** Of the user or role that asks. */
  readonly identity: readonly CompiledPolicy[];
  readonly boundary?: CompiledPolicy;
  /** Given when the session was made; one of them has to allow. */
  readonly session?: readonly CompiledPolicy[];
  /** The resource's own: bucket policy, key policy, trust policy. */
  readonly resource?: CompiledPolicy;
  readonly resourceRule: ResourceRule;
  /** KMS only. */
  readonly grants?: readonly Grant[];
  /** Of the principal's account. The management account of an organisation has none, and no `rcps` either. */
  readonly scps?: Levels;
  /** Of the resource's account. */
  readonly rcps?: Levels;
  readonly vpcEndpoint?: CompiledPolicy;
}

/** What the resource's side says: how closely it lets the one who asks in, and by which statement. */
interface ResourceSide {
  readonly reach: Reach;
  readonly by?: StatementRef;
  /** A grant that reaches the principal or its role needs no identity policy, not even across accounts. */
  readonly granted: boolean;
}

/** An allow, or the kinds of policy that would have to allow and do not. */
type Answer =
  | { readonly by: StatementRef | "accountRoot"; readonly andBy?: StatementRef }
  | { readonly missing: readonly PolicyKind[] };

/**
 * Decides one request.
 *
 * Pure and total. The context has to hold the principal's own keys too (`principalContext`): nothing is added here.
 * Which of several denies is named is the first in this order: SCPs, RCPs, VPC endpoint, resource, identity, boundary,
 * session; AWS names one too, and does not say which. When nothing allows, every kind that lacks is named.
 *
 * @source aws-replication.md §10.3
 */
export function evaluate(request: AccessRequest, policies: Policies): Decision {
  const asked = ask(request, policies.boundary !== undefined);
  const deny = findDeny(asked, policies);
  if (deny !== undefined) return { allowed: false, because: "explicitDeny", by: deny.ref };
  const caps = missingCaps(asked, policies);
  const answer = answerOf(asked, policies);
  if ("missing" in answer) return { allowed: false, because: "noAllow", missing: [...caps, ...answer.missing] };
  return caps.length === 0 ? { allowed: true, ...answer } : { allowed: false, because: "noAllow", missing: caps };
}

function findDeny(asked: Asked, policies: Policies): CompiledStatement | undefined {
  const { identity, boundary, session, resource, vpcEndpoint } = policies;
  return (
    denyOfLevels(capLevels(asked, policies.scps, "scp"), asked) ??
    denyOfLevels(capLevels(asked, policies.rcps, "rcp"), asked) ??
    (vpcEndpoint && denyOf(vpcEndpoint, asked)) ??
    (resource && !isRescue(asked) ? denyOf(resource, asked) : undefined) ??
    denyOfAll(identity, asked) ??
    (boundary && denyOf(boundary, asked)) ??
    (session && denyOfAll(session, asked))
  );
}

function denyOfLevels(levels: Levels, asked: Asked): CompiledStatement | undefined {
  for (const level of levels) {
    const deny = denyOfAll(level, asked);
    if (deny !== undefined) return deny;
  }
  return undefined;
}

function denyOfAll(policies: readonly CompiledPolicy[], asked: Asked): CompiledStatement | undefined {
  for (const policy of policies) {
    const deny = denyOf(policy, asked);
    if (deny !== undefined) return deny;
  }
  return undefined;
}

function denyOf(policy: CompiledPolicy, asked: Asked): CompiledStatement | undefined {
  for (const statement of policy.denies) if (reachOfStatement(statement, asked) !== REACH.none) return statement;
  return undefined;
}

const RESCUES: ReadonlySet<string> = new Set(["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"]);

/**
 * Whether the bucket owner's root user works on the bucket policy: that policy cannot deny it, so that owners cannot
 * lock themselves out.
 *
 * @source Amazon S3 API Reference, DeleteBucketPolicy, "Permissions"
 */
function isRescue(asked: Asked): boolean {
  const { principal, resourceAccount } = asked.request;
  return principal.kind === "root" && principal.accountId === resourceAccount && RESCUES.has(asked.action);
}

const NO_LEVELS: Levels = [];
const SERVICE_LINKED = ":role/aws-service-role/";

/**
 * The services whose resources RCPs cap.
 *
 * @source AWS Organizations User Guide, "Resource control policies", list of services as of its introduction
 */
const RCP_SERVICES: ReadonlySet<string> = new Set(["s3", "sts", "kms", "sqs", "secretsmanager"]);

/** Whether RCPs have a say in the action. @param action in lower case */
export function isCappedByRcps(action: string): boolean {
  return RCP_SERVICES.has(action.slice(0, action.indexOf(":")));
}

/**
 * The levels of an organisation that cap this request. SCPs cap principals of accounts, so neither services nor
 * strangers; neither kind caps service-linked roles, which is unconfirmed (aws-replication.md A22).
 */
export function capLevels(asked: Asked, levels: Levels | undefined, kind: "scp" | "rcp"): Levels {
  if (levels === undefined) return NO_LEVELS;
  const { principal } = asked.request;
  if (principal.kind === "session" && principal.roleArn.includes(SERVICE_LINKED)) return NO_LEVELS;
  if (kind === "rcp") return isCappedByRcps(asked.action) ? levels : NO_LEVELS;
  return principal.kind === "service" || principal.kind === "anonymous" ? NO_LEVELS : levels;
}

function missingCaps(asked: Asked, policies: Policies): PolicyKind[] {
  const missing: PolicyKind[] = [];
  const lacks = (level: readonly CompiledPolicy[]): boolean => findAllow(level, asked) === undefined;
  if (capLevels(asked, policies.scps, "scp").some(lacks)) missing.push("scp");
  if (capLevels(asked, policies.rcps, "rcp").some(lacks)) missing.push("rcp");
  if (policies.vpcEndpoint !== undefined && lacks([policies.vpcEndpoint])) missing.push("vpcEndpoint");
  return missing;
}

/** The first statement of the policies that allows. */
export function findAllow(policies: readonly CompiledPolicy[], asked: Asked): CompiledStatement | undefined {
  for (const policy of policies) {
    for (const statement of policy.allows) if (reachOfStatement(statement, asked) !== REACH.none) return statement;
  }
  return undefined;
}

function answerOf(asked: Asked, policies: Policies): Answer {
  const answer = answerBy(sideOfPolicy(asked, policies.resource), asked, policies);
  if (!("missing" in answer) || policies.grants === undefined) return answer;
  const side = sideOfGrants(asked, policies.grants);
  if (side.by === undefined) return answer;
  const granted = answerBy(side, asked, policies);
  return "missing" in granted && !answer.missing.includes("resource") ? answer : granted;
}

function sideOfPolicy(asked: Asked, policy: CompiledPolicy | undefined): ResourceSide {
  let reach: Reach = REACH.none;
  let by: StatementRef | undefined;
  for (const statement of policy?.allows ?? []) {
    const found = reachOfStatement(statement, asked);
    if (found > reach) {
      reach = found;
      by = statement.ref;
    }
    if (reach === REACH.direct) break;
  }
  return by === undefined ? NOBODY : { reach, by, granted: false };
}

const NOBODY: ResourceSide = { reach: REACH.none, granted: false };

function sideOfGrants(asked: Asked, grants: readonly Grant[]): ResourceSide {
  let side = NOBODY;
  for (const [index, grant] of grants.entries()) {
    const reach = reachOfGrant(grant, asked);
    if (reach > side.reach) side = { reach, by: grantRef(grant, index), granted: reach >= REACH.role };
  }
  return side;
}

function answerBy(side: ResourceSide, asked: Asked, policies: Policies): Answer {
  const { principal, resourceAccount } = asked.request;
  switch (principal.kind) {
    case "anonymous":
    case "service":
      return answerOfResource(side);
    case "root": {
      const own = principal.accountId === resourceAccount;
      return own && policies.resourceRule === "either" ? { by: "accountRoot" } : answerOfResource(side);
    }
    case "user":
    case "session":
      return answerOfIdentity(side, asked, policies, principal.accountId === resourceAccount);
    default:
      return unreachable(principal);
  }
}

function answerOfResource(side: ResourceSide): Answer {
  return side.by === undefined ? { missing: ["resource"] } : { by: side.by };
}

/**
 * Users and sessions. Within an account, the resource's policy is enough when it names the user, the session or
 * everybody; when it names the session's role, boundary and session policies still limit. Across accounts both sides
 * have to allow. Grants count as the resource's policy does, and need no identity policy anywhere.
 */
function answerOfIdentity(side: ResourceSide, asked: Asked, policies: Policies, sameAccount: boolean): Answer {
  const sufficient = sameAccount || side.granted;
  if (sufficient && side.reach === REACH.direct && side.by !== undefined) return { by: side.by };
  const resourceNeeded = !sameAccount || policies.resourceRule === "resource";
  const resourceLacks = resourceNeeded && side.by === undefined;
  // A key's or a role's own policy that has no word for a principal of its account leaves nothing to the others.
  if (sameAccount && resourceLacks) return { missing: ["resource"] };

  const missing: PolicyKind[] = [];
  const lacks = (limits: readonly CompiledPolicy[]): boolean =>
    limits.length > 0 && findAllow(limits, asked) === undefined;
  const byRole = sufficient && side.reach === REACH.role ? side.by : undefined;
  const identity = byRole === undefined ? findAllow(policies.identity, asked)?.ref : undefined;
  const by = byRole ?? identity;
  if (by === undefined) missing.push("identity");
  if (policies.boundary !== undefined && lacks([policies.boundary])) missing.push("boundary");
  if (policies.session !== undefined && lacks(policies.session)) missing.push("session");
  if (resourceLacks) missing.push("resource");
  if (by === undefined || missing.length > 0) return { missing };
  return resourceNeeded && byRole === undefined && side.by !== undefined ? { by, andBy: side.by } : { by };
}

/** The same policies without one of their statements: what would decide if it were not there. */
export function withoutStatement(policies: Policies, gone: StatementRef): Policies {
  const cut = (policy: CompiledPolicy): CompiledPolicy =>
    policy.source === gone.source ? { ...policy, denies: policy.denies.filter((one) => one.ref !== gone) } : policy;
  const { identity, boundary, session, resource, scps, rcps, vpcEndpoint } = policies;
  return {
    ...policies,
    identity: identity.map(cut),
    ...(boundary === undefined ? {} : { boundary: cut(boundary) }),
    ...(session === undefined ? {} : { session: session.map(cut) }),
    ...(resource === undefined ? {} : { resource: cut(resource) }),
    ...(scps === undefined ? {} : { scps: scps.map((level) => level.map(cut)) }),
    ...(rcps === undefined ? {} : { rcps: rcps.map((level) => level.map(cut)) }),
    ...(vpcEndpoint === undefined ? {} : { vpcEndpoint: cut(vpcEndpoint) }),
  };
}
