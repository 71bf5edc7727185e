/**
 * Versions as time or somebody's hand left them: damaged where they lie, or from before S3 encrypted everything. For
 * the lab's own calls (`admin/`); nothing of S3 comes by here.
 */
import type { Connection } from "../../ledger/database.ts";
import { framePosition, openFrame, sealedSize, sealFrame } from "../envelope.ts";
import { requireBucket } from "./access.ts";
import { openServiceKey } from "./encryption.ts";
import { invalidRequest } from "./errors.ts";
import { noSuchKey } from "./read.ts";
import type { S3Service } from "./service.ts";
import { partsOfUpload } from "./upload-rows.ts";
import { type StoredVersion, updateVersion, wantedVersion } from "./versions.ts";

export interface VersionChoice {
  readonly bucket: string;
  readonly key: string;
  /** Undefined for the latest. */
  readonly versionId?: string;
}

/** Changes a version in one transaction. @throws ServiceError NoSuchBucket, NoSuchKey */
export async function changeVersion(
  s3: S3Service,
  choice: VersionChoice,
  change: (version: StoredVersion) => StoredVersion,
): Promise<void> {
  await s3.database.write((connection) => updateVersion(connection, change(chosen(s3, connection, choice))));
}

/** Makes the version one that was never encrypted, as S3 wrote them before 2023. Only what S3 encrypted itself can be one. */
export function forgetEncryption(version: StoredVersion): StoredVersion {
  if (version.encryption.kind !== "SSE-S3") throw invalidRequest("only an SSE-S3 version can be made a plain one");
  return { ...version, encryption: { kind: "NOT-SSE" } };
}

/**
 * Flips a bit of the bytes as they are stored.
 *
 * @param how `unreadable`: nobody gets the bytes any more; `altered`: reads give other bytes than were written, under the
 *            old ETag and checksums, which only versions that S3 encrypts with its own key can be made to
 */
export async function damageVersion(
  s3: S3Service,
  choice: VersionChoice,
  how: "unreadable" | "altered",
): Promise<void> {
  const version = chosen(s3, s3.database.committed, choice);
  const [part] = version.upload === undefined ? [] : partsOfUpload(s3.database.committed, version.upload, FIRST);
  const { bodyId = 0, inFile, sizeBytes } = part ?? version;
  const { start, length } = framePosition(sizeBytes, 0);
  const frame = { bodyId, index: 0, isLast: length === sealedSize(sizeBytes) };
  const change = (sealed: Uint8Array): Uint8Array => {
    if (how === "unreadable") return flipped(sealed);
    if (sizeBytes === 0) throw invalidRequest("an empty version has no bytes that could be others");
    const dataKey = openServiceKey(s3, choice.bucket, version);
    return sealFrame(dataKey, frame, flipped(openFrame(dataKey, frame, sealed)));
  };
  if (inFile) {
    const reader = await s3.blobs.open(bodyId);
    try {
      await s3.blobs.overwrite(bodyId, start, change(await reader.read(start, length)));
    } finally {
      await reader.close();
    }
    return;
  }
  await s3.database.write((connection) => {
    const sealed = connection.prepare("SELECT sealed FROM s3_bodies WHERE id = ?").get(bodyId)?.["sealed"];
    if (!(sealed instanceof Uint8Array)) throw noSuchKey(choice.key);
    const whole = Buffer.from(sealed);
    whole.set(change(sealed.subarray(start, start + length)), start);
    connection.prepare("UPDATE s3_bodies SET sealed = ? WHERE id = ?").run(whole, bodyId);
  });
}

const FIRST = { afterNumber: 0, limit: 1 };

function chosen(s3: S3Service, connection: Connection, { bucket, key, versionId }: VersionChoice): StoredVersion {
  const version = wantedVersion(connection, requireBucket(s3, bucket).id, key, versionId);
  if (version === undefined || version.isMarker) throw noSuchKey(key);
  return version;
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}
