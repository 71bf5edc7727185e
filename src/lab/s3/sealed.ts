/**
 * Sealed transfer: how an SSE-C version gets to another bucket by the hands of somebody who cannot read it.
 *
 * The stored bytes go as they are, and with them a text that says what they are: the key as the customer's key wrapped
 * it, what it is bound to, size, ETag, checksums. The text is sealed under the lab's own key, bound to key and version, so
 * that nobody else can make a version up. At the destination nothing can be opened either, so the bytes are checked
 * against the hash of what the source stores. How calls are made is described in `s3/replica-headers.ts`.
 */
import { hash } from "node:crypto";
import { assert } from "../../core/assert.ts";
import type { Checksums, ReplicaIdentity } from "../../s3/store.ts";
import { sealedSize } from "../envelope.ts";
import { SecretsError } from "../secrets.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { keyContextOf, refuseBlockedCustomerKeys, type SealingKey } from "./encryption.ts";
import { invalidArgument, s3Error } from "./errors.ts";
import type { ReceivedBody } from "./receive.ts";
import type { S3Service } from "./service.ts";
import { partsOfUpload, type StoredPart, type Upload } from "./upload-rows.ts";
import type { Sealing, StoredVersion } from "./versions.ts";

/** What the text of a version says. */
interface VersionText {
  /** Base64. */
  readonly wrappedKey: string;
  readonly keyContext: string;
  readonly customerKeyMd5: string;
  /** Of the plaintext, as are the checksums. */
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksums: Checksums | null;
  /** Of a version that has a body of its own. */
  readonly body: BodyText | null;
}

/** What the text of a part says. */
interface PartText extends Pick<StoredPart, "sizeBytes" | "etag" | "checksum"> {
  /** Of the wrapped key of the version that the part is of. */
  readonly keySha256: string;
  readonly body: BodyText;
}

interface BodyText {
  readonly frameId: number;
  readonly sha256: string | null;
}

/** A version that comes sealed. */
export interface SealedVersion extends SealingKey {
  readonly dataKey: undefined;
  readonly text: VersionText;
}

/** The text for a version's bytes, or for those of one of its parts. @param part from 0 */
export function describeStored(
  s3: S3Service,
  bucket: Bucket,
  version: StoredVersion,
  part: number | undefined,
): string {
  const { wrappedKey, metadata, upload } = version;
  assert(wrappedKey !== undefined && metadata.customerKeyMd5 !== undefined, "an SSE-C version has a customer's key");
  if (part !== undefined && upload !== undefined) {
    const stored = partsOfUpload(s3.database.committed, upload)[part];
    assert(stored !== undefined, "the part was found before");
    const { sizeBytes, etag, checksum } = stored;
    const text: PartText = { sizeBytes, etag, checksum, keySha256: hashOf(wrappedKey), body: bodyText(stored) };
    return seal(s3, text, partContext(version.key));
  }
  const text: VersionText = {
    wrappedKey: Buffer.from(wrappedKey).toString("base64"),
    keyContext: keyContextOf(version, bucket),
    customerKeyMd5: metadata.customerKeyMd5,
    sizeBytes: version.sizeBytes,
    etag: version.etag,
    checksums: version.checksums ?? null,
    body: upload === undefined ? bodyText({ bodyId: version.bodyId ?? 0, ...metadata }) : null,
  };
  return seal(s3, text, versionContext(version.key, version.versionId));
}

/**
 * Reads what describes a sealed version that is written.
 *
 * @throws ServiceError InvalidArgument; AccessDenied when the bucket blocks SSE-C
 */
export function openSealedVersion(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  key: string,
  replica: ReplicaIdentity,
): SealedVersion {
  const text = open<VersionText>(s3, replica.sealed ?? "", versionContext(key, replica.versionId));
  refuseBlockedCustomerKeys(call, bucket, key);
  const { keyContext, customerKeyMd5, body } = text;
  return {
    encryption: { kind: "SSE-C" },
    dataKey: undefined,
    wrappedKey: Buffer.from(text.wrappedKey, "base64"),
    customerKeyMd5,
    sealing: { keyContext, ...(body === null ? {} : { frameId: body.frameId }) },
    text,
  };
}

/** Reads what describes a sealed part. @throws ServiceError InvalidArgument when it is of another version */
export function openSealedPart(s3: S3Service, upload: Upload, sealed: string): PartText {
  const text = open<PartText>(s3, sealed, partContext(upload.key));
  if (upload.details.sealing === undefined || text.keySha256 !== hashOf(upload.wrappedKey)) throw unfit();
  return text;
}

/** What the bytes that came are for those who can read them. @throws ServiceError BadDigest when they are others */
export function describeSealed({ text }: SealedVersion, received: ReceivedBody) {
  const { sizeBytes, etag, checksums, body } = text;
  if (body === null) throw unfit();
  checkSealed(received, sizeBytes, body);
  return { sizeBytes, digest: etag, etag, checksums: checksums ?? { type: "FULL_OBJECT" as const, values: {} } };
}

/** The same for a part. */
export function describeSealedPart(
  { sizeBytes, etag, checksum, body }: PartText,
  received: ReceivedBody,
): Pick<StoredPart, "sizeBytes" | "etag" | "checksum" | "sealing"> {
  checkSealed(received, sizeBytes, body);
  const { sealedSha256 } = received;
  const sealing: Sealing = {
    frameId: body.frameId,
    ...(sealedSha256 === undefined ? {} : { sha256: sealedSha256 }),
  };
  return { sizeBytes, etag, checksum, sealing };
}

function checkSealed(received: ReceivedBody, sizeBytes: number, { sha256 }: BodyText): void {
  if (received.sizeBytes === sealedSize(sizeBytes) && (sha256 === null || sha256 === received.sealedSha256)) return;
  received.discard();
  throw s3Error("BadDigest", { message: "The sealed bytes are not those that the source describes." });
}

function bodyText({ bodyId, sealing }: { readonly bodyId: number; readonly sealing?: Sealing }): BodyText {
  return { frameId: sealing?.frameId ?? bodyId, sha256: sealing?.sha256 ?? null };
}

function seal(s3: S3Service, text: VersionText | PartText, context: string): string {
  return Buffer.from(s3.serviceKey.wrapServiceKey(Buffer.from(JSON.stringify(text)), context)).toString("base64");
}

function open<Text extends VersionText | PartText>(s3: S3Service, sealed: string, context: string): Text {
  try {
    const bytes = s3.serviceKey.unwrapServiceKey(Buffer.from(sealed, "base64"), context);
    return JSON.parse(Buffer.from(bytes).toString()) as Text;
  } catch (error) {
    if (error instanceof SecretsError) throw unfit();
    throw error;
  }
}

function versionContext(key: string, versionId: string): string {
  return `sealed version ${versionId} of ${key}`;
}

function partContext(key: string): string {
  return `sealed part of ${key}`;
}

function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "base64");
}

function unfit(): Error {
  return invalidArgument("x-lockstep-sealed", "null", "The description of the sealed bytes is not one of this version");
}
