/**
 * Two buckets of a lab in memory that know nothing of each other: what is written into the other one gets an id of its
 * own, as in any store but the service's. No sockets.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { PutObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import type { ReplicationConfiguration, Rule } from "../../src/core/model.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { ComparedMetadata } from "../../src/engine/metadata-drift.ts";
import { NotifiedChanges } from "../../src/engine/notifications/notified-changes.ts";
import type { BucketTraits, ChangeFeed, Clock, Sites } from "../../src/engine/ports.ts";
import { type ScanResult, Scans } from "../../src/engine/scan.ts";
import { traitsOfStore } from "../../src/engine/store-traits.ts";
import type { FlavourName } from "../../src/lab/flavours/flavours.ts";
import { openLab } from "../../src/lab/lab.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { assumedCapabilities } from "../../src/s3/capabilities.ts";
import { createS3Client } from "../../src/s3/client.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { PROFILES, type ProviderProfile } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import type { Wrap } from "./world.ts";

export const HERE = "here";
export const THERE = "there";
const ACCOUNT = "111122223333";
const DRAINED_MS_MAX = 60_000;

export interface Row {
  readonly key: string;
  /** The body, or "-" for a delete marker. */
  readonly body: string;
  readonly versionId: string;
}

/** What a test may do to the engine's calls. */
export interface Disturbance {
  /** The write is done, and its answer is lost. */
  loseAnswers?: number;
  /** Writes of this body are denied. */
  denied?: string;
  /** The other bucket makes no marker upon a marker, and tells no id then, as Ceph does. */
  markersAreOne?: boolean;
  /** Nobody may read tags. */
  tagsAreHidden?: boolean;
  /** Tags are not taken. */
  refusesTags?: boolean;
  /** Nothing answers. */
  isAway?: boolean;
  /** Called between a write and its answer. */
  onWritten?: (bucket: string, key: string) => Promise<void>;
}

export class MintingWorld {
  readonly store: Store;
  ledger: Ledger;
  readonly disturbance: Disturbance = {};
  configurations: Record<string, ReplicationConfiguration | undefined>;
  /** Something in front of the store that scans read. */
  listed: Wrap = (same) => same;
  /** What scans compare besides. */
  comparedMetadata: ComparedMetadata | undefined;
  /** What is known of both buckets, besides that ids are minted. */
  traits: BucketTraits = {};
  /** Versions that are removed for good are removed at the other end. */
  propagatesDeletes = false;
  /** Both buckets are taken for those of one store that copies by itself. */
  isOneStore = false;
  /** Something in front of a side's store. */
  readonly wrap: { source: Wrap; destination: Wrap } = { source: (same) => same, destination: (same) => same };
  /** Calls of the engine by operation. */
  readonly calls = new Map<string, number>();
  /** What the port has no call for. */
  readonly sdk: S3Client;
  readonly #clock: Clock;
  readonly #close: () => Promise<void>;
  #engines = 0;

  private constructor(haste: number, store: Store, sdk: S3Client, close: () => Promise<void>) {
    this.#clock = hasty(haste);
    this.store = store;
    this.sdk = sdk;
    this.ledger = openSqliteLedger({ path: ":memory:" });
    this.configurations = { [HERE]: configurationTo(THERE) };
    this.#close = close;
  }

  /**
   * @param haste   where much is hashed, leases must not run out in between
   * @param flavour whose store the lab does as; the traits are then what a probe would have found
   */
  static async make(haste = 50, flavour: FlavourName = "aws"): Promise<MintingWorld> {
    const lab = await openLab({ clock: () => Date.now(), flavour });
    const credentials = await lab.account(ACCOUNT);
    const server = await lab.listen({ port: 0 });
    const endpoint = `http://127.0.0.1:${server.port}`;
    const client = createS3Client({
      endpoint,
      profile: { ...PROFILES[flavour], addressing: "path" },
      region: "us-east-1",
      credentials,
      clock: () => Date.now(),
    });
    for (const bucket of [HERE, THERE]) {
      await client.createBucket(bucket);
      await client.putBucketVersioning(bucket, "Enabled");
    }
    const sdk = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
    const world = new MintingWorld(haste, client, sdk, async () => {
      sdk.destroy();
      await client.close();
      await lab.close();
    });
    if (flavour !== "aws") world.traits = traitsFoundOf(flavour);
    return world;
  }

  /** Scans once, and works until nothing is left but what has FAILED. */
  async replicate(): Promise<readonly ScanResult[]> {
    return await this.#work(async (engine, sites) => {
      const { ledger } = this;
      const buckets = () => Object.keys(this.configurations);
      const onAdded = () => engine.wake();
      const metadata = () => this.comparedMetadata;
      const scans = new Scans({
        ledger,
        sites,
        clock: this.#clock,
        name: "scans",
        buckets,
        everyMs: () => 3_600_000,
        metadata,
        onAdded,
      });
      return await scans.once(engine.stopping);
    });
  }

  /** Replicates what was never tried; says how much that is. */
  async resyncUntried(): Promise<number> {
    return await this.#work(async ({ resync }) => {
      const { id } = await resync.start({ bucket: HERE, failed: false, untried: true, dryRun: false });
      for (;;) {
        const progress = await resync.progress(id);
        if (progress?.state === "done") return progress.foundUntried;
        if (progress?.state === "broken") throw new Error(progress.error);
        await sleep(5);
      }
    });
  }

  /** Hands over the way in of notifications, and works until nothing is left. */
  async notified<T>(what: (changes: NotifiedChanges) => Promise<T>): Promise<T> {
    const changes = new NotifiedChanges({ ledger: this.ledger, sites: this.#sites(), clock: this.#clock });
    try {
      return await this.#work(() => what(changes), changes);
    } finally {
      changes.close();
    }
  }

  /** Scans once and works until the signal comes, then ends at once, whatever is under way. */
  async replicateUntil(signal: AbortSignal): Promise<void> {
    const { engine, sites } = this.#engine();
    engine.start();
    const { ledger } = this;
    const onAdded = () => engine.wake();
    const buckets = () => Object.keys(this.configurations);
    const everyMs = () => 3_600_000;
    const scans = new Scans({ ledger, sites, clock: this.#clock, name: "scans", buckets, everyMs, onAdded });
    await scans.once(engine.stopping);
    if (!signal.aborted) await new Promise<void>((ended) => signal.addEventListener("abort", () => ended()));
    await engine.stop(0);
  }

  #engine(feed: ChangeFeed = NO_CHANGES): { readonly engine: Engine; readonly sites: Sites } {
    const { ledger } = this;
    this.#engines += 1;
    const sites = this.#sites();
    const name = `engine-${this.#engines}`;
    return { engine: new Engine({ ledger, feed, sites, clock: this.#clock, name }), sites };
  }

  async #work<T>(what: (engine: Engine, sites: Sites) => Promise<T>, feed: ChangeFeed = NO_CHANGES): Promise<T> {
    const { ledger } = this;
    const { engine, sites } = this.#engine(feed);
    engine.start();
    try {
      const answer = await what(engine, sites);
      const endMs = Date.now() + DRAINED_MS_MAX;
      for (;;) {
        const undone = (await ledger.counts()).filter((one) => one.state === "waiting" || one.state === "leased");
        if (undone.length === 0) return answer;
        if (Date.now() > endMs) throw new Error(`not drained: ${JSON.stringify(undone)}`);
        await sleep(5);
      }
    } finally {
      await engine.stop(1000);
    }
  }

  async put(bucket: string, key: string, body: string, more: object = {}): Promise<string> {
    const request = { bucket, key, body: Buffer.from(body), contentHeaders: {}, userMetadata: {}, ...more };
    return (await this.store.putObject(request)).versionId ?? "";
  }

  /** Both buckets get Object Lock. */
  async lock(): Promise<void> {
    for (const Bucket of [HERE, THERE]) {
      const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" } as const;
      await this.sdk.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    }
  }

  /** Removes the version of a key that has this body ("-": a marker) for good. */
  async remove(bucket: string, key: string, body: string): Promise<void> {
    const row = (await this.rows(bucket)).find((one) => one.key === key && one.body === body);
    assert(row !== undefined, `${key} has a version ${body}`);
    await this.store.deleteObject({ bucket, key, versionId: row.versionId });
  }

  async mark(bucket: string, key: string): Promise<void> {
    await this.store.deleteObject({ bucket, key });
  }

  /** Keys in order, within a key the oldest version first. */
  async rows(bucket: string): Promise<Row[]> {
    const { versions } = await this.store.listObjectVersions({ bucket });
    const rows = await Promise.all(
      versions.toReversed().map(async ({ key, versionId, isDeleteMarker }) => {
        if (isDeleteMarker) return { key, versionId, body: "-" };
        const { body } = await this.store.getObject({ bucket, key, versionId });
        return { key, versionId, body: Buffer.from(await body.bytes()).toString() };
      }),
    );
    return rows.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  }

  /** `key: body body …`, so that an unexpected version is seen. */
  async words(bucket: string): Promise<string[]> {
    const byKey = new Map<string, string[]>();
    for (const { key, body } of await this.rows(bucket)) byKey.set(key, [...(byKey.get(key) ?? []), body]);
    return [...byKey].map(([key, bodies]) => `${key}: ${bodies.join(" ")}`);
  }

  async close(): Promise<void> {
    await this.ledger.close();
    await this.#close();
  }

  #sites(): Sites {
    const store = this.#disturbed();
    return {
      configuration: async (bucket) => this.configurations[bucket],
      traits: async () => ({ mintsVersionIds: true, takesGrants: false, ...this.traits }),
      session: async () => ({
        source: this.wrap.source(store),
        destination: this.wrap.destination(store),
        ...(this.isOneStore ? { sourceWithin: HERE } : {}),
      }),
      reader: () => this.listed(store),
      origins: (bucket) =>
        Object.entries(this.configurations).flatMap(([origin, configuration]) =>
          (configuration?.rules ?? [])
            .filter((one) => one.destination.bucketArn === `arn:aws:s3:::${bucket}`)
            .map((one) => ({ bucket: origin, destinationArn: one.destination.bucketArn })),
        ),
      publish: async () => undefined,
      propagatesDeletes: () => this.propagatesDeletes,
    };
  }

  #disturbed(): Store {
    const { disturbance, calls } = this;
    return new Proxy(this.store, {
      get(target, name: keyof Store) {
        return async (...words: unknown[]) => {
          calls.set(name, (calls.get(name) ?? 0) + 1);
          const isWrite = name === "putObject" || name === "deleteObject" || name === "completeMultipartUpload";
          const [request] = words as [{ readonly bucket: string; readonly key: string; readonly body?: Uint8Array }];
          if (disturbance.isAway === true) throw new S3Error("away", { operation: name, network: "refused" });
          if (name === "putObjectTagging" && disturbance.refusesTags === true) {
            throw new S3Error("no", { operation: name, status: 403, code: "AccessDenied" });
          }
          if (isWrite && disturbance.denied !== undefined && String(request.body) === disturbance.denied) {
            throw new S3Error("no", { operation: name, status: 403, code: "AccessDenied" });
          }
          if (name === "getObjectTagging" && disturbance.tagsAreHidden === true) {
            throw new S3Error("no", { operation: name, status: 403, code: "AccessDenied" });
          }
          if (name === "deleteObject" && disturbance.markersAreOne === true && (await isDeleted(target, request))) {
            return { isDeleteMarker: false };
          }
          const answer: unknown = await Reflect.apply(target[name], target, words);
          if (isWrite) await disturbance.onWritten?.(request.bucket, request.key);
          if (isWrite && (disturbance.loseAnswers ?? 0) > 0) {
            disturbance.loseAnswers = (disturbance.loseAnswers ?? 0) - 1;
            throw new S3Error("the answer was lost", { operation: name, network: "reset" });
          }
          return answer;
        };
      },
    });
  }
}

function traitsFoundOf(flavour: FlavourName): BucketTraits {
  const { known, replicaWay }: ProviderProfile = PROFILES[flavour];
  const assumed = assumedCapabilities(known);
  return {
    ...traitsOfStore(replicaWay !== undefined ? { ...assumed, versionIds: "kept" } : assumed),
    mintsVersionIds: true,
  };
}

/** A clock that runs so many times as fast as others. */
function hasty(haste: number): Clock {
  const beganMs = Date.now();
  return {
    nowMs: () => beganMs + (Date.now() - beganMs) * haste,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      await sleep(ms / haste, undefined, { signal }).catch(() => undefined);
    },
  };
}

async function isDeleted(store: Store, { bucket, key }: { readonly bucket: string; readonly key: string }) {
  const { versions } = await store.listObjectVersions({ bucket, prefix: key });
  return versions.some((one) => one.key === key && one.isLatest && one.isDeleteMarker);
}

const NO_CHANGES: ChangeFeed = {
  take: async () => [],
  done: async () => undefined,
  onChange: () => () => undefined,
};

export function configurationTo(bucket: string, change: Partial<Rule> = {}): ReplicationConfiguration {
  const rule: Rule = {
    id: "all",
    priority: 1,
    enabled: true,
    prefix: "",
    tags: [],
    deleteMarkers: true,
    kmsObjects: false,
    replicaModifications: false,
    destination: { bucketArn: `arn:aws:s3:::${bucket}`, ownerOverride: false, metrics: false },
    ...change,
  };
  return { roleArn: "", schema: "V2", rules: [rule] };
}
