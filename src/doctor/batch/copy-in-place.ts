/**
 * Copies objects onto themselves, so that a new version replicates where the old one never will again: S3 does not bring
 * back a replica that somebody has removed for good.
 *
 * Metadata, tags, encryption, storage class, grants, retention and holds are kept; the version id, the times and the ETags
 * of multipart uploads are not.
 *
 * @source aws-replication.md §2 row 42
 */
import { bucketOfArn } from "../../core/arn.ts";
import { rulesOfToday } from "../../core/batch/select.ts";
import type { Facts, VersionFacts } from "../../core/diagnose/facts.ts";
import type { AccessControlList } from "../../core/model.ts";
import { S3Error } from "../../s3/errors.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ObjectHead, Store } from "../../s3/store.ts";
import type { Surroundings } from "../ports.ts";
import type { LookedAt } from "./verify.ts";

/** Why an object is left as it is. */
export const NOT_COPIED = {
  notCurrent: "a newer version is there: copying an old one would bring it back",
  tooLarge: "larger than 5 GiB, which CopyObject does not copy: `aws s3 cp` does, in parts",
  retained: "retained in compliance mode: the new version could never be removed before its time",
  archived: "archived: restore it first",
  sealed: "under a customer's key (SSE-C), which Lockstep does not have",
} as const;

export type NotCopied = keyof typeof NOT_COPIED;

export interface Copies {
  /** The new versions. */
  readonly copied: readonly LookedAt[];
  readonly left: readonly { readonly because: NotCopied; readonly key: string; readonly versionId: string }[];
}

const COPIES_AT_ONCE = 8;
const HEADS_AT_ONCE = 32;
/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
const COPY_BYTES_MAX = 5 * 2 ** 30;
const ARCHIVED = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/**
 * Of COMPLETED versions those that a destination does not hold any more. Only current ones: a copy of an older one would
 * bring it back.
 *
 * @throws S3Error
 */
export async function findRemovedReplicas(
  surroundings: Surroundings,
  facts: Facts,
  versions: readonly VersionFacts[],
): Promise<VersionFacts[]> {
  const takenBy = rulesOfToday(facts);
  const current = new Map<string, string>();
  // Within a key the newest comes first.
  for (const { key, versionId } of facts.versions) if (!current.has(key)) current.set(key, versionId);
  const objects = versions.filter((one) => !one.isDeleteMarker && current.get(one.key) === one.versionId);
  const missing = await sideBySide(objects, HEADS_AT_ONCE, async (version) => {
    for (const { destination } of takenBy(version)) {
      const bucket = bucketOfArn(destination.bucketArn) ?? "";
      const { store } = await surroundings.bucket(bucket);
      if (await isAbsent(store, { bucket, key: version.key, versionId: version.versionId })) return true;
    }
    return false;
  });
  return objects.filter((_, index) => missing[index]);
}

/** Only a definite 404 is absence. */
async function isAbsent(store: Store, ref: LookedAt): Promise<boolean> {
  try {
    await store.headObject({ ...ref, checksums: false });
    return false;
  } catch (error) {
    if (!(error instanceof S3Error) || error.status === undefined || error.status >= 500) throw error;
    return error.status === 404;
  }
}

/** Copies each object that may be copied, once. @throws S3Error; what was copied before stays */
export async function copyInPlace(store: Store, versions: readonly LookedAt[]): Promise<Copies> {
  const done = await sideBySide(versions, COPIES_AT_ONCE, (one) => copyOne(store, one));
  const copied: LookedAt[] = [];
  const left: Copies["left"][number][] = [];
  for (const [index, { key, versionId }] of versions.entries()) {
    const outcome = done[index];
    if (typeof outcome === "string") left.push({ because: outcome, key, versionId });
    else if (outcome !== undefined) copied.push(outcome);
  }
  return { copied, left };
}

async function copyOne(store: Store, { bucket, key, versionId }: LookedAt): Promise<LookedAt | NotCopied> {
  let head: ObjectHead;
  try {
    head = await store.headObject({ bucket, key, checksums: false });
  } catch (error) {
    if (error instanceof S3Error && error.status === 404) return "notCurrent";
    if (error instanceof S3Error && error.status === 400) return "sealed";
    throw error;
  }
  const refusal = refusalOf(head, versionId);
  if (refusal !== undefined) return refusal;
  const { contentHeaders, userMetadata, storageClass, encryption, retention, legalHold, etag } = head;
  const tags = head.tagCount === undefined || head.tagCount > 0 ? await store.getObjectTagging({ bucket, key }) : [];
  const acl = await grantsOf(store, bucket, key);
  try {
    const made = await store.copyObject({
      bucket,
      key,
      // Not by its version: what was written a moment ago must not be covered by what was there before.
      source: { bucket, key, ifMatch: etag },
      contentHeaders,
      userMetadata,
      storageClass,
      encryption,
      tags,
      ...(acl === undefined ? {} : { acl }),
      ...(retention === undefined ? {} : { retention }),
      ...(legalHold === undefined ? {} : { legalHold }),
    });
    return { bucket, key, versionId: made.versionId ?? "null" };
  } catch (error) {
    if (error instanceof S3Error && error.status === 412) return "notCurrent";
    throw error;
  }
}

function refusalOf(head: ObjectHead, versionId: string): NotCopied | undefined {
  if ((head.versionId ?? "null") !== versionId) return "notCurrent";
  if (head.encryption.kind === "SSE-C") return "sealed";
  if (head.retention?.mode === "COMPLIANCE") return "retained";
  if (ARCHIVED.has(head.storageClass) || head.archiveStatus !== undefined) return "archived";
  return head.sizeBytes > COPY_BYTES_MAX ? "tooLarge" : undefined;
}

/** Grants to others than the owner; undefined where there are none, as in every bucket that enforces its owner. */
async function grantsOf(store: Store, bucket: string, key: string): Promise<AccessControlList | undefined> {
  const { ownerId, grants } = await store.getObjectAcl({ bucket, key });
  const others = grants.filter(({ grantee }) => grantee.kind !== "user" || grantee.id !== ownerId);
  return others.length === 0 ? undefined : { ownerId, grants };
}
