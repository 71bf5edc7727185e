/**
 * Replays the plan of one task against facts: which step would fail, and why.
 *
 * All steps are judged, also those behind the first that fails, so that a second fault is found in the same run. Nothing
 * is guessed: what could not be read makes a "no" uncertain, and a "yes" stays unsaid.
 */
import { bucketArn, parseArn } from "../arn.ts";
import type { FailureCode } from "../failures/catalogue.ts";
import { principalContext } from "../iam/context.ts";
import { evaluate, type Policies, withoutStatement } from "../iam/evaluate.ts";
import { explain } from "../iam/explain.ts";
import type { AccessRequest, Decision, NearMiss, Principal } from "../iam/model.ts";
import type { Operation, Rule } from "../model.ts";
import { type Check, planReplication, REPLICATION_SERVICE, type Step, type StepName } from "../plan.ts";
import type { BucketFacts, KeyState, Setup, VersionFacts } from "./facts.ts";
import { organizationContext, type World } from "./world.ts";

/** Something that stands between a version and its destination. */
export type Obstacle =
  | {
      readonly kind: "denied";
      readonly code: FailureCode;
      readonly step: StepName;
      readonly check: Check;
      readonly request: AccessRequest;
      readonly decision: Decision & { readonly allowed: false };
      readonly nearMisses: readonly NearMiss[];
      /** False when a document that has a say could not be read. */
      readonly certain: boolean;
      /** Nothing lacks an allow but a document that could not be read. */
      readonly guessed: boolean;
    }
  | { readonly kind: "roleAbsent"; readonly code: FailureCode; readonly roleArn: string }
  | { readonly kind: "bucketAbsent"; readonly code: FailureCode; readonly bucket: string }
  | {
      readonly kind: "unversioned";
      readonly code: FailureCode;
      readonly bucket: BucketFacts;
      readonly versioning: "Suspended" | "Off";
    }
  | {
      readonly kind: "keyAbsent";
      readonly code: FailureCode;
      readonly keyArn: string;
      readonly side: "source" | "replica";
    }
  | {
      readonly kind: "keyState";
      readonly code: FailureCode;
      readonly keyArn: string;
      readonly state: KeyState;
      readonly side: "source" | "replica";
    };

export interface PredictedStep {
  readonly step: Step;
  readonly checks: readonly { readonly check: Check; readonly request: AccessRequest; readonly decision: Decision }[];
}

export interface Prediction {
  readonly steps: readonly PredictedStep[];
  readonly obstacles: readonly Obstacle[];
}

/** Predicts one operation of one version under one rule. */
export function predict(world: World, version: VersionFacts, operation: Operation, rule: Rule): Prediction {
  const { facts, roleArn } = world;
  const destination = facts.destinations[rule.destination.bucketArn];
  const plan = planReplication({
    operation,
    version,
    rule,
    roleArn,
    ...regionMember("sourceRegion", facts.source),
    ...regionMember("destinationRegion", destination),
    ...(destination?.defaultEncryption.state === "read"
      ? { destinationDefault: destination.defaultEncryption.value }
      : {}),
    ...(destination?.ownership.state === "read"
      ? { destinationOwnerEnforced: destination.ownership.value === "BucketOwnerEnforced" }
      : {}),
    sourceObjectLock: facts.source.objectLock.state === "read",
  });
  const obstacles: Obstacle[] = destinationObstacles(destination, rule);
  const steps = plan.map((step): PredictedStep => {
    const checks = step.checks.map((check) => judge(world, step, check, obstacles));
    return { step, checks: checks.filter((one) => one !== undefined) };
  });
  // Without the role no step is made; what else is in the way is said all the same.
  if (facts.role.state !== "absent") return { steps, obstacles };
  return { steps: [], obstacles: [{ kind: "roleAbsent", code: "AssumeRoleNotPermitted", roleArn }, ...obstacles] };
}

function destinationObstacles(destination: BucketFacts | undefined, rule: Rule): Obstacle[] {
  if (destination === undefined) return [];
  if (destination.region.state === "absent") {
    return [{ kind: "bucketAbsent", code: "DstBucketNotFound", bucket: destination.name }];
  }
  const { versioning } = destination;
  if (versioning.state === "unreadable" || (versioning.state === "read" && versioning.value === "Enabled")) return [];
  const shown = versioning.state === "read" ? "Suspended" : "Off";
  return bucketArn(destination.name) === rule.destination.bucketArn
    ? [{ kind: "unversioned", code: "DstBucketUnversioned", bucket: destination, versioning: shown }]
    : [];
}

function judge(
  world: World,
  step: Step,
  planned: Check,
  obstacles: Obstacle[],
): PredictedStep["checks"][number] | undefined {
  const check = withKeyItself(world, planned);
  const key = keyObstacle(world, check);
  if (key !== undefined) {
    if (!obstacles.some((one) => one.kind === key.kind && "keyArn" in one && one.keyArn === check.resource)) {
      obstacles.push(key);
    }
    // Of a key that is not there nothing else can be said; one that is out of use may be denied besides.
    if (key.kind === "keyAbsent") return undefined;
  }
  // Of a role that could not be read nothing is known, not even whom it trusts.
  if (world.session === undefined) return undefined;
  const principal: Principal =
    step.by === "service" ? { kind: "service", service: REPLICATION_SERVICE } : world.session;
  const account = resourceAccount(world, check);
  const { applied, complete } = policiesFor(world, check, account);
  const request: AccessRequest = {
    principal,
    action: check.action,
    resource: check.resource,
    resourceAccount: account,
    context: {
      ...principalContext(principal),
      ...organizationContext(world.facts, principal, account),
      "aws:securetransport": "true",
      ...check.context,
    },
  };
  const decision = evaluate(request, applied);
  let left = applied;
  let denial = decision;
  // A deny may hide others: what would decide without it is an obstacle of its own, if it is certain.
  for (let found = 0; !denial.allowed && found < DENIALS_MAX; found += 1) {
    const certain = (complete || denial.because === "explicitDeny") && !world.organizationMissed;
    if (found > 0 && !certain) break;
    obstacles.push({
      kind: "denied",
      code: check.deniedCode,
      step: step.name,
      check,
      request,
      decision: denial,
      nearMisses: explain(request, left).nearMisses,
      certain,
      guessed: !complete && denial.because === "noAllow" && denial.missing.every((kind) => kind === "resource"),
    });
    if (denial.because !== "explicitDeny") break;
    left = withoutStatement(left, denial.by);
    denial = evaluate(request, left);
  }
  return key === undefined ? { check, request, decision } : undefined;
}

/** Reasons for which one check is denied, at most. */
const DENIALS_MAX = 10;

/** An alias is another name of a key: policies are asked about the key itself. */
function withKeyItself(world: World, check: Check): Check {
  if (check.on !== "sourceKey" && check.on !== "replicaKey") return check;
  const named = world.facts.keys[check.resource];
  const resource = named?.state === "read" ? named.value.arn : check.resource;
  return world.facts.keys[resource] === undefined ? check : { ...check, resource };
}

/** A key that is missing or out of use decides before any policy does. */
function keyObstacle(world: World, check: Check): Obstacle | undefined {
  if (check.on !== "sourceKey" && check.on !== "replicaKey") return undefined;
  const side = check.on === "sourceKey" ? "source" : "replica";
  const key = world.facts.keys[check.resource];
  if (key?.state === "absent") {
    const code = side === "source" ? "SrcKmsKeyInvalidState" : "DstKmsKeyNotFound";
    return { kind: "keyAbsent", code, keyArn: check.resource, side };
  }
  if (key?.state !== "read" || key.value.state === "Enabled") return undefined;
  const code = side === "source" ? "SrcKmsKeyInvalidState" : "DstKmsKeyInvalidState";
  return { kind: "keyState", code, keyArn: check.resource, state: key.value.state, side };
}

function policiesFor(
  world: World,
  check: Check,
  account: string,
): { readonly applied: Policies; readonly complete: boolean } {
  const { facts } = world;
  const scps = world.scps.get(parseArn(world.roleArn)?.account ?? "");
  const rcps = world.rcps.get(account);
  const caps = { ...(scps === undefined ? {} : { scps }), ...(rcps === undefined ? {} : { rcps }) };
  const roleRead = facts.role.state === "read";
  const boundary = world.boundary === undefined ? {} : { boundary: world.boundary };
  switch (check.on) {
    case "role": {
      const resource = world.trust === undefined ? {} : { resource: world.trust };
      return { applied: { identity: [], ...resource, resourceRule: "resource", ...caps }, complete: roleRead };
    }
    case "sourceBucket":
    case "sourceObject":
    case "destinationObject": {
      const bucket = check.on === "destinationObject" ? destinationOf(facts, check.resource) : facts.source;
      const policy = bucket === undefined ? undefined : world.resourcePolicies.get(bucket.arn);
      const resource = policy === undefined ? {} : { resource: policy };
      const complete = roleRead && bucket !== undefined && bucket.policy.state !== "unreadable";
      return {
        applied: { identity: world.identity, ...boundary, ...resource, resourceRule: "either", ...caps },
        complete,
      };
    }
    case "sourceKey":
    case "replicaKey": {
      const policy = world.resourcePolicies.get(check.resource);
      const key = facts.keys[check.resource];
      const known = key?.state === "read" ? key.value : undefined;
      const grants = known?.grants.state === "read" ? { grants: known.grants.value } : {};
      const resource = policy === undefined ? {} : { resource: policy };
      const complete = roleRead && known?.policy.state === "read" && known.grants.state === "read";
      return {
        applied: { identity: world.identity, ...boundary, ...resource, resourceRule: "resource", ...grants, ...caps },
        complete,
      };
    }
  }
}

function resourceAccount(world: World, check: Check): string {
  switch (check.on) {
    case "role":
    case "sourceKey":
    case "replicaKey":
      return parseArn(check.resource)?.account ?? "";
    case "sourceBucket":
    case "sourceObject":
      return world.facts.source.account;
    case "destinationObject": {
      const destination = destinationOf(world.facts, check.resource);
      // A bucket that is not there has no policy that could lack anything.
      const owner = destination?.region.state === "absent" ? parseArn(world.roleArn)?.account : destination?.account;
      return owner ?? world.facts.source.account;
    }
  }
}

function destinationOf(facts: Setup, objectResource: string): BucketFacts | undefined {
  return facts.destinations[objectResource.slice(0, objectResource.indexOf("/"))];
}

function regionMember<N extends string>(name: N, bucket: BucketFacts | undefined): { [K in N]?: string } {
  return (bucket?.region.state === "read" ? { [name]: bucket.region.value } : {}) as { [K in N]?: string };
}
