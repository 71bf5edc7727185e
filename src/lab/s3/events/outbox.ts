/**
 * Puts events into the outbox, in the transaction of what happened, in the form in which they are sent.
 *
 * Sending is `delivery.ts`. A bucket without a notification configuration costs one comparison.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html; aws-replication.md §4.3
 */
import { bucketArn } from "../../../core/arn.ts";
import { principalContext } from "../../../core/iam/context.ts";
import type { Operation } from "../../../core/model.ts";
import type { Connection } from "../../../ledger/database.ts";
import type { Bucket } from "../bucket.ts";
import { REPLICATION_SERVICE, type S3Call } from "../call.ts";
import type { S3Service } from "../service.ts";
import { hostIdOf } from "../skin/print.ts";
import { type EventName, isRouted } from "./configuration.ts";
import { isWebhook } from "./webhooks.ts";

/** Who made it happen, and by which request. */
export interface EventOrigin {
  readonly principalId: string;
  readonly sourceIp: string;
  readonly requestId: string;
  readonly nowMs: number;
}

export interface S3Event {
  readonly name: EventName;
  readonly key: string;
  /** Left out of records of buckets that were never versioned. */
  readonly versionId?: string;
  readonly sizeBytes?: number;
  readonly etag?: string;
  /** Grows within a key. */
  readonly place?: number;
  readonly replication?: ReplicationEventData;
}

export interface ReplicationEventData {
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly operation: Operation;
  readonly requestedMs: number;
  /** Of the closed catalogue. */
  readonly failureReason?: string;
}

export function originOf(call: S3Call): EventOrigin {
  const { caller, context, requestId, nowMs } = call;
  const userId = principalContext(caller.principal)["aws:userid"];
  const sourceIp = context["aws:sourceip"];
  return {
    principalId: typeof userId === "string" ? `AWS:${userId}` : "Anonymous",
    sourceIp: typeof sourceIp === "string" ? sourceIp : REPLICATION_SERVICE,
    requestId,
    nowMs,
  };
}

/** Of what S3 does by itself. */
export function ownOrigin(requestId: string, nowMs: number): EventOrigin {
  return { principalId: REPLICATION_SERVICE, sourceIp: REPLICATION_SERVICE, requestId, nowMs };
}

/** Adds a row for the route that takes the event, if one does. Who writes calls `announceEvents` after the commit. */
export function addEvent(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  event: S3Event,
  origin: EventOrigin,
): void {
  for (const route of bucket.settings.notification?.queues ?? []) {
    if (!isRouted(route, event.name, event.key)) continue;
    const body = JSON.stringify({ Records: [recordOf(s3, bucket, event, origin, route.id)] });
    addRow(connection, bucket, { target: route.targetArn, key: event.key, body, nowMs: origin.nowMs });
  }
}

/** The message by which S3 tries a destination. */
export function addTestEvent(connection: Connection, bucket: Bucket, target: string, origin: EventOrigin): void {
  const { requestId, nowMs } = origin;
  const body = JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(nowMs).toISOString(),
    Bucket: bucket.name,
    RequestId: requestId,
    HostId: hostIdOf(requestId),
  });
  addRow(connection, bucket, { target, key: "", body, nowMs });
}

/** Tells the delivery of events that are committed. */
export function announceEvents(s3: S3Service, bucket: Bucket): void {
  if (bucket.settings.notification !== undefined) for (const listener of s3.eventListeners) listener();
}

function addRow(
  connection: Connection,
  bucket: Bucket,
  row: { readonly target: string; readonly key: string; readonly body: string; readonly nowMs: number },
): void {
  const { target, key, body, nowMs } = row;
  connection
    .prepare(
      "INSERT INTO s3_events (kind, target, bucket, account, key, at_ms, due_ms, tries, body) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
    )
    .run(isWebhook(target) ? "webhook" : "queue", target, bucket.name, bucket.account, key, nowMs, nowMs, body);
}

function recordOf(s3: S3Service, bucket: Bucket, event: S3Event, origin: EventOrigin, configurationId: string) {
  const { name, key, versionId, sizeBytes, etag, place, replication } = event;
  return {
    eventVersion: versionOf(name),
    eventSource: "aws:s3",
    awsRegion: bucket.region,
    eventTime: new Date(origin.nowMs).toISOString(),
    eventName: name,
    userIdentity: { principalId: origin.principalId },
    requestParameters: { sourceIPAddress: origin.sourceIp },
    responseElements: { "x-amz-request-id": origin.requestId, "x-amz-id-2": hostIdOf(origin.requestId) },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: ownerIdOf(s3.identity.canonicalUserId(bucket.account)) },
        arn: bucketArn(bucket.name),
      },
      object: {
        key: encodedKey(key),
        ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
        ...(etag === undefined ? {} : { eTag: etag }),
        ...(versionId === undefined || bucket.versioning === "" ? {} : { versionId }),
        ...(place === undefined ? {} : { sequencer: place.toString(16).toUpperCase().padStart(18, "0") }),
      },
    },
    ...(replication === undefined ? {} : { replicationEventData: replicationDataOf(replication) }),
  };
}

/** @source aws-replication.md §4.3 */
function versionOf(name: EventName): string {
  if (name.startsWith("Replication:")) return "2.2";
  return /^(?:ObjectCreated|ObjectRemoved):/.test(name) ? "2.1" : "2.3";
}

/** Names other than OBJECT_PUT are unconfirmed. @source aws-replication.md §4.3 */
const REPLICATED_OPERATIONS: Readonly<Record<Operation, string>> = {
  put: "OBJECT_PUT",
  deleteMarker: "DELETE_MARKER",
  tags: "TAGGING_PUT",
  acl: "ACL_PUT",
  retention: "RETENTION_PUT",
  delete: "OBJECT_DELETE",
  legalHold: "LEGAL_HOLD_PUT",
};

function replicationDataOf(data: ReplicationEventData) {
  return {
    replicationRuleId: data.ruleId,
    destinationBucket: data.destinationArn,
    s3Operation: REPLICATED_OPERATIONS[data.operation],
    requestTime: new Date(data.requestedMs).toISOString(),
    ...(data.failureReason === undefined ? {} : { failureReason: data.failureReason }),
  };
}

/** Fourteen letters and digits, as AWS's own look. */
function ownerIdOf(canonicalUserId: string): string {
  return `A${canonicalUserId.slice(0, 13).toUpperCase()}`;
}

/** As a form encodes it, but for slashes, which stay. */
function encodedKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
