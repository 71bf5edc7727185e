/**
 * The words that many rows share: buckets, destinations, rules, operations, failure codes. Rows hold their numbers.
 *
 * Numbers are given out in writes of their own and remembered only once these are committed, so no number in memory
 * can be one that a failed commit took back. Names and groups are never removed: there are as many as a configuration
 * has had rules, times the codes they failed with.
 */
import { assert } from "../../core/assert.ts";
import type { Connection, Database, Row } from "../database.ts";
import { type Group, type StoredGroup, storedGroupOf, wordsOf } from "../task-group.ts";
import { OPERATIONS } from "../words.ts";

const GROUP_COLUMNS = `g.id, g.bucket_id, g.destination_id, g.rule_id, g.operation, g.parked, g.failure_code,
  bucket.name AS bucket, destination.name AS destination_arn`;

/** For statements that read whole groups: `SELECT ${GROUP_ROWS} WHERE g.…`. */
export const GROUP_ROWS = `${GROUP_COLUMNS}, g.tasks, CAST(g.bytes AS REAL) AS bytes,
  g.completed_tasks, CAST(g.completed_bytes AS REAL) AS completed_bytes
  FROM task_groups g
  JOIN names bucket ON bucket.id = g.bucket_id
  JOIN names destination ON destination.id = g.destination_id`;

export class Groups {
  readonly #database: Database;
  readonly #byId = new Map<number, StoredGroup>();
  readonly #byWords = new Map<string, StoredGroup>();
  readonly #names = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes groups known that are not yet in the file. */
  async ensure(groups: Iterable<Group>): Promise<void> {
    const missing = [...groups].filter((group) => this.#find(group) === undefined);
    if (missing.length === 0) return;
    await this.#database.write((connection) => {
      for (const group of missing) insert(connection, group);
    });
  }

  /** The group that `ensure` made. */
  stored(group: Group): StoredGroup {
    const found = this.#find(group);
    assert(found !== undefined, `a group that is not in the file: ${wordsOf(group)}`);
    return found;
  }

  byId(id: number): StoredGroup {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const row = this.#database.committed.prepare(`SELECT ${GROUP_ROWS} WHERE g.id = ?`).get(id);
    assert(row !== undefined, `group ${id} is not in the file`);
    return this.#keep(groupOf(row));
  }

  /** The number of a bucket or destination; undefined when no task ever named it. */
  nameId(name: string): number | undefined {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const row = this.#database.committed.prepare("SELECT id FROM names WHERE name = ?").get(name);
    if (row === undefined) return undefined;
    this.#names.set(name, Number(row["id"]));
    return Number(row["id"]);
  }

  #find(group: Group): StoredGroup | undefined {
    const known = this.#byWords.get(wordsOf(group));
    if (known !== undefined) return known;
    const row = this.#database.committed
      .prepare(
        `SELECT ${GROUP_ROWS} WHERE bucket.name = ? AND destination.name = ? AND g.rule_id = ? AND g.operation = ?
           AND g.parked = ? AND g.failure_code = ?`,
      )
      .get(
        group.bucket,
        group.destinationArn,
        group.ruleId,
        OPERATIONS.indexOf(group.operation),
        Number(group.parked),
        group.failureCode,
      );
    return row === undefined ? undefined : this.#keep(groupOf(row));
  }

  #keep(group: StoredGroup): StoredGroup {
    this.#byId.set(group.id, group);
    this.#byWords.set(wordsOf(group), group);
    return group;
  }
}

/** How the counters of a group change: by undone rows that it has now, and by completed ones that it has seen. */
export interface GroupChange {
  readonly tasks: number;
  readonly bytes: number;
  readonly completedTasks?: number;
  readonly completedBytes?: number;
}

/** Changes of one transaction, added up: each group's row is written once. */
export class GroupChanges {
  readonly #changes = new Map<number, Required<GroupChange>>();

  add(groupId: number, change: GroupChange): void {
    const sum = this.#changes.get(groupId);
    this.#changes.set(groupId, {
      tasks: (sum?.tasks ?? 0) + change.tasks,
      bytes: (sum?.bytes ?? 0) + change.bytes,
      completedTasks: (sum?.completedTasks ?? 0) + (change.completedTasks ?? 0),
      completedBytes: (sum?.completedBytes ?? 0) + (change.completedBytes ?? 0),
    });
  }

  write(connection: Connection): void {
    for (const [groupId, change] of this.#changes) changeGroup(connection, groupId, change);
    this.#changes.clear();
  }
}

export function changeGroup(connection: Connection, groupId: number, change: GroupChange): void {
  connection
    .prepare(
      `UPDATE task_groups SET tasks = tasks + ?, bytes = bytes + CAST(? AS INTEGER),
         completed_tasks = completed_tasks + ?, completed_bytes = completed_bytes + CAST(? AS INTEGER)
       WHERE id = ?`,
    )
    .run(change.tasks, change.bytes, change.completedTasks ?? 0, change.completedBytes ?? 0, groupId);
}

export function groupOf(row: Row): StoredGroup {
  return storedGroupOf(row, row["parked"] === 1);
}

function insert(connection: Connection, group: Group): void {
  const name = connection.prepare("INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING");
  name.run(group.bucket);
  name.run(group.destinationArn);
  connection
    .prepare(
      `INSERT INTO task_groups (bucket_id, destination_id, rule_id, operation, parked, failure_code)
       SELECT bucket.id, destination.id, ?, ?, ?, ? FROM names bucket, names destination
       WHERE bucket.name = ? AND destination.name = ? ON CONFLICT DO NOTHING`,
    )
    .run(
      group.ruleId,
      OPERATIONS.indexOf(group.operation),
      Number(group.parked),
      group.failureCode,
      group.bucket,
      group.destinationArn,
    );
}
