/** The contract of retention and legal hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Retention } from "../../src/core/model.ts";
import { checksumOf } from "../../src/s3/checksum.ts";
import type { PutRequest } from "../../src/s3/store.ts";
import type { StoreCapabilities } from "./store.ts";
import { rejectsWith, type Subject } from "./store-subject.ts";

const DAY_MS = 86_400_000;

export function lockTests(subject: Subject, can: StoreCapabilities): void {
  const skip = can.objectLock ? {} : { skip: "the store has no Object Lock" };
  // Whole seconds: not every store keeps what is finer.
  const tomorrowMs = Math.ceil(Date.now() / 1000) * 1000 + DAY_MS;
  const governed = (days: number): Retention => ({ mode: "GOVERNANCE", retainUntilMs: tomorrowMs + days * DAY_MS });

  async function begin(more: Partial<PutRequest> = {}) {
    const bucket = subject.lockBucket;
    const key = subject.newKey();
    const versionId = await subject.put(key, "x", { bucket, ...more });
    return { bucket, key, versionId };
  }

  test("a version keeps the retention and the hold that it was written with", skip, async () => {
    const ref = await begin({ retention: governed(0), legalHold: true });
    const head = await subject.store.headObject(ref);
    assert.deepEqual([head.retention, head.legalHold], [governed(0), true]);
    assert.deepEqual(await subject.store.getObjectRetention(ref), governed(0));
    assert.equal(await subject.store.getObjectLegalHold(ref), true);
  });

  test("a version that nothing protects says so", skip, async () => {
    const ref = await begin();
    assert.equal(await subject.store.getObjectRetention(ref), undefined);
    assert.equal(await subject.store.getObjectLegalHold(ref), false);
    const head = await subject.store.headObject(ref);
    assert.deepEqual([head.retention, head.legalHold], [undefined, undefined]);
  });

  test("a retained version is not removed until its retention is lifted", skip, async () => {
    const ref = await begin({ retention: governed(0) });
    await rejectsWith(subject.store.deleteObject(ref), 403, "AccessDenied");
    await subject.store.putObjectRetention({ ...ref, retention: governed(1) });
    assert.deepEqual(await subject.store.getObjectRetention(ref), governed(1));
    if (!can.endsRetention) return;
    await subject.store.putObjectRetention({ ...ref, retention: undefined, bypassGovernance: true });
    assert.equal(await subject.store.getObjectRetention(ref), undefined);
    await subject.store.deleteObject(ref);
  });

  const noBypass = can.bypassesOnDelete ? skip : { skip: "the caller is a service, which bypasses nothing" };
  test("who may bypass GOVERNANCE removes a retained version, and not a held one", noBypass, async () => {
    const ref = await begin({ retention: governed(0), legalHold: true });
    const remove = () => subject.store.deleteObject({ ...ref, bypassGovernance: true });
    await rejectsWith(remove(), 403, "AccessDenied");
    await subject.store.putObjectLegalHold({ ...ref, legalHold: false });
    await remove();
    await rejectsWith(subject.store.headObject(ref), 404);
  });

  test("a held version is not removed until its hold is taken off; the retention is not touched", skip, async () => {
    const ref = await begin(can.endsRetention ? { retention: governed(0) } : {});
    await subject.store.putObjectLegalHold({ ...ref, legalHold: true });
    if (can.endsRetention) {
      await subject.store.putObjectRetention({ ...ref, retention: undefined, bypassGovernance: true });
    }
    await rejectsWith(subject.store.deleteObject(ref), 403, "AccessDenied");
    await subject.store.putObjectLegalHold({ ...ref, legalHold: false });
    assert.equal(await subject.store.getObjectLegalHold(ref), false);
    await subject.store.deleteObject(ref);
  });

  test("protection is of one version: others and markers come on top of it", skip, async () => {
    const { bucket, key, versionId } = await begin({ legalHold: true });
    const second = await subject.put(key, "y", { bucket });
    const marker = await subject.store.deleteObject({ bucket, key });
    assert.equal(marker.isDeleteMarker, true);
    await subject.store.deleteObject({ bucket, key, versionId: second });
    assert.equal(await subject.store.getObjectLegalHold({ bucket, key, versionId }), true);
  });

  const noUploads = can.locksUploads ? skip : { skip: "the store forgets the lock of an upload" };
  test("an upload brings the protection of its version", noUploads, async () => {
    const [bucket, key] = [subject.lockBucket, subject.newKey()];
    const request = { ...subject.write(key), bucket, retention: governed(0), legalHold: true };
    const { uploadId } = await subject.store.createMultipartUpload(request);
    const upload = { bucket, key, uploadId };
    const body = Buffer.from("x");
    // What is to be protected comes with a digest, or is refused.
    const checksums = { type: "FULL_OBJECT", values: { CRC32: await checksumOf("CRC32", body) } } as const;
    const part = await subject.store.uploadPart({ ...upload, partNumber: 1, body, checksums });
    await subject.store.completeMultipartUpload({ ...upload, parts: [part] });
    const head = await subject.store.headObject({ bucket, key });
    assert.deepEqual([head.retention, head.legalHold], [governed(0), true]);
  });

  test("without Object Lock there is nothing to set and nothing to read", skip, async () => {
    const key = subject.newKey();
    const ref = { bucket: subject.bucket, key, versionId: await subject.put(key, "x") };
    const { store } = subject;
    for (const call of [
      () => store.getObjectRetention(ref),
      () => store.getObjectLegalHold(ref),
      () => store.putObjectRetention({ ...ref, retention: governed(0) }),
      () => store.putObjectLegalHold({ ...ref, legalHold: true }),
      () => subject.put(key, "x", { retention: governed(0) }),
    ]) {
      await rejectsWith(call(), 400, "InvalidRequest");
    }
  });
}
