/**
 * A simulated world: a lab in memory, an engine that meets faults wherever it can, and somebody who writes.
 *
 * Buckets and roles are made by real requests before the simulation begins; from then on nothing touches a socket.
 */
import { printReplication } from "../../src/core/config/print.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { ChangeFeed, FeedEntry, Sites } from "../../src/engine/ports.ts";
import { type Lab, openLab } from "../../src/lab/lab.ts";
import { ServiceError } from "../../src/lab/model.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { createS3Client } from "../../src/s3/client.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { Store } from "../../src/s3/store.ts";
import { type Faults, faulty, type Life, unlessDead } from "./faulty.ts";
import { QueryCaller } from "./query-caller.ts";
import { VirtualTime } from "./virtual-time.ts";

export const SOURCE = "sim-source";
export const REPLICA = "sim-replica";
const ACCOUNT = "111122223333";
const START_MS = Date.UTC(2026, 5, 1);
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/replication`;

/** What the role may do at the destination; the rest it may always do. */
export type Permission = "s3:ReplicateObject" | "s3:ReplicateDelete" | "s3:ReplicateTags";
const PERMISSIONS: readonly Permission[] = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"];

export class World {
  readonly time: VirtualTime;
  readonly faults: Faults = { rate: 0, latencyMsMax: 400 };
  readonly lab: Lab;
  readonly ledger: Ledger;
  /** The writer's own store: without faults. */
  readonly writer: Store;
  readonly #iam: QueryCaller;
  #engine: { readonly engine: Engine; readonly life: Life } | undefined;
  /** How many were started so far. */
  engines = 0;

  private constructor(time: VirtualTime, lab: Lab, ledger: Ledger, writer: Store, iam: QueryCaller) {
    this.time = time;
    this.lab = lab;
    this.ledger = ledger;
    this.writer = writer;
    this.#iam = iam;
  }

  static async make(seed: number): Promise<World> {
    const time = new VirtualTime(seed, START_MS);
    const clock = () => time.nowMs();
    const lab = await openLab({ clock });
    const credentials = await lab.account(ACCOUNT);
    const server = await lab.listen({ port: 0 });
    const iam = new QueryCaller({ host: `127.0.0.1:${server.port}`, credentials, clock });
    const s3 = createS3Client({ endpoint: `http://127.0.0.1:${server.port}`, region: "us-east-1", credentials, clock });
    for (const bucket of [SOURCE, REPLICA]) {
      await s3.createBucket(bucket);
      await s3.putBucketVersioning(bucket, "Enabled");
    }
    const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
    await iam.call("CreateRole", { RoleName: "replication", AssumeRolePolicyDocument: policy(trust) });
    const rule = {
      ID: "all",
      Priority: 1,
      Status: "Enabled",
      Filter: {},
      DeleteMarkerReplication: { Status: "Enabled" },
      Destination: { Bucket: `arn:aws:s3:::${REPLICA}` },
    };
    await s3.putBucketReplication(SOURCE, printReplication({ Role: ROLE, Rules: [rule] }));
    await s3.close();
    const ledger = openSqliteLedger({ path: ":memory:" });
    const world = new World(time, lab, ledger, lab.direct(credentials), iam);
    await world.permit(PERMISSIONS);
    return world;
  }

  /** Starts an engine; one that runs already is killed: it never says or does anything again. */
  startEngine(): Engine {
    if (this.#engine !== undefined) this.#engine.life.alive = false;
    const life: Life = { alive: true };
    this.engines += 1;
    const engine = new Engine({
      // Under its old name it takes its leases over, under a new one it has to wait until they run out.
      name: this.time.random() < 0.5 ? "engine" : `engine-${this.engines}`,
      ledger: mortal(this.ledger, life),
      feed: this.#feed(life),
      sites: this.#sites(life),
      clock: this.time,
      smallTasks: 4,
      largeTasks: 2,
      onBroken: (error) => {
        if (life.alive) throw error;
      },
    });
    this.#engine = { engine, life };
    engine.start();
    return engine;
  }

  /** Real requests, while time stands still. */
  async permit(allowed: readonly Permission[]): Promise<void> {
    const document = rolePolicy(allowed);
    await this.#iam.call("PutRolePolicy", { RoleName: "replication", PolicyName: "all", PolicyDocument: document });
  }

  /** Whether nothing waits, is leased, or is on its way to the ledger. */
  async isDrained(): Promise<boolean> {
    const counts = await this.ledger.counts();
    if (counts.some((one) => one.state === "waiting" || one.state === "leased")) return false;
    return (await this.#pending()) === 0;
  }

  async close(): Promise<void> {
    const running = this.#engine;
    if (running !== undefined) {
      const stopped = running.engine.stop(1000).then(() => {
        running.life.alive = false;
      });
      await this.time.runUntil(async () => !running.life.alive, 60_000);
      await stopped;
    }
    await this.ledger.close();
    await this.lab.close();
  }

  async #pending(): Promise<number> {
    const page = await this.writer.listObjectVersions({ bucket: SOURCE });
    let pending = 0;
    for (const one of page.versions) {
      if (one.isDeleteMarker) continue;
      const head = await this.writer.headObject({ bucket: SOURCE, key: one.key, versionId: one.versionId });
      if (head.replicationStatus === "PENDING") pending += 1;
    }
    return pending;
  }

  #feed(life: Life): ChangeFeed {
    const changes = this.lab.openChanges();
    return {
      take: async (limit) => {
        await unlessDead(life);
        const taken = await changes.take(limit);
        await unlessDead(life);
        return taken.map(({ seq, event }): FeedEntry => ({ sequence: seq, event }));
      },
      done: async (entries) => {
        await unlessDead(life);
        await changes.done(entries.map((one) => one.sequence));
      },
      onChange: (listener) => changes.onChange(listener),
    };
  }

  #sites(life: Life): Sites {
    const { lab, time, faults } = this;
    return {
      configuration: async (bucket) => {
        await unlessDead(life);
        return lab.bucket(bucket)?.replication;
      },
      traits: async (bucket) => {
        await unlessDead(life);
        return lab.bucket(bucket) ?? {};
      },
      session: async ({ roleArn }) => {
        await unlessDead(life);
        if (time.random() < faults.rate) throw new S3Error("STS is away", { operation: "AssumeRole", status: 503 });
        const store = lab.direct(await assumed(lab, roleArn));
        return { source: faulty(store, time, faults, life), destination: faulty(store, time, faults, life) };
      },
      reader: () => this.writer,
      publish: async (version, destinationArn, status, ended) => {
        await unlessDead(life);
        if (status !== "REPLICA") await lab.setReplicationStatus(version, status, destinationArn, ended);
        time.touch();
      },
    };
  }
}

async function assumed(lab: Lab, roleArn: string) {
  try {
    return await lab.assumeReplicationRole(roleArn);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new S3Error(error.message, { operation: "AssumeRole", status: error.status, code: error.code });
  }
}

/** The ledger as a process sees it that may be killed. */
function mortal(ledger: Ledger, life: Life): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      // What it is told when it is dead it does not act on: it is heard at once.
      if (name === "onDue") return member.bind(target) as unknown;
      return async (...words: unknown[]) => {
        await unlessDead(life);
        const answer: unknown = await Reflect.apply(member, target, words);
        await unlessDead(life);
        return answer;
      };
    },
  });
}

function policy(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function rolePolicy(allowed: readonly Permission[]): string {
  return policy(
    {
      Effect: "Allow",
      Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
      Resource: `arn:aws:s3:::${SOURCE}`,
    },
    {
      Effect: "Allow",
      Action: ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
      Resource: `arn:aws:s3:::${SOURCE}/*`,
    },
    { Effect: "Allow", Action: ["s3:ReplicateNothing", ...allowed], Resource: `arn:aws:s3:::${REPLICA}/*` },
  );
}
