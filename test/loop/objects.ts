/** The mix of versions that cases write, and the proof that what should be replicated is there and equal. */
import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import type { Encryption, Tag } from "../../src/core/model.ts";
import type { ListedVersion, Store, UploadedPart } from "../../src/s3/store.ts";
import type { Standard } from "./standard.ts";
import { REPLICA, SOURCE } from "./world.ts";

/** `marker` is an object and the delete marker over it: two versions. `retained` and `held` need Object Lock. */
export type Kind = "plain" | "tagged" | "kms" | "bucketKey" | "multipart" | "marker" | "retained" | "held";

export const SMALL_KINDS = ["plain", "tagged", "kms", "bucketKey", "marker"] as const satisfies Kind[];
const PART_BYTES = 5 * 1024 * 1024;
const RETAIN_UNTIL_MS = Date.UTC(2100, 0, 1);
const TAGS: readonly Tag[] = [
  { key: "team", value: "blue" },
  { key: "year", value: "2026" },
];

/** Writes one object of each kind under `KIND/NAME`. */
export async function write(set: Standard, kinds: readonly Kind[], name = "1"): Promise<void> {
  const store = await ownerOf(set, "source");
  await Promise.all(kinds.map((kind) => writeOne(set, store, kind, `${kind}/${name}`)));
}

async function writeOne(set: Standard, store: Store, kind: Kind, key: string): Promise<void> {
  const request = {
    bucket: SOURCE,
    key,
    contentHeaders: { "content-type": "text/plain", "cache-control": "no-cache" },
    userMetadata: { kind },
    ...(kind === "tagged" ? { tags: TAGS } : {}),
    ...(kind === "retained" ? { retention: { mode: "GOVERNANCE", retainUntilMs: RETAIN_UNTIL_MS } as const } : {}),
    ...(kind === "held" ? { legalHold: true } : {}),
    ...(kind === "kms" || kind === "bucketKey" ? { encryption: encryptionOf(set, kind) } : {}),
  };
  if (kind !== "multipart") {
    await store.putObject({ ...request, body: bytesOf(key, 1000) });
    if (kind === "marker") await store.deleteObject({ bucket: SOURCE, key });
    return;
  }
  const { uploadId } = await store.createMultipartUpload(request);
  const parts: UploadedPart[] = [];
  for (const partNumber of [1, 2]) {
    const body = bytesOf(`${key} ${partNumber}`, PART_BYTES);
    parts.push(await store.uploadPart({ bucket: SOURCE, key, uploadId, partNumber, body }));
  }
  await store.completeMultipartUpload({ bucket: SOURCE, key, uploadId, parts });
}

function encryptionOf({ source }: Standard, kind: "kms" | "bucketKey"): Encryption {
  return { kind: "SSE-KMS", kmsKeyArn: source.keyArn, bucketKey: kind === "bucketKey" };
}

/** The same for the same name, and no two alike. */
function bytesOf(name: string, sizeBytes: number): Uint8Array {
  const key = Buffer.alloc(16, name);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** A store without sockets, as the owner of an end. */
export async function ownerOf(set: Standard, end: "source" | "replica"): Promise<Store> {
  const { account, region } = set[end];
  return set.world.lab.direct(await set.world.credentials(account), region);
}

export async function versionsOf(store: Store, bucket: string): Promise<readonly ListedVersion[]> {
  const { versions, next } = await store.listObjectVersions({ bucket });
  assert.equal(next, undefined, "a case writes less than a page");
  return versions;
}

/** What of a version must be the same at both ends, and what each end says of its replication. */
interface Seen {
  readonly name: string;
  readonly isDeleteMarker: boolean;
  readonly lastModifiedMs: number;
  readonly content?: object;
}

/**
 * Asserts that the destination holds every version of the source, equal in everything that is replicated, and nothing
 * else; and that both ends say so.
 */
export async function assertReplicated(set: Standard, except: (one: ListedVersion) => boolean): Promise<void> {
  const source = await seenIn(set, "source", "COMPLETED", except);
  const replica = await seenIn(set, "replica", "REPLICA", except);
  assert.deepEqual(replica, source);
}

async function seenIn(
  set: Standard,
  end: "source" | "replica",
  status: string,
  except: (one: ListedVersion) => boolean,
): Promise<Seen[]> {
  const bucket = end === "source" ? SOURCE : REPLICA;
  const store = await ownerOf(set, end);
  const listed = (await versionsOf(store, bucket)).filter((one) => !except(one));
  return await Promise.all(
    listed.map(async ({ key, versionId, isDeleteMarker, lastModifiedMs }): Promise<Seen> => {
      const name = `${key} ${versionId}`;
      const ref = { bucket, key, versionId };
      if (isDeleteMarker) return { name, isDeleteMarker, lastModifiedMs };
      const { head, body } = await store.getObject(ref);
      assert.equal(head.replicationStatus, status, `${end} ${name}`);
      const { kind, kmsKeyArn, bucketKey } = head.encryption;
      if (kmsKeyArn !== undefined) assert.equal(kmsKeyArn, set[end].keyArn, `${end} ${name}`);
      const tags = await store.getObjectTagging(ref);
      const lock =
        set.objectLock === undefined
          ? {}
          : { retention: await store.getObjectRetention(ref), legalHold: await store.getObjectLegalHold(ref) };
      const content = {
        bytes: Buffer.from(await body.bytes()).toString("base64"),
        tags: tags.map((one) => `${one.key}=${one.value}`).sort(),
        etag: head.etag,
        contentHeaders: head.contentHeaders,
        userMetadata: head.userMetadata,
        storageClass: head.storageClass,
        encryption: { kind, bucketKey },
        checksums: head.checksums,
        ...lock,
      };
      return { name, isDeleteMarker, lastModifiedMs, content };
    }),
  );
}

/** Removes every version of an end for good. */
export async function removeAll(set: Standard, end: "source" | "replica"): Promise<void> {
  const { bucket } = set[end];
  const store = await ownerOf(set, end);
  for (const { key, versionId } of await versionsOf(store, bucket))
    await store.deleteObject({ bucket, key, versionId });
}

/** Tags every version of the source. */
export async function tagAll(set: Standard): Promise<void> {
  const store = await ownerOf(set, "source");
  const tags = [{ key: "added", value: "later" }];
  for (const { key, versionId } of await versionsOf(store, SOURCE)) {
    await store.putObjectTagging({ bucket: SOURCE, key, versionId, tags });
  }
}

/** An object that its own list opens to everybody, where the destination takes lists but no public ones. */
export async function publish(set: Standard): Promise<void> {
  await set.allowPublicLists("source");
  await set.useLists("replica");
  await set.source.s3.putObject({ Bucket: SOURCE, Key: "public", Body: "x", ACL: "public-read" });
}
