/** Leases: rows are taken by workers, and given back in one of four ways. Every change asks for the fence. */
import type { Connection } from "../database.ts";
import type { Claim, ClaimRequest, Completion, FailedAttempt } from "../ledger.ts";
import { LAGGING } from "../tallies.ts";
import { freshGroupOf, type StoredGroup } from "../task-group.ts";
import { encodeKey } from "../words.ts";
import { dueIds } from "./due.ts";
import { GroupChanges, type Groups } from "./groups.ts";
import { changeJobCounts } from "./jobs.ts";
import { promote, settle } from "./lanes.ts";
import { TASK_COLUMNS, taskOf } from "./rows.ts";
import { FIRST, LEASED, PARKED } from "./schema.ts";
import { isLive, TallyChanges } from "./tallies.ts";

/** Texts of statements that run for each task are made once: to make and hash them costs as much as to run some. */
const LEASE = `UPDATE tasks SET fence = fence + 1, attempts = attempts + (lease_until_ms IS NOT NULL),
    lease_until_ms = ?, leased_to = ?
  WHERE id IN (SELECT value FROM json_each(?)) RETURNING fence, ${TASK_COLUMNS}`;

/** Leases the rows of `dueIds`, and returns them in its order. */
export function claimTasks(connection: Connection, groups: Groups, request: ClaimRequest): readonly Claim[] {
  const ids = dueIds(connection, groups, request);
  if (ids.length === 0) return [];
  const claims = connection
    .prepare(LEASE)
    .all(request.leaseUntilMs, request.worker, JSON.stringify(ids))
    .map((row) => ({ task: taskOf(row, groups), fence: Number(row["fence"]) }));
  const order = new Map(ids.map((id, index) => [id, index]));
  const rank = ({ task }: Claim): number => order.get(task.id) ?? 0;
  return claims.toSorted((one, other) => rank(one) - rank(other));
}

const HELD = `id = ? AND fence = ? AND ${LEASED}`;

/** Returns the ids of the claims that are lost. */
export function renewLeases(connection: Connection, claims: readonly Claim[], leaseUntilMs: number): number[] {
  const renew = connection.prepare(`UPDATE tasks SET lease_until_ms = ? WHERE ${HELD}`);
  return claims.filter((claim) => renew.run(leaseUntilMs, claim.task.id, claim.fence).changes === 0).map(idOf);
}

export function releaseLeases(connection: Connection, groups: Groups, claims: readonly Claim[]): void {
  const release = connection.prepare(`UPDATE tasks SET lease_until_ms = NULL, leased_to = NULL WHERE ${HELD}`);
  for (const { task, fence } of claims) {
    if (release.run(task.id, fence).changes === 0) continue;
    settle(connection, { ...groups.stored(freshGroupOf(task)), key: encodeKey(task.version.key) });
  }
}

export function expireLeases(connection: Connection, worker: string): void {
  connection.prepare(`UPDATE tasks SET lease_until_ms = 0 WHERE ${LEASED} AND leased_to = ?`).run(worker);
}

/** What is to be done with a row whose lease ends. */
export type Ending = (connection: Connection, changes: GroupChanges, tallies: TallyChanges) => boolean;

/** Ends leases one after another; tells of each whether it was held. */
export function endLeases(connection: Connection, endings: readonly Ending[]): readonly boolean[] {
  const changes = new GroupChanges();
  const tallies = new TallyChanges();
  const held = endings.map((end) => end(connection, changes, tallies));
  changes.write(connection);
  tallies.write(connection);
  return held;
}

const REMOVE = `DELETE FROM tasks WHERE ${HELD} RETURNING group_id, size_bytes, job_id, origin`;

/** Removes a done row and counts it. */
export function completing(groups: Groups, claim: Claim, done: Completion): Ending {
  return (connection, changes, tallies) => {
    const row = connection.prepare(REMOVE).get(claim.task.id, claim.fence);
    if (row === undefined) return false;
    const { version } = claim.task;
    const group = groups.stored(freshGroupOf(claim.task));
    const key = encodeKey(version.key);
    changes.add(Number(row["group_id"]), { tasks: -1, bytes: -Number(row["size_bytes"]) });
    changes.add(group.id, { tasks: 0, bytes: 0, completedTasks: 1, completedBytes: done.bytes });
    if (isLive(row) && LAGGING.has(group.operation)) tallies.add(group.id, done.endedAtMs - claim.task.writtenAtMs);
    changeJobCounts(connection, row["job_id"], { open: -1, completed: 1 });
    promote(connection, { bucketId: group.bucketId, destinationId: group.destinationId, key });
    if (done.replicaVersionId !== undefined) {
      connection
        .prepare("INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?)")
        .run(group.bucketId, key, version.versionId, group.destinationId, done.replicaVersionId);
    }
    return true;
  };
}

/** Ends an attempt that failed: the row waits for its next try, or is parked when there is none. */
export function failing(
  claim: Claim,
  failed: { readonly attempt: FailedAttempt; readonly group: StoredGroup; readonly nextTryAtMs?: number },
): Ending {
  const { attempt, group, nextTryAtMs } = failed;
  return (connection, changes, tallies) => {
    const held = connection
      .prepare(`SELECT group_id, size_bytes, job_id FROM tasks WHERE ${HELD}`)
      .get(claim.task.id, claim.fence);
    if (held === undefined) return false;
    connection
      .prepare(
        `UPDATE tasks SET place = ?, group_id = ?, next_try_at_ms = coalesce(?, next_try_at_ms), failure = ?,
           attempts = attempts + 1, first_attempt_at_ms = coalesce(first_attempt_at_ms, ?), last_attempt_at_ms = ?,
           lease_until_ms = NULL, leased_to = NULL${group.parked ? ", note = NULL" : ""}
         WHERE id = ?`,
      )
      .run(
        group.parked ? PARKED : FIRST,
        group.id,
        nextTryAtMs ?? null,
        JSON.stringify(attempt.failure),
        attempt.startedAtMs,
        attempt.endedAtMs,
        claim.task.id,
      );
    const bytes = Number(held["size_bytes"]);
    changes.add(Number(held["group_id"]), { tasks: -1, bytes: -bytes });
    changes.add(group.id, { tasks: 1, bytes });
    tallies.add(group.id);
    if (group.parked) changeJobCounts(connection, held["job_id"], { open: -1, failed: 1 });
    settle(connection, { ...group, key: encodeKey(claim.task.version.key) });
    return true;
  };
}

/** Keeps a text with a leased row. */
export function noteTask(connection: Connection, { task, fence }: Claim, text: string | undefined): boolean {
  const note = connection.prepare(`UPDATE tasks SET note = ? WHERE ${HELD}`);
  return note.run(text ?? null, task.id, fence).changes === 1;
}

function idOf({ task }: Claim): number {
  return task.id;
}
