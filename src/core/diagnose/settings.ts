/**
 * What settings of buckets and of objects stand in the way, whatever policies say: locks, owners, kinds of encryption,
 * payment, public lists, accounts and keys. What is missing altogether (bucket, versioning, key) is `predict.ts`'s.
 *
 * @source aws-replication.md §2 rows 8, 27–32; §11.3 rows 32, 35, 42, 44–46; §4.1
 */
import { parseArn } from "../arn.ts";
import { asObject } from "../config/document.ts";
import { replicaEncryption } from "../encryption.ts";
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import type { EvidenceKind } from "../failures/entry.ts";
import type { Operation, Rule } from "../model.ts";
import type { BucketFacts, VersionFacts } from "./facts.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import { changeRule, type Edit } from "./patches.ts";
import { replicaKey, replicaKeyEdits, sayKeyChoice } from "./replica-keys.ts";
import { blockedKinds, encryptionDocumentOf, objectLockDocumentOf, ownershipDocumentOf } from "./setting-documents.ts";
import type { World } from "./world.ts";

/** What a setting stands in the way of. */
interface Way {
  readonly world: World;
  readonly version: VersionFacts;
  readonly rule: Rule;
  readonly destination: BucketFacts;
  /** What AWS calls a write to this destination that is refused. */
  readonly refused: FailureCode;
}

/** The findings behind settings that refuse one operation of one version under one rule. */
export function settingFindings(world: World, version: VersionFacts, operation: Operation, rule: Rule): Finding[] {
  const destination = world.facts.destinations[rule.destination.bucketArn];
  if (destination === undefined || destination.region.state === "absent" || world.role === undefined) return [];
  const way = { world, version, rule, destination, refused: refusedCode(version, operation) };
  const always = [otherOwner(way), requesterPays(way)];
  const ofObjects =
    operation === "put"
      ? [...foreignObject(way), lockMissing(way), blockedKind(way), publicList(way), keyElsewhere(way)]
      : [];
  return [...always, ...ofObjects].filter((one) => one !== undefined);
}

function refusedCode(version: VersionFacts, operation: Operation): FailureCode {
  if (operation === "deleteMarker") return "DstDelObjNotPermitted";
  return version.partsCount > 1 ? "DstMultipartInitNotPermitted" : "DstPutObjectNotPermitted";
}

interface Said {
  readonly key: string;
  readonly code: FailureCode;
  readonly resource: string;
  readonly evidence: { readonly kind: EvidenceKind; readonly source: string; readonly says: string };
  readonly remedy?: string;
  readonly confidence?: Finding["confidence"];
  readonly edits?: readonly Edit[];
}

function finding(rule: Rule, said: Said): Finding {
  const { key, code, resource, evidence, remedy, confidence = "proven", edits = [] } = said;
  return {
    // One setting is one cause, whatever it is met as.
    key,
    code,
    ...ruleMembers(rule),
    resource,
    confidence,
    evidence: [evidence],
    remedy: remedy ?? failureEntry(code).remedy,
    edits,
    resync: true,
  };
}

/** The rule names an account that the destination does not belong to: S3 refuses at the write, not at the PUT of the rule. */
function otherOwner({ world, rule, destination, refused }: Way): Finding | undefined {
  const { account: named } = rule.destination;
  const { account, accountTold, notOwnedBy, arn, name } = destination;
  if (named === undefined || !(notOwnedBy.includes(named) || (accountTold && account !== named))) return undefined;
  const { replication, arn: source } = world.facts.source;
  const change: Edit["change"] = (held) =>
    changeRule(held, rule.id, (one) => ({
      ...one,
      Destination: { ...asObject(one["Destination"]), Account: account },
    }));
  const isKnown = accountTold && replication.state === "read";
  return finding(rule, {
    key: `account ${arn} ${named}`,
    code: refused,
    resource: arn,
    evidence: {
      kind: "config",
      source: `replication configuration of ${world.facts.source.name}, rule ${rule.id}`,
      says: `The rule's Destination.Account is ${named}, and bucket ${name} ${accountTold ? `is of account ${account}` : "is not of that account"}`,
    },
    remedy: `Set Destination.Account of rule ${rule.id} to the account that owns ${name}${accountTold ? `: ${account}` : ""}`,
    edits: isKnown ? [{ target: "replication", resource: source, before: replication.value, change }] : [],
  });
}

/** Not supported across accounts; which reason AWS gives is not known (unconfirmed, §2 row 32). */
function requesterPays({ world, rule, destination, refused }: Way): Finding | undefined {
  const { requestPayer, account, arn, name } = destination;
  if (requestPayer.state !== "read" || requestPayer.value !== "Requester") return undefined;
  if (parseArn(world.roleArn)?.account === account) return undefined;
  return finding(rule, {
    key: `payer ${arn}`,
    code: refused,
    resource: arn,
    evidence: {
      kind: "config",
      source: `request payment of bucket ${name}`,
      says: "The requester pays, and replication to such a bucket of another account is not supported",
    },
    remedy: `Let the owner of ${name} pay for requests`,
    edits: [
      {
        target: "request-payment",
        resource: arn,
        before: { Payer: "Requester" },
        change: () => ({ Payer: "BucketOwner" }),
      },
    ],
  });
}

/** An object of another account's gives the bucket's owner nothing by itself, and so nothing to the role. */
function foreignObject({ world, version, rule }: Way): Finding[] {
  const { access } = version;
  const { ownerId, ownership, arn, name } = world.facts.source;
  if (access === undefined || ownerId.state !== "read" || access.ownerId === ownerId.value) return [];
  const may = access.bucketOwnerMay;
  const lacks = (permission: "READ" | "READ_ACP") =>
    may === undefined || !(may.includes(permission) || may.includes("FULL_CONTROL"));
  const before = ownership.state === "read" ? ownershipDocumentOf(ownership.value) : null;
  const edits: Edit[] =
    ownership.state === "unreadable"
      ? []
      : [{ target: "ownership", resource: arn, before, change: () => ownershipDocumentOf("BucketOwnerEnforced") }];
  const lacking = [
    { permission: "READ", code: "SrcGetObjectNotPermitted" },
    { permission: "READ_ACP", code: "SrcGetAclNotPermitted" },
  ] as const;
  return lacking
    .filter(({ permission }) => lacks(permission))
    .map(({ permission, code }) =>
      finding(rule, {
        key: `owner ${arn}`,
        code,
        resource: `${arn}/*`,
        confidence: may === undefined ? "likely" : "proven",
        evidence: {
          kind: "object",
          source: `access control lists of objects in ${name}`,
          says: `The objects belong to ${access.ownerId}, not to the bucket's owner, who is not given ${permission}`,
        },
        remedy: `Let the owner of ${name} own every object in it: Object Ownership BucketOwnerEnforced`,
        edits,
      }),
    );
}

/** AWS asks for it of every version of a bucket with Object Lock; other stores only of versions that are locked. */
function lockMissing({ world, version, rule, destination }: Way): Finding | undefined {
  const { source } = world.facts;
  if (source.objectLock.state !== "read" || destination.objectLock.state !== "absent") return undefined;
  const isLocked = version.retained === true || version.held === true;
  return finding(rule, {
    key: `lock ${destination.arn}`,
    code: "DstBucketObjectLockConfigMissing",
    resource: destination.arn,
    confidence: isLocked ? "proven" : "possible",
    evidence: {
      kind: "config",
      source: `Object Lock of bucket ${destination.name}`,
      says: `Bucket ${source.name} has Object Lock, and bucket ${destination.name} has not`,
    },
    edits: [{ target: "object-lock", resource: destination.arn, before: null, change: () => objectLockDocumentOf({}) }],
  });
}

/** Which reason AWS gives is not known (unconfirmed, §11.3 row 45). */
function blockedKind({ version, rule, destination, refused }: Way): Finding | undefined {
  const { defaultEncryption, arn, name } = destination;
  if (version.encryption.kind !== "SSE-C" || defaultEncryption.state !== "read") return undefined;
  const setting = defaultEncryption.value;
  if (!blockedKinds(setting).includes("SSE-C")) return undefined;
  const rest = blockedKinds(setting).filter((one) => one !== "SSE-C");
  return finding(rule, {
    key: `blocked ${arn}`,
    code: refused,
    resource: arn,
    evidence: {
      kind: "config",
      source: `encryption of bucket ${name}`,
      says: "BlockedEncryptionTypes holds SSE-C, and the replica of an SSE-C object is an SSE-C object",
    },
    remedy: `Let ${name} take SSE-C: BlockedEncryptionTypes NONE`,
    edits: [
      {
        target: "encryption",
        resource: arn,
        before: encryptionDocumentOf(setting),
        change: () => encryptionDocumentOf({ ...setting, blocked: rest }),
      },
    ],
  });
}

/** A replica's list goes along with it, unless the destination's owner owns it or has no lists at all. */
function publicList({ version, rule, destination }: Way): Finding | undefined {
  const { publicAccessBlock, ownership, arn, name } = destination;
  if (version.access?.isPublic !== true || rule.destination.ownerOverride) return undefined;
  if (publicAccessBlock.state !== "read" || !publicAccessBlock.value.blockPublicAcls) return undefined;
  if (ownership.state === "read" && ownership.value === "BucketOwnerEnforced") return undefined;
  return finding(rule, {
    key: `public ${arn}`,
    code: "DstPutAclNotPermitted",
    resource: arn,
    evidence: {
      kind: "config",
      source: `public access block of bucket ${name}`,
      says: "The versions' access control lists let everybody in, and BlockPublicAcls refuses such lists",
    },
    remedy: `Take the public grants from the source's objects, or set Object Ownership of ${name} to BucketOwnerEnforced; whether replicas may be public is for a person to decide`,
  });
}

/** A key of another Region, or one that is not named by an ARN: S3 looks for it where the destination is. */
function keyElsewhere({ world, version, rule, destination }: Way): Finding | undefined {
  const named = replicaEncryption(version.encryption, rule)?.kmsKeyArn;
  if (named === undefined) return undefined;
  const arn = parseArn(named);
  const { region } = destination;
  const isElsewhere = arn !== undefined && region.state === "read" && arn.region !== region.value;
  if (arn !== undefined && !isElsewhere) return undefined;
  const better = replicaKey(world.facts, rule);
  const where = region.state === "read" ? `Region ${region.value}` : "the destination's Region";
  return finding(rule, {
    key: `key ${named}`,
    code: "DstKmsKeyNotFound",
    resource: named,
    confidence: isElsewhere ? "proven" : "likely",
    evidence: {
      kind: "config",
      source: `replication configuration of ${world.facts.source.name}, rule ${rule.id}`,
      says: isElsewhere
        ? `ReplicaKmsKeyID names a key of Region ${arn.region}, and bucket ${destination.name} is in ${where}`
        : `ReplicaKmsKeyID is no ARN: "${named}" is looked up in the account of the one who asks, in ${where}`,
    },
    remedy: `${failureEntry("DstKmsKeyNotFound").remedy}: ${sayKeyChoice(world.facts, rule)}`,
    edits: better === named ? [] : replicaKeyEdits(world.facts, rule),
  });
}
