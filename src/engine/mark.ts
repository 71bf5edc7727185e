/**
 * The mark that a replica carries where the destination gives it an id of its own: user metadata that names its source.
 *
 * `x-amz-meta-lockstep-source: BUCKET/VERSION-ID/DIGEST`, with the first 16 hexadecimal digits of the SHA-256 of the
 * key. It tells a replica from what others wrote, finds the replica again when an answer or the ledger was lost, and
 * keeps replicas from being replicated on. A copy of a replica under another key has a digest that does not fit, and is
 * no replica. Delete markers carry no metadata: the ledger and their place among the versions have to do.
 */
import { hash } from "node:crypto";
import type { VersionRef } from "../core/model.ts";

/** The name of the user metadata. */
export const MARK = "lockstep-source";

/** @param version of the source */
export function markOf({ bucket, key, versionId }: VersionRef): string {
  return `${bucket}/${versionId}/${digestOf(key)}`;
}

/** Whether metadata say that a version of this key is a replica, whoever's. */
export function isMarked(userMetadata: Readonly<Record<string, string>>, key: string): boolean {
  const mark = userMetadata[MARK];
  return mark !== undefined && mark.slice(mark.lastIndexOf("/") + 1) === digestOf(key);
}

function digestOf(key: string): string {
  return hash("sha256", key, "hex").slice(0, 16);
}

/** The checkpoint that says that a bucket holds replicas: its versions are then asked for their mark before anything else. */
export function holdsReplicasName(bucket: string): string {
  return `scan ${bucket} holds replicas`;
}
