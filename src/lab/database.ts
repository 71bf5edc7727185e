/** `lab.db`: every table of the lab in one file. Each service owns its schema; this file only puts them together. */
import { type Database, openDatabase } from "../ledger/database.ts";
import { BATCH_SCHEMA } from "./batch/schema.ts";
import { METRICS_SCHEMA } from "./cloudwatch/samples.ts";
import { IDENTITY_SCHEMA } from "./identity/schema.ts";
import { KMS_SCHEMA } from "./kms/schema.ts";
import { ORGANIZATIONS_SCHEMA } from "./organizations/schema.ts";
import { S3_EVENTS_SCHEMA } from "./s3/events/schema.ts";
import { QUOTA_SCHEMA } from "./s3/quotas.ts";
import { S3_INITIATION_SCHEMA, S3_SCHEMA } from "./s3/schema.ts";
import { S3_TRACKING_SCHEMA } from "./s3/tracking.ts";
import { SQS_SCHEMA } from "./sqs/schema.ts";
import { CLOUDTRAIL_SCHEMA } from "./trail/schema.ts";

/** "LSla" in ASCII. */
const APPLICATION_ID = 0x4c536c61;

/** Only ever append: the position of a script is the version of the file. */
const MIGRATIONS = [
  [IDENTITY_SCHEMA, KMS_SCHEMA, S3_SCHEMA].join("\n"),
  ORGANIZATIONS_SCHEMA,
  [S3_INITIATION_SCHEMA, BATCH_SCHEMA].join("\n"),
  QUOTA_SCHEMA,
  SQS_SCHEMA,
  [S3_EVENTS_SCHEMA, S3_TRACKING_SCHEMA, METRICS_SCHEMA].join("\n"),
  CLOUDTRAIL_SCHEMA,
];

/** @param path a file, or ":memory:" */
export function openLabDatabase(path: string): Database {
  return openDatabase({ path, applicationId: APPLICATION_ID, migrations: MIGRATIONS });
}
