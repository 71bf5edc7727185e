/**
 * Tables of event notifications: the outbox, and the webhooks that a lab knows.
 *
 * A row of the outbox is written in the transaction of what happened. Rows of one target, bucket and key are a lane: the
 * oldest goes first, and what waits behind it waits for it.
 */
import { recordTable } from "../../records.ts";

export const WEBHOOKS_TABLE = "lab_webhooks";

export const S3_EVENTS_SCHEMA = `
CREATE TABLE s3_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  bucket TEXT NOT NULL,
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX s3_events_by_lane ON s3_events (target, bucket, key, seq);
CREATE INDEX s3_events_by_time ON s3_events (kind, due_ms, seq);

${recordTable(WEBHOOKS_TABLE)}
`;
