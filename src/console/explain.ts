/** Why the tasks of one key are where they are: what each waits for, what goes before it, and when it is tried. */
import { type Heartbeat, heartbeatsIn, isAway } from "../engine/heartbeat.ts";
import { type Pause, pausesIn } from "../engine/pauses.ts";
import type { Standing, TaskRow } from "../ledger/ledger.ts";
import type { ConsoleOptions } from "./options.ts";
import { breakersOf, titleOf } from "./overview.ts";

/** What one task of a version waits for. */
export interface TaskExplanation {
  readonly versionId: string;
  readonly operation: TaskRow["operation"];
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly status: "PENDING" | "FAILED";
  readonly state: TaskRow["state"];
  readonly origin: TaskRow["origin"];
  readonly sizeBytes: number;
  readonly writtenAtMs: number;
  readonly jobId?: string;
  readonly attempts: number;
  readonly lastAttemptAtMs?: number;
  /** While it waits. */
  readonly nextTryAtMs?: number;
  /** How many go before it: of its key, and of its bucket and destination. Counts end at 10,000. */
  readonly standing?: Standing;
  readonly failure?: { readonly code: string; readonly title: string; readonly message: string };
  /** What holds it up, the first thing first. */
  readonly because: readonly Reason[];
}

/** Something that holds a task up. Closed: whoever words it knows them all. */
export type Reason =
  | { readonly is: "failed"; readonly code: string }
  | { readonly is: "underWay"; readonly engine: string }
  | { readonly is: "noEngine"; readonly lastSeenAtMs?: number }
  | { readonly is: "paused"; readonly sinceMs: number }
  | {
      readonly is: "breaker";
      readonly side: "source" | "destination";
      /** A bucket's name, or a destination's ARN. */
      readonly name: string;
      readonly engine: string;
      readonly sinceMs: number;
      readonly nextTrialAtMs?: number;
    }
  | { readonly is: "behindItsKey"; readonly tasks: number }
  | { readonly is: "triedLater"; readonly code?: string; readonly atMs: number }
  | { readonly is: "inQueue"; readonly tasks: number; readonly inMs?: number };

export interface KeyExplanation {
  readonly bucket: string;
  readonly key: string;
  readonly atMs: number;
  /** In the order in which they were added. */
  readonly tasks: readonly TaskExplanation[];
  /** There are more than are told. */
  readonly hasMore: boolean;
}

const TASKS_MAX = 100;

export async function explainKey(
  { ledger, clock }: Pick<ConsoleOptions, "ledger" | "clock">,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<KeyExplanation> {
  const atMs = clock();
  const [page, pauses, heartbeats] = await Promise.all([
    ledger.list({ bucket, key }, { limit: TASKS_MAX }),
    pausesIn(ledger),
    heartbeatsIn(ledger),
  ]);
  const rows = page.tasks.toSorted((one, other) => one.id - other.id);
  const tasks = await Promise.all(
    rows.map(async (row) => explain(row, { atMs, pauses, heartbeats, standing: await ledger.standing(row.id, atMs) })),
  );
  return { bucket, key, atMs, tasks, hasMore: page.next !== undefined };
}

interface Known {
  readonly atMs: number;
  readonly pauses: readonly Pause[];
  readonly heartbeats: readonly Heartbeat[];
  readonly standing: Standing | undefined;
}

function explain(row: TaskRow, known: Known): TaskExplanation {
  const { version, operation, destinationArn, ruleId, state, origin, sizeBytes, writtenAtMs, attempts, failure } = row;
  const { jobId, lastAttemptAtMs, nextTryAtMs } = row;
  return {
    versionId: version.versionId,
    operation,
    destinationArn,
    ruleId,
    status: state === "parked" ? "FAILED" : "PENDING",
    state,
    origin,
    sizeBytes,
    writtenAtMs,
    ...(jobId === undefined ? {} : { jobId }),
    attempts,
    ...(lastAttemptAtMs === undefined ? {} : { lastAttemptAtMs }),
    ...(state === "waiting" ? { nextTryAtMs } : {}),
    ...(known.standing === undefined ? {} : { standing: known.standing }),
    ...(failure === undefined
      ? {}
      : { failure: { code: failure.code, title: titleOf(failure.code), message: failure.message } }),
    because: reasonsOf(row, known),
  };
}

function reasonsOf(row: TaskRow, { atMs, pauses, heartbeats, standing }: Known): readonly Reason[] {
  if (row.state === "parked") return [{ is: "failed", code: row.failure?.code ?? "UnknownAnswer" }];
  if (row.state === "leased") return [{ is: "underWay", engine: row.lease?.worker ?? "" }];
  const { bucket } = row.version;
  const alive = heartbeats.filter((one) => !isAway(one, atMs));
  const lastSeenAtMs = Math.max(...heartbeats.map((one) => one.atMs));
  const pause = pauses.find((one) => one.bucket === bucket);
  const reasons: Reason[] = [];
  if (alive.length === 0) {
    reasons.push({ is: "noEngine", ...(Number.isFinite(lastSeenAtMs) ? { lastSeenAtMs } : {}) });
  }
  if (pause !== undefined) reasons.push({ is: "paused", sinceMs: pause.sinceMs });
  for (const one of breakersOf(alive, { bucket, destinationArn: row.destinationArn })) {
    const { side, name, engine, sinceMs, nextTrialAtMs } = one;
    const next = nextTrialAtMs === undefined ? {} : { nextTrialAtMs };
    reasons.push({ is: "breaker", side, name, engine, sinceMs, ...next });
  }
  if (standing !== undefined && standing.inLane > 0) reasons.push({ is: "behindItsKey", tasks: standing.inLane });
  if (row.nextTryAtMs > atMs) {
    const code = row.failure === undefined ? {} : { code: row.failure.code };
    reasons.push({ is: "triedLater", ...code, atMs: row.nextTryAtMs });
  } else if (standing !== undefined) {
    reasons.push({ is: "inQueue", tasks: standing.inStream, ...expectedIn(row, standing, alive) });
  }
  return reasons;
}

/** At the rate at which its stream has moved in the last minute. */
function expectedIn(row: TaskRow, { inStream }: Standing, alive: readonly Heartbeat[]): { readonly inMs?: number } {
  const perSecond = alive
    .flatMap((one) => one.streams)
    .filter((one) => one.bucket === row.version.bucket && one.destinationArn === row.destinationArn)
    .reduce((sum, one) => sum + one.tasksPerSecond, 0);
  return perSecond > 0 ? { inMs: Math.round((inStream / perSecond) * 1000) } : {};
}
