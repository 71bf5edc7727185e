/**
 * How AWS's own services put objects into a customer's bucket: as a service principal, which nothing but the bucket's
 * policy (or, for access logs, an ACL for the log delivery group) lets in.
 */
import type { RequestContext } from "../core/iam/model.ts";
import type { AclGrant } from "../core/model.ts";
import type { Caller } from "./model.ts";
import { takeRandomBytes } from "./random.ts";
import { authoriseAction, requireBucket } from "./s3/access.ts";
import { bodyOf, type S3Call } from "./s3/call.ts";
import type { EncryptionWish } from "./s3/encryption.ts";
import { putObject } from "./s3/put.ts";
import type { S3Service } from "./s3/service.ts";

/** On whose behalf a service writes. */
export interface ServiceWriterOptions {
  /** `logging.s3.amazonaws.com` */
  readonly service: string;
  readonly region: string;
  /** `aws:SourceArn` and `aws:SourceAccount`. */
  readonly sourceArn: string;
  readonly sourceAccount: string;
  readonly nowMs: number;
}

export interface ServiceObject {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array | { readonly stream: AsyncIterable<Uint8Array>; readonly sizeBytes: number };
  readonly contentHeaders: Readonly<Record<string, string>>;
  /** Default: the bucket's own. */
  readonly encryption?: EncryptionWish;
  /** Besides the bucket owner's FULL_CONTROL; only where the bucket knows ACLs. */
  readonly grants?: readonly AclGrant[];
}

/** @throws ServiceError when the bucket does not take it */
export async function putAsService(s3: S3Service, by: ServiceWriterOptions, object: ServiceObject): Promise<void> {
  const { bucket, key, body, contentHeaders, encryption, grants } = object;
  const isWhole = body instanceof Uint8Array;
  await putObject(
    s3,
    serviceCall(by),
    {
      bucket,
      key,
      metadata: { contentHeaders, userMetadata: {} },
      encryption: encryption ?? {},
      tags: [],
      claims: {},
      ...(grants === undefined ? {} : { acl: { kind: "grants", grants } }),
    },
    isWhole ? bodyOf(body, body.length) : bodyOf(body.stream, body.sizeBytes),
  );
}

/** Asks whether a service may do something in a bucket. @throws ServiceError NoSuchBucket, AccessDenied */
export function requireForService(
  s3: S3Service,
  by: ServiceWriterOptions,
  action: string,
  on: { readonly bucket: string; readonly key?: string },
): void {
  const bucket = requireBucket(s3, on.bucket);
  authoriseAction(s3, serviceCall(by), action, on.key === undefined ? { bucket } : { bucket, key: on.key });
}

/** Services say in every write that the bucket's owner is to have the object: their documented policies ask for it. */
function serviceCall({ service, region, sourceArn, sourceAccount, nowMs }: ServiceWriterOptions): S3Call {
  const caller: Caller = { principal: { kind: "service", service }, accessKeyId: "", identity: [] };
  const context: RequestContext = {
    "aws:currenttime": new Date(nowMs).toISOString(),
    "aws:epochtime": String(Math.floor(nowMs / 1000)),
    "aws:securetransport": "true",
    "aws:requestedregion": region,
    "aws:sourcearn": sourceArn,
    "aws:sourceaccount": sourceAccount,
    "aws:principalisawsservice": "true",
    "aws:principalservicename": service,
    "s3:x-amz-acl": "bucket-owner-full-control",
  };
  return { caller, region, requestId: takeRandomBytes(8).toString("hex").toUpperCase(), nowMs, context };
}
