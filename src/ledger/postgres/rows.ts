/** Rows of the view `shown_tasks` as the port shows them. */
import { assert } from "../../core/assert.ts";
import type { TaskRow } from "../ledger.ts";
import { taskOfRow } from "../task-row.ts";
import type { Groups } from "./groups.ts";
import type { Row } from "./server.ts";

/** The port's words for rows, in their order; groups that are not known yet are read. */
export async function tasksOf(rows: readonly Row[], groups: Groups): Promise<readonly TaskRow[]> {
  await groups.load(rows.map((row) => Number(row["group_id"])));
  return rows.map((row) =>
    taskOfRow(row, {
      group: groups.byId(Number(row["group_id"])),
      key: keyOf(row),
      isParked: row["is_parked"] === true,
    }),
  );
}

/** The key of a row. */
export function keyOf(row: Row): string {
  const key = row["key"];
  assert(key instanceof Buffer, "a key is bytes");
  return key.toString();
}
