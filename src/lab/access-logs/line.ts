/**
 * One line of a server access log: 27 fields with a space between them. Pure.
 *
 * Quoted fields are written as they came: a quotation mark in them is not escaped, as S3 does not.
 *
 * @source aws-replication.md §9.1
 */
import { encodeUri } from "../../s3/sigv4.ts";

/** What is undefined is printed as `-`. */
export interface AccessLogEntry {
  /** Canonical user id. */
  readonly bucketOwner: string;
  readonly bucket: string;
  readonly atMs: number;
  readonly remoteIp: string | undefined;
  /** A canonical user id or an ARN. */
  readonly requester: string | undefined;
  readonly requestId: string;
  readonly operation: string;
  /** As it is, not encoded. */
  readonly key: string | undefined;
  /** `GET /bucket/key HTTP/1.1` */
  readonly request: string | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesSent: number;
  readonly objectSize: number | undefined;
  readonly totalMs: number | undefined;
  readonly turnAroundMs: number | undefined;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** The parameter of the request, not the version that came of it. */
  readonly versionId: string | undefined;
  readonly hostId: string;
  readonly signatureVersion: "SigV4" | undefined;
  readonly authenticationType: "AuthHeader" | "QueryString" | undefined;
  readonly hostHeader: string | undefined;
}

/** The line, with its end. The lab speaks plain HTTP and has no access points, so some fields are always `-`. */
export function lineOf(entry: AccessLogEntry): string {
  const fields = [
    entry.bucketOwner,
    entry.bucket,
    `[${logDate(entry.atMs)}]`,
    entry.remoteIp,
    entry.requester,
    entry.requestId,
    entry.operation,
    entry.key === undefined ? undefined : keyOf(entry.key),
    entry.request === undefined ? undefined : `"${entry.request}"`,
    entry.status,
    entry.errorCode,
    entry.bytesSent === 0 ? undefined : entry.bytesSent,
    entry.objectSize,
    entry.totalMs,
    entry.turnAroundMs,
    `"${entry.referer ?? "-"}"`,
    `"${entry.userAgent ?? "-"}"`,
    entry.versionId,
    entry.hostId,
    entry.signatureVersion,
    NOT_HERE.cipherSuite,
    entry.authenticationType,
    entry.hostHeader,
    NOT_HERE.tlsVersion,
    NOT_HERE.accessPoint,
    NOT_HERE.aclRequired,
    NOT_HERE.sourceRegion,
  ];
  return `${fields.map((one) => one ?? "-").join(" ")}\n`;
}

const NOT_HERE = {
  cipherSuite: undefined,
  tlsVersion: undefined,
  accessPoint: undefined,
  aclRequired: undefined,
  sourceRegion: undefined,
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** `06/Feb/2019:00:00:38 +0000` */
function logDate(ms: number): string {
  const iso = new Date(ms).toISOString();
  const month = MONTHS[Number(iso.slice(5, 7)) - 1] ?? "";
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** Encoded as in a form, and once more; slashes stay. Seen of S3, not documented. */
function keyOf(key: string): string {
  return encodeUri(encodeUri(key).replaceAll("%20", "+")).replaceAll("%252F", "/");
}
