/**
 * The engine's own CPU per object: the engine in this process, both buckets in a lab of another process. Beside it a bare
 * loop of signed GET and PUT with the same client, which is the floor of every replicator that works from outside.
 */
import { join } from "node:path";
import { systemClock } from "../../src/cli/clock.ts";
import type { ChangeEvent, ReplicationConfiguration } from "../../src/core/model.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { ChangeFeed, FeedEntry } from "../../src/engine/ports.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { sideBySide } from "../../src/s3/side-by-side.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { cpuMsOf, heading, line, round, startServer } from "./measure.ts";

const OBJECTS = 5000;
const SIZE_BYTES = 4096;
const LARGE = 4;
const LARGE_BYTES = 256 * 1024 * 1024;
const AT_ONCE = 32;
const METADATA = { contentHeaders: {}, userMetadata: {} };
const DESTINATION_ARN = "arn:aws:s3:::bench-into";

const CONFIGURATION: ReplicationConfiguration = {
  roleArn: "arn:aws:iam::111122223333:role/none",
  schema: "V2",
  rules: [
    {
      id: "all",
      priority: 1,
      enabled: true,
      prefix: "",
      tags: [],
      deleteMarkers: true,
      kmsObjects: false,
      replicaModifications: false,
      destination: { bucketArn: DESTINATION_ARN, ownerOverride: false, metrics: false },
    },
  ],
};

export async function benchEngine(): Promise<void> {
  const directory = temporaryDirectory();
  const lab = await startServer("lab-server", [join(directory.path, "lab")]);
  const { endpoint = "", accessKeyId = "", secretAccessKey = "" } = lab.ready;
  const credentials = { accessKeyId, secretAccessKey };
  const client = createS3Client({ endpoint, region: "us-east-1", credentials, clock: () => Date.now() });
  for (const bucket of ["bench-from", "bench-into", "bench-bare"]) {
    await client.createBucket(bucket);
    await client.putBucketVersioning(bucket, "Enabled");
  }
  heading(`Engine, ${OBJECTS} × 4 KiB between two buckets of a lab in another process, ledger on disk`);
  const small = await written(client, OBJECTS, SIZE_BYTES, "small");
  await compare(client, small, join(directory.path, "small.db"), (ms) => `${round(ms)} ms/object`);
  heading(`Engine, ${LARGE} × 256 MiB likewise`);
  const large = await written(client, LARGE, LARGE_BYTES, "large");
  const gib = LARGE_BYTES / 2 ** 30;
  await compare(client, large, join(directory.path, "large.db"), (ms) => `${round(ms / 1000 / gib)} CPU s/GiB`);
  line("resident memory of this process", `${round(process.memoryUsage().rss / 2 ** 20)} MiB`);
  await client.close();
  await lab.stop();
  directory.remove();
}

async function compare(
  client: S3Client,
  events: readonly ChangeEvent[],
  ledgerPath: string,
  words: (cpuMsPerObject: number) => string,
): Promise<void> {
  const floor = await cpuOf(events.length, () => bareCopies(client, events));
  const engine = await cpuOf(events.length, () => replicated(client, events, ledgerPath));
  line("bare loop of signed GET and PUT", words(floor.cpuMs), `${round(floor.perSecond)} objects/s`);
  const ratio = (engine.cpuMs / floor.cpuMs).toFixed(1);
  line("engine", words(engine.cpuMs), `${round(engine.perSecond)} objects/s, ${ratio} × the floor's CPU`);
}

async function cpuOf(count: number, work: () => Promise<void>): Promise<{ cpuMs: number; perSecond: number }> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const perSecond = (count * 1000) / (performance.now() - startMs);
  return { cpuMs: cpuMsOf(process.cpuUsage(before)) / count, perSecond };
}

async function written(client: S3Client, count: number, sizeBytes: number, name: string): Promise<ChangeEvent[]> {
  // Streamed, so that the memory that is shown at the end is the engine's.
  const body = () =>
    sizeBytes > 2 ** 20 ? { sizeBytes, stream: blocks(sizeBytes) } : new Uint8Array(sizeBytes).fill(7);
  const keys = Array.from({ length: count }, (_, index) => `${name}/${index}`);
  return await sideBySide(keys, sizeBytes > 2 ** 20 ? 1 : AT_ONCE, async (key): Promise<ChangeEvent> => {
    const { versionId = "null", etag } = await client.putObject({
      bucket: "bench-from",
      key,
      body: body(),
      ...METADATA,
    });
    const nowMs = Date.now();
    return {
      operation: "put",
      atMs: nowMs,
      version: {
        bucket: "bench-from",
        key,
        versionId,
        isDeleteMarker: false,
        sizeBytes,
        etag,
        lastModifiedMs: nowMs,
        storageClass: "STANDARD",
        encryption: { kind: "SSE-S3" },
        tags: [],
      },
    };
  });
}

async function* blocks(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(2 ** 20).fill(7);
  for (let at = 0; at < sizeBytes; at += block.length) yield block;
}

async function bareCopies(client: S3Client, events: readonly ChangeEvent[]): Promise<void> {
  await sideBySide(events, AT_ONCE, async ({ version: { key, versionId, sizeBytes } }) => {
    const { body } = await client.getObject({ bucket: "bench-from", key, versionId });
    const payload = sizeBytes > 2 ** 20 ? { sizeBytes, stream: body.stream() } : await body.bytes();
    await client.putObject({ bucket: "bench-bare", key, body: payload, ...METADATA });
  });
}

async function replicated(client: S3Client, events: readonly ChangeEvent[], path: string): Promise<void> {
  const ledger = openSqliteLedger({ path });
  const engine = new Engine({
    name: "bench",
    ledger,
    feed: feedOf(events),
    sites: {
      configuration: async () => CONFIGURATION,
      traits: async () => ({}),
      session: async () => ({ source: client, destination: client }),
      reader: () => client,
      publish: async () => undefined,
    },
    clock: systemClock(() => Date.now()),
    onBroken: (error) => {
      throw error;
    },
  });
  engine.start();
  for (;;) {
    await new Promise((done) => setTimeout(done, 20));
    const counts = await ledger.counts();
    const completed = counts.find((one) => one.state === "completed")?.tasks ?? 0;
    if (completed === events.length) break;
    const failed = counts.find((one) => one.state === "parked");
    if (failed !== undefined) throw new Error(`${failed.tasks} objects failed: ${failed.failureCode}`);
  }
  await engine.stop(1000);
  await ledger.close();
}

function feedOf(events: readonly ChangeEvent[]): ChangeFeed {
  let at = 0;
  return {
    take: async (limit) => {
      const entries = events.slice(at, at + limit).map((event, index): FeedEntry => ({ sequence: at + index, event }));
      at += entries.length;
      return entries;
    },
    done: async () => undefined,
    onChange: () => () => undefined,
  };
}
