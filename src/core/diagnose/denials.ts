/**
 * From a denial to what a person can change: which policy it is, at which level, and the smallest edit that lets the
 * caller in.
 */
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import { ask, type CompiledPolicy } from "../iam/compile.ts";
import { findAllow } from "../iam/evaluate.ts";
import { sayDecision, sayNearMiss } from "../iam/explain.ts";
import type { PolicyKind, StatementRef } from "../iam/model.ts";
import { jsonIn } from "../json.ts";
import type { Rule } from "../model.ts";
import { REPLICATION_SERVICE } from "../plan.ts";
import { type Exempted, exempt } from "./exempt.ts";
import type { Read } from "./facts.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import { type Allowance, allow, type Edit, fits, withoutGone } from "./patches.ts";
import type { Obstacle } from "./predict.ts";
import { changeStatement, repairOf } from "./repairs.ts";
import { replicaKeyEdits, sayKeyChoice } from "./replica-keys.ts";
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
  const foreign = foreignManagedKey(world, obstacle);
  if (foreign !== undefined)
    return managedKeyFinding(world, obstacle, rule, [{ kind: "policy", source, says }, foreign]);
  const slips = slipsOf(world, obstacle);
  return {
    key: `denied ${check.action} ${resource} ${decidedBy}`,
    code,
    ...(check.on === "destinationObject" || check.on === "replicaKey" ? ruleMembers(rule) : {}),
    action: check.action,
    resource,
    confidence: obstacle.guessed ? "possible" : obstacle.certain ? "proven" : "likely",
    ...(obstacle.guessed ? { guessed: true } : {}),
    evidence: obstacle.guessed
      ? unreadEvidence(world, obstacle)
      : [
          { kind: "policy", source, says },
          ...levelEvidence(world, obstacle),
          ...slips.map((one): Evidence => ({ kind: "policy", source: one.source, says: one.says })),
          ...near,
        ],
    remedy:
      decision.because === "explicitDeny"
        ? `Take ${check.action} by the replication role out of the deny: ${says}`
        : slips.length > 0
          ? `Correct ${slips.map((one) => `${one.source}: ${one.says}`).join("; ")}`
          : `Allow ${check.action} on ${resource} to the replication role`,
    edits:
      decision.because === "explicitDeny"
        ? exemptEdits(world, obstacle, decision.by)
        : allowEdits(world, obstacle, resource, slips),
    resync: true,
  };
}

/** A statement that is right but for a slip, and its correction. */
interface Slip {
  readonly kind: PolicyKind;
  readonly source: string;
  readonly says: string;
  readonly edit: Edit;
}

/** At most one for each kind of policy that lacks an allow, or the resource's where that would do as well. */
function slipsOf(world: World, obstacle: Denied): Slip[] {
  const { decision, nearMisses, request } = obstacle;
  if (decision.because !== "noAllow") return [];
  const found = new Map<PolicyKind, Slip>();
  for (const miss of nearMisses) {
    const { source, index, sid } = miss.statement;
    const home = world.homes.get(source);
    if (home === undefined || found.has(source.kind)) continue;
    const statement = statementsOf(home.text)[index];
    const repair = statement && repairOf(statement, miss, request);
    if (repair === undefined) continue;
    found.set(source.kind, {
      kind: source.kind,
      source: `statement ${sid === undefined || sid === "" ? index + 1 : `"${sid}"`} of ${source.name}`,
      says: repair.says,
      edit: editOf(home, (held) => changeStatement(held, index, repair.change)),
    });
  }
  const lacking = decision.missing.flatMap((kind) => found.get(kind) ?? []);
  const other = found.get("resource");
  return lacking.length === 0 && other !== undefined && decision.missing.join() === "identity" ? [other] : lacking;
}

/** What the documents that were read allow is not enough: what the one that was not read says decides. */
function unreadEvidence(world: World, { check }: Denied): Evidence[] {
  const { facts } = world;
  const bucketName = check.resource.split("/", 1)[0] ?? "";
  const bucket = check.on.endsWith("Key") ? undefined : (facts.destinations[bucketName] ?? facts.source);
  const key = facts.keys[check.resource];
  const unread: readonly (Read<unknown> | undefined)[] =
    bucket === undefined
      ? [key, ...(key?.state === "read" ? [key.value.policy, key.value.grants] : [])]
      : [bucket.policy];
  const source = bucket === undefined ? check.resource : `bucket policy of ${bucket.name}`;
  return unread.flatMap((one): Evidence[] => {
    if (one?.state !== "unreadable") return [];
    const says = `Whether it allows ${check.action} to the role is not known, for it could not be read: ${one.because}`;
    return [{ kind: "policy", source, says }];
  });
}

/** A key that AWS manages can be used from its own account alone, and nobody can change its policy. */
function foreignManagedKey(world: World, { check, request }: Denied): Evidence | undefined {
  const key = check.on === "replicaKey" ? world.facts.keys[check.resource] : undefined;
  const caller = "accountId" in request.principal ? request.principal.accountId : "";
  if (key?.state !== "read" || key.value.managedBy !== "aws" || request.resourceAccount === caller) return undefined;
  const says = `It is a key that AWS manages for account ${request.resourceAccount}: no other account can be let in`;
  return { kind: "key", source: check.resource, says };
}

function managedKeyFinding(world: World, { check, code }: Denied, rule: Rule, evidence: readonly Evidence[]): Finding {
  return {
    key: `${code} ${check.action} ${check.resource} managed`,
    code,
    ...ruleMembers(rule),
    action: check.action,
    resource: check.resource,
    confidence: "proven",
    evidence,
    remedy: `Let the rule name a customer managed key: ${sayKeyChoice(world.facts, rule)}`,
    edits: replicaKeyEdits(world.facts, rule),
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
  const clean: Edit["change"] = target === "bucket-policy" ? (held) => withoutGone(change(held)) : change;
  return { target, resource, ...(name === undefined ? {} : { name }), before: readJson(text), change: clean };
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

function allowEdits(world: World, obstacle: Denied, resource: string, slips: readonly Slip[]): Edit[] {
  const { check, decision } = obstacle;
  const { role, facts } = world;
  if (role === undefined || decision.because !== "noAllow") return [];
  const { action } = check;
  const edits: Edit[] = slips.map((one) => one.edit);
  const corrected = new Set(slips.map((one) => one.kind));
  const lacks = (kind: PolicyKind) => decision.missing.includes(kind) && !corrected.has(kind);
  if (lacks("resource")) {
    const principal = { AWS: role.arn };
    if (check.on === "role") {
      const allowance = { action, principal: { Service: REPLICATION_SERVICE } };
      edits.push(policyEdit("iam-trust-policy", role.arn, role.trust, allowance));
    } else if (check.on === "sourceKey" || check.on === "replicaKey") {
      const key = facts.keys[check.resource];
      const isOurs = key?.state === "read" && key.value.managedBy === "customer";
      const before = isOurs && key.value.policy.state === "read" ? key.value.policy.value : undefined;
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
  // A slip in the resource's policy alone was found where that policy is enough by itself.
  const isEnough = corrected.has("resource") && !decision.missing.includes("resource");
  if (lacks("identity") && !isEnough) {
    const condition = keyCondition(obstacle);
    edits.push(...rolePolicyEdits(world, { action, resource, ...(condition === undefined ? {} : { condition }) }));
  }
  const limit = world.boundary === undefined ? undefined : world.homes.get(world.boundary.source);
  if (lacks("boundary") && limit !== undefined) {
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
  const change: Edit["change"] = (held) => withoutGone(allow(held, allowance));
  return { target, resource, before: document, change };
}

/** null when it is not JSON: such a document was never in force, and is replaced. */
function readJson(text: string): DocumentValue {
  return jsonIn(text) ?? null;
}

function statementsOf(text: string): Members[] {
  const held = asObject(readJson(text))?.["Statement"];
  return (Array.isArray(held) ? asArray(held) : [held]).flatMap((one) => {
    const statement = asObject(one);
    return statement === undefined ? [] : [statement];
  });
}
