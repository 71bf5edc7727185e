/**
 * An engine on a virtual clock between stores that are scripts: how long they take, and what they answer. The ledger is
 * the real one; a case may take it away.
 */
import assert from "node:assert/strict";
import type { ReplicationConfiguration } from "../../src/core/model.ts";
import { Engine, type EngineOptions } from "../../src/engine/engine.ts";
import type { ChangeFeed, Clock, Sites } from "../../src/engine/ports.ts";
import type { DatabaseError } from "../../src/ledger/database-error.ts";
import type { Count, Ledger, NewTask, TaskOrigin } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { S3Error, type S3ErrorFields } from "../../src/s3/errors.ts";
import type { ObjectReply, Store } from "../../src/s3/store.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

const START_MS = Date.UTC(2026, 5, 1);
export const SOURCE = "pace-source";
export const HOUR_MS = 3_600_000;

/** What one destination does with a write. */
export interface Script {
  /** From the write to its answer. */
  takesMs: number;
  /** How it answers; undefined when it does as it is told. Asked when the answer goes out. */
  refuses: (underWay: number) => Partial<S3ErrorFields> | undefined;
}

/** A write that has reached a destination. */
export interface Arrival {
  readonly atMs: number;
  readonly destination: string;
  readonly key: string;
  readonly underWay: number;
  readonly done: boolean;
}

export class PaceWorld {
  readonly time = new VirtualTime(1, START_MS);
  readonly ledger: Ledger;
  readonly scripts = new Map<string, Script>();
  readonly arrivals: Arrival[] = [];
  /** Told of what the engine cannot survive. */
  readonly broken: unknown[] = [];
  /** Called when a source version is about to be read. */
  onRead: (key: string) => Promise<void> = async () => undefined;
  /** What the ledger rejects with; undefined while it can be reached. */
  ledgerFault: ((method: string) => DatabaseError | undefined) | undefined;
  /** Called before the engine reaches the ledger. */
  onLedger: (method: string, words: readonly unknown[]) => Promise<void> = async () => undefined;
  readonly #underWay = new Map<string, number>();
  readonly #engines: Engine[] = [];

  constructor(ledger: Ledger = openSqliteLedger({ path: ":memory:" })) {
    this.ledger = ledger;
  }

  /** A destination that takes everything at once, until its script is changed. */
  destination(name: string): Script {
    const script: Script = { takesMs: 10, refuses: () => undefined };
    this.scripts.set(name, script);
    return script;
  }

  start(options: Partial<EngineOptions> = {}, clock: Clock = this.time): Engine {
    const engine = new Engine({
      name: `engine-${this.#engines.length}`,
      ledger: this.#reached(),
      feed: NO_CHANGES,
      sites: this.#sites(clock),
      clock,
      smallTasks: 8,
      onBroken: (error) => this.broken.push(error),
      ...options,
    });
    this.#engines.push(engine);
    engine.start();
    return engine;
  }

  async stop(): Promise<void> {
    let stopped = false;
    const stopping = Promise.all(this.#engines.map((one) => one.stop(1000))).then(() => {
      stopped = true;
    });
    await this.time.runUntil(async () => stopped, HOUR_MS);
    await stopping;
    await this.ledger.close();
  }

  async add(destination: string, keys: readonly string[], origin: TaskOrigin = "live"): Promise<void> {
    await this.ledger.add(keys.map((key) => this.#task(destination, key, origin)));
  }

  async passes(ms: number): Promise<void> {
    const endMs = this.time.nowMs() + ms;
    void this.time.sleep(ms, new AbortController().signal);
    await this.time.runUntil(async () => this.time.nowMs() >= endMs, ms);
  }

  async counts(destination: string): Promise<Partial<Record<Count["state"], number>>> {
    const counts: Partial<Record<Count["state"], number>> = {};
    for (const { state, destinationArn, tasks } of await this.ledger.counts()) {
      if (destinationArn === arnOf(destination)) counts[state] = (counts[state] ?? 0) + tasks;
    }
    return counts;
  }

  async completed(destination: string): Promise<number> {
    return (await this.counts(destination)).completed ?? 0;
  }

  to(destination: string): readonly Arrival[] {
    return this.arrivals.filter((one) => one.destination === destination);
  }

  /** The ledger as the engine reaches it. */
  #reached(): Ledger {
    return new Proxy(this.ledger, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function" || name === "onDue") {
          return typeof member === "function" ? (member.bind(target) as unknown) : member;
        }
        return async (...words: unknown[]) => {
          const fault = this.ledgerFault?.(String(name));
          if (fault !== undefined) throw fault;
          await this.onLedger(String(name), words);
          return (await Reflect.apply(member, target, words)) as unknown;
        };
      },
    });
  }

  #task(destination: string, key: string, origin: TaskOrigin): NewTask {
    const nowMs = this.time.nowMs();
    return {
      version: { bucket: SOURCE, key, versionId: `v-${key}` },
      operation: "put",
      destinationArn: arnOf(destination),
      ruleId: destination,
      origin,
      sizeBytes: 1,
      writtenAtMs: nowMs,
      dueAtMs: nowMs,
    };
  }

  #sites(clock: Clock): Sites {
    return {
      configuration: async () => this.#configuration(),
      traits: async () => ({ takesGrants: false }),
      session: async ({ destinationArn }) => ({
        source: this.#source(clock),
        destination: this.#sink(destinationArn.slice("arn:aws:s3:::".length), clock),
      }),
      reader: () => assert.fail("nobody lists"),
      publish: async () => undefined,
      showsNoStatus: true,
    };
  }

  #configuration(): ReplicationConfiguration {
    const rules = [...this.scripts.keys()].map((name, index) => ({
      id: name,
      priority: index,
      enabled: true,
      prefix: "",
      tags: [],
      deleteMarkers: false,
      kmsObjects: false,
      replicaModifications: false,
      destination: { bucketArn: arnOf(name), ownerOverride: false, metrics: false },
    }));
    return { roleArn: "arn:aws:iam::111122223333:role/none", schema: "V2", rules };
  }

  #source(clock: Clock): Store {
    return store({
      getObject: async ({ key }) => {
        await this.onRead(key);
        await clock.sleep(1, new AbortController().signal);
        return replyOf();
      },
    });
  }

  #sink(destination: string, clock: Clock): Store {
    return store({
      putObject: async ({ key }) => {
        const script = this.scripts.get(destination);
        assert.ok(script !== undefined);
        const underWay = (this.#underWay.get(destination) ?? 0) + 1;
        this.#underWay.set(destination, underWay);
        await clock.sleep(script.takesMs, new AbortController().signal);
        const refusal = script.refuses(underWay);
        this.#underWay.set(destination, (this.#underWay.get(destination) ?? 0) - 1);
        this.arrivals.push({ atMs: this.time.nowMs(), destination, key, underWay, done: refusal === undefined });
        if (refusal !== undefined) throw new S3Error("as the script says", { operation: "PutObject", ...refusal });
        return { etag: "e", versionId: `v-${key}` };
      },
    });
  }
}

export function arnOf(destination: string): string {
  return `arn:aws:s3:::${destination}`;
}

/** `a-0`, `a-1` … */
export function keys(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function store(calls: Partial<Store>): Store {
  return new Proxy({} as Store, {
    get: (_target, name) => Reflect.get(calls, name) ?? (() => assert.fail(`${String(name)} is not asked for`)),
  });
}

function replyOf(): ObjectReply {
  return {
    head: {
      etag: "e",
      sizeBytes: 1,
      lastModifiedMs: START_MS,
      storageClass: "STANDARD",
      encryption: { kind: "NOT-SSE" },
      contentHeaders: {},
      userMetadata: {},
    },
    body: {
      sizeBytes: 1,
      bytes: async () => new Uint8Array(1),
      stream: () => assert.fail("small bodies are held whole"),
      cancel: () => undefined,
    },
  };
}

const NO_CHANGES: ChangeFeed = {
  take: async () => [],
  done: async () => undefined,
  onChange: () => () => undefined,
};
