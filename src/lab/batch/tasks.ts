/** The table of tasks: the rows of a job's manifest, and what came of each. Nothing here is larger than a page. */
import type { Connection, Database, Row } from "../../ledger/database.ts";

/** A row of a manifest. `key` is as the manifest has it, percent-encoded, for that is how the report shows it. */
export interface ManifestRow {
  readonly bucket: string;
  readonly key: string;
  /** Undefined when the manifest has no such column. */
  readonly versionId?: string;
}

export interface Task extends ManifestRow {
  readonly number: number;
}

/** What came of a task. */
export interface TaskOutcome {
  readonly httpStatus: number;
  /** "" when it succeeded. */
  readonly code: string;
  readonly message: string;
}

export interface DoneTask extends Task, TaskOutcome {}

export interface Tasks {
  /** Adds rows behind those that are there. @param from the number of the first one */
  add(job: string, from: number, rows: readonly ManifestRow[]): Promise<void>;
  /** The tasks from a number on, at most `limit`. */
  page(job: string, from: number, limit: number): Task[];
  /** The same of tasks that are done. */
  donePage(job: string, from: number, limit: number): DoneTask[];
  /** Records an outcome inside a write. */
  finish(connection: Connection, job: string, number: number, outcome: TaskOutcome): void;
  buckets(job: string): string[];
  /** Removes some of the job's tasks, a bounded number. False when there are none. */
  removeSome(job: string): Promise<boolean>;
}

const REMOVED_AT_ONCE = 5000;

export function openTasks(database: Database): Tasks {
  return {
    add: (job, from, rows) =>
      database.write((connection) => {
        const insert = connection.prepare(
          "INSERT INTO batch_tasks (job, number, bucket, key, version_id) VALUES (?, ?, ?, ?, ?)",
        );
        for (const [index, row] of rows.entries()) {
          insert.run(job, from + index, row.bucket, row.key, row.versionId ?? null);
        }
      }),

    page: (job, from, limit) =>
      database.committed
        .prepare("SELECT * FROM batch_tasks WHERE job = ? AND number >= ? ORDER BY number LIMIT ?")
        .all(job, from, limit)
        .map(taskOf),

    donePage: (job, from, limit) =>
      database.committed
        .prepare(
          "SELECT * FROM batch_tasks WHERE job = ? AND number >= ? AND http_status IS NOT NULL ORDER BY number LIMIT ?",
        )
        .all(job, from, limit)
        .map((row) => ({
          ...taskOf(row),
          httpStatus: Number(row["http_status"]),
          code: String(row["code"]),
          message: String(row["message"]),
        })),

    finish(connection, job, number, { httpStatus, code, message }) {
      connection
        .prepare("UPDATE batch_tasks SET http_status = ?, code = ?, message = ? WHERE job = ? AND number = ?")
        .run(httpStatus, code, message, job, number);
    },

    buckets: (job) =>
      database.committed
        .prepare("SELECT DISTINCT bucket FROM batch_tasks WHERE job = ?")
        .all(job)
        .map((row) => String(row["bucket"])),

    removeSome: (job) =>
      database.write((connection) => {
        const first = connection.prepare("SELECT min(number) AS first FROM batch_tasks WHERE job = ?").get(job);
        const number = first?.["first"];
        if (typeof number !== "number") return false;
        connection.prepare("DELETE FROM batch_tasks WHERE job = ? AND number < ?").run(job, number + REMOVED_AT_ONCE);
        return true;
      }),
  };
}

function taskOf(row: Row): Task {
  const versionId = row["version_id"];
  return {
    number: Number(row["number"]),
    bucket: String(row["bucket"]),
    key: String(row["key"]),
    ...(typeof versionId === "string" ? { versionId } : {}),
  };
}
