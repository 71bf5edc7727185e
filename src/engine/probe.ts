/**
 * Finds out what a store does of that which Amazon S3 does, by trying it in one bucket: phase by phase, under a prefix of
 * its own, and removes everything again.
 *
 * What it writes is data (`plannedWrites`), so that it can be said before it is done. Nothing is tried twice: an answer
 * that says nothing about the store (5xx, silence) leaves the ability unknown. Not here: who keeps the result, and for how
 * long.
 */
import { assert } from "../core/assert.ts";
import { CAUTIOUS, type Capabilities } from "../s3/capabilities.ts";
import type { BucketSettings } from "../s3/settings.ts";
import type { Store } from "../s3/store.ts";
import type { Clock } from "./ports.ts";
import { auth, locking, reach, versioning } from "./probe/access.ts";
import { Bench, Interrupted } from "./probe/bench.ts";
import { cleanUp } from "./probe/clean-up.ts";
import { DELETE_WRITES, lock, marker, versionDelete } from "./probe/deletes.ts";
import {
  CHECKS,
  type CheckId,
  PHASES,
  type PhaseName,
  type PlannedWrite,
  type ProbeReport,
  phaseOf,
} from "./probe/model.ts";
import { checksums, condition, identity, OBJECT_WRITES, put, tags } from "./probe/objects.ts";
import { multipart, UPLOAD_WRITES } from "./probe/uploads.ts";

export interface ProbeOptions {
  readonly bucket: string;
  /** Names this probe and no other: letters, digits, `-`. */
  readonly id: string;
  readonly clock: Clock;
  /** Ends the probe after the call that is under way; what was written is removed all the same. */
  readonly signal?: AbortSignal;
  /** Called before a phase begins. */
  readonly onPhase?: (phase: PhaseName) => void;
}

/** Where a probe writes. */
export function probePrefix(id: string): string {
  assert(/^[A-Za-z0-9-]{1,64}$/.test(id), "the id of a probe is a plain word");
  return `.lockstep-probe/${id}/`;
}

/** Every key that a probe writes at the most, in order. */
export function plannedWrites(): readonly PlannedWrite[] {
  const all = [...OBJECT_WRITES, ...UPLOAD_WRITES, ...DELETE_WRITES];
  return PHASES.flatMap((phase) => all.filter((write) => write.phase === phase));
}

/**
 * Probes one bucket. Repeatable; rejects only for faults of our own.
 *
 * @param store and `settings` speak as the caller whose rights count: the replication's destination role, say
 */
export async function probe(store: Store, settings: BucketSettings, options: ProbeOptions): Promise<ProbeReport> {
  const { bucket, id, clock, signal } = options;
  const prefix = probePrefix(id);
  const startedAtMs = clock.nowMs();
  const nowMs = () => clock.nowMs();
  const bench = new Bench({ store, settings, bucket, prefix, nowMs, ...(signal === undefined ? {} : { signal }) });
  const begin = (phase: PhaseName) => options.onPhase?.(phase);
  let left: ProbeReport["left"] = [];
  let why = "something before it failed";
  try {
    await runPhases(bench, begin);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    why = "the probe was interrupted";
  } finally {
    begin("clean-up");
    left = await cleanUp(bench, store, clock);
  }
  noteUntried(bench, why);
  const { checks, found } = bench;
  return { bucket, prefix, startedAtMs, endedAtMs: clock.nowMs(), checks, left, found };
}

async function runPhases(bench: Bench, begin: (phase: PhaseName) => void): Promise<void> {
  begin("reach");
  if (!(await reach(bench))) return;
  begin("auth");
  if (!(await auth(bench))) return;
  begin("versioning");
  await versioning(bench);
  if (!(await locking(bench))) return;
  begin("put");
  if (!(await put(bench))) return;
  const writing = { identity, multipart, tags, checksums, condition, lock, marker, "version-delete": versionDelete };
  for (const [phase, run] of Object.entries(writing)) {
    begin(phase as PhaseName);
    await run(bench);
  }
}

/** Quota is spoken of only when it was met, locks only where the bucket has them. */
function noteUntried(bench: Bench, why: string): void {
  const hasNoLock = bench.found.objectLock === false;
  for (const id of Object.keys(CHECKS) as CheckId[]) {
    if (bench.codeOf(id) !== undefined || id === "quota.room") continue;
    if (hasNoLock && phaseOf(id) === "lock") continue;
    bench.note(id, "untried", why);
  }
}

/**
 * What the engine may count on.
 *
 * @param assumed for what the probe could not find out
 */
export function capabilitiesOf(report: Pick<ProbeReport, "found">, assumed: Capabilities = CAUTIOUS): Capabilities {
  return { ...assumed, ...report.found };
}

/** What replication into the bucket needs and does not have. */
export function findingsOf({ checks }: Pick<ProbeReport, "checks">): ProbeReport["checks"] {
  return checks.filter(({ id, code }) => CHECKS[id].needed && code !== "ok");
}
