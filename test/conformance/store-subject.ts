/** The store under test, with short ways to do what many tests of the suite do. */
import assert from "node:assert/strict";
import { S3Error } from "../../src/s3/errors.ts";
import type { BucketSettings } from "../../src/s3/settings.ts";
import type { ListedVersion, PutRequest, Store, WriteRequest } from "../../src/s3/store.ts";
import type { StoreCapabilities, StoreUnderTest } from "./store.ts";

/** No test writes more versions than this under one prefix. */
const PAGES_MAX = 100;

export class Subject {
  #made: StoreUnderTest | undefined;
  #count = 0;
  #hasLock = false;

  async begin(made: StoreUnderTest, can: Pick<StoreCapabilities, "objectLock">): Promise<void> {
    this.#made = made;
    if (can.objectLock) {
      await made.settings.createBucket(this.lockBucket, { objectLock: true });
      this.#hasLock = true;
    }
    await made.settings.putBucketVersioning(made.bucket, "Enabled");
    await made.settings.createBucket(this.plainBucket);
  }

  async end(): Promise<void> {
    if (this.#made === undefined) return;
    try {
      if (this.#made.isDisposable === true) return;
      for (const bucket of [this.bucket, this.plainBucket]) await this.#empty(bucket);
      await this.settings.deleteBucket(this.plainBucket);
      if (this.#hasLock) {
        await this.#unlock(this.lockBucket);
        await this.#empty(this.lockBucket);
        await this.settings.deleteBucket(this.lockBucket);
      }
    } finally {
      await this.#made.close();
    }
  }

  get store(): Store {
    return this.#subject.store;
  }

  /** Writes replicas; may do nothing else. */
  get replicator(): Store {
    return this.#subject.replicator ?? this.store;
  }

  get settings(): BucketSettings {
    return this.#subject.settings;
  }

  /** Has versioning. */
  get bucket(): string {
    return this.#subject.bucket;
  }

  /** Never had versioning until the one test that suspends it. */
  get plainBucket(): string {
    return `${this.bucket}-plain`;
  }

  /** Has Object Lock, where the store has it. */
  get lockBucket(): string {
    return `${this.bucket}-lock`;
  }

  get #subject(): StoreUnderTest {
    assert.ok(this.#made !== undefined, "the store was made");
    return this.#made;
  }

  /** A key that no other test uses. */
  newKey(name = "key"): string {
    this.#count += 1;
    return `${String(this.#count).padStart(3, "0")}/${name}`;
  }

  /** What every write needs, for the key. */
  write(key: string): WriteRequest {
    return { bucket: this.bucket, key, contentHeaders: {}, userMetadata: {} };
  }

  /** Writes a small version and tells its id. */
  async put(key: string, body: string, more: Partial<PutRequest> = {}): Promise<string> {
    const reply = await this.store.putObject({ ...this.write(key), body: Buffer.from(body), ...more });
    assert.ok(reply.versionId !== undefined && reply.versionId !== "", "a versioning bucket tells the version's id");
    return reply.versionId;
  }

  async read(key: string, versionId?: string, bucket = this.bucket): Promise<string> {
    const { body } = await this.store.getObject({ bucket, key, ...(versionId === undefined ? {} : { versionId }) });
    return Buffer.from(await body.bytes()).toString("utf8");
  }

  /** Every row under a prefix, page by page. */
  async list(prefix: string, maxKeys?: number, bucket = this.bucket): Promise<ListedVersion[]> {
    const rows: ListedVersion[] = [];
    let marker = {};
    for (let page = 0; page < PAGES_MAX; page++) {
      const size = maxKeys === undefined ? {} : { maxKeys };
      const { versions, next } = await this.store.listObjectVersions({ bucket, prefix, ...size, ...marker });
      assert.ok(maxKeys === undefined || versions.length <= maxKeys, "a page is no longer than was asked for");
      rows.push(...versions);
      if (next === undefined) return rows;
      marker = next;
    }
    assert.fail(`the listing of ${prefix} has no end`);
  }

  async #unlock(bucket: string): Promise<void> {
    for (const { key, versionId, isDeleteMarker } of await this.list("", undefined, bucket)) {
      if (isDeleteMarker) continue;
      const ref = { bucket, key, versionId };
      await this.store.putObjectLegalHold({ ...ref, legalHold: false });
      await this.store.putObjectRetention({ ...ref, retention: undefined, bypassGovernance: true });
    }
  }

  async #empty(bucket: string): Promise<void> {
    for (const { key, versionId } of await this.list("", undefined, bucket)) {
      await this.store.deleteObject({ bucket, key, versionId });
    }
  }
}

/** Requires that a promise rejects with an S3Error of this status and, where the store has a body to say it in, code. */
export async function rejectsWith(promise: Promise<unknown>, status: number, code?: string): Promise<S3Error> {
  const error: unknown = await promise.then(
    () => assert.fail(`it was fulfilled, and should have been refused with ${status} ${code ?? ""}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof S3Error, String(error));
  assert.equal(error.status, status, error.message);
  if (code !== undefined) assert.equal(error.code, code, error.message);
  return error;
}

/** Bytes of which no two stretches are alike, so that one in the wrong place is seen. */
export function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = 0x9e3779b9;
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}
