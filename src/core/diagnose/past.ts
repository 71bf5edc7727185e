/**
 * Whether a recorded failure is past: it is when the facts would show it and do not. Where a fact that has a say could not
 * be read, the record is still the best there is.
 */
import { type FailureCode, failureCode } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import type { BucketFacts, Read, RecordedFailure, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { notRead, recordedFinding, responseEvidence, resyncFinding } from "./records.ts";
import type { World } from "./world.ts";

/** A recorded failure that the facts do not reproduce: gone when the facts would show it, else still the best there is. */
export function pastOrPresent(
  world: World,
  rule: Rule,
  failure: RecordedFailure,
  unreadable: readonly string[],
): Finding {
  const code = codeOf(failure);
  if (!PREDICTABLE.has(code)) return recordedFinding(failure, code);
  if (unreadable.length === 0) {
    const finding = resyncFinding(world.facts, "RetryNeeded", rule);
    return { ...finding, evidence: [...finding.evidence, responseEvidence(failure)] };
  }
  const finding = recordedFinding(failure, code);
  return { ...finding, confidence: "likely", evidence: [...finding.evidence, ...unreadable.map(notRead)] };
}

/** Whether a policy that was not read could be behind the failure. */
export function isDenial(code: FailureCode): boolean {
  return code.endsWith("NotPermitted");
}

/** Failures that a prediction finds when they are still there. All others are known from records alone. */
const PREDICTABLE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "AssumeRoleNotPermitted",
  "SrcHeadObjectNotPermitted",
  "SrcGetObjectNotPermitted",
  "SrcGetAclNotPermitted",
  "SrcGetTaggingNotPermitted",
  "SrcKmsKeyInvalidState",
  "SrcBucketReplicationConfigMissing",
  "SrcObjectNotEligible",
  "DstBucketNotFound",
  "DstBucketUnversioned",
  "DstDelObjNotPermitted",
  "DstKmsKeyInvalidState",
  "DstKmsKeyNotFound",
  "DstMultipartCompleteNotPermitted",
  "DstMultipartInitNotPermitted",
  "DstMultipartUploadNotPermitted",
  "DstPutObjectNotPermitted",
  "DstPutTaggingNotPermitted",
  "DstBucketObjectLockConfigMissing",
  "DstPutAclNotPermitted",
  "DstPutLegalHoldNotPermitted",
  "DstPutRetentionNotPermitted",
  "SrcGetLegalHoldNotPermitted",
  "SrcGetRetentionNotPermitted",
]);

/** Settings that decide whether a code still applies, where they are not known. */
export function unreadSettings(world: World, rule: Rule, version: VersionFacts, code: FailureCode): readonly string[] {
  const { source, destinations } = world.facts;
  const destination = destinations[rule.destination.bucketArn];
  const unread = (of: string, what: Read<unknown> | undefined) =>
    what?.state === "unreadable" ? [`${of}: ${what.because}`] : [];
  const lockOf = unread(`Object Lock of ${source.name}`, source.objectLock);
  const asks: Partial<Record<FailureCode, readonly string[]>> = {
    DstBucketObjectLockConfigMissing: [...lockOf, ...unread("Object Lock of the destination", destination?.objectLock)],
    DstPutRetentionNotPermitted: isUnlocked(world, version.retained)
      ? []
      : ["whether the version has a retention is not known"],
    DstPutLegalHoldNotPermitted: isUnlocked(world, version.held)
      ? []
      : ["whether the version has a legal hold is not known"],
    SrcGetRetentionNotPermitted: lockOf,
    SrcGetLegalHoldNotPermitted: lockOf,
    DstPutAclNotPermitted: [
      ...unread("the public access block of the destination", destination?.publicAccessBlock),
      ...(isOwned(source) || version.access?.isPublic !== undefined
        ? []
        : ["the version's access control list was not read"]),
    ],
  };
  return asks[code] ?? [];
}

function isUnlocked(world: World, known: boolean | undefined): boolean {
  return known !== undefined || world.facts.source.objectLock.state === "absent";
}

function isOwned({ ownership }: BucketFacts): boolean {
  return ownership.state === "read" && ownership.value === "BucketOwnerEnforced";
}

/** Documents that could not be read and have a say in whether a rule's replication is allowed. */
export function unreadableFacts(world: World, rule: Rule): string[] {
  const { facts } = world;
  const destination = facts.destinations[rule.destination.bucketArn];
  const read = [
    { of: "the role's policies", what: facts.role },
    { of: `the bucket policy of ${facts.source.name}`, what: facts.source.policy },
    ...(destination === undefined
      ? []
      : [
          { of: `the bucket policy of ${destination.name}`, what: destination.policy },
          { of: `the versioning of ${destination.name}`, what: destination.versioning },
        ]),
  ];
  return read.flatMap(({ of, what }) => (what.state === "unreadable" ? [`${of}: ${what.because}`] : []));
}

/** A code that is not in the catalogue is an unknown answer. */
export function codeOf(failure: RecordedFailure): FailureCode {
  return failureCode(failure.code) ?? "UnknownAnswer";
}
