/** From a call as it was answered to its rows in the access log of the bucket: one, and one more for every key of a DeleteObjects. */
import type { Principal } from "../../core/iam/model.ts";
import { child, childrenNamed, childText, type XmlElement } from "../../core/xml.ts";
import { parseXml, XmlError } from "../../s3/xml.ts";
import { bytesSent, type CallEnd, type CallRecord } from "../call-record.ts";
import { hostIdOf } from "../s3/skin/print.ts";
import type { AccessLogEntry } from "./line.ts";
import { BATCH_DELETE, logNameOf } from "./names.ts";

export interface LoggedBucket {
  readonly name: string;
  /** Canonical user id. */
  readonly ownerId: string;
}

export function entriesOf(
  record: CallRecord,
  end: CallEnd,
  bucket: LoggedBucket,
  canonicalIdOf: (account: string) => string,
): AccessLogEntry[] {
  const { wire, target, caller, claim, error } = record;
  const { headers, query, method } = wire;
  const key = target?.key ?? "";
  // What S3 calls for itself comes from no address. Which user agent its rows show is unconfirmed (A14).
  const isServices = caller.invokedBy !== undefined;
  const authenticationType = claim?.by === "query" ? "QueryString" : "AuthHeader";
  const entry: AccessLogEntry = {
    bucketOwner: bucket.ownerId,
    bucket: bucket.name,
    atMs: wire.nowMs,
    remoteIp: isServices ? undefined : record.remoteIp,
    requester: requesterOf(caller.principal, canonicalIdOf),
    requestId: wire.requestId,
    operation: logNameOf(target?.operation, method, key !== ""),
    key: key === "" ? undefined : key,
    request: `${method} ${shownTarget(wire)} HTTP/1.1`,
    status: end.answer.status,
    errorCode: error?.code === "NotModified" ? undefined : error?.code,
    bytesSent: bytesSent(end, method),
    objectSize: objectSizeOf(record, end),
    totalMs: end.sentMs - wire.nowMs,
    turnAroundMs: end.readyMs - wire.nowMs,
    referer: headers["referer"],
    userAgent: isServices ? undefined : headers["user-agent"],
    versionId: query.get("versionId"),
    hostId: hostIdOf(wire.requestId),
    signatureVersion: claim === undefined ? undefined : "SigV4",
    authenticationType: claim === undefined ? undefined : authenticationType,
    hostHeader: headers["host"],
  };
  return target?.operation === "DeleteObjects" ? [entry, ...deletedKeys(record, end, entry)] : [entry];
}

function requesterOf(principal: Principal, canonicalIdOf: (account: string) => string): string | undefined {
  switch (principal.kind) {
    case "anonymous":
      return undefined;
    case "service":
      return principal.service;
    case "root":
      return canonicalIdOf(principal.accountId);
    case "user":
    case "session":
      return principal.arn;
  }
}

/** The target as it was sent; the signature of a presigned one is nobody's business. */
function shownTarget({ rawPath, rawQuery }: CallRecord["wire"]): string {
  if (rawQuery === "") return rawPath;
  return `${rawPath}?${rawQuery.replace(/(^|&)(X-Amz-(?:Signature|Security-Token))=[^&]*/g, "$1$2=XXXXXXXX")}`;
}

function objectSizeOf({ wire, target }: CallRecord, { answer: { status, headers } }: CallEnd): number | undefined {
  if (status >= 300 || target?.key === "") return undefined;
  const operation = target?.operation;
  if (operation === "GetObject" || operation === "HeadObject") {
    return numberOf(headers?.["content-range"]?.replace(/^.*\//, "") ?? headers?.["content-length"]);
  }
  if (operation !== "PutObject" && operation !== "UploadPart") return undefined;
  return numberOf(wire.headers["x-amz-decoded-content-length"] ?? wire.headers["content-length"]);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
}

/** Rows of single keys tell nothing of the connection. That they have the request's id and date is unconfirmed. */
function deletedKeys(record: CallRecord, { answer }: CallEnd, call: AccessLogEntry): AccessLogEntry[] {
  if (record.error !== undefined || record.body === undefined) return [];
  const asked = documentOf(Buffer.from(record.body).toString());
  const told = documentOf(typeof answer.body === "string" ? answer.body : "");
  if (asked === undefined || told === undefined) return [];
  const errors = new Map(
    childrenNamed(told, "Error").map((one) => [`${childText(one, "Key")}\0${childText(one, "VersionId") ?? ""}`, one]),
  );
  return childrenNamed(asked, "Object").map((one) => {
    const key = childText(one, "Key") ?? "";
    const versionId = childText(one, "VersionId") ?? "";
    const error = errors.get(`${key}\0${versionId}`);
    const code = error === undefined ? undefined : child(error, "Code")?.text;
    return {
      ...call,
      operation: BATCH_DELETE,
      key,
      request: undefined,
      status: code === undefined ? 204 : code === "AccessDenied" ? 403 : 400,
      errorCode: code,
      bytesSent: 0,
      objectSize: undefined,
      totalMs: undefined,
      turnAroundMs: undefined,
      versionId: versionId === "" ? undefined : versionId,
    };
  });
}

function documentOf(text: string): XmlElement | undefined {
  try {
    return parseXml(text);
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}
