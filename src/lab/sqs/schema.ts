/**
 * Tables of SQS in `lab.db`: queues as records (`records.ts`), messages as rows.
 *
 * A message is in flight while it was received and `visible_ms` is in the future, and delayed while it was not received
 * and that is so. Handing a message out is moving its `visible_ms`.
 */
import { recordTable } from "../records.ts";

export const QUEUES_TABLE = "sqs_queues";

export const SQS_SCHEMA = `
${recordTable(QUEUES_TABLE)}

CREATE TABLE sqs_messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  visible_ms INTEGER NOT NULL,
  sent_ms INTEGER NOT NULL,
  received INTEGER NOT NULL,
  first_received_ms INTEGER NOT NULL,
  source_arn TEXT,
  message TEXT NOT NULL
);
CREATE INDEX sqs_messages_by_time ON sqs_messages (queue, visible_ms, seq);
CREATE INDEX sqs_messages_by_age ON sqs_messages (queue, sent_ms);
`;
