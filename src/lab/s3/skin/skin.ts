/**
 * The wire protocol of S3 over the brain: finds bucket and key, names the operation, runs its handler.
 *
 * The caller is known already: signatures are checked in `server.ts`. Every operation is authorised by the brain.
 */
import { answerAs, signatureOf } from "../../flavours/skin.ts";
import type { ServiceAnswer, ServiceError } from "../../model.ts";
import type { Bucket } from "../bucket.ts";
import type { IncomingCall } from "../call.ts";
import { s3Error } from "../errors.ts";
import { OPERATION_GAPS } from "../gaps.ts";
import { OPERATIONS, type S3Operation } from "../operations.ts";
import type { S3Service } from "../service.ts";
import * as acls from "./acl-handlers.ts";
import * as buckets from "./bucket-handlers.ts";
import { detectOperation } from "./detect.ts";
import * as inventories from "./inventory-handlers.ts";
import * as lists from "./list-handlers.ts";
import * as locks from "./lock-handlers.ts";
import * as logs from "./logging-handlers.ts";
import * as uploads from "./multipart-handlers.ts";
import * as notifications from "./notification-handlers.ts";
import * as objects from "./object-handlers.ts";
import { printS3Error } from "./print.ts";
import * as reads from "./read-handlers.ts";
import type { S3Request } from "./request.ts";
import { resolveTarget } from "./resolve.ts";
import * as tags from "./tagging-handlers.ts";

export type Handler = (s3: S3Service, request: S3Request) => ServiceAnswer | Promise<ServiceAnswer>;

const HANDLERS: Readonly<Record<S3Operation, Handler>> = {
  ListBuckets: buckets.handleListBuckets,
  CreateBucket: buckets.handleCreateBucket,
  DeleteBucket: buckets.handleDeleteBucket,
  HeadBucket: buckets.handleHeadBucket,
  GetBucketLocation: buckets.handleGetBucketLocation,
  GetBucketVersioning: buckets.handleGetBucketVersioning,
  PutBucketVersioning: buckets.handlePutBucketVersioning,
  GetBucketPolicy: buckets.handleGetBucketPolicy,
  PutBucketPolicy: buckets.handlePutBucketPolicy,
  DeleteBucketPolicy: buckets.handleDeleteBucketPolicy,
  GetBucketPolicyStatus: buckets.handleGetBucketPolicyStatus,
  GetBucketEncryption: buckets.handleGetBucketEncryption,
  PutBucketEncryption: buckets.handlePutBucketEncryption,
  DeleteBucketEncryption: buckets.handleDeleteBucketEncryption,
  GetBucketReplication: buckets.handleGetBucketReplication,
  PutBucketReplication: buckets.handlePutBucketReplication,
  DeleteBucketReplication: buckets.deletionOf("DeleteBucketReplication", "replication"),
  GetPublicAccessBlock: buckets.handleGetPublicAccessBlock,
  PutPublicAccessBlock: buckets.handlePutPublicAccessBlock,
  DeletePublicAccessBlock: buckets.deletionOf("DeletePublicAccessBlock", "publicAccessBlock"),
  GetBucketOwnershipControls: buckets.handleGetBucketOwnershipControls,
  PutBucketOwnershipControls: buckets.handlePutBucketOwnershipControls,
  DeleteBucketOwnershipControls: buckets.deletionOf("DeleteBucketOwnershipControls", "ownership"),
  GetBucketTagging: buckets.handleGetBucketTagging,
  PutBucketTagging: buckets.handlePutBucketTagging,
  DeleteBucketTagging: buckets.deletionOf("DeleteBucketTagging", "tags"),
  GetBucketAcl: acls.handleGetBucketAcl,
  PutBucketAcl: acls.handlePutBucketAcl,
  GetBucketRequestPayment: buckets.handleGetBucketRequestPayment,
  PutBucketRequestPayment: buckets.handlePutBucketRequestPayment,
  GetBucketLifecycleConfiguration: buckets.absence("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
  GetBucketCors: buckets.absence("GetBucketCors", "NoSuchCORSConfiguration"),
  GetBucketWebsite: buckets.absence("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
  GetBucketNotificationConfiguration: notifications.handleGetBucketNotification,
  PutBucketNotificationConfiguration: notifications.handlePutBucketNotification,
  GetBucketLogging: logs.handleGetBucketLogging,
  PutBucketLogging: logs.handlePutBucketLogging,
  GetBucketInventoryConfiguration: inventories.handleGetBucketInventory,
  ListBucketInventoryConfigurations: inventories.handleListBucketInventories,
  PutBucketInventoryConfiguration: inventories.handlePutBucketInventory,
  DeleteBucketInventoryConfiguration: inventories.handleDeleteBucketInventory,
  GetBucketAccelerateConfiguration: buckets.emptiness("GetBucketAccelerateConfiguration", [
    "AccelerateConfiguration",
    "",
  ]),
  GetObjectLockConfiguration: locks.handleGetObjectLockConfiguration,
  PutObjectLockConfiguration: locks.handlePutObjectLockConfiguration,
  ListObjects: lists.handleListObjects,
  ListObjectsV2: lists.handleListObjectsV2,
  ListObjectVersions: lists.handleListObjectVersions,
  ListMultipartUploads: uploads.handleListMultipartUploads,
  GetObject: reads.handleGetObject,
  HeadObject: reads.handleHeadObject,
  GetObjectAttributes: reads.handleGetObjectAttributes,
  PutObject: objects.handlePutObject,
  CopyObject: objects.handleCopyObject,
  DeleteObject: objects.handleDeleteObject,
  DeleteObjects: objects.handleDeleteObjects,
  GetObjectTagging: tags.handleGetObjectTagging,
  PutObjectTagging: tags.handlePutObjectTagging,
  DeleteObjectTagging: tags.handleDeleteObjectTagging,
  GetObjectAcl: acls.handleGetObjectAcl,
  PutObjectAcl: acls.handlePutObjectAcl,
  RestoreObject: objects.handleRestoreObject,
  GetObjectRetention: locks.handleGetObjectRetention,
  PutObjectRetention: locks.handlePutObjectRetention,
  GetObjectLegalHold: locks.handleGetObjectLegalHold,
  PutObjectLegalHold: locks.handlePutObjectLegalHold,
  CreateMultipartUpload: uploads.handleCreateMultipartUpload,
  UploadPart: uploads.handleUploadPart,
  UploadPartCopy: uploads.handleUploadPartCopy,
  CompleteMultipartUpload: uploads.handleCompleteMultipartUpload,
  AbortMultipartUpload: uploads.handleAbortMultipartUpload,
  ListParts: uploads.handleListParts,
};

/** What the skin needs of a request besides what every service does. */
export interface S3SkinOptions {
  /** Hosts under which `BUCKET.host` names a bucket; longer ones first. */
  readonly hostSuffixes: readonly string[];
}

export interface S3Skin {
  handle(call: IncomingCall): Promise<ServiceAnswer>;
  printError(error: ServiceError, call: Pick<IncomingCall, "requestId" | "rawPath" | "method">): ServiceAnswer;
}

/** Also a parameter, for presigned URLs. */
const PAYER_HEADER = "x-amz-request-payer";

const GAPS: ReadonlySet<string> = new Set(OPERATION_GAPS);

export function createS3Skin(s3: S3Service, options: S3SkinOptions): S3Skin {
  return {
    async handle(call) {
      const { headers, method, query } = call;
      const { bucket, key } = resolveTarget(headers["host"] ?? "", call.rawPath, options.hostSuffixes);
      const operation = detectOperation({ method, bucket, key, query, headers });
      if (operation === undefined) {
        throw s3Error("MethodNotAllowed", { details: { Method: method, ResourceType: resourceTypeOf(bucket, key) } });
      }
      if (!isEmulated(operation)) throw notEmulated(operation);
      checkExpectedOwner(s3, bucket, headers["x-amz-expected-bucket-owner"]);
      const paysRequest = (headers[PAYER_HEADER] ?? query.get(PAYER_HEADER)) === "requester";
      const paid = paysRequest ? { ...call, paysRequest } : call;
      const request = { call: paid, method, bucket, key, query, headers, body: call.body };
      const disturbances = s3.disturbances.active;
      const flavour = s3.flavour.now;
      const run = () => answerAs(flavour, operation, request, (seen) => HANDLERS[operation](s3, seen));
      const answer =
        disturbances === undefined ? await run() : await disturbances.disturb({ operation, bucket, key }, run);
      const signature = signatureOf(flavour, call.requestId);
      if (key !== "" && !paysRequest) return signed(answer, signature);
      return signed(answer, { ...bucketHeaders(s3.buckets.find(bucket), { key, paysRequest }), ...signature });
    },
    printError: (error, call) => signed(printS3Error(error, call), signatureOf(s3.flavour.now, call.requestId)),
  };
}

function signed(answer: ServiceAnswer, headers: Readonly<Record<string, string>> | undefined): ServiceAnswer {
  return headers === undefined ? answer : { ...answer, headers: { ...answer.headers, ...headers } };
}

/** What an answer tells of the bucket. */
function bucketHeaders(
  bucket: Bucket | undefined,
  { key, paysRequest }: { readonly key: string; readonly paysRequest: boolean },
): Readonly<Record<string, string>> {
  if (bucket === undefined) return {};
  return {
    ...(key === "" ? { "x-amz-bucket-region": bucket.region } : {}),
    ...(paysRequest && bucket.settings.requesterPays === true ? { "x-amz-request-charged": "requester" } : {}),
  };
}

function isEmulated(operation: string): operation is S3Operation {
  return !GAPS.has(operation) && Object.hasOwn(OPERATIONS, operation);
}

function notEmulated(operation: string): Error {
  return s3Error("NotImplemented", {
    message: `The lab does not emulate ${operation}`,
    details: { Operation: operation },
  });
}

/** @source aws-replication.md §1.1: a mismatch is a bare 403 */
function checkExpectedOwner(s3: S3Service, bucketName: string, expected: string | undefined): void {
  if (expected === undefined) return;
  const bucket = s3.buckets.find(bucketName);
  if (bucket !== undefined && bucket.account !== expected) throw s3Error("AccessDenied");
}

function resourceTypeOf(bucket: string, key: string): string {
  if (bucket === "") return "SERVICE";
  return key === "" ? "BUCKET" : "OBJECT";
}
