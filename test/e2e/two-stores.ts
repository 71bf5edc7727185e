/** Two stores that know nothing of each other, and `lockstep run` between them: the real binary throughout. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Credentials, VersionRef } from "../../src/core/model.ts";
import { MARK } from "../../src/engine/mark.ts";
import type { FlavourName } from "../../src/lab/flavours/flavours.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { partsOfEtag } from "../../src/s3/etag.ts";
import { sideBySide } from "../../src/s3/side-by-side.ts";
import type { ListedVersion } from "../../src/s3/store.ts";
import { BINARY, lockstep, type Outcome, serve, temporaryDirectory } from "./binary.ts";

export type End = "here" | "there";

/** One of the two stores, as its user sees it. */
export interface StoreEnd {
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly client: S3Client;
  /** Ends the client and whatever the store runs on. */
  close(): Promise<void>;
}

export class TwoStores {
  readonly directory = temporaryDirectory();
  readonly here: S3Client;
  readonly there: S3Client;
  /** Names the stores and their keys: what the configuration refers to. */
  readonly environment: Record<string, string | undefined>;
  readonly #ends: readonly StoreEnd[];

  constructor(ends: Readonly<Record<End, StoreEnd>>) {
    this.#ends = [ends.here, ends.there];
    this.here = ends.here.client;
    this.there = ends.there.client;
    const variables = (prefix: string, { endpoint, credentials }: StoreEnd) => ({
      [prefix]: endpoint,
      [`${prefix}_KEY`]: credentials.accessKeyId,
      [`${prefix}_SECRET`]: credentials.secretAccessKey,
    });
    const { PATH } = process.env;
    const { here, there } = ends;
    this.environment = { PATH, HOME: this.directory.path, ...variables("HERE", here), ...variables("THERE", there) };
  }

  /** Two labs, which do as these stores do. */
  static async open(flavours: { readonly here?: FlavourName; readonly there?: FlavourName } = {}): Promise<TwoStores> {
    const [here, there] = await Promise.all([openLabEnd(flavours.here), openLabEnd(flavours.there)]);
    return new TwoStores({ here, there });
  }

  /** A versioned bucket of one name at both stores. */
  async bucket(bucket: string): Promise<void> {
    for (const s3 of [this.here, this.there]) {
      await s3.createBucket(bucket);
      await s3.putBucketVersioning(bucket, "Enabled");
    }
  }

  /** Writes a configuration of the two stores; returns its path. */
  configure(name: string, replications: string, more = ""): string {
    const path = `${this.directory.path}/${name}.yaml`;
    const site = (prefix: string) =>
      `{endpoint: "\${${prefix}}", credentials: {accessKeyId: "\${${prefix}_KEY}", secretAccessKey: "\${${prefix}_SECRET}"}}`;
    const sites = `sites:\n  here: ${site("HERE")}\n  there: ${site("THERE")}\n`;
    writeFileSync(path, `${sites}replications:${replications}\nledger: sqlite:${name}.db\n${more}\n`);
    return path;
  }

  async run(path: string, ...words: readonly string[]): Promise<Outcome> {
    return await lockstep(["run", "-c", path, ...words], this.environment, this.directory.path);
  }

  /** Starts it and returns at once. */
  spawn(path: string, ...words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [BINARY, "run", "-c", path, ...words], {
      env: this.environment,
      cwd: this.directory.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends.map((one) => one.close()));
    this.directory.remove();
  }
}

/** Where an engine says that it listens, and what for. */
interface EngineSaid {
  readonly consoleUrl: string;
  readonly metricsUrl: string;
  readonly webhookUrls: readonly string[];
  readonly watched: readonly string[];
  readonly replications: readonly string[];
}

/** What an engine that was started with `--json` says first, as soon as it does. @throws AssertionError when it ends before */
export async function saidFirst(engine: ChildProcess): Promise<EngineSaid> {
  assert.ok(engine.stdout !== null);
  let text = "";
  const ended = once(engine, "exit").then(([status]) => assert.fail(`it ended with ${String(status)}: ${text}`));
  while (!text.includes("\n")) {
    const [chunk] = (await Promise.race([once(engine.stdout, "data"), ended])) as [Buffer];
    text += chunk.toString();
  }
  // It may end as it likes after this.
  ended.catch(() => undefined);
  return JSON.parse(text.slice(0, text.indexOf("\n"))) as EngineSaid;
}

/** @returns where the console of an engine is that was started with `--json` */
export async function consoleOf(engine: ChildProcess): Promise<string> {
  return (await saidFirst(engine)).consoleUrl;
}

/** Resolves when it has ended, also where it did so by itself before. */
export async function endEngine(engine: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (engine.exitCode !== null || engine.signalCode !== null) return;
  const ended = once(engine, "exit");
  engine.kill(signal);
  await ended;
}

/** A served lab with a directory of its own. */
export async function openLabEnd(flavour: FlavourName = "aws"): Promise<StoreEnd> {
  const directory = temporaryDirectory();
  const served = await serve(`${directory.path}/data`, directory.path, ["--flavour", flavour]);
  const environment = await served.environment();
  const endpoint = environment["AWS_ENDPOINT_URL"] ?? "";
  const credentials = {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const client = createS3Client({ endpoint, region: "us-east-1", credentials, clock: () => Date.now() });
  return {
    endpoint,
    credentials,
    client,
    close: async () => {
      await client.close();
      await served.stop();
      directory.remove();
    },
  };
}

/** A replication of all there is in one bucket. */
export function replication(bucket: string, from: End = "here", more = ""): string {
  const to = from === "here" ? "there" : "here";
  return `
  ${bucket}-${from}:
    source: {site: ${from}, bucket: ${bucket}, as: ${bucket}-${from}}
    configuration:
      Rules:
        - ID: all
          Priority: 1
          Status: Enabled
          Filter: {}
          DeleteMarkerReplication: {Status: Enabled}
          Destination: {Bucket: "arn:aws:s3:::${bucket}-${to}"}
    destinations:
      arn:aws:s3:::${bucket}-${to}: {site: ${to}, bucket: ${bucket}}${more}`;
}

const READ_AT_ONCE = 16;

export interface Comparison {
  /** Keep out the ETags of uploads, where the source does not tell their parts; the bytes are compared all the same. */
  readonly ofBytes?: boolean;
}

/** What a replica has in common with its source: keys in order, within a key the oldest version first. */
export async function contents(s3: S3Client, bucket: string, comparison: Comparison = {}): Promise<string[]> {
  const found = await sideBySide(await listed(s3, bucket), READ_AT_ONCE, async (version) => {
    const what = version.isDeleteMarker ? "deleted" : await objectWords(s3, { bucket, ...version }, comparison);
    return { key: version.key, text: `${version.key}: ${what}${version.isLatest ? " (latest)" : ""}` };
  });
  return found
    .toReversed()
    .toSorted((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
    .map((one) => one.text);
}

/** Every version and marker, as it is listed. */
export async function listed(s3: S3Client, bucket: string): Promise<ListedVersion[]> {
  const rows: ListedVersion[] = [];
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
  do {
    const page = await s3.listObjectVersions({ bucket, ...next });
    rows.push(...page.versions);
    next = page.next;
  } while (next !== undefined);
  return rows;
}

async function objectWords(s3: S3Client, version: VersionRef, { ofBytes = false }: Comparison): Promise<string> {
  const { head, body } = await s3.getObject(version);
  const digest = createHash("md5");
  let sizeBytes = 0;
  for await (const chunk of body.stream()) {
    digest.update(chunk);
    sizeBytes += chunk.length;
  }
  const tags = await s3.getObjectTagging(version);
  const { [MARK]: _, ...metadata } = head.userMetadata;
  const md5 = digest.digest("hex");
  // An ETag that is the MD5 of the bytes says nothing that is not compared already.
  const etag = ofBytes && (head.etag === md5 || partsOfEtag(head.etag) !== undefined) ? "" : head.etag;
  return JSON.stringify([sizeBytes, md5, etag, head.contentHeaders, metadata, tags]);
}
