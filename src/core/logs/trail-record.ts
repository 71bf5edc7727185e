/**
 * Events of CloudTrail as far as somebody needs them who looks for failures and for what has changed. Reads the records of a
 * trail's files and the events of LookupEvents, which hold such a record as text.
 *
 * @source aws-replication.md §9.3
 */
import { parseArn } from "../arn.ts";
import { isObject } from "../iam/parse-statement.ts";
import { jsonIn } from "../json.ts";

export interface TrailRecord {
  readonly atMs: number;
  /** `s3.amazonaws.com` */
  readonly source: string;
  /** `PutBucketPolicy` */
  readonly name: string;
  readonly isReadOnly: boolean;
  /** An ARN; a service; what else is known of the caller, where it is of another account. */
  readonly by: string;
  /** Undefined where the caller is no session. */
  readonly sessionName?: string;
  /** Of the caller's role, without its path. */
  readonly roleName?: string;
  /** Whether a service called, by itself or for the caller. */
  readonly invokedBy?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly requestId: string;
  readonly eventId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** ARNs of what the call acted on. */
  readonly resources: readonly string[];
}

/** @param text of one record @returns undefined for what is no event */
export function readTrailText(text: string): TrailRecord | undefined {
  return readTrailRecord(jsonIn(text));
}

function readTrailRecord(value: unknown): TrailRecord | undefined {
  if (!isObject(value)) return undefined;
  const inner = value["CloudTrailEvent"];
  // An event in an event in an event is nothing that CloudTrail writes: one level is unwrapped.
  const record = typeof inner === "string" ? jsonIn(inner) : value;
  if (!isObject(record)) return undefined;
  const name = textOf(record, "eventName");
  const source = textOf(record, "eventSource");
  const atMs = Date.parse(textOf(record, "eventTime") ?? "");
  if (name === undefined || source === undefined || !Number.isFinite(atMs)) return undefined;
  const errorCode = textOf(record, "errorCode");
  const errorMessage = textOf(record, "errorMessage");
  return {
    atMs,
    source,
    name,
    isReadOnly: record["readOnly"] === true || record["readOnly"] === "true",
    ...callerOf(membersOf(record, "userIdentity")),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(errorMessage === undefined ? {} : { errorMessage }),
    requestId: textOf(record, "requestID") ?? "",
    eventId: textOf(record, "eventID") ?? "",
    parameters: membersOf(record, "requestParameters"),
    resources: arnsOf(record["resources"]),
  };
}

type CallerFields = Pick<TrailRecord, "by" | "sessionName" | "roleName" | "invokedBy">;

/** The owner of a resource is not told the ARN of another account's caller, but its id with the name of its session. */
function callerOf(identity: Readonly<Record<string, unknown>>): CallerFields {
  const arn = textOf(identity, "arn");
  const principalId = textOf(identity, "principalId");
  const invokedBy = textOf(identity, "invokedBy");
  const by = arn ?? invokedBy ?? principalId ?? textOf(identity, "accountId") ?? "somebody unknown";
  const [, roleName] = /^assumed-role\/([^/]+)\//.exec(parseArn(arn ?? "")?.resource ?? "") ?? [];
  const sessionName = /^ARO[A-Z0-9]+:(.+)$/.exec(principalId ?? "")?.[1] ?? (roleName && arn?.split("/").at(-1));
  return {
    by,
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(roleName === undefined ? {} : { roleName }),
    ...(invokedBy === undefined ? {} : { invokedBy }),
  };
}

function arnsOf(resources: unknown): string[] {
  if (!Array.isArray(resources)) return [];
  return resources.flatMap((one: unknown) => {
    const arn = isObject(one) ? textOf(one, "ARN") : undefined;
    return arn === undefined ? [] : [arn];
  });
}

/** A member that is text and not empty. */
export function textOf(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function membersOf(record: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = record[name];
  return isObject(value) ? value : {};
}
