/**
 * `lockstep run` and an object of several GiB between two gateways of Ceph on disk: the engine is killed with -9 in the middle,
 * goes on where it was, and ends with the source's ETag, the source's bytes, and little memory.
 *
 * HUGE_GIB says how many GiB (`npm run test:huge`: 5); without it half of one.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ListMultipartUploadsCommand, S3Client as Sdk } from "@aws-sdk/client-s3";
import type { UploadedPart } from "../../src/s3/store.ts";
import { take } from "../bench/stores/process.ts";
import { pattern } from "../conformance/store-subject.ts";
import { BINARY, cleanEnvironment, temporaryDirectory } from "../e2e/binary.ts";
import { type Gateways, REGION, startGateways } from "./rgw.ts";

const MIB = 2 ** 20;
const PART_BYTES = 32 * MIB;
const SIZE_BYTES = Math.round(Number(process.env["HUGE_GIB"] ?? 0.5) * 2 ** 30);
const RSS_BYTES_MAX = 300 * MIB;
const LOOKS_MAX = 3000;
const LOOK_MS = 100;
const KEY = "huge";

const directory = temporaryDirectory();
let gateways: Gateways | undefined;

before(async () => {
  gateways = await startGateways({ objectStore: "bluestore" });
});
after(async () => {
  await gateways?.stop();
  directory.remove();
});

test(`an object of ${SIZE_BYTES / MIB} MiB survives kill -9 of its copy, part by part`, async () => {
  assert.ok(gateways !== undefined);
  const { a, b } = gateways;
  const keys = { a: await a.createUser("main"), b: await b.createUser("main") };
  const [source, destination] = [a.client(keys.a), b.client(keys.b)];
  for (const [client, bucket] of [
    [source, "from"],
    [destination, "into"],
  ] as const) {
    await client.createBucket(bucket);
    await client.putBucketVersioning(bucket, "Enabled");
  }

  const hash = createHash("sha256");
  const parts: UploadedPart[] = [];
  const { uploadId } = await source.createMultipartUpload({
    bucket: "from",
    key: KEY,
    contentHeaders: {},
    userMetadata: {},
  });
  const body = pattern(PART_BYTES);
  for (let at = 0; at < SIZE_BYTES; at += PART_BYTES) {
    // Each part begins with its own number, so that parts in another order are other bytes.
    new DataView(body.buffer, body.byteOffset).setUint32(0, parts.length + 1);
    hash.update(body);
    const partNumber = parts.length + 1;
    parts.push(await source.uploadPart({ bucket: "from", key: KEY, uploadId, partNumber, body }));
  }
  await source.completeMultipartUpload({ bucket: "from", key: KEY, uploadId, parts });

  const site = (end: "a" | "b", endpoint: string) =>
    `  ${end}: {endpoint: "${endpoint}", region: ${REGION}, credentials: {accessKeyId: "\${${end}_KEY}", secretAccessKey: "\${${end}_SECRET}"}}\n`;
  writeFileSync(
    `${directory.path}/lockstep.yaml`,
    `sites:
${site("a", a.endpoint)}${site("b", b.endpoint)}replications:
  all:
    source: {site: a, bucket: from}
    configuration:
      Rules:
        - {ID: all, Priority: 1, Status: Enabled, Filter: {}, DeleteMarkerReplication: {Status: Enabled}, Destination: {Bucket: "arn:aws:s3:::into"}}
    destinations:
      arn:aws:s3:::into: {site: b, bucket: into}
ledger: sqlite:huge.db
`,
  );
  const environment = {
    ...cleanEnvironment(directory.path),
    a_KEY: keys.a.accessKeyId,
    a_SECRET: keys.a.secretAccessKey,
    b_KEY: keys.b.accessKeyId,
    b_SECRET: keys.b.secretAccessKey,
  };
  const words = [BINARY, "run", "-c", "lockstep.yaml", "--once"];

  const sdk = new Sdk({ endpoint: b.endpoint, region: REGION, credentials: keys.b, forcePathStyle: true });
  const uploads = async () => (await sdk.send(new ListMultipartUploadsCommand({ Bucket: "into" }))).Uploads ?? [];
  const killed = spawn(process.execPath, words, { cwd: directory.path, env: environment, stdio: "ignore" });
  const ended = once(killed, "exit");
  const partsThere = async () => {
    const uploadId = (await uploads())[0]?.UploadId;
    return uploadId === undefined
      ? 0
      : (await destination.listParts({ bucket: "into", key: KEY, uploadId })).parts.length;
  };
  for (let look = 0; look < LOOKS_MAX && (await partsThere()) < 2; look += 1) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  killed.kill("SIGKILL");
  await ended;
  const kept = await partsThere();
  assert.ok(kept >= 2 && kept < parts.length, `killed with ${kept} of ${parts.length} parts`);

  const taken = await take({ program: process.execPath, words, environment, directory: directory.path });
  assert.ok(taken.rssBytes <= RSS_BYTES_MAX, `${Math.round(taken.rssBytes / MIB)} MiB of memory`);
  process.stderr.write(
    `# ${SIZE_BYTES / MIB} MiB: ${kept} of ${parts.length} parts were there, the rest took ${Math.round(taken.wallMs / 1000)} s, ` +
      `${Math.round(taken.cpuMs / 1000)} s of CPU, ${Math.round(taken.rssBytes / MIB)} MiB\n`,
  );

  assert.deepEqual(await uploads(), []);
  sdk.destroy();
  const { versions } = await destination.listObjectVersions({ bucket: "into", prefix: KEY });
  assert.equal(versions.length, 1);
  const sourceHead = await source.headObject({ bucket: "from", key: KEY });
  const replica = await destination.getObject({ bucket: "into", key: KEY });
  assert.equal(replica.head.etag, sourceHead.etag);
  const there = createHash("sha256");
  for await (const chunk of replica.body.stream()) there.update(chunk);
  assert.equal(there.digest("hex"), hash.digest("hex"));
});
