/**
 * What S3's replication events tell of failures: AWS's own reason, for one version at one destination.
 *
 * Pure and total. An event is known by its members, in whatever envelope it was kept: S3's `Records`, a message of SQS, the
 * answer of `aws sqs receive-message`, a notification of SNS, an event of EventBridge or Lambda, or a list of any of them.
 *
 * @source aws-replication.md §4.2, §4.3
 */
import { asArray, asObject, asString, type DocumentValue, type Members } from "../config/document.ts";
import type { RecordedFailure } from "../diagnose/facts.ts";
import { jsonIn } from "../json.ts";

/** A failure that somebody else has told of. */
export interface ToldFailure extends RecordedFailure {
  /** Undefined where it is not told. */
  readonly bucket: string | undefined;
  readonly key: string;
  readonly versionId: string;
}

export interface ReadEvents {
  readonly failures: readonly ToldFailure[];
  /** Events of other kinds. */
  readonly ignored: number;
  /** Documents and records that could not be understood. */
  readonly problems: number;
}

/** Lambda holding SQS holding SNS holding Records is the deepest that is known. */
const ENVELOPES_MAX = 8;

/** @param text one JSON document */
export function readReplicationEvents(text: string): ReadEvents {
  const found = { failures: [] as ToldFailure[], ignored: 0, problems: 0 };
  readText(text, found, 0);
  return found;
}

interface Found {
  readonly failures: ToldFailure[];
  ignored: number;
  problems: number;
}

function readText(text: string, found: Found, depth: number): void {
  const value = jsonIn(text);
  if (value === undefined) found.problems += 1;
  else readValue(value, found, depth);
}

function readValue(value: DocumentValue, found: Found, depth: number): void {
  if (depth > ENVELOPES_MAX) {
    found.problems += 1;
    return;
  }
  if (Array.isArray(value)) {
    for (const one of asArray(value)) readValue(one, found, depth + 1);
    return;
  }
  const members = asObject(value);
  if (members === undefined) {
    found.problems += 1;
    return;
  }
  for (const name of LISTS) {
    if (!Array.isArray(members[name])) continue;
    readValue(members[name], found, depth + 1);
    return;
  }
  for (const name of WRAPPED) {
    const inner = members[name];
    if (typeof inner === "string") readText(inner, found, depth + 1);
    else if (asObject(inner) !== undefined && inner !== undefined) readValue(inner, found, depth + 1);
    else continue;
    return;
  }
  readEvent(members, found);
}

/** Members that hold several. */
const LISTS = ["Records", "Messages"];
/** Members that hold another document, or its text: of SQS, of SQS in Lambda, of SNS in Lambda, of SNS, of EventBridge. */
const WRAPPED = ["Body", "body", "Sns", "Message", "detail"];

const FAILED = "Replication:OperationFailedReplication";

function readEvent(event: Members, found: Found): void {
  const name = asString(event["eventName"])?.replace(/^s3:/, "");
  if (name !== FAILED) {
    if (name === undefined && event["Event"] !== "s3:TestEvent") found.problems += 1;
    else found.ignored += 1;
    return;
  }
  const s3 = asObject(event["s3"]);
  const object = asObject(s3?.["object"]);
  const data = asObject(event["replicationEventData"]);
  const key = asString(object?.["key"]);
  const destination = asString(data?.["destinationBucket"]);
  const reason = asString(data?.["failureReason"]);
  if (key === undefined || destination === undefined || reason === undefined) {
    found.problems += 1;
    return;
  }
  const atMs = Date.parse(asString(event["eventTime"]) ?? "");
  const versionId = asString(object?.["versionId"]) ?? "";
  found.failures.push({
    bucket: asString(asObject(s3?.["bucket"])?.["name"]),
    key: formDecoded(key),
    versionId: versionId === "" ? "null" : versionId,
    destinationArn: destination.startsWith("arn:") ? destination : `arn:aws:s3:::${destination}`,
    ruleId: asString(data?.["replicationRuleId"]) ?? "",
    code: reason,
    step: STEPS.get(asString(data?.["s3Operation"]) ?? "") ?? "replicate",
    pending: false,
    attempts: 1,
    ...(Number.isNaN(atMs) ? {} : { lastAttemptAtMs: atMs }),
    message: `S3 gives the reason ${reason}`,
    toldBy: "event",
  });
}

/** Only OBJECT_PUT is shown by AWS; the others are unconfirmed. */
const STEPS: ReadonlyMap<string, string> = new Map([
  ["TAGGING_PUT", "writeTags"],
  ["ACL_PUT", "writeAcl"],
  ["RETENTION_PUT", "writeRetention"],
  ["LEGAL_HOLD_PUT", "writeLegalHold"],
]);

/** A key that is no such text is taken as it stands. */
function formDecoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}
