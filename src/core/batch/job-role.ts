/**
 * The role of a Batch Replication job: what it has to be allowed, whether it is, and what is missing.
 *
 * The role only initiates: the objects themselves are replicated by the role of the replication configuration.
 *
 * @source aws-replication.md §5.1, rows of the job role
 */
import { bucketArn, objectArn } from "../arn.ts";
import type { DocumentValue } from "../config/document.ts";
import type { BucketFacts, RoleFacts, Setup } from "../diagnose/facts.ts";
import { type Allowance, allow, type Edit, patchesOf } from "../diagnose/patches.ts";
import type { Patch } from "../diagnose/report.ts";
import { organizationContext, type World, worldOf } from "../diagnose/world.ts";
import { principalContext } from "../iam/context.ts";
import { evaluate } from "../iam/evaluate.ts";
import { sayDecision } from "../iam/explain.ts";
import type { AccessRequest, Decision, Principal } from "../iam/model.ts";
import { jsonIn } from "../json.ts";

export const BATCH_SERVICE = "batchoperations.s3.amazonaws.com";

/** Name of the inline policy that Lockstep writes. */
const POLICY_NAME = "lockstep-batch-replication";

/** What a job will do. */
export interface JobUse {
  readonly accountId: string;
  /** Source of the replication. */
  readonly bucket: string;
  readonly output: { readonly bucket: string; readonly prefix?: string };
  /** S3 lists the versions itself. */
  readonly generated: boolean;
  /** The manifest is written below the output. */
  readonly written: boolean;
}

export interface Need {
  readonly action: string;
  readonly resource: string;
  /** ARN of the bucket whose policy has a say. */
  readonly bucketArn: string;
}

/** Facts about a role and the buckets that it works on: `source` of the setup, and the output among its destinations. */
export type RoleSetup = Pick<Setup, "source" | "destinations" | "role" | "organization" | "takenAtMs">;

export interface RoleProblem {
  readonly action: string;
  readonly resource: string;
  /** In words: which kind of policy lacks what, or which statement denies. */
  readonly says: string;
}

export interface RoleVerdict {
  /** Empty when the role will do. */
  readonly problems: readonly RoleProblem[];
  /** What is added where an allow is missing; a deny is for a person to remove. */
  readonly patches: readonly Patch[];
  /** Documents that have a say and could not be read: then "allowed" is as far as is known. */
  readonly unread: readonly string[];
}

/** The permissions that a job of this kind needs. */
export function jobNeeds({ bucket, output, generated, written }: JobUse): Need[] {
  const [source, target] = [bucketArn(bucket), bucketArn(output.bucket)];
  const below = objectArn(output.bucket, `${output.prefix === undefined ? "" : `${output.prefix}/`}*`);
  const needs: Need[] = [
    { action: "s3:InitiateReplication", resource: objectArn(bucket, "*"), bucketArn: source },
    { action: "s3:PutObject", resource: below, bucketArn: target },
  ];
  if (generated) {
    needs.push(
      { action: "s3:GetReplicationConfiguration", resource: source, bucketArn: source },
      { action: "s3:PutInventoryConfiguration", resource: source, bucketArn: source },
    );
  }
  if (written) {
    needs.push(
      { action: "s3:GetObject", resource: below, bucketArn: target },
      { action: "s3:GetObjectVersion", resource: below, bucketArn: target },
    );
  }
  return needs;
}

/** Evaluates the role's trust and permissions for a job. Pure and total. */
export function checkJobRole(setup: RoleSetup, use: JobUse): RoleVerdict {
  const role = setup.role.state === "read" ? setup.role.value : undefined;
  if (role === undefined) return { problems: [], patches: [], unread: roleUnread(setup) };
  const world = worldOf({ ...setup, keys: {}, candidateKeys: {} }, role.arn);
  const problems: RoleProblem[] = [];
  const edits: Edit[] = [];
  const trust = trustRequest(role.arn, use, setup.source);
  const trusted = evaluate(trust, {
    identity: [],
    resourceRule: "resource",
    ...(world.trust === undefined ? {} : { resource: world.trust }),
  });
  if (!trusted.allowed) {
    problems.push(problemOf(trust, trusted));
    if (trusted.because === "noAllow") edits.push(trustEdit(role));
  }
  for (const need of jobNeeds(use)) {
    const { request, decision } = decide(world, setup, need);
    if (decision.allowed) continue;
    problems.push(problemOf(request, decision));
    if (decision.because === "noAllow" && decision.missing.includes("identity")) edits.push(policyEdit(role, need));
  }
  return { problems, patches: patchesOf(edits), unread: unreadOf(setup) };
}

/** The patches that make a role for a job: the role with its trust, and its policy. */
export function newJobRole(roleArn: string, use: JobUse): Patch[] {
  const edits: Edit[] = [
    { target: "iam-role", resource: roleArn, before: null, change: (before) => allow(before, TRUST) },
    ...jobNeeds(use).map((need) => policyEdit({ arn: roleArn, policies: [] }, need)),
  ];
  return patchesOf(edits);
}

const TRUST: Allowance = { action: "sts:AssumeRole", principal: { Service: BATCH_SERVICE } };

function trustEdit(role: RoleFacts): Edit {
  return {
    target: "iam-trust-policy",
    resource: role.arn,
    before: parse(role.trust),
    change: (document) => allow(document, TRUST),
  };
}

/** Into Lockstep's own inline policy: what somebody else has written there stays as it is. */
function policyEdit(role: Pick<RoleFacts, "arn" | "policies">, { action, resource }: Need): Edit {
  const held = role.policies.find((one) => one.kind === "inline" && one.name === POLICY_NAME);
  return {
    target: "iam-role-policy",
    resource: role.arn,
    name: POLICY_NAME,
    before: held === undefined ? null : parse(held.document),
    change: (document) => allow(document, { action, resource }),
  };
}

/** What AWS sets when it assumes the role of a job is unconfirmed; these two are what its documents tell people to ask for. */
function trustRequest(roleArn: string, { accountId }: JobUse, source: BucketFacts): AccessRequest {
  const principal: Principal = { kind: "service", service: BATCH_SERVICE };
  const region = source.region.state === "read" ? source.region.value : "";
  return {
    principal,
    action: "sts:AssumeRole",
    resource: roleArn,
    resourceAccount: accountId,
    context: {
      ...principalContext(principal),
      "aws:sourceaccount": accountId,
      "aws:sourcearn": `arn:aws:s3:${region}:${accountId}:job/00000000-0000-0000-0000-000000000000`,
    },
  };
}

function decide(
  world: World,
  setup: RoleSetup,
  need: Need,
): { readonly request: AccessRequest; readonly decision: Decision } {
  const owner = [setup.source, ...Object.values(setup.destinations)].find((one) => one.arn === need.bucketArn);
  const principal = world.session ?? { kind: "anonymous" as const };
  const resourceAccount = owner?.account ?? "";
  const request: AccessRequest = {
    principal,
    action: need.action,
    resource: need.resource,
    resourceAccount,
    context: {
      ...principalContext(principal),
      ...organizationContext(world.facts, principal, resourceAccount),
      "aws:securetransport": "true",
    },
  };
  const resource = world.resourcePolicies.get(need.bucketArn);
  const scps = "accountId" in principal ? world.scps.get(principal.accountId) : undefined;
  const rcps = world.rcps.get(resourceAccount);
  const decision = evaluate(request, {
    identity: world.identity,
    resourceRule: "either",
    ...(world.boundary === undefined ? {} : { boundary: world.boundary }),
    ...(resource === undefined ? {} : { resource }),
    ...(scps === undefined ? {} : { scps }),
    ...(rcps === undefined ? {} : { rcps }),
  });
  return { request, decision };
}

function problemOf(request: AccessRequest, decision: Decision): RoleProblem {
  return { action: request.action, resource: request.resource, says: sayDecision(request, decision) };
}

function roleUnread({ role }: RoleSetup): string[] {
  return role.state === "unreadable" ? [`the role: ${role.because}`] : [];
}

function unreadOf(setup: RoleSetup): string[] {
  const policies = [setup.source, ...Object.values(setup.destinations)].flatMap(({ name, policy }) =>
    policy.state === "unreadable" ? [`the bucket policy of ${name}: ${policy.because}`] : [],
  );
  return setup.organization.state === "unreadable"
    ? [...policies, `the organisation's policies: ${setup.organization.because}`]
    : policies;
}

/** A document that is no JSON is replaced by the new one whole; AWS stores none such. */
function parse(text: string): DocumentValue {
  return jsonIn(text) ?? null;
}
