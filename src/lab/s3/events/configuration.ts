/**
 * Notification configurations: which events of a bucket go where. Pure.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
 */
import type { ServiceError } from "../../model.ts";
import { invalidArgument, s3Error } from "../errors.ts";

/** What PutBucketNotificationConfiguration sets. Topics and functions have nowhere to go to and are refused. */
export interface NotificationConfiguration {
  readonly queues: readonly EventRoute[];
  /** Kept; nothing is sent there. */
  readonly eventBridge: boolean;
}

export interface EventRoute {
  readonly id: string;
  /** A queue's, or `arn:lockstep:webhook:::NAME`. */
  readonly targetArn: string;
  /** With `s3:` in front, perhaps with a `*` at the end. */
  readonly events: readonly string[];
  readonly prefix?: string;
  readonly suffix?: string;
}

/** Events by the names that records carry: without `s3:`. */
const SENT = [
  "ObjectCreated:Put",
  "ObjectCreated:Post",
  "ObjectCreated:Copy",
  "ObjectCreated:CompleteMultipartUpload",
  "ObjectRemoved:Delete",
  "ObjectRemoved:DeleteMarkerCreated",
  "ObjectTagging:Put",
  "ObjectTagging:Delete",
  "ObjectAcl:Put",
  "LifecycleExpiration:Delete",
  "LifecycleExpiration:DeleteMarkerCreated",
  "Replication:OperationFailedReplication",
  "Replication:OperationMissedThreshold",
  "Replication:OperationReplicatedAfterThreshold",
  "Replication:OperationNotTracked",
] as const;

export type EventName = (typeof SENT)[number];

/** AWS knows these too; they may be asked for, and nothing of the kind happens here. */
const NEVER_SENT = [
  "ReducedRedundancyLostObject",
  "ObjectRestore:Post",
  "ObjectRestore:Completed",
  "ObjectRestore:Delete",
  "LifecycleTransition",
  "IntelligentTiering",
] as const;

const NAMES: readonly string[] = [...SENT, ...NEVER_SENT];
const ROUTES_MAX = 100;
const FILTER_BYTES_MAX = 1024;

/** Whether an event of a key goes along a route. */
export function isRouted({ events, prefix = "", suffix = "" }: EventRoute, event: EventName, key: string): boolean {
  return key.startsWith(prefix) && key.endsWith(suffix) && events.some((one) => covers(one, event));
}

function covers(pattern: string, event: string): boolean {
  const wanted = pattern.slice("s3:".length);
  return wanted === event || (wanted.endsWith(":*") && event.startsWith(wanted.slice(0, -1)));
}

/** @throws ServiceError InvalidArgument; what S3 says without asking anybody else */
export function checkRoutes(routes: readonly EventRoute[]): void {
  if (routes.length > ROUTES_MAX) throw refused(`There are more than ${ROUTES_MAX} configurations.`);
  if (new Set(routes.map(({ id }) => id)).size < routes.length) {
    throw refused("Same ID used for multiple configurations. IDs must be unique");
  }
  for (const { events, prefix = "", suffix = "" } of routes) {
    if (events.length === 0) throw s3Error("MalformedXML");
    for (const event of events) {
      if (!isKnown(event)) {
        throw invalidArgument("Event", event, "A specified event is not supported for notifications.");
      }
    }
    if (Buffer.byteLength(prefix) > FILTER_BYTES_MAX || Buffer.byteLength(suffix) > FILTER_BYTES_MAX) {
      throw refused(`Size of filter rule value cannot exceed ${FILTER_BYTES_MAX} bytes in UTF-8 representation`);
    }
  }
  routes.forEach((one, index) => {
    for (const other of routes.slice(index + 1)) checkApart(one, other);
  });
}

function isKnown(pattern: string): boolean {
  return pattern.startsWith("s3:") && NAMES.some((name) => covers(pattern, name));
}

/** One event of one key goes along one route. */
function checkApart(one: EventRoute, other: EventRoute): void {
  const isShared = NAMES.some((name) =>
    [one, other].every(({ events }) => events.some((event) => covers(event, name))),
  );
  if (!isShared) return;
  if (!overlaps(one.prefix, other.prefix, (longer, shorter) => longer.startsWith(shorter))) return;
  if (!overlaps(one.suffix, other.suffix, (longer, shorter) => longer.endsWith(shorter))) return;
  const isFiltered = [one, other].some(({ prefix, suffix }) => prefix !== undefined || suffix !== undefined);
  throw refused(
    isFiltered
      ? "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
      : "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
  );
}

function overlaps(a = "", b = "", holds: (longer: string, shorter: string) => boolean): boolean {
  return a.length > b.length ? holds(a, b) : holds(b, a);
}

function refused(message: string): ServiceError {
  return s3Error("InvalidArgument", { message });
}
