/**
 * What can be looked at in the lab of `up`: canaries, probes, audits, lints and rehearsals of every bucket that replicates, when
 * somebody asks for them. Each is done as the root of the account that owns the bucket.
 */
import { randomUUID } from "node:crypto";
import type { Replications } from "../../console/replications.ts";
import type { Watches } from "../../console/watches.ts";
import { bucketOfArn } from "../../core/arn.ts";
import type { CanaryWorld } from "../../engine/canary/model.ts";
import type { Clock } from "../../engine/ports.ts";
import { probe } from "../../engine/probe.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { WatchResult } from "../../monitor/history.ts";
import { type Schedule, Schedules } from "../../monitor/schedules.ts";
import { flyCanaries, keptOf } from "../canary/canarying.ts";
import { TIMEOUT_MS } from "../canary/flights.ts";
import { recordedFate, worldOfConnection } from "../canary/worlds.ts";
import { type Connection, openConnection } from "../connection.ts";
import { DEFAULT_ACCOUNT, DEFAULT_REGION } from "../defaults.ts";
import { lintedBucket, probeResult, rehearsedBucket } from "../watches/results.ts";

export interface LabWatchesOptions {
  readonly lab: Lab;
  readonly endpoint: string;
  readonly ledger: Ledger;
  readonly replications: Replications;
  readonly clock: Clock;
  /** The engine's name. */
  readonly holder: string;
  /** Where reports of audits are filed. */
  readonly auditsDirectory: string;
  readonly onTrouble: (what: string, error: unknown) => void;
  readonly onBroken: (error: unknown) => void;
}

export interface LabWatches extends Watches {
  close(): Promise<void>;
}

export function openLabWatches(options: LabWatchesOptions): LabWatches {
  const { replications, onBroken } = options;
  const schedules = new Schedules(options);
  const over = new AbortController();
  const running = schedules.run(over.signal).catch(onBroken);
  // Buckets come and go: those of the moment count.
  const refresh = async () => {
    const known = await replications.list();
    schedules.use(known.flatMap(({ bucket }) => watchesOf(bucket, options)));
  };
  return {
    list: async () => {
      await refresh();
      return await schedules.list();
    },
    start: async (kind, subject) => {
      await refresh();
      return await schedules.start(kind, subject);
    },
    close: async () => {
      over.abort();
      await running;
    },
  };
}

function watchesOf(bucket: string, options: LabWatchesOptions): readonly Schedule[] {
  const { clock, ledger } = options;
  const now = () => clock.nowMs();
  const watch = (
    kind: Schedule["kind"],
    look: (by: Owners, signal: AbortSignal) => Promise<readonly WatchResult[]>,
  ) => ({
    kind,
    subject: bucket,
    run: async (signal: AbortSignal) => {
      const owners = new Owners(options);
      try {
        return await look(owners, signal);
      } finally {
        await owners.close();
      }
    },
  });
  return [
    watch("canary", async (owners, signal) => {
      const world: CanaryWorld = {
        ...(await worldOfConnection(await owners.of(bucket), bucket, clock)),
        destination: async (arn) => {
          const name = bucketOfArn(arn) ?? arn;
          return { bucket: name, ...(await (await owners.of(name)).bucket(name)) };
        },
        fateOf: (version, operation, arn) => recordedFate(ledger, version, operation, arn),
        forget: async (prefix) => {
          await ledger.discard({ bucket, prefix });
        },
      };
      const flight = { subject: bucket, world, options: { timeoutMs: TIMEOUT_MS, multipart: false } };
      return (await flyCanaries(flight, signal)).map(keptOf);
    }),
    watch("probe", async (owners, signal) => {
      const results: WatchResult[] = [];
      for (const arn of new Set(
        options.lab.bucket(bucket)?.replication?.rules.map((one) => one.destination.bucketArn),
      )) {
        const name = bucketOfArn(arn) ?? arn;
        const { store, settings } = await (await owners.of(name)).bucket(name);
        const report = await probe(store, settings, { bucket: name, id: randomUUID(), clock, signal });
        results.push(probeResult(bucket, arn, report));
      }
      return results;
    }),
    watch("audit", async (owners, signal) => {
      const own = await owners.of(bucket);
      const surroundings = {
        ...own,
        bucket: async (name: string) => await (await owners.of(name)).bucket(name),
      };
      const destinations = new Map(
        (options.lab.bucket(bucket)?.replication?.rules ?? []).map(({ destination: { bucketArn } }) => [
          bucketArn,
          bucketOfArn(bucketArn) ?? bucketArn,
        ]),
      );
      const settings = { olderThanMs: 0, oneWay: false, directory: options.auditsDirectory };
      const { bucketAudits } = await import("../audit/of-schedule.ts");
      return await bucketAudits(bucket, { surroundings, destinations }, { settings, clock: now, signal });
    }),
    watch("lint", async (owners) => {
      const { settings } = await (await owners.of(bucket)).bucket(bucket);
      return [await lintedBucket(bucket, { bucket, settings }, now)];
    }),
    watch("rehearse", async (owners) => [
      await rehearsedBucket(bucket, { bucket, connection: await owners.of(bucket) }, now),
    ]),
  ];
}

/** Connections of the accounts that own buckets, each opened when it is needed. */
class Owners {
  readonly #options: LabWatchesOptions;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(options: LabWatchesOptions) {
    this.#options = options;
  }

  /** A bucket that is not there is asked for as somebody who is told so. */
  async of(bucket: string): Promise<Connection> {
    const { lab, endpoint, clock } = this.#options;
    const { account = DEFAULT_ACCOUNT } = lab.bucket(bucket) ?? {};
    let found = this.#connections.get(account);
    if (found === undefined) {
      found = lab.account(account).then((credentials) => {
        const access = { endpoint, region: DEFAULT_REGION, credentials: async () => credentials };
        return openConnection(access, () => clock.nowMs(), undefined);
      });
      this.#connections.set(account, found);
    }
    return await found;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#connections.values());
    await Promise.all(opened.flatMap((one) => (one.status === "fulfilled" ? [one.value.close()] : [])));
  }
}
