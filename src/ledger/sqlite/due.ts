/**
 * What is due, and who goes first: by urgency, then stream by stream in turns, then by time.
 *
 * The index `tasks_due` holds the rows of a line stream by stream. So one seek finds the next stream of a line and its
 * longest due row, and rows of a stream that is left out are stepped over, all of them, by the seek to the next one.
 */
import { assert } from "../../core/assert.ts";
import type { Connection, Row } from "../database.ts";
import type { ClaimRequest, SizeRange, Standing, Stream, StreamLimit } from "../ledger.ts";
import { LINES, linesOf, ORIGINS, originOf } from "../words.ts";
import type { Groups } from "./groups.ts";
import { BEHIND, CLAIMABLE, FIRST, LEASED, PARKED, TRIED } from "./schema.ts";

const STREAM_LIMITS_MAX = 1000;

/** The ids of the rows that a claim takes, in its order. */
export function dueIds(connection: Connection, groups: Groups, request: ClaimRequest): readonly number[] {
  const turns = new Turns(groups, request.limits ?? []);
  const expired = expiredLeases(connection, request);
  const ids: number[] = [];
  for (const origin of ORIGINS.keys()) {
    if (ids.length === request.limit) break;
    const queues = new Map<string, Queue>();
    for (const head of headsOf(connection, origin, request)) {
      if (turns.leftOf(wordsOf(head)) > 0) queueOf(queues, head).add(head);
    }
    for (const row of expired) {
      if (originOf(row.line) === origin && turns.leftOf(wordsOf(row)) > 0) queueOf(queues, row).addExpired(row);
    }
    const fetch = (queue: Queue, count: number) => dueRows(connection, queue, { request, count });
    ids.push(
      ...takeTurns([...queues.values()], turns, { limit: request.limit - ids.length, nowMs: request.nowMs, fetch }),
    );
  }
  return ids;
}

/** Whether a claim would take anything; false costs no transaction. */
export function isAnyDue(connection: Connection, groups: Groups, request: ClaimRequest): boolean {
  const turns = new Turns(groups, request.limits ?? []);
  for (const origin of ORIGINS.keys()) {
    for (const head of headsOf(connection, origin, request)) {
      if (head.nextTryAtMs <= request.nowMs && turns.leftOf(wordsOf(head)) > 0) return true;
    }
  }
  return expiredLeases(connection, request).some((row) => turns.leftOf(wordsOf(row)) > 0);
}

interface DueRow {
  readonly id: number;
  readonly line: number;
  readonly bucketId: number;
  readonly destinationId: number;
  readonly nextTryAtMs: number;
}

const DUE_COLUMNS = "id, line, bucket_id, destination_id, next_try_at_ms";

function dueRowOf(row: Row): DueRow {
  return {
    id: Number(row["id"]),
    line: Number(row["line"]),
    bucketId: Number(row["bucket_id"]),
    destinationId: Number(row["destination_id"]),
    nextTryAtMs: Number(row["next_try_at_ms"]),
  };
}

function byDue(one: DueRow, other: DueRow): number {
  return one.nextTryAtMs - other.nextTryAtMs || one.id - other.id;
}

function wordsOf({ bucketId, destinationId }: Pick<DueRow, "bucketId" | "destinationId">): string {
  return `${bucketId} ${destinationId}`;
}

/** How much of each stream may still be taken, and how far back it stands. */
class Turns {
  readonly #left = new Map<string, number>();
  readonly #ranks = new Map<string, number>();

  constructor(groups: Groups, limits: readonly StreamLimit[]) {
    assert(limits.length <= STREAM_LIMITS_MAX, `limits of ${limits.length} streams`);
    for (const limit of limits) {
      const ids = streamIdsOf(groups, limit);
      if (ids === undefined) continue;
      this.#left.set(wordsOf(ids), limit.atMost);
      this.#ranks.set(wordsOf(ids), limit.held ?? 0);
    }
  }

  leftOf(stream: string): number {
    return this.#left.get(stream) ?? Number.POSITIVE_INFINITY;
  }

  rankOf(stream: string): number {
    return this.#ranks.get(stream) ?? 0;
  }

  take(stream: string): void {
    this.#left.set(stream, this.leftOf(stream) - 1);
    this.#ranks.set(stream, this.rankOf(stream) + 1);
  }
}

function streamIdsOf(groups: Groups, stream: Stream): Pick<DueRow, "bucketId" | "destinationId"> | undefined {
  const bucketId = groups.nameId(stream.bucket);
  const destinationId = groups.nameId(stream.destinationArn);
  return bucketId === undefined || destinationId === undefined ? undefined : { bucketId, destinationId };
}

/** The rows of one stream and one origin that are due, in order; known as far as somebody has asked. */
class Queue {
  readonly bucketId: number;
  readonly destinationId: number;
  readonly words: string;
  readonly lines: number[] = [];
  readonly expired: DueRow[] = [];
  #rows: readonly DueRow[] = [];
  #taken = 0;
  #isWhole = false;

  constructor({ bucketId, destinationId }: DueRow) {
    this.bucketId = bucketId;
    this.destinationId = destinationId;
    this.words = wordsOf({ bucketId, destinationId });
  }

  /** The first row of one of its lines: the earliest of them is the first of all. */
  add(head: DueRow): void {
    this.lines.push(head.line);
    this.#rows = [...this.#rows, head].toSorted(byDue).slice(0, 1);
  }

  addExpired(row: DueRow): void {
    this.expired.push(row);
    this.#rows = [...this.#rows, row].toSorted(byDue).slice(0, 1);
  }

  /** The next row that is due. */
  next(nowMs: number): DueRow | undefined {
    const row = this.#rows[this.#taken];
    return row !== undefined && row.nextTryAtMs <= nowMs ? row : undefined;
  }

  /** Goes on to the row behind; `fetch` reads its first rows. */
  take(fetch: (count: number) => readonly DueRow[], countMin: number): void {
    this.#taken++;
    if (this.#taken < this.#rows.length || this.#isWhole) return;
    const count = Math.max(countMin, this.#taken * 4);
    this.#rows = fetch(count);
    this.#isWhole = this.#rows.length < count;
  }
}

function queueOf(queues: Map<string, Queue>, row: DueRow): Queue {
  const words = wordsOf(row);
  const known = queues.get(words) ?? new Queue(row);
  queues.set(words, known);
  return known;
}

/** Takes row after row, each of the stream that stands first. */
function takeTurns(
  queues: readonly Queue[],
  turns: Turns,
  options: {
    readonly limit: number;
    readonly nowMs: number;
    readonly fetch: (queue: Queue, count: number) => readonly DueRow[];
  },
): number[] {
  const ids: number[] = [];
  let open = queues;
  while (ids.length < options.limit) {
    open = open.filter((queue) => turns.leftOf(queue.words) > 0 && queue.next(options.nowMs) !== undefined);
    let first: { readonly queue: Queue; readonly row: DueRow; readonly rank: number } | undefined;
    for (const queue of open) {
      const row = queue.next(options.nowMs);
      const rank = turns.rankOf(queue.words);
      if (row === undefined || (first !== undefined && rank > first.rank)) continue;
      if (first === undefined || rank < first.rank || byDue(row, first.row) < 0) first = { queue, row, rank };
    }
    if (first === undefined) break;
    ids.push(first.row.id);
    turns.take(first.queue.words);
    if (ids.length === options.limit) break;
    const { queue } = first;
    const left = Math.min(options.limit - ids.length, turns.leftOf(queue.words)) + 1;
    queue.take((count) => options.fetch(queue, count), open.length === 1 ? left : 2);
  }
  return ids;
}

const DUE_OF_LINE = `SELECT id, next_try_at_ms FROM tasks INDEXED BY tasks_due
  WHERE ${CLAIMABLE} AND line = ? AND bucket_id = ? AND destination_id = ? AND next_try_at_ms <= ?
    AND size_bytes > ? AND size_bytes <= ? ORDER BY next_try_at_ms, id LIMIT ?`;

/** The first rows of a queue that are due, in order: its lines and the leases that ran out, merged. */
function dueRows(
  connection: Connection,
  queue: Queue,
  { request, count }: { readonly request: ClaimRequest; readonly count: number },
): readonly DueRow[] {
  const { bucketId, destinationId } = queue;
  const statement = connection.prepare(DUE_OF_LINE);
  const rows = queue.lines.flatMap((line) =>
    statement
      .all(line, bucketId, destinationId, request.nowMs, sizeOver(request), sizeAtMost(request), count)
      .map((row) => ({
        id: Number(row["id"]),
        line,
        bucketId,
        destinationId,
        nextTryAtMs: Number(row["next_try_at_ms"]),
      })),
  );
  return [...rows, ...queue.expired].toSorted(byDue).slice(0, count);
}

/** Later than any row: SQLite begins such a comparison at the values themselves, and would walk all rows that have them. */
const BEHIND_ALL = "9223372036854775807";

const NEXT_HEAD = `SELECT ${DUE_COLUMNS} FROM tasks INDEXED BY tasks_due
  WHERE ${CLAIMABLE} AND (line, bucket_id, destination_id, next_try_at_ms) > (?, ?, ?, ${BEHIND_ALL}) AND line <= ?
    AND size_bytes > ? AND size_bytes <= ?
  ORDER BY line, bucket_id, destination_id, next_try_at_ms, id LIMIT 1`;

/** Of each line and stream of an origin the row that is due first, lines and streams in order. */
function* headsOf(connection: Connection, origin: number, sizes: SizeRange): IterableIterator<DueRow> {
  const { first, last } = linesOf(origin, sizes);
  const next = connection.prepare(NEXT_HEAD);
  let at = { line: first, bucketId: 0, destinationId: 0 };
  for (;;) {
    const row = next.get(at.line, at.bucketId, at.destinationId, last, sizeOver(sizes), sizeAtMost(sizes));
    if (row === undefined) return;
    const head = dueRowOf(row);
    yield head;
    at = head;
  }
}

/** Leases that ran out: never more than workers have held. */
function expiredLeases(connection: Connection, request: ClaimRequest): readonly DueRow[] {
  return connection
    .prepare(
      `SELECT ${DUE_COLUMNS} FROM tasks INDEXED BY tasks_leased
       WHERE lease_until_ms <= ? AND next_try_at_ms <= ? AND size_bytes > ? AND size_bytes <= ?`,
    )
    .all(request.nowMs, request.nowMs, sizeOver(request), sizeAtMost(request))
    .map(dueRowOf);
}

function sizeOver(sizes: SizeRange): number {
  return sizes.sizeOverBytes ?? -1;
}

function sizeAtMost(sizes: SizeRange): number {
  return sizes.sizeAtMostBytes ?? Number.MAX_SAFE_INTEGER;
}

/** When the next row of these sizes is due or its lease ends, but for streams of which nothing is to be taken. */
export function nextDueAtMs(
  connection: Connection,
  groups: Groups,
  request: Pick<ClaimRequest, "sizeAtMostBytes" | "sizeOverBytes" | "limits">,
): number | undefined {
  const turns = new Turns(groups, request.limits ?? []);
  let earliest = Number.POSITIVE_INFINITY;
  const meet = (stream: string, atMs: number): void => {
    if (atMs < earliest && turns.leftOf(stream) > 0) earliest = atMs;
  };
  for (const origin of ORIGINS.keys()) {
    for (const head of headsOf(connection, origin, request)) meet(wordsOf(head), head.nextTryAtMs);
  }
  const leases = connection
    .prepare(
      `SELECT bucket_id, destination_id, min(lease_until_ms) AS until_ms FROM tasks INDEXED BY tasks_leased
       WHERE ${LEASED} AND size_bytes > ? AND size_bytes <= ? GROUP BY bucket_id, destination_id`,
    )
    .all(sizeOver(request), sizeAtMost(request));
  for (const row of leases)
    meet(`${Number(row["bucket_id"])} ${Number(row["destination_id"])}`, Number(row["until_ms"]));
  return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
}

/** Makes up to `count` rows of a stream that wait for another try due now. Returns how many. */
export function hurryTasks(
  connection: Connection,
  groups: Groups,
  { stream, nowMs, count }: { readonly stream: Stream; readonly nowMs: number; readonly count: number },
): number {
  const ids = streamIdsOf(groups, stream);
  if (ids === undefined) return 0;
  return connection
    .prepare(
      `UPDATE tasks SET next_try_at_ms = ?1 WHERE id IN (
         SELECT id FROM tasks INDEXED BY tasks_tried
         WHERE ${TRIED} AND bucket_id = ?2 AND destination_id = ?3 AND next_try_at_ms > ?1 LIMIT ?4)`,
    )
    .run(nowMs, ids.bucketId, ids.destinationId, count).changes;
}

/** How far counts of a standing go. */
const COUNTED_MAX = 10_000;

/** Rows of the lane (?1, ?2, ?3) that go before (?4 position, ?5 id). */
const OLDER_IN_LANE = ORIGINS.map(
  (_, origin) => `SELECT 1 FROM tasks INDEXED BY tasks_behind
    WHERE place = ${BEHIND} AND bucket_id = ?1 AND key = ?2 AND destination_id = ?3 AND origin = ${origin}
      AND (position, id) < (?4, ?5)`,
).join(" UNION ALL ");

/** First rows of the stream (?1, ?2) that are due at ?3 and come before one of origin ?4 that is due at ?5 with the id ?6. */
const EARLIER_IN_STREAM = Array.from(
  { length: LINES },
  (_, line) => `SELECT 1 FROM tasks INDEXED BY tasks_due
    WHERE ${CLAIMABLE} AND line = ${line} AND bucket_id = ?1 AND destination_id = ?2 AND next_try_at_ms <= ?3
      AND (${originOf(line)} < ?4 OR (${originOf(line)} = ?4 AND (next_try_at_ms, id) < (?5, ?6)))`,
).join(" UNION ALL ");

export function standingOf(connection: Connection, id: number, nowMs: number): Standing | undefined {
  const row = connection
    .prepare("SELECT bucket_id, key, destination_id, place, position, lease_until_ms FROM tasks WHERE id = ?")
    .get(id);
  if (row === undefined || row["place"] === PARKED || row["lease_until_ms"] !== null) return undefined;
  const { bucket_id: bucketId = 0, key = "", destination_id: destinationId = 0, position = 0 } = row;
  const first = connection
    .prepare(
      `SELECT id, line, next_try_at_ms FROM tasks
       WHERE place = ${FIRST} AND bucket_id = ? AND key = ? AND destination_id = ?`,
    )
    .get(bucketId, key, destinationId);
  assert(first !== undefined, "a lane has a first row");
  const count = (rows: string, ...parameters: (typeof key)[]): number => {
    const found = connection.prepare(`SELECT count(*) AS count FROM (${rows} LIMIT ${COUNTED_MAX})`).get(...parameters);
    return Number(found?.["count"]);
  };
  const isFirst = first["id"] === id;
  const behind = isFirst ? 0 : 1 + count(OLDER_IN_LANE, bucketId, key, destinationId, position, id);
  const { line, next_try_at_ms: dueAtMs = 0, id: firstId = 0 } = first;
  return {
    inLane: Math.min(behind, COUNTED_MAX),
    inStream: count(EARLIER_IN_STREAM, bucketId, destinationId, nowMs, originOf(Number(line)), dueAtMs, firstId),
  };
}
