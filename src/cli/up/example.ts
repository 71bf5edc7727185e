/**
 * The example: two buckets, a role, a rule, and two things wrong with it. Written by real requests, as anybody would.
 *
 * The role may do everything that replication needs except `s3:ReplicateDelete`, and the rule says nothing about KMS. Every
 * piece is made only when it is not there, so a start that was interrupted is carried on.
 */
import { createCipheriv, createHash } from "node:crypto";
import type { IamControl } from "../../aws/iam.ts";
import type { KmsControl } from "../../aws/kms.ts";
import type { DocumentValue } from "../../core/config/document.ts";
import { printReplication } from "../../core/config/print.ts";
import type { Encryption, Tag } from "../../core/model.ts";
import type { S3Client } from "../../s3/client.ts";
import { S3Error } from "../../s3/errors.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { UploadedPart } from "../../s3/store.ts";

export const EXAMPLE_BUCKET = "photos";
export const EXAMPLE_REPLICA_BUCKET = "photos-replica";
const ROLE = "photos-replication";
const POLICY = "replicate";
const SOURCE_REGION = "us-east-1";
const REPLICA_REGION = "eu-west-1";

const PLAIN = 200;
const TAGGED = 40;
const ENCRYPTED = 60;
const DELETED = 30;
/** Every so many of the plain objects is large. */
const LARGE_EVERY = 67;
const LARGE_BYTES = 20 * 1024 * 1024;
const PART_BYTES = 8 * 1024 * 1024;
const WRITES_AT_ONCE = 16;

/** What of the example enters replication: all but what KMS encrypts. */
export const EXAMPLE_TASKS = PLAIN + TAGGED + DELETED;

export interface ExampleAccess {
  /** Clients that sign for the two Regions. */
  readonly source: S3Client;
  readonly replica: S3Client;
  readonly iam: IamControl;
  readonly kms: KmsControl;
  readonly accountId: string;
}

/** @param onProgress called with the number of writes done and the number of all of them */
export async function writeExample(
  access: ExampleAccess,
  onProgress: (done: number, all: number) => void,
): Promise<void> {
  await makeBucket(access.source, EXAMPLE_BUCKET, SOURCE_REGION);
  await makeBucket(access.replica, EXAMPLE_REPLICA_BUCKET, REPLICA_REGION);
  const sourceKey = await makeKey(access.kms, SOURCE_REGION, `alias/${EXAMPLE_BUCKET}`);
  const replicaKey = await makeKey(access.kms, REPLICA_REGION, `alias/${EXAMPLE_REPLICA_BUCKET}`);
  const roleArn = await makeRole(access, sourceKey, replicaKey);
  if ((await access.source.getBucketReplication(EXAMPLE_BUCKET)) === undefined) {
    await access.source.putBucketReplication(EXAMPLE_BUCKET, printReplication(configuration(roleArn)));
  }
  const objects = exampleObjects(sourceKey);
  let done = 0;
  const told = async (work: Promise<void>) => {
    await work;
    done += 1;
    onProgress(done, objects.length + DELETED);
  };
  await sideBySide(objects, WRITES_AT_ONCE, (one) => told(writeObject(access.source, one)));
  const deleted = objects.slice(0, DELETED).map((one) => one.key);
  await sideBySide(deleted, WRITES_AT_ONCE, (key) => told(deleteObject(access.source, key)));
}

async function makeBucket(client: S3Client, bucket: string, region: string): Promise<void> {
  const isThere = await client.headBucket(bucket).then(
    () => true,
    (error: unknown) => {
      if (error instanceof S3Error && error.status === 404) return false;
      throw error;
    },
  );
  if (!isThere) await client.createBucket(bucket, { region });
  await client.putBucketVersioning(bucket, "Enabled");
}

async function makeKey(kms: KmsControl, region: string, alias: string): Promise<string> {
  const aliases = await kms.aliases(region);
  const [id] = [...aliases].find(([, names]) => names.includes(alias)) ?? [];
  const arns = id === undefined ? [] : await kms.keyArns(region, 1000);
  return arns.find((one) => one.endsWith(`/${id}`)) ?? (await kms.createKey(region, `Key of ${alias.slice(6)}`, alias));
}

async function makeRole(access: ExampleAccess, sourceKey: string, replicaKey: string): Promise<string> {
  const { iam, accountId } = access;
  const arn = `arn:aws:iam::${accountId}:role/${ROLE}`;
  if ((await iam.role(arn)) === undefined) await iam.createRole(ROLE, JSON.stringify(TRUST));
  const policies = await iam.inlinePolicies(arn);
  if (!policies.some((one) => one.name === POLICY)) {
    await iam.putInlinePolicy(arn, POLICY, JSON.stringify(rolePolicy(sourceKey, replicaKey)));
  }
  return arn;
}

export const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

export function rolePolicy(sourceKey: string, replicaKey: string) {
  const use = (region: string, bucket: string) => ({
    StringLike: {
      "kms:ViaService": `s3.${region}.amazonaws.com`,
      "kms:EncryptionContext:aws:s3:arn": [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    },
  });
  const allow = (Sid: string, Action: string[], Resource: string) => ({ Sid, Effect: "Allow", Action, Resource });
  const source = `arn:aws:s3:::${EXAMPLE_BUCKET}`;
  const replica = `arn:aws:s3:::${EXAMPLE_REPLICA_BUCKET}`;
  return {
    Version: "2012-10-17",
    Statement: [
      allow("ReadBucket", ["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
      allow(
        "ReadVersions",
        ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
        `${source}/*`,
      ),
      allow("WriteReplicas", ["s3:ReplicateObject", "s3:ReplicateTags"], `${replica}/*`),
      { ...allow("DecryptSource", ["kms:Decrypt"], sourceKey), Condition: use(SOURCE_REGION, EXAMPLE_BUCKET) },
      {
        ...allow("EncryptReplicas", ["kms:Encrypt"], replicaKey),
        Condition: use(REPLICA_REGION, EXAMPLE_REPLICA_BUCKET),
      },
    ],
  };
}

export function configuration(roleArn: string): DocumentValue {
  return {
    Role: roleArn,
    Rules: [
      {
        ID: "everything",
        Priority: 1,
        Status: "Enabled",
        Filter: {},
        DeleteMarkerReplication: { Status: "Enabled" },
        Destination: { Bucket: `arn:aws:s3:::${EXAMPLE_REPLICA_BUCKET}` },
      },
    ],
  };
}

interface ExampleObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags?: readonly Tag[];
  readonly encryption?: Encryption;
}

function exampleObjects(sourceKey: string): ExampleObject[] {
  const name = (index: number) => String(index + 1).padStart(4, "0");
  const plain = Array.from({ length: PLAIN }, (_, index) => {
    const isLarge = index % LARGE_EVERY === LARGE_EVERY - 1;
    return { key: `2026/${name(index)}.jpg`, sizeBytes: isLarge ? LARGE_BYTES : smallSize(index) };
  });
  const tagged = Array.from({ length: TAGGED }, (_, index) => ({
    key: `albums/${name(index)}.jpg`,
    sizeBytes: smallSize(index),
    tags: [
      { key: "album", value: index % 2 === 0 ? "summer" : "winter" },
      { key: "stars", value: String((index % 5) + 1) },
    ],
  }));
  const encrypted = Array.from({ length: ENCRYPTED }, (_, index) => ({
    key: `private/${name(index)}.jpg`,
    sizeBytes: smallSize(index),
    encryption: { kind: "SSE-KMS" as const, kmsKeyArn: sourceKey },
  }));
  return [...plain, ...tagged, ...encrypted];
}

/** 1 to 64 KiB, the same on every run. */
function smallSize(index: number): number {
  return 1024 * (1 + ((index * 37) % 64));
}

async function writeObject(client: S3Client, object: ExampleObject): Promise<void> {
  const { key, sizeBytes } = object;
  if (await isThere(client, key)) return;
  const request = {
    bucket: EXAMPLE_BUCKET,
    key,
    contentHeaders: { "content-type": "image/jpeg" },
    userMetadata: { camera: "Example 35", shot: key },
    ...(object.tags === undefined ? {} : { tags: object.tags }),
    ...(object.encryption === undefined ? {} : { encryption: object.encryption }),
  };
  const bytes = exampleBytes(key, sizeBytes);
  if (sizeBytes <= PART_BYTES) {
    await client.putObject({ ...request, body: bytes });
    return;
  }
  const { uploadId } = await client.createMultipartUpload(request);
  const upload = { bucket: EXAMPLE_BUCKET, key, uploadId };
  const parts: UploadedPart[] = [];
  for (let at = 0; at < sizeBytes; at += PART_BYTES) {
    const body = bytes.subarray(at, at + PART_BYTES);
    parts.push(await client.uploadPart({ ...upload, partNumber: parts.length + 1, body }));
  }
  await client.completeMultipartUpload({ ...upload, parts });
}

/** True also for a key whose newest version is a delete marker: it was written and deleted. */
async function isThere(client: S3Client, key: string): Promise<boolean> {
  try {
    await client.headObject({ bucket: EXAMPLE_BUCKET, key });
    return true;
  } catch (error) {
    if (!(error instanceof S3Error) || error.status !== 404) throw error;
    return error.fields.isDeleteMarker === true;
  }
}

async function deleteObject(client: S3Client, key: string): Promise<void> {
  try {
    await client.headObject({ bucket: EXAMPLE_BUCKET, key });
  } catch (error) {
    if (error instanceof S3Error && error.status === 404) return;
    throw error;
  }
  await client.deleteObject({ bucket: EXAMPLE_BUCKET, key });
}

/** Bytes that look like a photograph to a compressor, the same for the same key. */
function exampleBytes(key: string, sizeBytes: number): Uint8Array {
  const seed = createHash("sha256").update(key).digest();
  return createCipheriv("aes-256-ctr", seed, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
