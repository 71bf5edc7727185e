/** PUT → COMPLETED in the embedded whole, the real binary on disk, while it takes half of what it can take. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IamControl } from "../../src/aws/iam.ts";
import { printReplication } from "../../src/core/config/print.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { type Environment, serve, temporaryDirectory } from "../e2e/binary.ts";
import { heading, line, load, percentile, round } from "./measure.ts";

const BODY = new Uint8Array(4096).fill(7);
const FULL_MS = 4000;
const HALF_MS = 8000;
const WRITERS = 16;
/** Of the objects written at half load so many are followed. */
const FOLLOWED_EVERY = 4;
const FOLLOW_MS_MAX = 30_000;

export async function benchLatency(): Promise<void> {
  heading("PUT → COMPLETED, 4 KiB, lab and engine in one process on disk, client in another");
  const directory = temporaryDirectory();
  const served = await serve(join(directory.path, "data"), directory.path);
  const client = await prepared(await served.environment());
  const perSecond = await fullRate(client);
  line("replicated at full load", `${round(perSecond)} /s`, "written and COMPLETED, at whatever lag");
  const lagsMs = await lagsAt(client, perSecond / 2);
  line(
    `at half of it, ${round(perSecond / 2)} PUT/s`,
    `p50 ${round(percentile(lagsMs, 0.5))} ms`,
    `p99 ${round(percentile(lagsMs, 0.99))} ms, of ${lagsMs.length} followed by HEAD`,
  );
  await client.close();
  await served.stop();
  directory.remove();
}

async function prepared(environment: Environment): Promise<S3Client> {
  const endpoint = environment["AWS_ENDPOINT_URL"] ?? "";
  const credentials = {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const client = createS3Client({ endpoint, region: "us-east-1", credentials, clock: () => Date.now() });
  const iam = new IamControl({ endpoint, region: "us-east-1", credentials: async () => credentials });
  for (const bucket of ["bench-from", "bench-into"]) {
    await client.createBucket(bucket);
    await client.putBucketVersioning(bucket, "Enabled");
  }
  const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
  const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
  const role = await iam.createRole("bench", document(trust));
  const rights = [
    {
      Effect: "Allow",
      Action: ["s3:Get*", "s3:ListBucket"],
      Resource: ["arn:aws:s3:::bench-from", "arn:aws:s3:::bench-from/*"],
    },
    { Effect: "Allow", Action: "s3:Replicate*", Resource: "arn:aws:s3:::bench-into/*" },
  ];
  await iam.putInlinePolicy(role, "bench", document(...rights));
  const rule = {
    ID: "all",
    Priority: 1,
    Status: "Enabled",
    Filter: {},
    DeleteMarkerReplication: { Status: "Disabled" },
    Destination: { Bucket: "arn:aws:s3:::bench-into" },
  };
  await client.putBucketReplication("bench-from", printReplication({ Role: role, Rules: [rule] }));
  return client;
}

async function put(client: S3Client, key: string): Promise<void> {
  await client.putObject({ bucket: "bench-from", key, body: BODY, contentHeaders: {}, userMetadata: {} });
}

async function completed(client: S3Client, key: string): Promise<void> {
  const endMs = performance.now() + FOLLOW_MS_MAX;
  while (performance.now() < endMs) {
    const head = await client.headObject({ bucket: "bench-from", key });
    if (head.replicationStatus === "COMPLETED") return;
    if (head.replicationStatus !== "PENDING") throw new Error(`${key} is ${head.replicationStatus}`);
    await sleep(3);
  }
  throw new Error(`${key} is not COMPLETED after ${FOLLOW_MS_MAX} ms`);
}

/** Writes as fast as it goes, then waits for the last to be COMPLETED. */
async function fullRate(client: S3Client): Promise<number> {
  const startMs = performance.now();
  let last = "";
  const { count } = await load(WRITERS, FULL_MS, async (number) => {
    last = `full/${number}`;
    await put(client, last);
  });
  await completed(client, last);
  return (count * 1000) / (performance.now() - startMs);
}

async function lagsAt(client: S3Client, perSecond: number): Promise<number[]> {
  const lagsMs: number[] = [];
  const following: Promise<void>[] = [];
  const writing: Promise<void>[] = [];
  const startMs = performance.now();
  for (let count = 0; count < (perSecond * HALF_MS) / 1000; count++) {
    const waitMs = startMs + (count * 1000) / perSecond - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    const key = `half/${count}`;
    const written = put(client, key);
    writing.push(written);
    if (count % FOLLOWED_EVERY !== 0) continue;
    following.push(
      written.then(async () => {
        const acknowledgedMs = performance.now();
        await completed(client, key);
        lagsMs.push(performance.now() - acknowledgedMs);
      }),
    );
  }
  await Promise.all([...writing, ...following]);
  return lagsMs;
}
