/**
 * From a denial to what a person can change: which policy it is, at which level, and the smallest edit that lets the
 * caller in.
 */
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import { ask, type CompiledPolicy } from "../iam/compile.ts";
import { findAllow } from "../iam/evaluate.ts";
import { sayDecision, sayNearMiss } from "../iam/explain.ts";
import type { StatementRef } from "../iam/model.ts";
import type { Rule } from "../model.ts";
import { REPLICATION_SERVICE } from "../plan.ts";
import { type Exempted, exempt } from "./exempt.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import { type Allowance, allow, type Edit, fits } from "./patches.ts";
import type { Obstacle } from "./predict.ts";
import { replicaKeyEdits } from "./replica-keys.ts";
import type { Evidence } from "./report.ts";
import { isOfAws, type PolicyHome, type World } from "./world.ts";

type Denied = Extract<Obstacle, { kind: "denied" }>;

/** The finding behind something that a policy denies. */
export function deniedFinding(world: World, obstacle: Denied, rule: Rule): Finding {
  const { check, decision, code } = obstacle;
  const resource = wholeBucket(check.resource, check.on);
  const request = { ...obstacle.request, resource };
  const decidedBy = decision.because === "explicitDeny" ? JSON.stringify(decision.by) : decision.missing.join();
  const says = sayDecision(request, decision);
  const source =
    decision.because === "explicitDeny" ? decision.by.source.name : documentsRead(world, check.on, resource);
  const near = obstacle.nearMisses
    .slice(0, EVIDENCE_MAX)
    .map((one): Evidence => ({ kind: "policy", source: one.statement.source.name, says: sayNearMiss(one) }));
  return {
    key: `denied ${check.action} ${resource} ${decidedBy}`,
    code,
    ...(check.on === "destinationObject" || check.on === "replicaKey" ? ruleMembers(rule) : {}),
    action: check.action,
    resource,
    confidence: obstacle.certain ? "proven" : "likely",
    evidence: [{ kind: "policy", source, says }, ...levelEvidence(world, obstacle), ...near],
    remedy:
      decision.because === "explicitDeny"
        ? `Take ${check.action} by the replication role out of the deny: ${says}`
        : isSharedByNobody(world, obstacle)
          ? "Name a customer managed key for the replicas: nobody can grant the use of AWS's own keys across accounts"
          : `Allow ${check.action} on ${resource} to the replication role`,
    edits:
      decision.because === "explicitDeny"
        ? exemptEdits(world, obstacle, decision.by)
        : isSharedByNobody(world, obstacle)
          ? replicaKeyEdits(world.facts, rule)
          : allowEdits(world, obstacle, resource),
    resync: true,
  };
}

/** The caller is taken out of the statement that denies it; a policy that AWS keeps is left to a person. */
function exemptEdits(world: World, obstacle: Denied, by: StatementRef): Edit[] {
  const home = world.homes.get(by.source);
  const who = exempted(world, obstacle);
  if (home === undefined || who === undefined) return [];
  return [editOf(home, (held) => exempt(held, by.index, who))];
}

function exempted(world: World, obstacle: Denied): Exempted | undefined {
  const { principal } = obstacle.request;
  if (principal.kind === "service") return principal;
  if (principal.kind !== "session") return undefined;
  const { roleArn, arn: sessionArn, accountId } = principal;
  return { kind: "role", arn: roleArn, sessionArn, accountId, bounded: world.role?.boundary !== undefined };
}

function editOf({ target, resource, name, text }: PolicyHome, change: Edit["change"]): Edit {
  return { target, resource, ...(name === undefined ? {} : { name }), before: readJson(text), change };
}

/** Where an organisation's policies do not allow: each of its levels has to. */
function levelEvidence(world: World, obstacle: Denied): Evidence[] {
  return cappingLevels(world, obstacle).map((level) => ({
    kind: "policy",
    source: level.map((one) => one.source.name).join(", "),
    says: `Of the service control policies of ${level[0]?.source.attachedTo ?? "a level"} none allows ${obstacle.check.action}`,
  }));
}

/** The levels of service control policies that lack an allow, when that is what denies. */
function cappingLevels(world: World, obstacle: Denied): (readonly CompiledPolicy[])[] {
  const { decision, request } = obstacle;
  if (decision.because !== "noAllow" || !decision.missing.includes("scp")) return [];
  const asked = ask(request, world.boundary !== undefined);
  const account = "accountId" in request.principal ? request.principal.accountId : "";
  return (world.scps.get(account) ?? []).filter((level) => findAllow(level, asked) === undefined);
}

/** A key that AWS manages for another account: its policy cannot be changed. @source aws-replication.md §11.3 row 36 */
function isSharedByNobody(world: World, { check }: Denied): boolean {
  const key = check.on === "replicaKey" ? world.facts.keys[check.resource] : undefined;
  return key?.state === "read" && key.value.managedBy === "aws";
}

const EVIDENCE_MAX = 3;

/** The object's ARN stands for all of its bucket: permissions are given by bucket. */
function wholeBucket(resource: string, on: string): string {
  const slash = resource.indexOf("/");
  return on === "sourceObject" || on === "destinationObject" ? `${resource.slice(0, slash)}/*` : resource;
}

function documentsRead(world: World, on: string, resource: string): string {
  if (on === "role") return `the trust policy of role ${world.role?.name ?? ""}`;
  const names = world.identity.map((one) => one.source.name);
  const own = world.resourcePolicies.get(resource.replace(/\/\*$/, ""));
  if (own !== undefined) names.push(own.source.name);
  return names.length > 0 ? names.join(", ") : `role ${world.role?.name ?? ""}, which has no policies`;
}

function allowEdits(world: World, obstacle: Denied, resource: string): Edit[] {
  const { check, decision } = obstacle;
  const { role, facts } = world;
  if (role === undefined || decision.because !== "noAllow") return [];
  const { action } = check;
  const edits: Edit[] = [];
  if (decision.missing.includes("resource")) {
    const principal = { AWS: role.arn };
    if (check.on === "role") {
      const allowance = { action, principal: { Service: REPLICATION_SERVICE } };
      edits.push(policyEdit("iam-trust-policy", role.arn, role.trust, allowance));
    } else if (check.on === "sourceKey" || check.on === "replicaKey") {
      const key = facts.keys[check.resource];
      const before = key?.state === "read" && key.value.policy.state === "read" ? key.value.policy.value : undefined;
      // A rule may name an alias; the policy is the key's.
      const keyArn = key?.state === "read" ? key.value.arn : check.resource;
      if (before !== undefined) {
        edits.push(policyEdit("kms-key-policy", keyArn, before, { action, resource: "*", principal }));
      }
    } else {
      const bucket = check.on === "destinationObject" ? facts.destinations[bucketOf(resource)] : facts.source;
      if (bucket !== undefined && bucket.policy.state !== "unreadable") {
        const before = bucket.policy.state === "read" ? bucket.policy.value : undefined;
        edits.push(policyEdit("bucket-policy", bucket.arn, before, { action, resource, principal }));
      }
    }
  }
  if (decision.missing.includes("identity")) {
    const condition = keyCondition(obstacle);
    edits.push(...rolePolicyEdits(world, { action, resource, ...(condition === undefined ? {} : { condition }) }));
  }
  const limit = world.boundary === undefined ? undefined : world.homes.get(world.boundary.source);
  if (decision.missing.includes("boundary") && limit !== undefined) {
    const condition = keyCondition(obstacle);
    const allowance = { action, resource, ...(condition === undefined ? {} : { condition }) };
    edits.push(editOf(limit, (held) => allow(held, allowance)));
  }
  return [...edits, ...levelEdits(world, obstacle)];
}

/**
 * One policy of each level that lacks an allow gets it, for every resource: what may be said about resources in an
 * allow of a service control policy depends on its age. Resource control policies cannot allow at all.
 */
function levelEdits(world: World, obstacle: Denied): Edit[] {
  const allowance = { action: obstacle.check.action, resource: "*" };
  return cappingLevels(world, obstacle).flatMap((level) => {
    const own = level.flatMap((one) => world.homes.get(one.source) ?? []);
    const fitting = own.find((one) => statementsOf(one.text).some((statement) => fits(statement, allowance)));
    const chosen = fitting ?? own[0];
    return chosen === undefined ? [] : [editOf(chosen, (held) => allow(held, allowance))];
  });
}

function bucketOf(objectsArn: string): string {
  return objectsArn.slice(0, objectsArn.indexOf("/"));
}

/** Use of a key is allowed only through S3, and only for the bucket at hand. */
function keyCondition(obstacle: Denied): Members | undefined {
  const { check } = obstacle;
  if (check.on !== "sourceKey" && check.on !== "replicaKey") return undefined;
  const via = check.context["kms:viaservice"];
  const arn = check.context["kms:encryptioncontext:aws:s3:arn"];
  if (typeof arn !== "string") return undefined;
  const bucket = arn.includes("/") ? bucketOf(arn) : arn;
  return {
    StringLike: {
      ...(typeof via === "string" ? { "kms:ViaService": via } : {}),
      "kms:EncryptionContext:aws:s3:arn": [bucket, `${bucket}/*`],
    },
  };
}

const NEW_POLICY = "lockstep-replication";

/** The role's policy that allows most like it is changed; AWS's own policies are not, a new inline one is made instead. */
function rolePolicyEdits(world: World, allowance: Allowance): Edit[] {
  const { role } = world;
  if (role === undefined) return [];
  const own = role.policies.filter((one) => one.kind === "inline" || !isOfAws(one.arn ?? ""));
  const fitting = own.find((one) => statementsOf(one.document).some((statement) => fits(statement, allowance)));
  const chosen = fitting ?? own.find((one) => one.kind === "inline") ?? own[0];
  const name = chosen === undefined ? NEW_POLICY : (chosen.arn ?? chosen.name);
  return [{ ...policyEdit("iam-role-policy", role.arn, chosen?.document, allowance), name }];
}

function policyEdit(target: Edit["target"], resource: string, before: string | undefined, allowance: Allowance): Edit {
  const document = before === undefined ? null : readJson(before);
  return { target, resource, before: document, change: (held) => allow(held, allowance) };
}

/** null when it is not JSON: such a document was never in force, and is replaced. */
function readJson(text: string): DocumentValue {
  try {
    return JSON.parse(text) as DocumentValue;
  } catch {
    return null;
  }
}

function statementsOf(text: string): Members[] {
  const held = asObject(readJson(text))?.["Statement"];
  return (Array.isArray(held) ? asArray(held) : [held]).flatMap((one) => {
    const statement = asObject(one);
    return statement === undefined ? [] : [statement];
  });
}
