/**
 * Which encryption a version gets, and the data key of its bytes: made, wrapped and unwrapped.
 *
 * Every version has a data key of its own. SSE-S3 wraps it with the lab's service key; SSE-KMS and DSSE-KMS have
 * KMS make and unwrap it, with the rights of whoever calls; SSE-C wraps it with the key that the customer sends along.
 *
 * @source aws-replication.md §5.3, §10.4
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { bucketArn, objectArn } from "../../core/arn.ts";
import { assert } from "../../core/assert.ts";
import type { Encryption } from "../../core/model.ts";
import { REPLICATION_ACTIONS } from "../../core/plan.ts";
import { SealError, unwrapKey, wrapKey } from "../envelope.ts";
import { type DataKey, type KeyUse, ServiceError } from "../model.ts";
import { takeRandomBytes } from "../random.ts";
import { type Bucket, DEFAULT_ENCRYPTION } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { invalidArgument, invalidRequest, s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";
import type { Sealing, StoredVersion } from "./versions.ts";

/** What a write asks for. Undefined members leave it to the bucket. */
export interface EncryptionWish {
  readonly kind?: "SSE-S3" | "SSE-KMS" | "DSSE-KMS";
  readonly kmsKeyId?: string;
  readonly bucketKey?: boolean;
  /** Goes into the encryption context of KMS besides the ARN that S3 puts there. */
  readonly kmsContext?: KmsContext;
  readonly customerKey?: CustomerKey;
}

/** What a customer adds to the encryption context. */
export type KmsContext = Readonly<Record<string, string>>;

/** A key that the customer keeps and sends with every call (SSE-C). */
export interface CustomerKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** Base64. */
  readonly md5: string;
}

/** A data key, in the clear and wrapped, and how it is described on the version. */
export interface SealingKey {
  readonly encryption: Encryption;
  /** Undefined for bytes that come sealed: nobody but the customer has it. */
  readonly dataKey: Uint8Array | undefined;
  readonly wrappedKey: Uint8Array;
  readonly customerKeyMd5?: string;
  readonly kmsContext?: KmsContext;
  readonly sealing?: Sealing;
}

/** A key that was made here, so that it is known. */
export type OpenSealingKey = SealingKey & { readonly dataKey: Uint8Array };

/** Makes the data key of a new version. @throws ServiceError of S3, those of KMS in S3's words */
export async function makeDataKey(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  key: string,
  wish: EncryptionWish,
): Promise<OpenSealingKey> {
  const { customerKey } = wish;
  if (customerKey !== undefined) {
    if (wish.kmsContext !== undefined) throw unfitKmsContext();
    refuseBlockedCustomerKeys(call, bucket, key);
    const dataKey = takeRandomBytes(32);
    const wrappedKey = wrapKey(customerKey.bytes, dataKey, objectArn(bucket.name, key));
    return { encryption: { kind: "SSE-C" }, dataKey, wrappedKey, customerKeyMd5: customerKey.md5 };
  }
  const kind = wish.kind ?? bucket.settings.encryption?.kind ?? "SSE-S3";
  if (kind === "SSE-S3") {
    if (wish.kmsContext !== undefined) throw unfitKmsContext();
    const dataKey = takeRandomBytes(32);
    const wrappedKey = s3.serviceKey.wrapServiceKey(dataKey, objectArn(bucket.name, key));
    return { encryption: { kind }, dataKey, wrappedKey };
  }
  const bucketKey = wish.bucketKey ?? bucket.settings.encryption?.bucketKey ?? false;
  const defaultKeyId = wish.kind === undefined ? bucket.settings.encryption?.kmsKeyId : undefined;
  const keyId = wish.kmsKeyId ?? defaultKeyId ?? "alias/aws/s3";
  const { kmsContext } = wish;
  const use = { ...kmsUse(bucket, key, { bucketKey, kmsContext }), keyId };
  const made = await wrapByKms(s3, call, use, wish.kind !== undefined, bucketKey);
  return {
    encryption: { kind, kmsKeyArn: made.keyArn, bucketKey },
    dataKey: made.plaintext,
    wrappedKey: made.ciphertext,
    ...(kmsContext === undefined ? {} : { kmsContext }),
  };
}

/**
 * Unwraps the data key of a version that is read.
 *
 * @param customerKey must be given for SSE-C versions, and for no others
 */
export async function openDataKey(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  version: Pick<StoredVersion, "key" | "encryption" | "wrappedKey" | "metadata">,
  customerKey: CustomerKey | undefined,
): Promise<Uint8Array> {
  const { encryption, wrappedKey, key } = version;
  assert(wrappedKey !== undefined, "a version with a body has a wrapped key");
  checkCustomerKey(version, customerKey);
  switch (encryption.kind) {
    case "SSE-C":
      return unwrapByCustomer(customerKey, wrappedKey, keyContextOf(version, bucket));
    case "SSE-KMS":
    case "DSSE-KMS": {
      const { kmsContext } = version.metadata;
      const use = kmsUse(bucket, key, { bucketKey: encryption.bucketKey === true, kmsContext });
      return (await inWordsOfS3(s3.keys.decryptDataKey(call.caller, use, wrappedKey))).plaintext;
    }
    case "SSE-S3":
    case "NOT-SSE":
      return openServiceKey(s3, bucket.name, version);
  }
}

/** The data key of a version that S3 encrypts with its own key. @throws ServiceError for other versions */
export function openServiceKey(
  s3: S3Service,
  bucketName: string,
  { key, encryption, wrappedKey }: Pick<StoredVersion, "key" | "encryption" | "wrappedKey">,
): Uint8Array {
  if (wrappedKey === undefined || (encryption.kind !== "SSE-S3" && encryption.kind !== "NOT-SSE")) {
    throw invalidRequest("The version is not encrypted with a key of S3.");
  }
  return s3.serviceKey.unwrapServiceKey(wrappedKey, objectArn(bucketName, key));
}

/** What the key of an SSE-C version is bound to: the object that it was first written as. */
export function keyContextOf(
  { key, metadata }: Pick<StoredVersion, "key" | "metadata">,
  bucket: Pick<Bucket, "name">,
): string {
  return metadata.sealing?.keyContext ?? objectArn(bucket.name, key);
}

/** An SSE-C version needs its customer's key even for a HEAD; other versions take none. */
export function checkCustomerKey(
  version: Pick<StoredVersion, "encryption" | "metadata">,
  customerKey: CustomerKey | undefined,
): void {
  if (version.encryption.kind !== "SSE-C") {
    if (customerKey === undefined) return;
    throw invalidRequest("The encryption parameters are not applicable to this object.");
  }
  if (customerKey === undefined) {
    throw invalidRequest(
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  }
  if (version.metadata.customerKeyMd5 !== customerKey.md5) throw s3Error("AccessDenied");
}

/** Reads the three headers of SSE-C; undefined when there are none. @param prefix of their names */
export function parseCustomerKey(
  headers: Readonly<Record<string, string>>,
  prefix = "x-amz-server-side-encryption-customer-",
): CustomerKey | undefined {
  const algorithm = headers[`${prefix}algorithm`];
  const encoded = headers[`${prefix}key`];
  const md5 = headers[`${prefix}key-md5`];
  if (algorithm === undefined && encoded === undefined && md5 === undefined) return undefined;
  if (algorithm !== "AES256") {
    throw s3Error("InvalidEncryptionAlgorithmError", {
      details: { ArgumentName: `${prefix}algorithm`, ArgumentValue: algorithm ?? "null" },
    });
  }
  const bytes = Buffer.from(encoded ?? "", "base64");
  if (bytes.length !== 32) {
    throw invalidArgument(`${prefix}key`, "null", "The secret key was invalid for the specified algorithm.");
  }
  const expected = createHash("md5").update(bytes).digest();
  const given = Buffer.from(md5 ?? "", "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw invalidArgument(
      `${prefix}key-MD5`,
      md5 ?? "null",
      "The calculated MD5 hash of the key did not match the hash that was provided.",
    );
  }
  return { bytes, md5: expected.toString("base64") };
}

/** Replication wraps a key with kms:Encrypt, everybody else asks for one with kms:GenerateDataKey. @source §5.3 */
async function wrapByKms(
  s3: S3Service,
  call: S3Call,
  use: KeyUse,
  isAskedFor: boolean,
  bucketKey: boolean,
): Promise<DataKey> {
  const { caller } = call;
  const made =
    isReplicator(call) && isAskedFor
      ? await inWordsOfS3(s3.keys.encryptDataKey(caller, use, takeRandomBytes(32)))
      : await inWordsOfS3(s3.keys.generateDataKey(caller, use));
  // S3 verifies the bucket key of a replica by decrypting it.
  if (isReplicator(call) && bucketKey) await inWordsOfS3(s3.keys.decryptDataKey(caller, use, made.ciphertext));
  return made;
}

function kmsUse(
  bucket: Bucket,
  key: string,
  { bucketKey, kmsContext }: { readonly bucketKey: boolean; readonly kmsContext: KmsContext | undefined },
): Omit<KeyUse, "keyId"> {
  const arn = bucketKey ? bucketArn(bucket.name) : objectArn(bucket.name, key);
  return {
    region: bucket.region,
    viaService: `s3.${bucket.region}.amazonaws.com`,
    encryptionContext: kmsContext === undefined ? { [ARN_KEY]: arn } : { ...kmsContext, [ARN_KEY]: arn },
  };
}

/** The member of the encryption context that S3 sets itself. */
const ARN_KEY = "aws:s3:arn";

/**
 * Reads `x-amz-server-side-encryption-context`: a JSON object of texts, in base64. That S3's own member may not be in it is
 * unconfirmed.
 *
 * @source aws-replication.md §10.4
 */
export function parseKmsContext(header: string): KmsContext {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch {
    throw unfitKmsContext();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unfitKmsContext();
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.some(([name, one]) => typeof one !== "string" || name === ARN_KEY)) throw unfitKmsContext();
  return value as KmsContext;
}

/** As it stands in headers. */
export function printKmsContext(kmsContext: KmsContext): string {
  return Buffer.from(JSON.stringify(kmsContext)).toString("base64");
}

function unfitKmsContext(): Error {
  return s3Error("InvalidArgument", {
    message:
      "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON with the encryption context key-value pairs",
    details: { ArgumentName: "x-amz-server-side-encryption-context" },
  });
}

/**
 * Buckets that block SSE-C answer 403 with a text of its own. Replication's writes are refused like all others.
 *
 * @source aws-replication.md §2 row 8, §12.2
 */
export function refuseBlockedCustomerKeys(call: S3Call, bucket: Bucket, key: string): void {
  if (!(bucket.settings.encryption ?? DEFAULT_ENCRYPTION).blockedTypes.includes("SSE-C")) return;
  const { principal } = call.caller;
  const action = isReplicator(call) ? REPLICATION_ACTIONS.PutObject : "s3:PutObject";
  const who = "arn" in principal ? `User: ${principal.arn} is not authorized to perform: ${action}` : "Access Denied";
  throw s3Error("AccessDenied", {
    message:
      `${who} on resource: "${objectArn(bucket.name, key)}" because this bucket has blocked upload requests that specify ` +
      "Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type",
  });
}

function unwrapByCustomer(customerKey: CustomerKey | undefined, wrapped: Uint8Array, context: string): Uint8Array {
  assert(customerKey !== undefined, "the customer's key was checked");
  try {
    return unwrapKey(customerKey.bytes, wrapped, context);
  } catch (error) {
    if (error instanceof SealError) throw s3Error("AccessDenied");
    throw error;
  }
}

/** @source aws-replication.md §12.1 */
async function inWordsOfS3<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { code, message } = error;
    if (code.startsWith("AccessDenied")) throw s3Error("AccessDenied", { message });
    // Unconfirmed: S3 has also been seen to answer SlowDown, told from its own only by the message.
    if (code === "ThrottlingException") {
      throw new ServiceError(
        "KMS.ThrottlingException",
        503,
        "Please reduce your request rate for operations involving AWS KMS.",
      );
    }
    if (error.status >= 500) throw s3Error("InternalError");
    throw new ServiceError(`KMS.${code}`, 400, message);
  }
}
