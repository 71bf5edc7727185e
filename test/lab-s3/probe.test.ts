/**
 * The probe over the lab, by HTTP: a store that does as Amazon S3 does, one that refuses, one that breaks, and one that is
 * left in the middle. Whatever happens, nothing stays behind.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ListMultipartUploadsCommand, PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import { systemClock } from "../../src/cli/clock.ts";
import {
  CHECKS,
  type CheckCode,
  type CheckId,
  PHASES,
  type ProbeReport,
  phaseOf,
} from "../../src/engine/probe/model.ts";
import {
  capabilitiesOf,
  findingsOf,
  type ProbeOptions,
  plannedWrites,
  probe,
  probePrefix,
} from "../../src/engine/probe.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { S3Error, type S3ErrorFields } from "../../src/s3/errors.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import { REGION, TestLab } from "./lab.ts";

/** What a call is answered with in place of the lab's answer. */
interface Fault {
  readonly operation: keyof Store;
  /** The end of the key; every key when it is left out. */
  readonly on?: string;
  readonly answer: Partial<S3ErrorFields>;
  /** The deed is done, and only its answer is lost. */
  readonly afterwards?: boolean;
  /** How many calls it hits; default all. */
  readonly times?: number;
}

/** A Store that wraps one, and fails where it is told to. */
function failing(store: Store, fault: Fault): Store {
  let left = fault.times ?? Number.POSITIVE_INFINITY;
  const deed = store[fault.operation] as (request: { readonly key?: string }) => Promise<unknown>;
  const replaced = async (request: { readonly key?: string }) => {
    const isHit = left > 0 && (fault.on === undefined || request.key?.endsWith(`/${fault.on}`) === true);
    if (!isHit) return await deed(request);
    left -= 1;
    if (fault.afterwards === true) await deed(request);
    const operation = fault.operation.charAt(0).toUpperCase() + fault.operation.slice(1);
    throw new S3Error("a fault of the test", { operation, ...fault.answer });
  };
  return { ...store, [fault.operation]: replaced };
}

const DENIED = { status: 403, code: "AccessDenied" };
const UNKNOWN = { status: 501, code: "NotImplemented" };
const BUSY = { status: 503, code: "SlowDown" };
const LOST = { network: "reset" } as const;

describe("probe", () => {
  let lab: TestLab;
  let client: S3Client;
  let count = 0;

  before(async () => {
    lab = await TestLab.start();
    const profile = { ...PROFILES.aws, addressing: "path" } as const;
    const { endpoint, alice: credentials } = lab;
    client = createS3Client({ endpoint, region: REGION, credentials, profile, clock: () => Date.now() });
    await client.createBucket("tried");
    await client.putBucketVersioning("tried", "Enabled");
  });
  after(async () => {
    await client.close();
    await lab.stop();
  });

  /** The pauses of the clean-up are over at once. */
  const clock = { ...systemClock(() => Date.now()), sleep: async () => undefined };

  async function run(store: Store, more: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
    count += 1;
    return await probe(store, client, { bucket: "tried", id: `n${count}`, clock, ...more });
  }

  const codes = (report: ProbeReport) => new Map<CheckId, CheckCode>(report.checks.map(({ id, code }) => [id, code]));

  async function requireEmpty(bucket = "tried"): Promise<void> {
    assert.deepEqual(await client.listObjectVersions({ bucket }), { versions: [] });
    const { Uploads } = await lab.s3().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    assert.deepEqual(Uploads ?? [], []);
  }

  test("a store that does as S3 does is found to do so, and nothing stays behind", async () => {
    const report = await run(client);
    const others = report.checks.filter(({ code }) => code !== "ok").map(({ id, code }) => `${id} ${code}`);
    // Ids are for the service that replicates; the bucket was made without Object Lock.
    assert.deepEqual(others, [
      "identity.version-id differs",
      "identity.last-modified differs",
      "lock.configured absent",
    ]);
    assert.deepEqual(report.left, []);
    assert.deepEqual(findingsOf(report), []);
    assert.deepEqual(capabilitiesOf(report), {
      // Not tried: what is assumed of a store that nobody knows.
      locksOnUploads: false,
      md5Verified: false,
      storageClasses: ["STANDARD"],
      versioning: true,
      versionIds: "minted",
      keepsLastModified: false,
      conditionalPut: true,
      etagIsMd5: true,
      multipart: true,
      multipartEtag: true,
      completeTellsEtag: true,
      readsParts: true,
      tags: true,
      tagsOnUploads: true,
      metadataIsAnyText: true,
      checksumsVerified: ["CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"],
      checksumsTold: ["CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"],
      objectLock: false,
      deleteMarkers: true,
      markerHead: 405,
      namesMarkers: true,
    });
    await requireEmpty();
  });

  test("a second probe finds the same", async () => {
    const [first, second] = [await run(client), await run(client)];
    assert.notEqual(first.prefix, second.prefix);
    assert.deepEqual(codes(first), codes(second));
    assert.deepEqual(first.found, second.found);
  });

  test("nothing is written that was not announced", async () => {
    const written = new Map<string, number>();
    const watch = (key: string) => void written.set(key, (written.get(key) ?? 0) + 1);
    const watching: Store = {
      ...client,
      putObject: (request) => {
        watch(request.key);
        return client.putObject(request);
      },
      createMultipartUpload: (request) => {
        watch(request.key);
        return client.createMultipartUpload(request);
      },
    };
    const { prefix } = await run(watching, { id: "announced" });
    assert.equal(prefix, probePrefix("announced"));
    const planned = new Map(plannedWrites().map(({ name, versionsMax }) => [prefix + name, versionsMax]));
    for (const [key, times] of written) assert.ok(times <= (planned.get(key) ?? 0), `${key} is written ${times} times`);
    assert.equal(written.size, planned.size - 1, "all but the one for buckets with Object Lock");
  });

  test("a replicating service finds that replicas keep their ids and dates", async () => {
    const kept: Store = {
      ...client,
      putObject: async (request) => {
        const reply = await client.putObject(request);
        return request.replica === undefined ? reply : { ...reply, versionId: request.replica.versionId };
      },
      headObject: async (request) => {
        const head = await client.headObject(request);
        const { versionId: _, ...rest } = head;
        return request.key.endsWith("/identity") ? rest : head;
      },
    };
    const report = await run(kept);
    assert.equal(report.found.versionIds, "kept");
    await requireEmpty();
  });

  test("a bucket with Object Lock is tried under a lock, which is taken off again", async () => {
    await client.createBucket("locked", { objectLock: true });
    const report = await run(client, { bucket: "locked" });
    const found = codes(report);
    assert.deepEqual(
      ["lock.configured", "lock.on-put", "lock.protects", "clean-up.empty"].map((id) => found.get(id as CheckId)),
      ["ok", "ok", "ok", "ok"],
    );
    assert.equal(report.found.objectLock, true);
    await requireEmpty("locked");
  });

  test("a bucket that retains everything by default is not written to", async () => {
    await client.createBucket("retaining", { objectLock: true });
    const DefaultRetention = { Mode: "COMPLIANCE", Days: 30 } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention } } as const;
    await lab.s3().send(new PutObjectLockConfigurationCommand({ Bucket: "retaining", ObjectLockConfiguration }));
    const report = await run(client, { bucket: "retaining" });
    assert.equal(codes(report).get("put.write"), "untried");
    assert.match(report.checks.find(({ id }) => id === "lock.configured")?.says ?? "", /30 days \(COMPLIANCE\)/);
    await requireEmpty("retaining");
  });

  test("a bucket without versioning lacks what replication needs, by its name", async () => {
    await client.createBucket("plain");
    const report = await run(client, { bucket: "plain" });
    const [first] = findingsOf(report);
    assert.deepEqual(
      [first?.id, first?.code, first?.failure],
      ["versioning.enabled", "absent", "DstBucketUnversioned"],
    );
    assert.deepEqual([report.found.versionIds, report.found.deleteMarkers], ["none", false]);
    await requireEmpty("plain");
  });

  test("a bucket that is not there ends the probe", async () => {
    const report = await run(client, { bucket: "nowhere" });
    const [first, second] = findingsOf(report);
    assert.deepEqual([first?.id, first?.code, first?.failure], ["reach.bucket", "absent", "DstBucketNotFound"]);
    assert.equal(second?.code, "untried");
    assert.equal(codes(report).get("clean-up.empty"), "ok");
  });

  const rows: readonly (Fault & { readonly check: CheckId; readonly code: CheckCode; readonly failure?: string })[] = [
    {
      operation: "putObject",
      on: "put",
      answer: DENIED,
      check: "put.write",
      code: "refused",
      failure: "DstPutObjectNotPermitted",
    },
    {
      operation: "putObject",
      on: "put",
      answer: BUSY,
      check: "put.write",
      code: "broken",
      failure: "RequestThrottled",
    },
    { operation: "putObject", on: "put", answer: LOST, afterwards: true, check: "put.write", code: "broken" },
    { operation: "getObject", on: "put", answer: DENIED, check: "put.bytes", code: "refused" },
    { operation: "putObject", on: "any-text", answer: UNKNOWN, check: "put.any-text", code: "absent" },
    { operation: "putObject", on: "identity", answer: UNKNOWN, check: "identity.version-id", code: "absent" },
    { operation: "putObject", on: "identity", answer: LOST, check: "identity.version-id", code: "broken" },
    {
      operation: "createMultipartUpload",
      answer: DENIED,
      check: "multipart.upload",
      code: "refused",
      failure: "DstMultipartInitNotPermitted",
    },
    { operation: "createMultipartUpload", answer: UNKNOWN, check: "multipart.upload", code: "absent" },
    { operation: "createMultipartUpload", answer: UNKNOWN, times: 1, check: "multipart.tags", code: "absent" },
    { operation: "uploadPart", answer: BUSY, check: "multipart.upload", code: "broken" },
    { operation: "completeMultipartUpload", answer: LOST, check: "multipart.upload", code: "broken" },
    { operation: "completeMultipartUpload", answer: LOST, afterwards: true, check: "multipart.upload", code: "broken" },
    { operation: "headObject", on: "multipart", answer: BUSY, check: "multipart.bytes", code: "broken" },
    {
      operation: "getObjectTagging",
      on: "multipart",
      answer: { network: "protocol" },
      check: "multipart.tags",
      code: "broken",
    },
    { operation: "putObject", on: "tags", answer: UNKNOWN, check: "tags.on-put", code: "absent" },
    { operation: "putObject", on: "tags", answer: DENIED, check: "tags.on-put", code: "refused" },
    {
      operation: "putObjectTagging",
      answer: DENIED,
      check: "tags.replace",
      code: "refused",
      failure: "DstPutTaggingNotPermitted",
    },
    { operation: "putObject", on: "CRC32", answer: UNKNOWN, check: "checksums.CRC32", code: "absent" },
    { operation: "putObject", on: "CRC32", answer: BUSY, check: "checksums.CRC32", code: "broken" },
    { operation: "putObject", on: "condition", answer: UNKNOWN, check: "condition.only-if-absent", code: "absent" },
    {
      operation: "putObject",
      on: "condition",
      answer: LOST,
      afterwards: true,
      check: "condition.only-if-absent",
      code: "broken",
    },
    {
      operation: "deleteObject",
      on: "marker",
      answer: DENIED,
      times: 1,
      check: "marker.write",
      code: "refused",
      failure: "DstDelObjNotPermitted",
    },
    {
      operation: "deleteObject",
      on: "marker",
      answer: LOST,
      afterwards: true,
      times: 1,
      check: "marker.write",
      code: "broken",
    },
    { operation: "headObject", on: "marker", answer: BUSY, check: "marker.hides", code: "broken" },
    { operation: "headObject", on: "version", answer: BUSY, check: "version-delete.removes", code: "broken" },
    {
      operation: "deleteObject",
      on: "version",
      answer: DENIED,
      times: 1,
      check: "version-delete.removes",
      code: "refused",
    },
    { operation: "listObjectVersions", answer: DENIED, check: "auth.list", code: "refused" },
    { operation: "deleteObject", answer: BUSY, times: 3, check: "clean-up.empty", code: "ok" },
    { operation: "abortMultipartUpload", answer: BUSY, times: 1, check: "clean-up.empty", code: "ok" },
  ];
  for (const { check, code, failure, ...fault } of rows) {
    const where = `${fault.operation}${fault.on === undefined ? "" : ` of ${fault.on}`}`;
    const what = `${fault.answer.code ?? fault.answer.network}${fault.afterwards === true ? " after the deed" : ""}`;
    test(`${where} answered with ${what} makes ${check} ${code}, and nothing stays behind`, async () => {
      const report = await run(failing(client, fault));
      assert.equal(codes(report).get(check), code);
      if (failure !== undefined) assert.equal(report.checks.find(({ id }) => id === check)?.failure, failure);
      assert.deepEqual(report.left, []);
      await requireEmpty();
    });
  }

  for (const versioned of [true, false]) {
    test(`who may only write learns from the first write that versions are ${versioned ? "kept" : "not kept"}`, async () => {
      const refuse = async (): Promise<never> => {
        throw new S3Error("a fault of the test", { operation: "GetBucketVersioning", ...DENIED });
      };
      const settings = { ...client, headBucket: refuse, getBucketVersioning: refuse, getObjectLock: refuse };
      const store = failing(client, { operation: "listObjectVersions", answer: DENIED });
      const bucket = versioned ? "tried" : "unversioned";
      if (!versioned) await client.createBucket(bucket);
      const report = await probe(store, settings, { bucket, id: "blind", clock });
      const found = codes(report);
      assert.equal(found.get("reach.bucket"), "ok");
      assert.equal(found.get("versioning.enabled"), versioned ? "ok" : "absent");
      assert.equal(report.found.versioning, versioned);
      assert.equal(findingsOf(report).length, versioned ? 0 : 3);
      assert.equal(found.get("lock.configured"), "refused");
      await requireEmpty(bucket);
    });
  }

  test("keys that the store does not know end the probe", async () => {
    for (const [code, says] of [
      ["InvalidAccessKeyId", /does not know the access key/],
      ["SignatureDoesNotMatch", /does not belong/],
      ["UserSuspended", /suspended/],
      ["RequestTimeTooSkewed", /clocks/],
    ] as const) {
      const report = await run(failing(client, { operation: "listObjectVersions", answer: { status: 403, code } }));
      const check = report.checks.find(({ id }) => id === "auth.credentials");
      assert.equal(check?.code, "refused");
      assert.match(check?.says ?? "", says);
      assert.equal(codes(report).get("put.write"), "untried");
    }
  });

  test("what was not found out is assumed", async () => {
    const { found } = await run(failing(client, { operation: "putObject", on: "condition", answer: BUSY }));
    assert.equal(found.conditionalPut, undefined);
    assert.equal(capabilitiesOf({ found }).conditionalPut, false);
    const assumed = { ...capabilitiesOf({ found: {} }), conditionalPut: true };
    assert.equal(capabilitiesOf({ found }, assumed).conditionalPut, true);
  });

  test("a quota that is met is spoken of", async () => {
    const full = { status: 403, code: "QuotaExceeded" };
    const report = await run(failing(client, { operation: "putObject", on: "put", answer: full }));
    const quota = report.checks.find(({ id }) => id === "quota.room");
    assert.deepEqual([quota?.code, quota?.failure], ["refused", "DstQuotaExceeded"]);
    assert.equal(codes(await run(client)).has("quota.room"), false);
  });

  test("what cannot be removed is told, every version of it", async () => {
    const report = await run(failing(client, { operation: "deleteObject", answer: DENIED }));
    assert.equal(codes(report).get("clean-up.empty"), "broken");
    const { versions } = await client.listObjectVersions({ bucket: "tried" });
    const names = (rows_: readonly { key: string; versionId?: string }[]) =>
      rows_.map(({ key, versionId }) => `${key} ${versionId}`).sort();
    assert.deepEqual(names(report.left), names(versions));
    assert.ok(report.left.every(({ because }) => because === "AccessDenied (403)"));
    for (const { key, versionId } of versions) await client.deleteObject({ bucket: "tried", key, versionId });
  });

  for (const phase of PHASES.filter((one) => one !== "quota" && one !== "clean-up")) {
    test(`interrupted at ${phase}, it removes what it wrote and says what it did not try`, async () => {
      const interruption = new AbortController();
      const onPhase = (begun: string) => {
        if (begun === phase) interruption.abort();
      };
      const report = await run(client, { signal: interruption.signal, onPhase });
      assert.equal(codes(report).get("clean-up.empty"), "ok");
      const last = report.checks.find(({ id }) => phaseOf(id) === "version-delete");
      assert.deepEqual([last?.code, last?.says], ["untried", "the probe was interrupted"]);
      await requireEmpty();
    });
  }

  test("every check of the table is in a report, quota and locks aside", async () => {
    const found = codes(await run(client));
    const missing = Object.keys(CHECKS).filter((id) => !found.has(id as CheckId));
    assert.deepEqual(missing, ["lock.on-put", "lock.protects", "quota.room"]);
  });
});
