/**
 * Two buckets, a ledger, and the engine's own intake, worker and resync over a lab in this process. Nothing runs by
 * itself: `settle` moves all that is due and comes back, and time passes when a case says so.
 */
import assert from "node:assert/strict";
import {
  CreateBucketCommand,
  type Destination,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  type ReplicationRule,
  type SourceSelectionCriteria,
} from "@aws-sdk/client-s3";
import type { VersionRef } from "../../src/core/model.ts";
import { Intake } from "../../src/engine/intake.ts";
import type { ChangeFeed, Clock, Sites } from "../../src/engine/ports.ts";
import type { ResyncProgress, ResyncRequest } from "../../src/engine/resync/model.ts";
import { Resync, type ResyncOptions } from "../../src/engine/resync.ts";
import { Worker } from "../../src/engine/worker.ts";
import type { Ledger, TaskRow } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import type { ObjectHead, Store } from "../../src/s3/store.ts";
import { TestLab } from "../lab-s3/lab.ts";
import { Replicator } from "../lab-s3/replicator.ts";
import { ALL_ACTIONS } from "../lab-s3/two-buckets.ts";

export const SOURCE = "engine-source";
export const REPLICA = "engine-replica";
export const REPLICA_ARN = `arn:aws:s3:::${REPLICA}`;

/** What a role needs for everything but KMS. */
export const ACTIONS = [...ALL_ACTIONS, "s3:ObjectOwnerOverrideToBucketOwner"] as const;

export type Action = (typeof ACTIONS)[number];

/** One side's store as the engine sees it; a case may put something in front of it. */
export type Wrap = (store: Store) => Store;

/** A worker pauses so long between two claims; whoever sleeps longer has nothing to do. */
const PAUSE_MS_MAX = 4;

export class EngineWorld {
  readonly lab: TestLab;
  readonly ledger: Ledger;
  /** As the source's account, which may do everything. */
  readonly store: Store;
  readonly wrap: { source: Wrap; destination: Wrap; reader: Wrap } = {
    source: (same) => same,
    destination: (same) => same,
    reader: (same) => same,
  };
  /** Told of statuses before they are shown. */
  onPublish: (version: VersionRef, status: string) => Promise<void> = async () => undefined;
  readonly resyncing: Resync;
  readonly role: Replicator;
  readonly #intake: Intake;
  readonly #sites: Sites;

  private constructor(lab: TestLab, role: Replicator) {
    this.lab = lab;
    this.role = role;
    this.ledger = openSqliteLedger({ path: ":memory:" });
    this.store = lab.lab.direct(lab.alice);
    this.#sites = this.#makeSites();
    const common = { ledger: this.ledger, sites: this.#sites, onAdded: () => undefined };
    this.#intake = new Intake({ ...common, feed: this.#feed() });
    this.resyncing = new Resync(this.resyncParts("engine"));
  }

  /** What another engine's resync is made of. */
  resyncParts(name: string): ResyncOptions {
    const clock = this.#clock(new AbortController(), () => 0);
    return { ledger: this.ledger, sites: this.#sites, clock, name, onAdded: () => undefined };
  }

  static async start(): Promise<EngineWorld> {
    const lab = await TestLab.start();
    const world = new EngineWorld(lab, await Replicator.make(lab));
    await world.permit();
    return world;
  }

  async stop(): Promise<void> {
    await this.role.close();
    await this.ledger.close();
    await this.lab.stop();
  }

  /** Both buckets, versioned, and a rule between them. @param locked those with Object Lock */
  async buckets(rule: RuleOptions = {}, locked: readonly string[] = []): Promise<void> {
    const s3 = this.lab.s3();
    for (const Bucket of [SOURCE, REPLICA]) {
      await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: locked.includes(Bucket) }));
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    }
    await this.rule(rule);
  }

  async rule({ id = "all", prefix = "", criteria, destination }: RuleOptions = {}): Promise<void> {
    const rule: ReplicationRule = {
      ID: id,
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: prefix },
      DeleteMarkerReplication: { Status: "Enabled" },
      ...(criteria === undefined ? {} : { SourceSelectionCriteria: criteria }),
      Destination: { Bucket: REPLICA_ARN, ...destination },
    };
    const ReplicationConfiguration = { Role: this.role.roleArn, Rules: [rule] };
    await this.lab.s3().send(new PutBucketReplicationCommand({ Bucket: SOURCE, ReplicationConfiguration }));
  }

  /** What the role may do: everything but these. */
  async permit(options: { readonly but?: readonly Action[]; readonly kms?: boolean } = {}): Promise<void> {
    const Action: string[] = ACTIONS.filter((one) => options.but?.includes(one) !== true);
    await this.role.may({ Action: options.kms === true ? [...Action, "kms:*"] : Action });
  }

  async put(key: string, more: Partial<Parameters<Store["putObject"]>[0]> = {}): Promise<VersionRef> {
    const write = { bucket: SOURCE, key, body: Buffer.from("x"), contentHeaders: {}, userMetadata: {}, ...more };
    const { versionId } = await this.store.putObject(write);
    assert.ok(versionId !== undefined);
    return { bucket: SOURCE, key, versionId };
  }

  /** The replica of a version; undefined when there is none. */
  async replica(ref: VersionRef): Promise<ObjectHead | undefined> {
    const replica = { ...ref, bucket: REPLICA };
    return this.store.headObject(replica).catch((error: { status?: number }) => {
      if (error.status === 404) return undefined;
      throw error;
    });
  }

  async replicaBytes(ref: VersionRef): Promise<Uint8Array> {
    return (await this.store.getObject({ ...ref, bucket: REPLICA })).body.bytes();
  }

  async status(ref: VersionRef): Promise<string | undefined> {
    return (await this.store.headObject(ref)).replicationStatus;
  }

  async rows(ref: VersionRef): Promise<readonly TaskRow[]> {
    const [rows = []] = await this.ledger.ofVersions([ref]);
    return rows;
  }

  /** What the version shows, and what is left of it in the ledger: `FAILED put DstBucketNotFound`. */
  async story(ref: VersionRef): Promise<string> {
    const rows = (await this.rows(ref)).map((one) => `${one.operation} ${one.failure?.code ?? "untried"}`);
    return [await this.status(ref), ...rows].join(" ");
  }

  /** Takes all changes in and tries all that is due. @param abandon cuts it short */
  async settle(abandon: AbortSignal = new AbortController().signal): Promise<void> {
    while ((await this.#intake.turn()) > 0);
    const idle = new AbortController();
    const stop = () => idle.abort();
    abandon.addEventListener("abort", stop);
    const worker: Worker = new Worker({
      name: "worker",
      ledger: this.ledger,
      sites: this.#sites,
      clock: this.#clock(idle, () => worker.inFlight),
      concurrency: 4,
      onFinished: (task, outcome) => this.resyncing.finished(task, outcome),
    });
    await worker.run(idle.signal, abandon);
    abandon.removeEventListener("abort", stop);
  }

  /** Feeds and moves until the job has ended, or waits for a later try. */
  async resync(request: Partial<ResyncRequest> = {}): Promise<ResyncProgress> {
    const { id } = await this.startResync(request);
    return await this.work(id);
  }

  async startResync(request: Partial<ResyncRequest> = {}): Promise<ResyncProgress> {
    return await this.resyncing.start({ bucket: SOURCE, failed: true, untried: false, dryRun: false, ...request });
  }

  /** Likewise, for a job that has begun. */
  async work(id: string): Promise<ResyncProgress> {
    let before = "";
    for (;;) {
      await this.resyncing.turn();
      await this.settle();
      const progress = await this.resyncing.progress(id);
      assert.ok(progress !== undefined);
      const now = JSON.stringify(progress);
      if (progress.state !== "running" || now === before) return progress;
      before = now;
    }
  }

  /** Sets the clocks of lab and engine forward. */
  pass(ms: number): void {
    this.lab.skewMs += ms;
  }

  #clock(idle: AbortController, inFlight: () => number): Clock {
    return {
      nowMs: () => Date.now() + this.lab.skewMs,
      random: () => 0.5,
      sleep: async (ms, signal) => {
        if (ms <= PAUSE_MS_MAX) return await new Promise<void>((resolve) => setImmediate(resolve));
        const isRenewal = ms === 20_000;
        if (!isRenewal && inFlight() === 0) idle.abort();
        if (signal.aborted || idle.signal.aborted) return;
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      },
    };
  }

  #feed(): ChangeFeed {
    const changes = this.lab.lab.openChanges();
    return {
      take: async (limit) => (await changes.take(limit)).map(({ seq, event }) => ({ sequence: seq, event })),
      done: (entries) => changes.done(entries.map((one) => one.sequence)),
      onChange: (listener) => changes.onChange(listener),
    };
  }

  #makeSites(): Sites {
    const { lab } = this.lab;
    return {
      configuration: async (bucket) => lab.bucket(bucket)?.replication,
      traits: async (bucket) => lab.bucket(bucket) ?? {},
      session: async () => {
        const store = await this.role.direct();
        return { source: this.wrap.source(store), destination: this.wrap.destination(store), movesSealed: true };
      },
      reader: () => this.wrap.reader(this.store),
      publish: async (version, destinationArn, status, ended) => {
        await this.onPublish(version, status);
        if (status !== "REPLICA") await lab.setReplicationStatus(version, status, destinationArn, ended);
      },
    };
  }
}

export interface RuleOptions {
  readonly id?: string;
  readonly prefix?: string;
  readonly criteria?: SourceSelectionCriteria;
  readonly destination?: Partial<Destination>;
}

/** A store with some of its calls replaced. */
export function instead(store: Store, calls: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => Reflect.get(name in calls ? calls : target, name, name in calls ? calls : target),
  });
}

/** Heads tell no checksums: the store is older than they are. */
export const withoutChecksums: Wrap = (store) => {
  const bare = (told: ObjectHead): ObjectHead => {
    const { checksums: _, ...head } = told;
    return head;
  };
  return instead(store, {
    headObject: async (request, options) => bare(await store.headObject(request, options)),
    getObject: async (request, options) => {
      const { head, body } = await store.getObject(request, options);
      return { head: bare(head), body };
    },
  });
};
