/** Adding: the tasks of one or more calls, made into what `add_tasks` takes. */
import { assert } from "../../core/assert.ts";
import type { NewTask } from "../ledger.ts";
import { freshGroupOf } from "../task-group.ts";
import { encodeKey, lineOf, OPERATIONS, ORIGINS, READS_STATE } from "../words.ts";
import type { Groups } from "./groups.ts";
import type { Server } from "./server.ts";

interface GivenLane {
  readonly bucket_id: number;
  readonly key: string;
  readonly destination_id: number;
  /** The first of its tasks, from 1. */
  readonly head: number;
  readonly due_at_ms: number;
  readonly size_bytes: number;
  line: number;
}

interface GivenTask {
  /** From 1. */
  readonly lane: number;
  readonly group_id: number;
  readonly version_id: string;
  readonly operation: number;
  readonly rereads: boolean;
  readonly size_bytes: number;
  readonly written_at_ms: number;
  readonly due_at_ms: number;
  origin: number;
  job_id: string | null;
}

/** Adds the tasks of several calls in one transaction; their groups are known. Returns how many came in of each call. */
export async function addTasks(
  server: Server,
  groups: Groups,
  calls: readonly (readonly NewTask[])[],
): Promise<readonly number[]> {
  const { lanes, tasks, callOf } = prepare(groups, calls);
  if (tasks.length === 0) return calls.map(() => 0);
  const [row] = await server.query("SELECT ids, added FROM add_tasks($1, $2)", [
    JSON.stringify(lanes),
    JSON.stringify(tasks),
  ]);
  const ids = row?.["ids"];
  const added = row?.["added"];
  assert(Array.isArray(ids) && Array.isArray(added), "add_tasks answers with two lists");
  const isAdded = new Set<unknown>(added);
  const counts = calls.map(() => 0);
  for (const [index, id] of ids.entries()) {
    if (isAdded.has(id)) counts[callOf[index] as number] = (counts[callOf[index] as number] ?? 0) + 1;
  }
  return counts;
}

/** Each task once, as urgent as the most urgent of its kind: of the last job that asks for it. */
function prepare(groups: Groups, calls: readonly (readonly NewTask[])[]) {
  const lanes = new Map<string, { readonly number: number; readonly lane: GivenLane }>();
  const tasks = new Map<string, GivenTask>();
  const callOf: number[] = [];
  for (const [call, some] of calls.entries()) {
    for (const task of some) {
      const { bucketId, destinationId, id: groupId } = groups.stored(freshGroupOf(task));
      const { sizeBytes, dueAtMs } = task;
      const { versionId } = task.version;
      const key = encodeKey(task.version.key).toString("hex");
      const origin = ORIGINS.indexOf(task.origin);
      const laneWords = `${bucketId} ${destinationId} ${key}`;
      const known = lanes.get(laneWords) ?? {
        number: lanes.size + 1,
        lane: {
          bucket_id: bucketId,
          key,
          destination_id: destinationId,
          head: tasks.size + 1,
          due_at_ms: dueAtMs,
          size_bytes: sizeBytes,
          line: lineOf(origin, sizeBytes),
        },
      };
      lanes.set(laneWords, known);
      known.lane.line = Math.min(known.lane.line, lineOf(origin, known.lane.size_bytes));
      const taskWords = `${laneWords} ${task.operation} ${versionId}`;
      const same = tasks.get(taskWords);
      if (same !== undefined) {
        same.origin = Math.min(same.origin, origin);
        same.job_id = task.jobId ?? same.job_id;
        continue;
      }
      assert(!versionId.includes("\0"), "a version id with U+0000: PostgreSQL has none");
      callOf.push(call);
      tasks.set(taskWords, {
        lane: known.number,
        group_id: groupId,
        version_id: versionId,
        operation: OPERATIONS.indexOf(task.operation),
        rereads: READS_STATE.has(task.operation),
        size_bytes: sizeBytes,
        written_at_ms: task.writtenAtMs,
        due_at_ms: dueAtMs,
        origin,
        job_id: task.jobId ?? null,
      });
    }
  }
  return { lanes: [...lanes.values()].map((one) => one.lane), tasks: [...tasks.values()], callOf };
}
