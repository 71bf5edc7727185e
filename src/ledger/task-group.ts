/** Groups: what the rows of one rule, destination, operation and state have in common, and are counted by. */
import { assert } from "../core/assert.ts";
import type { Operation } from "../core/model.ts";
import type { NewTask, TaskRow } from "./ledger.ts";
import { OPERATIONS } from "./words.ts";

/** What the rows of one group have in common. The row is parked or not, and failed last with this code, or never. */
export interface Group {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly operation: Operation;
  readonly parked: boolean;
  /** "" for rows that never failed. */
  readonly failureCode: string;
}

/** A group that is in the record. */
export interface StoredGroup extends Group {
  readonly id: number;
  readonly bucketId: number;
  readonly destinationId: number;
}

/** A row of a group's columns; databases differ in how they say that it is parked. */
export function storedGroupOf(row: Readonly<Record<string, unknown>>, parked: boolean): StoredGroup {
  const operation = OPERATIONS[Number(row["operation"])];
  assert(operation !== undefined, `operation ${Number(row["operation"])} is of a newer version`);
  return {
    id: Number(row["id"]),
    bucketId: Number(row["bucket_id"]),
    destinationId: Number(row["destination_id"]),
    bucket: String(row["bucket"]),
    destinationArn: String(row["destination_arn"]),
    ruleId: String(row["rule_id"]),
    operation,
    parked,
    failureCode: String(row["failure_code"]),
  };
}

/** The group of a task that is not parked and never failed: where its completion is counted, too. */
export function freshGroupOf(task: NewTask): Group {
  return {
    bucket: task.version.bucket,
    destinationArn: task.destinationArn,
    ruleId: task.ruleId,
    operation: task.operation,
    parked: false,
    failureCode: "",
  };
}

/** The group of a row as it stands. */
export function groupOfRow(task: TaskRow): Group {
  return { ...freshGroupOf(task), parked: task.state === "parked", failureCode: task.failure?.code ?? "" };
}

/** One text for each group. U+0000 cannot be in any of the words, for no database takes it. */
export function wordsOf({ bucket, destinationArn, ruleId, operation, parked, failureCode }: Group): string {
  return `${bucket}\0${destinationArn}\0${ruleId}\0${operation}\0${parked ? 1 : 0}\0${failureCode}`;
}
