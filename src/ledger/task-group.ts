/** Groups: what the rows of one rule, destination, operation and state have in common, and are counted by. */
import type { Operation } from "../core/model.ts";
import type { NewTask, TaskRow } from "./ledger.ts";

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
