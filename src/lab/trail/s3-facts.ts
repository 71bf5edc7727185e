/**
 * What CloudTrail says of calls of S3 and S3 Control: their names there, which of them are data events, what is shown of a
 * request and its answer.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html; aws-replication.md §9.3
 */
import { bucketArn, objectArn } from "../../core/arn.ts";
import { bytesSent, type CallEnd, type CallRecord } from "../call-record.ts";
import type { DetectedOperation } from "../s3/skin/detect.ts";
import { hostIdOf } from "../s3/skin/print.ts";
import { type Elements, elementsOfDocument } from "./elements.ts";
import type { CallFacts } from "./event.ts";
import { OBJECT_TYPE } from "./model.ts";

const SOURCE = "s3.amazonaws.com";

/** Where CloudTrail's name is not the API's. */
const NAMES: Readonly<Partial<Record<DetectedOperation, string>>> = {
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
  DeletePublicAccessBlock: "DeleteBucketPublicAccessBlock",
  GetObjectLockConfiguration: "GetBucketObjectLockConfiguration",
  PutObjectLockConfiguration: "PutBucketObjectLockConfiguration",
  GetObjectRetention: "GetObjectLockRetention",
  PutObjectRetention: "PutObjectLockRetention",
  GetObjectLegalHold: "GetObjectLockLegalHold",
  PutObjectLegalHold: "PutObjectLockLegalHold",
  GetBucketLifecycleConfiguration: "GetBucketLifecycle",
  PutBucketLifecycleConfiguration: "PutBucketLifecycle",
  GetBucketNotificationConfiguration: "GetBucketNotification",
  PutBucketNotificationConfiguration: "PutBucketNotification",
  GetBucketInventoryConfiguration: "GetBucketInventory",
  PutBucketInventoryConfiguration: "PutBucketInventory",
  DeleteBucketInventoryConfiguration: "DeleteBucketInventory",
  ListBucketInventoryConfigurations: "ListBucketInventory",
  ListObjectsV2: "ListObjects",
};

/** On buckets, and data events all the same. That HeadBucket is one follows AWS's table. */
const DATA_OF_BUCKETS: ReadonlySet<DetectedOperation> = new Set([
  "HeadBucket",
  "ListObjects",
  "ListObjectsV2",
  "ListObjectVersions",
  "ListMultipartUploads",
  "DeleteObjects",
  "PostObject",
]);

export function isDataEvent({ operation, key }: NonNullable<CallRecord["target"]>): boolean {
  return key !== "" || (operation !== undefined && DATA_OF_BUCKETS.has(operation));
}

/** Headers of a request that are shown. None of them tells a secret. */
const SHOWN_HEADERS = [
  "x-amz-acl",
  "x-amz-bucket-object-lock-enabled",
  "x-amz-copy-source",
  "x-amz-metadata-directive",
  "x-amz-object-lock-legal-hold",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-ownership",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-bucket-key-enabled",
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-storage-class",
  "x-amz-tagging-directive",
  "x-amz-website-redirect-location",
] as const;

/** Headers of the answer to a write that are shown. */
const SHOWN_ANSWERS = [
  "x-amz-copy-source-version-id",
  "x-amz-delete-marker",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-bucket-key-enabled",
  "x-amz-version-id",
] as const;

/** Undefined for what is no operation of S3. @param bucketOwner undefined where there is no such bucket */
export function s3Facts(
  record: CallRecord,
  end: CallEnd,
  bucketOwner: { readonly account: string; readonly region: string } | undefined,
): CallFacts | undefined {
  const { wire, target, caller, claim } = record;
  if (target?.operation === undefined) return undefined;
  const { operation, bucket, key } = target;
  const isData = isDataEvent(target);
  const { method, headers } = wire;
  const readOnly = method === "GET" || method === "HEAD";
  return {
    source: SOURCE,
    name: NAMES[operation] ?? operation,
    category: isData ? "Data" : "Management",
    readOnly,
    region: bucketOwner?.region ?? claim?.scope.region ?? "us-east-1",
    isGlobal: false,
    caller,
    atMs: wire.nowMs,
    remoteIp: record.remoteIp,
    userAgent: agentOf(headers["user-agent"]),
    requestId: wire.requestId,
    error: record.error,
    requestParameters: parametersOf(record),
    responseElements: readOnly ? null : answerOf(end),
    additional: {
      ...(claim === undefined ? {} : { SignatureVersion: "SigV4" }),
      bytesTransferredIn: Number(headers["x-amz-decoded-content-length"] ?? headers["content-length"] ?? 0),
      ...(claim === undefined ? {} : { AuthenticationMethod: claim.by === "header" ? "AuthHeader" : "QueryString" }),
      "x-amz-id-2": hostIdOf(wire.requestId),
      bytesTransferredOut: bytesSent(end, method),
    },
    resources: [
      ...(isData ? [objectResource(bucket, key)] : []),
      ...(bucket === ""
        ? []
        : [
            {
              ...(bucketOwner === undefined ? {} : { account: bucketOwner.account }),
              type: "AWS::S3::Bucket",
              arn: bucketArn(bucket),
            },
          ]),
    ],
    ...(isData ? { objectArn: objectArn(bucket, key) } : {}),
    ownerAccount: bucketOwner?.account,
  };
}

function objectResource(bucket: string, key: string) {
  return key === ""
    ? { type: OBJECT_TYPE, arnPrefix: objectArn(bucket, "") }
    : { type: OBJECT_TYPE, arn: objectArn(bucket, key) };
}

function parametersOf({ wire, target, body }: CallRecord): Elements {
  const { headers, query } = wire;
  const { bucket = "", key = "" } = target ?? {};
  const shown: Record<string, unknown> = {};
  if (bucket !== "") shown["bucketName"] = bucket;
  shown["Host"] = headers["host"] ?? "";
  if (key !== "") shown["key"] = key;
  for (const [name, value] of query) if (!/^X-Amz-/i.test(name)) shown[name] = value;
  for (const name of SHOWN_HEADERS) if (headers[name] !== undefined) shown[name] = headers[name];
  if (body === undefined || body.length === 0) return shown;
  const text = Buffer.from(body).toString();
  if (target?.operation === "PutBucketPolicy") return { ...shown, bucketPolicy: jsonOf(text) };
  // The keys of a DeleteObjects are not shown.
  return target?.operation === "DeleteObjects" ? shown : { ...shown, ...elementsOfDocument(text) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function answerOf({ answer: { headers = {} } }: CallEnd): Elements | null {
  const shown: Record<string, string> = {};
  for (const name of SHOWN_ANSWERS) {
    const value = headers[name];
    if (value !== undefined) shown[name] = value;
  }
  return Object.keys(shown).length === 0 ? null : shown;
}

/** S3 puts brackets around what clients call themselves. */
function agentOf(userAgent: string | undefined): string {
  return userAgent === undefined ? "-" : `[${userAgent}]`;
}

const CONTROL_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^POST \/v20180820\/jobs\/?$/, "CreateJob"],
  [/^GET \/v20180820\/jobs\/?$/, "ListJobs"],
  [/^GET \/v20180820\/jobs\/[^/]+$/, "DescribeJob"],
  [/^POST \/v20180820\/jobs\/[^/]+\/status$/, "UpdateJobStatus"],
  [/^POST \/v20180820\/jobs\/[^/]+\/priority$/, "UpdateJobPriority"],
];

/** The same for S3 Control; its events are S3's. */
export function controlFacts(record: CallRecord, end: CallEnd): CallFacts | undefined {
  const { wire, caller, claim } = record;
  const name = CONTROL_NAMES.find(([pattern]) => pattern.test(`${wire.method} ${wire.rawPath}`))?.[1];
  if (name === undefined) return undefined;
  const readOnly = wire.method === "GET";
  const answered = typeof end.answer.body === "string" ? elementsOfDocument(end.answer.body) : undefined;
  return {
    source: SOURCE,
    name,
    category: "Management",
    readOnly,
    region: claim?.scope.region ?? "us-east-1",
    isGlobal: false,
    caller,
    atMs: wire.nowMs,
    remoteIp: record.remoteIp,
    userAgent: agentOf(wire.headers["user-agent"]),
    requestId: wire.requestId,
    error: record.error,
    requestParameters: {
      Host: wire.headers["host"] ?? "",
      ...Object.fromEntries(wire.query),
      ...(record.body === undefined ? {} : elementsOfDocument(Buffer.from(record.body).toString())),
    },
    responseElements: readOnly ? null : (answered ?? null),
    resources: [],
    ownerAccount: undefined,
  };
}
