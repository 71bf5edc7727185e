/**
 * The words that many rows share, by number: buckets, destinations and groups, as the distributed ledger has them.
 *
 * Numbers are given out by calls of their own and never change or go, so what is remembered here stays true whatever
 * other machines do.
 */
import { assert } from "../../core/assert.ts";
import { type Group, type StoredGroup, storedGroupOf, wordsOf } from "../task-group.ts";
import { OPERATIONS } from "../words.ts";
import type { Row, Server } from "./server.ts";

/** For statements that read whole groups: `SELECT ${GROUP_COLUMNS} FROM ${GROUP_TABLES} WHERE g.…`. */
export const GROUP_COLUMNS = `g.id, g.bucket_id, g.destination_id, g.rule_id, g.operation, g.is_parked, g.failure_code,
  bucket.name AS bucket, destination.name AS destination_arn`;
export const GROUP_TABLES = `task_groups g
  JOIN names bucket ON bucket.id = g.bucket_id
  JOIN names destination ON destination.id = g.destination_id`;

/** What is known of the words so far. */
export class Groups {
  readonly #server: Server;
  readonly #byId = new Map<number, StoredGroup>();
  readonly #byWords = new Map<string, StoredGroup>();
  readonly #names = new Map<string, number>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** Makes groups known, and puts those into the record that are not in it. */
  async ensure(groups: readonly Group[]): Promise<void> {
    const missing = new Map<string, Group>();
    for (const group of groups) {
      const key = wordsOf(group);
      if (!this.#byWords.has(key)) missing.set(key, group);
    }
    if (missing.size === 0) return;
    // In one order, so that machines that do the same wait for each other in no circle.
    const words = [...missing].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
    const names = [...new Set(words.flatMap((group) => [group.bucket, group.destinationArn]))].sort();
    await this.#insertNames(names);
    const columns = columnsOf(words);
    await this.#server.query(
      `INSERT INTO task_groups (bucket_id, destination_id, rule_id, operation, is_parked, failure_code)
       SELECT bucket.id, destination.id, w.rule_id, w.operation, w.is_parked, w.failure_code FROM ${WORDS}
       ON CONFLICT DO NOTHING`,
      columns,
    );
    const rows = await this.#server.query(
      `SELECT ${GROUP_COLUMNS} FROM ${WORDS} JOIN task_groups g ON g.bucket_id = bucket.id
         AND g.destination_id = destination.id AND g.rule_id = w.rule_id AND g.operation = w.operation
         AND g.is_parked = w.is_parked AND g.failure_code = w.failure_code`,
      columns,
    );
    for (const row of rows) this.#keep(groupOf(row));
  }

  /** The group that `ensure` made known. */
  stored(group: Group): StoredGroup {
    const found = this.#byWords.get(wordsOf(group));
    assert(found !== undefined, `a group that is not in the record: ${wordsOf(group)}`);
    return found;
  }

  /** Makes the groups of rows known that are in the record. */
  async load(ids: Iterable<number>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#byId.has(id));
    if (missing.length === 0) return;
    const rows = await this.#server.query(`SELECT ${GROUP_COLUMNS} FROM ${GROUP_TABLES} WHERE g.id = ANY ($1::int[])`, [
      missing,
    ]);
    for (const row of rows) this.#keep(groupOf(row));
  }

  /** The group that `load` made known. */
  byId(id: number): StoredGroup {
    const known = this.#byId.get(id);
    assert(known !== undefined, `group ${id} is not in the record`);
    return known;
  }

  /** The numbers of buckets and destinations; those that no task ever named are left out. */
  async nameIds(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const missing = [...new Set(names)].filter((name) => !this.#names.has(name));
    if (missing.length > 0) {
      const rows = await this.#server.query("SELECT id, name FROM names WHERE name = ANY ($1::text[])", [missing]);
      for (const row of rows) this.#names.set(String(row["name"]), Number(row["id"]));
    }
    return new Map(
      names.flatMap((name) => {
        const id = this.#names.get(name);
        return id === undefined ? [] : [[name, id]];
      }),
    );
  }

  /** The numbers of buckets and destinations; new ones are put into the record. */
  async ensureNames(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const wanted = [...new Set(names)].sort();
    const known = await this.nameIds(wanted);
    if (known.size === wanted.length) return known;
    await this.#insertNames(wanted);
    return await this.nameIds(wanted);
  }

  /** @param names in one order everywhere */
  async #insertNames(names: readonly string[]): Promise<void> {
    await this.#server.query("INSERT INTO names (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [names]);
  }

  #keep(group: StoredGroup): void {
    this.#byId.set(group.id, group);
    this.#byWords.set(wordsOf(group), group);
  }
}

const WORDS = `unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::boolean[], $6::text[])
    AS w(bucket, destination, rule_id, operation, is_parked, failure_code)
  JOIN names bucket ON bucket.name = w.bucket
  JOIN names destination ON destination.name = w.destination`;

function columnsOf(groups: readonly Group[]) {
  return [
    groups.map((group) => group.bucket),
    groups.map((group) => group.destinationArn),
    groups.map((group) => group.ruleId),
    groups.map((group) => OPERATIONS.indexOf(group.operation)),
    groups.map((group) => group.parked),
    groups.map((group) => group.failureCode),
  ];
}

/** A row of GROUP_COLUMNS. */
export function groupOf(row: Row): StoredGroup {
  return storedGroupOf(row, row["is_parked"] === true);
}
