/** Two labs that know nothing of each other, and `lockstep run` between them: the real binary throughout. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { MARK } from "../../src/engine/mark.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import type { ListedVersion } from "../../src/s3/store.ts";
import { BINARY, type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";

export type End = "here" | "there";

export class TwoStores {
  readonly directory = temporaryDirectory();
  readonly here: S3Client;
  readonly there: S3Client;
  /** Names the stores and their keys: what the configuration refers to. */
  readonly environment: Record<string, string | undefined>;
  readonly #served: readonly Served[];
  readonly #home: { remove(): void };

  private constructor(served: readonly Served[], home: { remove(): void }, here: Environment, there: Environment) {
    this.#served = served;
    this.#home = home;
    this.here = clientOf(here);
    this.there = clientOf(there);
    const variables = (prefix: string, from: Environment) => ({
      [prefix]: from["AWS_ENDPOINT_URL"],
      [`${prefix}_KEY`]: from["AWS_ACCESS_KEY_ID"],
      [`${prefix}_SECRET`]: from["AWS_SECRET_ACCESS_KEY"],
    });
    const { PATH } = here;
    this.environment = { PATH, HOME: this.directory.path, ...variables("HERE", here), ...variables("THERE", there) };
  }

  static async open(): Promise<TwoStores> {
    const home = temporaryDirectory();
    const served = await Promise.all(["here", "there"].map((name) => serve(`${home.path}/${name}`, home.path)));
    const [here = {}, there = {}] = await Promise.all(served.map((one) => one.environment()));
    return new TwoStores(served, home, here, there);
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
    await Promise.all([this.here.close(), this.there.close()]);
    await Promise.all(this.#served.map((one) => one.stop()));
    this.directory.remove();
    this.#home.remove();
  }
}

function clientOf(environment: Environment): S3Client {
  return createS3Client({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? "",
    region: "us-east-1",
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
    clock: () => Date.now(),
  });
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

/** What a replica has in common with its source: keys in order, within a key the oldest version first. */
export async function contents(s3: S3Client, bucket: string): Promise<string[]> {
  const rows: ListedVersion[] = [];
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
  do {
    const page = await s3.listObjectVersions({ bucket, ...next });
    rows.push(...page.versions);
    next = page.next;
  } while (next !== undefined);
  const words: { readonly key: string; readonly text: string }[] = [];
  for (const { key, versionId, isDeleteMarker, isLatest } of rows.toReversed()) {
    const end = isLatest ? " (latest)" : "";
    if (isDeleteMarker) words.push({ key, text: `deleted${end}` });
    else words.push({ key, text: `${await objectWords(s3, { bucket, key, versionId })}${end}` });
  }
  return words
    .toSorted((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
    .map((one) => `${one.key}: ${one.text}`);
}

async function objectWords(s3: S3Client, version: { bucket: string; key: string; versionId: string }): Promise<string> {
  const { head, body } = await s3.getObject(version);
  const digest = createHash("md5")
    .update(await body.bytes())
    .digest("hex");
  const tags = await s3.getObjectTagging(version);
  const { [MARK]: _, ...metadata } = head.userMetadata;
  return JSON.stringify([digest, head.etag, head.contentHeaders, metadata, tags]);
}
