/** What was acknowledged is there after a restart, and after kill -9 at any moment. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type ReplicationRule,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { openLab } from "../../src/lab/lab.ts";
import { DatabaseError } from "../../src/ledger/database.ts";
import { codeOf, TestLab } from "./lab.ts";

const WRITER = join(dirname(fileURLToPath(import.meta.url)), "durable-writer.js");

describe("durability", () => {
  test("buckets, versions, bodies and uploads survive a restart", async () => {
    const lab = await TestLab.start({ onDisk: true });
    try {
      const Bucket = await lab.bucket("kept-bucket", { versioned: true });
      const large = Buffer.alloc(300_000, "large");
      const before = lab.s3();
      const small = await before.send(new PutObjectCommand({ Bucket, Key: "small", Body: "small", Tagging: "a=b" }));
      await before.send(new PutObjectCommand({ Bucket, Key: "large", Body: large }));
      await before.send(new DeleteObjectCommand({ Bucket, Key: "small" }));
      const { UploadId } = await before.send(new CreateMultipartUploadCommand({ Bucket, Key: "upload" }));
      const { ETag } = await before.send(
        new UploadPartCommand({ Bucket, Key: "upload", UploadId, PartNumber: 1, Body: large }),
      );

      await lab.restart();
      const after = lab.s3();
      const read = async (Key: string, VersionId?: string) =>
        Buffer.from(
          (await (await after.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToByteArray()) ??
            [],
        );
      assert.equal((await read("small", small.VersionId)).toString(), "small");
      assert.deepEqual(await read("large"), large);
      assert.equal(await codeOf(read("small")), "NoSuchKey 404");
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
      await after.send(new CompleteMultipartUploadCommand({ Bucket, Key: "upload", UploadId, MultipartUpload }));
      assert.deepEqual(await read("upload"), large);
      assert.equal(
        await codeOf(after.send(new GetBucketReplicationCommand({ Bucket }))),
        "ReplicationConfigurationNotFoundError 404",
      );
    } finally {
      await lab.stop();
    }
  });

  test("changes that nobody has done are handed out again after a restart", async () => {
    const lab = await TestLab.start({ onDisk: true });
    try {
      const Bucket = await lab.bucket("outbox-bucket", { versioned: true });
      await lab.bucket("outbox-target", { versioned: true });
      const Rules: ReplicationRule[] = [
        {
          ID: "all",
          Priority: 1,
          Status: "Enabled",
          Filter: { Prefix: "" },
          DeleteMarkerReplication: { Status: "Disabled" },
          Destination: { Bucket: "arn:aws:s3:::outbox-target" },
        },
      ];
      const ReplicationConfiguration = { Role: "arn:aws:iam::111122223333:role/any", Rules };
      await lab.s3().send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration }));
      for (const Key of ["a", "b"]) await lab.s3().send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
      const keys = async () => (await lab.lab.openChanges().take(10)).map(({ event }) => event.version.key);
      const changes = lab.lab.openChanges();
      const taken = await changes.take(1);
      await changes.done(taken.map((one) => one.seq));
      assert.deepEqual(await keys(), ["b"]);
      await lab.restart();
      assert.deepEqual(await keys(), ["b"]);
      const { ReplicationStatus } = await lab.s3().send(new HeadObjectCommand({ Bucket, Key: "b" }));
      assert.equal(ReplicationStatus, "PENDING");
    } finally {
      await lab.stop();
    }
  });

  test("a directory that is in use is refused, and free again afterwards", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-held-"));
    try {
      const first = await openLab({ dataDir: directory, clock: () => 0 });
      await assert.rejects(
        openLab({ dataDir: directory, clock: () => 0 }),
        (error) => error instanceof DatabaseError && error.reason === "locked",
      );
      await first.close();
      await (await openLab({ dataDir: directory, clock: () => 0 })).close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("blobs that no row names are removed at the start, those that one names are not", async () => {
    const lab = await TestLab.start({ onDisk: true });
    try {
      const Bucket = await lab.bucket("orphan-bucket");
      await lab.s3().send(new PutObjectCommand({ Bucket, Key: "k", Body: Buffer.alloc(300_000) }));
      const blobs = join(lab.directory ?? "", "blobs");
      writeFileSync(join(blobs, "00", "00000000000040"), "left by a crash");
      writeFileSync(join(blobs, "incoming", "00000000000080"), "left by a crash");
      await lab.restart();
      const files = readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      assert.equal(files.length, 1);
      const kept = await lab.s3().send(new GetObjectCommand({ Bucket, Key: "k" }));
      assert.equal((await kept.Body?.transformToByteArray())?.length, 300_000);
    } finally {
      await lab.stop();
    }
  });

  test("overwritten and deleted bodies leave no files behind", async () => {
    const lab = await TestLab.start({ onDisk: true });
    try {
      const Bucket = await lab.bucket("tidy-bucket");
      for (let count = 0; count < 3; count++) {
        await lab.s3().send(new PutObjectCommand({ Bucket, Key: "k", Body: Buffer.alloc(300_000, count) }));
      }
      await lab.s3().send(new DeleteObjectCommand({ Bucket, Key: "k" }));
      await lab.restart();
      const blobs = join(lab.directory ?? "", "blobs");
      const files = readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      assert.deepEqual(files, []);
    } finally {
      await lab.stop();
    }
  });

  test("kill -9 loses nothing that was acknowledged", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-killed-"));
    try {
      await makeBucket(directory);
      const acknowledged = new Map<string, { sizeBytes: number; versionId: string }>();
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, [WRITER, directory, String(round)], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        const lines = createInterface({ input: child.stdout });
        const wanted = acknowledged.size + 60 + 37 * round;
        for await (const line of lines) {
          const [key = "", size, versionId = ""] = line.split(" ");
          if (size === undefined) continue;
          acknowledged.set(key, { sizeBytes: Number(size), versionId });
          if (acknowledged.size === wanted) child.kill("SIGKILL");
        }
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        assert.equal(child.signalCode, "SIGKILL");
      }
      const lab = await openLab({ dataDir: directory, clock: () => Date.now() });
      try {
        const store = lab.direct(await lab.account("111122223333"));
        for (const [key, { sizeBytes, versionId }] of acknowledged) {
          const { head, body } = await store.getObject({ bucket: "durable-bucket", key, versionId });
          assert.equal(head.userMetadata["key"], key);
          assert.ok(Buffer.from(await body.bytes()).equals(Buffer.alloc(sizeBytes, key)), key);
        }
        const page = await store.listObjectVersions({ bucket: "durable-bucket" });
        assert.ok(page.versions.length >= Math.min(1000, acknowledged.size));
      } finally {
        await lab.close();
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

/** Makes the bucket that the writer writes to. */
async function makeBucket(directory: string): Promise<void> {
  const lab = await openLab({ dataDir: directory, clock: () => Date.now() });
  const credentials = await lab.account("111122223333");
  const { port } = await lab.listen({ port: 0 });
  const endpoint = `http://127.0.0.1:${port}`;
  const s3 = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  const Bucket = "durable-bucket";
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  s3.destroy();
  await lab.close();
}
