/**
 * What each condition sees in what is known at one moment: pure functions from observations to signs. They remember
 * nothing; how long something must hold is `lifecycle.ts`.
 */
import { bucketOfArn } from "../../core/arn.ts";
import { failureCode, failureEntry } from "../../core/failures/catalogue.ts";
import type { Count } from "../../ledger/ledger.ts";
import type { WatchKind, WatchResult } from "../history.ts";
import type { Observation } from "../observation.ts";
import { type Backlog, type BacklogTracks, backlogsOf, GROWTH_MS, growthOf, streamName } from "./backlog.ts";
import type { ConditionName, Sign, Subject } from "./model.ts";
import type { AlertSettings, ConditionSettings } from "./settings.ts";
import { counted, oneLine, spanOf, timeOf } from "./words.ts";

/** Versions of one cause that were tried again and again, as far as they have been looked at. */
export interface Redriven extends Cause {
  readonly versions: number;
  /** The most that one of them was redriven. */
  readonly most: number;
  readonly key: string;
}

/** A document that is no longer what it was when it was last known to be good. */
export interface Drifted {
  /** The replication that it has a say in. */
  readonly replication: string;
  /** `bucket policy of photos-replica` */
  readonly what: string;
}

export interface Known {
  readonly observation: Observation;
  readonly backlogs: BacklogTracks;
  /** Undefined: not known now. */
  readonly redriven: readonly Redriven[] | undefined;
  readonly drifted: readonly Drifted[] | undefined;
}

/** Why versions of one bucket, rule and destination are FAILED. */
export interface Cause {
  readonly bucket: string;
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly code: string;
}

export interface Seen {
  readonly signs: readonly Sign[];
  /** Conditions of which nothing is known now: what they saw before stays. */
  readonly unknown: ReadonlySet<ConditionName>;
}

/** Everything that all conditions see. */
export function seenIn(known: Known, settings: AlertSettings): Seen {
  const signs: Sign[] = [];
  const unknown = new Set<ConditionName>();
  for (const [name, judge] of Object.entries(JUDGES) as [ConditionName, Judge][]) {
    const own = settings.conditions[name];
    if (own === undefined) continue;
    const found = judge(known, own);
    if (found === undefined) unknown.add(name);
    else signs.push(...found.map((one) => ({ ...one, condition: name, severity: own.severity })));
  }
  return { signs, unknown };
}

type Found = Omit<Sign, "condition" | "severity">;
type Judge = (known: Known, settings: ConditionSettings) => readonly Found[] | undefined;

const JUDGES: Readonly<Record<ConditionName, Judge>> = {
  newCause: failing,
  failed: failing,
  redriven,
  lag,
  backlogGrowing,
  oldestPending,
  breakerOpen,
  canaryFailed: (known, settings) => watched(known, settings, ["canary", "probe"]),
  auditDifferences: (known, settings) => watched(known, settings, ["audit"]),
  checkFailed: (known, settings) => watched(known, settings, ["rehearse", "lint"]),
  drift,
};

/** Undefined: clear. */
function levelOf(value: number, { over, below }: ConditionSettings): { readonly isOver: boolean } | undefined {
  return value >= over ? { isOver: true } : value >= below ? { isOver: false } : undefined;
}

function failing({ observation }: Known, settings: ConditionSettings): Found[] {
  const here = causesOf(observation.counts).flatMap(({ failed, bytes, oldestWrittenAtMs, ...cause }) => {
    const level = levelOf(failed, settings);
    if (level === undefined) return [];
    const oldest = oldestWrittenAtMs === undefined ? "" : `; the oldest was written at ${timeOf(oldestWrittenAtMs)}`;
    const counts = { failed, bytes };
    return [{ ...level, ...ofCause(cause, observation, `${counted(failed, "version")} FAILED${oldest}`), counts }];
  });
  return [...here, ...failingThere(observation, settings)];
}

/** What a store published of its own replication: how much failed lately, and not why. */
function failingThere(observation: Observation, settings: ConditionSettings): Found[] {
  return (observation.published ?? []).flatMap(({ name: replication, bucket, flows }) =>
    flows.flatMap(({ ruleId, destinationArn, failedLastHour: failed, endedLastHour: operations }) => {
      const level = levelOf(failed, settings);
      if (level === undefined) return [];
      const key = JSON.stringify([bucket, ruleId, destinationArn]);
      const told = `${counted(failed, "operation")} of the last hour's ${counted(operations, "operation")} FAILED`;
      return [
        {
          ...level,
          key: `published ${key}`,
          group: `published ${key}`,
          title: `${replication} → ${shortOf(destinationArn)}: the store could not replicate versions`,
          says: `${told} (rule ${quoted(ruleId)}), as CloudWatch tells; why, the versions and the policies tell`,
          counts: { failed, operations },
          command: `lockstep diagnose s3://${bucket}`,
          subject: { replication, bucket, ruleId, destinationArn },
        },
      ];
    }),
  );
}

function redriven({ observation, redriven: found }: Known, settings: ConditionSettings): Found[] | undefined {
  return found?.flatMap(({ versions, most, key, ...cause }) => {
    const level = levelOf(most, settings);
    if (level === undefined) return [];
    const says = `${counted(versions, "version")} failed again after ${counted(most, "redrive")}, such as ${quoted(key)}: trying again does not help`;
    return [{ ...level, ...ofCause(cause, observation, says), counts: { redriven: versions, redrivesMax: most } }];
  });
}

function lag({ observation }: Known, settings: ConditionSettings): Found[] {
  return (observation.lags ?? []).flatMap(({ bucket, destinationArn, p99Ms, tasks }) => {
    const level = levelOf(p99Ms, settings);
    if (level === undefined || isPaused(bucket, observation)) return [];
    const found = ofStream({ bucket, destinationArn }, observation);
    const says = `Of the versions that were replicated lately, 1 in 100 took ${spanOf(p99Ms)} or longer (objective: ${spanOf(settings.over)})`;
    const title = `${found.way}: replication lags behind its objective`;
    return [{ ...level, ...found.sign, title, says, counts: { lagP99Ms: p99Ms, versions: tasks } }];
  });
}

function backlogGrowing({ observation, backlogs }: Known, settings: ConditionSettings): Found[] {
  return backlogsOf(observation).flatMap((backlog) => {
    const growth = growthOf(backlogs[streamName(backlog)] ?? { samples: [] }, observation.atMs);
    const level = levelOf(growth, settings);
    if (level === undefined || isPaused(backlog.bucket, observation)) return [];
    const found = ofStream(backlog, observation);
    const title = `${found.way}: the backlog keeps growing`;
    const says = `${counted(backlog.pending, "version")} PENDING, ${counted(growth, "version").replace(/ \w+$/, "")} more than ${spanOf(GROWTH_MS)} ago`;
    return [{ ...level, ...found.sign, title, says, counts: { pending: backlog.pending, growth } }];
  });
}

function oldestPending({ observation, backlogs }: Known, settings: ConditionSettings): Found[] {
  return backlogsOf(observation).flatMap((backlog) => {
    const { oldestWrittenAtMs, pending } = backlog;
    // What a first scan finds may be years old: it is PENDING since somebody knows of it.
    const since = backlogs[streamName(backlog)]?.pendingSinceMs ?? observation.atMs;
    const ageMs = observation.atMs - Math.max(oldestWrittenAtMs ?? observation.atMs, since);
    const level = levelOf(ageMs, settings);
    if (level === undefined) return [];
    const found = ofStream(backlog, observation);
    const title = `${found.way}: versions are PENDING for too long`;
    const paused = isPaused(backlog.bucket, observation) ? "; the replication is paused" : "";
    const says = `${counted(pending, "version")} PENDING, there for ${spanOf(ageMs)}${paused}`;
    const command = paused === "" ? found.sign.command : `lockstep resume ${found.sign.subject.replication}`;
    return [{ ...level, ...found.sign, title, says, command, counts: { pending, oldestMs: ageMs } }];
  });
}

/** An end counts once, however many engines find nobody there. */
function breakerOpen({ observation }: Known, settings: ConditionSettings): Found[] {
  const ends = new Map<
    string,
    { readonly side: "source" | "destination"; readonly end: string; sinceMs: number; engines: number }
  >();
  for (const engine of observation.engines.filter((one) => !one.isAway)) {
    for (const { side, name, sinceMs } of engine.breakers) {
      const key = `${side} ${name}`;
      const before = ends.get(key) ?? { side, end: name, sinceMs, engines: 0 };
      ends.set(key, { ...before, sinceMs: Math.min(before.sinceMs, sinceMs), engines: before.engines + 1 });
    }
  }
  return [...ends].flatMap(([key, { side, end, sinceMs, engines }]) => {
    const level = levelOf(engines, settings);
    if (level === undefined) return [];
    const backlogs = backlogsOf(observation).filter(
      (one) => (side === "source" ? one.bucket : one.destinationArn) === end,
    );
    const pending = backlogs.reduce((sum, one) => sum + one.pending, 0);
    const bucket = side === "source" ? end : backlogs[0]?.bucket;
    const replication = bucket === undefined ? end : nameOf(bucket, observation);
    const subject: Subject = {
      replication,
      ...(bucket === undefined ? {} : { bucket }),
      ...(side === "destination" ? { destinationArn: end } : {}),
    };
    const says = `Not reached since ${timeOf(sinceMs)} by ${counted(engines, "engine")}; ${counted(pending, "version")} PENDING, tried again by themselves`;
    return [
      {
        ...level,
        key,
        group: `breaker ${key}`,
        title: `The ${side} ${shortOf(end)} does not answer`,
        says,
        counts: { engines, pending },
        command: bucket === undefined ? "lockstep status" : `lockstep status s3://${bucket}`,
        subject,
      },
    ];
  });
}

const WATCH_TITLES: Readonly<Record<WatchKind, string>> = {
  canary: "The canary did not arrive",
  probe: "The probe found something wrong",
  audit: "The audit found differences",
  rehearse: "The rehearsal found something wrong",
  lint: "The configuration has problems",
};

function watched({ observation }: Known, settings: ConditionSettings, kinds: readonly WatchKind[]): Found[] {
  return observation.results
    .filter((one) => kinds.includes(one.kind))
    .flatMap((result) => {
      const level = levelOf(result.verdict === "ok" ? 0 : 1, settings);
      return level === undefined ? [] : [{ ...level, ...ofResult(result, observation) }];
    });
}

function ofResult(result: WatchResult, observation: Observation): Omit<Found, "isOver"> {
  const { kind, subject: watched_, ruleId, destinationArn, atMs, says, counts } = result;
  const bucket =
    observation.replications.find((one) => one.name === watched_ || one.bucket === watched_)?.bucket ?? watched_;
  const replication = nameOf(bucket, observation);
  const key = JSON.stringify([kind, watched_, ruleId, destinationArn]);
  return {
    key,
    group: `watch ${key}`,
    title: `${replication}: ${WATCH_TITLES[kind]}`,
    says: `${oneLine(says, SAID_MAX)} (${timeOf(atMs)})`,
    counts,
    command: `lockstep ${kind === "lint" ? "diagnose" : kind} s3://${bucket}`,
    subject: {
      replication,
      bucket,
      ...(ruleId === undefined ? {} : { ruleId }),
      ...(destinationArn === undefined ? {} : { destinationArn }),
    },
  };
}

/** What somebody else wrote is shown up to this length. */
const SAID_MAX = 500;

function drift({ drifted }: Known, settings: ConditionSettings): Found[] | undefined {
  if (drifted === undefined) return undefined;
  return [...new Set(drifted.map((one) => one.replication))].flatMap((replication) => {
    const names = drifted.filter((one) => one.replication === replication).map((one) => one.what);
    const level = levelOf(names.length, settings);
    if (level === undefined) return [];
    return [
      {
        ...level,
        key: replication,
        group: `drift ${replication}`,
        title: `${replication}: its configuration or policies have changed`,
        says: `Not as they were last known to be good: ${oneLine(names.join(", "), SAID_MAX)}`,
        counts: { documents: names.length },
        command: "lockstep alerts accept",
        subject: { replication },
      },
    ];
  });
}

export interface CountedCause extends Cause {
  readonly failed: number;
  readonly bytes: number;
  readonly oldestWrittenAtMs?: number;
}

/** Of everything that is FAILED. */
export function causesOf(counts: readonly Count[]): readonly CountedCause[] {
  const found = new Map<string, CountedCause>();
  for (const { state, bucket, ruleId, destinationArn, failureCode: code = "UnknownAnswer", ...one } of counts) {
    if (state !== "parked" || one.tasks === 0) continue;
    const cause = { bucket, ruleId, destinationArn, code };
    const before = found.get(causeName(cause));
    const oldest = Math.min(before?.oldestWrittenAtMs ?? Infinity, one.oldestWrittenAtMs ?? Infinity);
    found.set(causeName(cause), {
      ...cause,
      failed: (before?.failed ?? 0) + one.tasks,
      bytes: (before?.bytes ?? 0) + one.bytes,
      ...(oldest === Infinity ? {} : { oldestWrittenAtMs: oldest }),
    });
  }
  return [...found.values()];
}

/** A cause as one text. */
export function causeName({ bucket, ruleId, destinationArn, code }: Cause): string {
  return JSON.stringify([bucket, ruleId, destinationArn, code]);
}

function ofCause(cause: Cause, observation: Observation, says: string): Omit<Found, "isOver" | "counts"> {
  const { bucket, ruleId, destinationArn, code } = cause;
  const known = failureCode(code);
  const entry = known === undefined ? undefined : failureEntry(known);
  const name = causeName(cause);
  const shows = observation.replications.find((one) => one.bucket === bucket)?.showsStatus ?? true;
  const fixing = entry?.patch === undefined ? "diagnose" : "fix";
  return {
    key: name,
    group: `cause ${name}`,
    title: `${wayOf(bucket, destinationArn, observation)}: ${entry?.title ?? code}`,
    says: `${says} (${code}, rule ${quoted(ruleId)}). ${entry?.remedy ?? "Look at what the store answered"}`,
    // Where no store shows a status there is nothing to diagnose at the store: the remedy, and then once more.
    command: shows ? `lockstep ${fixing} s3://${bucket}` : `lockstep resync s3://${bucket} --code ${code}`,
    subject: { replication: nameOf(bucket, observation), bucket, ruleId, destinationArn, code },
  };
}

function ofStream({ bucket, destinationArn }: Pick<Backlog, "bucket" | "destinationArn">, observation: Observation) {
  const replication = nameOf(bucket, observation);
  const key = streamName({ bucket, destinationArn });
  const sign = {
    key,
    group: `stream ${key}`,
    command: `lockstep status s3://${bucket}`,
    subject: { replication, bucket, destinationArn },
  };
  return { way: wayOf(bucket, destinationArn, observation), sign };
}

function wayOf(bucket: string, destinationArn: string, observation: Observation): string {
  return `${nameOf(bucket, observation)} → ${shortOf(destinationArn)}`;
}

function nameOf(bucket: string, { replications, published = [] }: Observation): string {
  return [...replications, ...published].find((one) => one.bucket === bucket)?.name ?? bucket;
}

function isPaused(bucket: string, { replications }: Observation): boolean {
  return replications.some((one) => one.bucket === bucket && one.pausedSinceMs !== undefined);
}

function shortOf(end: string): string {
  return bucketOfArn(end) ?? end;
}

/** Of keys and names of rules, which their owners choose. */
function quoted(text: string): string {
  return `"${oneLine(text, 200)}"`;
}
