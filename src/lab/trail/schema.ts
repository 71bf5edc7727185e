/** Tables of CloudTrail in `lab.db`: trails as records (`records.ts`), and the event history, a row an event. */
import { recordTable } from "../records.ts";

export const TRAILS_TABLE = "cloudtrail_trails";

/** `resources` is a JSON array of `[type, name]`, `record` the event as it is delivered. */
export const CLOUDTRAIL_SCHEMA = `
${recordTable(TRAILS_TABLE)}

CREATE TABLE cloudtrail_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  read_only TEXT NOT NULL,
  access_key_id TEXT,
  username TEXT,
  resources TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX cloudtrail_events_by_time ON cloudtrail_events (account, region, at_ms, seq);
`;
