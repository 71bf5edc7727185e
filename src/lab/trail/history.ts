/**
 * The event history: management events of the last 90 days, newest first. Events are collected in memory and written
 * together; whoever looks them up sees all of them.
 *
 * A crash may take those of the last seconds. Beyond a hundred thousand events the oldest go.
 */
import type { Database, Row, SqlValue } from "../../ledger/database.ts";
import type { TrailEvent } from "./model.ts";

/** An event as LookupEvents gives it. */
export interface KnownEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly id: string;
  readonly source: string;
  readonly name: string;
  readonly readOnly: string;
  readonly accessKeyId?: string;
  readonly username?: string;
  readonly resources: readonly (readonly [type: string, name: string])[];
  readonly record: string;
}

export const LOOKUP_ATTRIBUTES = [
  "EventId",
  "EventName",
  "ReadOnly",
  "Username",
  "ResourceType",
  "ResourceName",
  "EventSource",
  "AccessKeyId",
] as const;
export type LookupAttribute = (typeof LOOKUP_ATTRIBUTES)[number];

export interface Lookup {
  readonly account: string;
  readonly region: string;
  /** Both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly attribute?: { readonly key: LookupAttribute; readonly value: string };
  readonly limit: number;
  readonly after?: { readonly atMs: number; readonly seq: number };
}

const DAY_MS = 86_400_000;
export const HISTORY_MS = 90 * DAY_MS;
const EVENTS_MAX = 100_000;
const PENDING_MAX = 1000;

const CONDITIONS: Readonly<Record<LookupAttribute, string>> = {
  EventId: "id = ?",
  EventName: "name = ?",
  ReadOnly: "read_only = ?",
  Username: "username = ?",
  EventSource: "source = ?",
  AccessKeyId: "access_key_id = ?",
  ResourceType: "EXISTS (SELECT 1 FROM json_each(resources) WHERE json_extract(value, '$[0]') = ?)",
  ResourceName: "EXISTS (SELECT 1 FROM json_each(resources) WHERE json_extract(value, '$[1]') = ?)",
};

export class EventHistory {
  readonly #database: Database;
  readonly #onFault: (error: unknown) => void;
  #pending: TrailEvent[] = [];

  constructor(database: Database, onFault: (error: unknown) => void) {
    this.#database = database;
    this.#onFault = onFault;
  }

  add(event: TrailEvent): void {
    this.#pending.push(event);
    if (this.#pending.length >= PENDING_MAX) this.flush(event.atMs).catch(this.#onFault);
  }

  /** Writes what is collected, and forgets what is too old or too much. */
  async flush(nowMs: number): Promise<void> {
    const events = this.#pending;
    if (events.length === 0) return;
    this.#pending = [];
    await this.#database.write((connection) => {
      const insert = connection.prepare(
        "INSERT INTO cloudtrail_events (account, region, at_ms, id, source, name, read_only, access_key_id, username, resources, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      for (const event of events) insert.run(...valuesOf(event));
      const last = connection.prepare("SELECT max(seq) AS last FROM cloudtrail_events").get();
      connection
        .prepare(
          "DELETE FROM cloudtrail_events WHERE seq <= ? OR seq IN (SELECT seq FROM cloudtrail_events WHERE at_ms < ? LIMIT 1000)",
        )
        .run(Number(last?.["last"] ?? 0) - EVENTS_MAX, nowMs - HISTORY_MS);
    });
  }

  async lookup(lookup: Lookup, nowMs: number): Promise<KnownEvent[]> {
    await this.flush(nowMs);
    const { account, region, attribute, after, limit } = lookup;
    const conditions = ["account = ?", "region = ?", "at_ms >= ?", "at_ms <= ?"];
    const values: SqlValue[] = [account, region, Math.max(lookup.fromMs, nowMs - HISTORY_MS), lookup.toMs];
    if (attribute !== undefined) {
      conditions.push(CONDITIONS[attribute.key]);
      values.push(attribute.value);
    }
    if (after !== undefined) {
      conditions.push("(at_ms, seq) < (?, ?)");
      values.push(after.atMs, after.seq);
    }
    return this.#database.committed
      .prepare(
        `SELECT * FROM cloudtrail_events WHERE ${conditions.join(" AND ")} ORDER BY at_ms DESC, seq DESC LIMIT ?`,
      )
      .all(...values, limit)
      .map(eventOfRow);
  }
}

function valuesOf(event: TrailEvent): SqlValue[] {
  return [
    event.account,
    event.region,
    event.atMs,
    event.id,
    event.source,
    event.name,
    String(event.readOnly),
    event.accessKeyId ?? null,
    event.username ?? null,
    JSON.stringify(event.resources.map(({ type, name }) => [type, name])),
    JSON.stringify(event.record),
  ];
}

function eventOfRow(row: Row): KnownEvent {
  const accessKeyId = row["access_key_id"];
  const username = row["username"];
  return {
    seq: Number(row["seq"]),
    atMs: Number(row["at_ms"]),
    id: String(row["id"]),
    source: String(row["source"]),
    name: String(row["name"]),
    readOnly: String(row["read_only"]),
    ...(typeof accessKeyId === "string" ? { accessKeyId } : {}),
    ...(typeof username === "string" ? { username } : {}),
    resources: JSON.parse(String(row["resources"])) as KnownEvent["resources"],
    record: String(row["record"]),
  };
}
