/**
 * Makes events of what is known of a call: one for the account that called, one for the account that owns what was acted
 * on where that is another one. Pure but for the ids.
 *
 * @source aws-replication.md §9.3; CloudTrail User Guide, "CloudTrail record contents" and "userIdentity element"
 */
import { randomUUID } from "node:crypto";
import type { Principal } from "../../core/iam/model.ts";
import type { Caller, ServiceError } from "../model.ts";
import type { NamedResource, TrailEvent } from "./model.ts";

export interface CallFacts {
  readonly source: string;
  readonly name: string;
  readonly category: TrailEvent["category"];
  readonly readOnly: boolean;
  readonly region: string;
  readonly isGlobal: boolean;
  readonly caller: Caller;
  /** When the caller's session began, where it is one. */
  readonly atMs: number;
  readonly remoteIp: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly error: ServiceError | undefined;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly additional?: Readonly<Record<string, unknown>>;
  readonly resources: readonly CallResource[];
  /** Of events of S3's objects: the ARN, or its beginning where the call is about a bucket's objects. */
  readonly objectArn?: string;
  /** Undefined where the caller acts on its own account alone. */
  readonly ownerAccount: string | undefined;
}

export interface CallResource {
  readonly account?: string;
  readonly type: string;
  readonly arn?: string;
  readonly arnPrefix?: string;
  /** As LookupEvents finds it; default: what stands in the ARN. */
  readonly name?: string;
  /** Whether only LookupEvents shows it. */
  readonly isLookedUpOnly?: boolean;
}

const EVENT_VERSION = "1.11";
/** @source aws-replication.md §9.3 ("Field limits") */
const ELEMENTS_LENGTH_MAX = 100 * 1024;
const ERROR_LENGTH_MAX = 1024;

/** What a service does for itself comes from it, and not from an address. @source aws-replication.md §9.3 */
const INTERNAL_AGENT = "AWS Internal";

export function eventsOf(facts: CallFacts): TrailEvent[] {
  const { principal } = facts.caller;
  const callers = "accountId" in principal ? principal.accountId : undefined;
  const owner = facts.ownerAccount;
  const accounts = [...new Set([callers, owner])].flatMap((one) => (one === undefined ? [] : [one]));
  const shared = accounts.length > 1 ? { sharedEventID: randomUUID() } : {};
  return accounts.map((account) => eventFor(facts, account, account !== callers && callers !== undefined, shared));
}

function eventFor(facts: CallFacts, account: string, isForeign: boolean, shared: object): TrailEvent {
  const { caller, category, error, region, name, source, readOnly } = facts;
  const id = randomUUID();
  const invokedBy = caller.invokedBy ?? (caller.principal.kind === "service" ? caller.principal.service : undefined);
  const shownResources = facts.resources.filter((one) => one.isLookedUpOnly !== true);
  const record = {
    eventVersion: EVENT_VERSION,
    userIdentity: isForeign ? foreignIdentity(caller.principal) : { ...userIdentity(caller), ...invoked(caller) },
    eventTime: `${new Date(facts.atMs).toISOString().slice(0, 19)}Z`,
    eventSource: source,
    eventName: name,
    awsRegion: region,
    sourceIPAddress: invokedBy ?? facts.remoteIp,
    userAgent:
      invokedBy === undefined ? facts.userAgent : invokedBy === "s3.amazonaws.com" ? invokedBy : INTERNAL_AGENT,
    ...(error === undefined ? {} : errorFields(error, isForeign)),
    requestParameters: limited(facts.requestParameters),
    responseElements: error === undefined ? limited(facts.responseElements) : null,
    ...(facts.additional === undefined ? {} : { additionalEventData: facts.additional }),
    requestID: facts.requestId,
    eventID: id,
    readOnly,
    ...(shownResources.length === 0 ? {} : { resources: shownResources.map(printResource) }),
    eventType: "AwsApiCall",
    managementEvent: category === "Management",
    recipientAccountId: account,
    ...shared,
    eventCategory: category,
  };
  return {
    id,
    account,
    region,
    atMs: facts.atMs,
    category,
    source,
    name,
    readOnly,
    isGlobal: facts.isGlobal,
    accessKeyId: isForeign || caller.accessKeyId === "" ? undefined : caller.accessKeyId,
    username: isForeign ? undefined : usernameOf(caller.principal),
    userArn: "arn" in caller.principal ? caller.principal.arn : undefined,
    resources: facts.resources.flatMap(namedResource),
    objectArn: facts.objectArn,
    record,
  };
}

/** Other accounts are not told why they were asked in vain: bucket owners get the bare code. */
function errorFields({ code, message }: ServiceError, isForeign: boolean) {
  const errorCode = code === "AccessDeniedException" ? "AccessDenied" : code;
  if (isForeign && errorCode === "AccessDenied") return { errorCode, errorMessage: "Access Denied" };
  return { errorCode, ...(message === "" ? {} : { errorMessage: message.slice(0, ERROR_LENGTH_MAX) }) };
}

function invoked({ invokedBy }: Caller): { readonly invokedBy?: string } {
  return invokedBy === undefined ? {} : { invokedBy };
}

function userIdentity({ principal, accessKeyId, context }: Caller): Readonly<Record<string, unknown>> {
  switch (principal.kind) {
    case "anonymous":
      return { type: "AWSAccount", principalId: "", accountId: "anonymous" };
    case "service":
      return { type: "AWSService", invokedBy: principal.service };
    case "root":
      return {
        type: "Root",
        principalId: principal.accountId,
        arn: principal.arn,
        accountId: principal.accountId,
        accessKeyId,
      };
    case "user":
      return {
        type: "IAMUser",
        principalId: principal.userId,
        arn: principal.arn,
        accountId: principal.accountId,
        accessKeyId,
        userName: lastName(principal.arn),
      };
    case "session": {
      const issued = context?.["aws:tokenissuetime"];
      return {
        type: "AssumedRole",
        principalId: `${principal.roleId}:${principal.sessionName}`,
        arn: principal.arn,
        accountId: principal.accountId,
        accessKeyId,
        sessionContext: {
          sessionIssuer: {
            type: "Role",
            principalId: principal.roleId,
            arn: principal.roleArn,
            accountId: principal.accountId,
            userName: lastName(principal.roleArn),
          },
          attributes: {
            ...(typeof issued === "string" ? { creationDate: `${issued.slice(0, 19)}Z` } : {}),
            mfaAuthenticated: "false",
          },
        },
      };
    }
  }
}

/** What the owner of a resource is told of a caller of another account. */
function foreignIdentity(principal: Principal): Readonly<Record<string, unknown>> {
  const accountId = "accountId" in principal ? principal.accountId : "";
  const principalId =
    principal.kind === "session"
      ? `${principal.roleId}:${principal.sessionName}`
      : principal.kind === "user"
        ? principal.userId
        : accountId;
  return { type: "AWSAccount", principalId, accountId };
}

function usernameOf(principal: Principal): string | undefined {
  if (principal.kind === "user") return lastName(principal.arn);
  if (principal.kind === "session") return principal.sessionName;
  return principal.kind === "root" ? "root" : undefined;
}

function lastName(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

function printResource({ account, type, arn, arnPrefix }: CallResource): Readonly<Record<string, unknown>> {
  return {
    ...(account === undefined ? {} : { accountId: account }),
    type,
    ...(arn === undefined ? {} : { ARN: arn }),
    ...(arnPrefix === undefined ? {} : { ARNPrefix: arnPrefix }),
  };
}

/** Buckets are looked up by their names, everything else by what the call named. */
function namedResource({ type, arn, name }: CallResource): NamedResource[] {
  const found = name ?? (type === "AWS::S3::Bucket" ? arn?.replace(/^arn:aws:s3:::/, "") : arn);
  return found === undefined ? [] : [{ type, name: found }];
}

function limited(elements: Readonly<Record<string, unknown>> | null): unknown {
  if (elements === null) return null;
  return JSON.stringify(elements).length > ELEMENTS_LENGTH_MAX
    ? { omitted: true, originalSize: JSON.stringify(elements).length, reason: "exceeded size limit" }
    : elements;
}
