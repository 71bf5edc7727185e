/** Handlers of ACLs. */
import type { AccessControlList } from "../../../core/model.ts";
import { aclDocument } from "../../../s3/requests.ts";
import type { ServiceAnswer } from "../../model.ts";
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from "../acl.ts";
import type { AclWish } from "../acl-wish.ts";
import { s3Error } from "../errors.ts";
import type { S3Service } from "../service.ts";
import { aclWishOf, aclWishOfDocument } from "./acl-headers.ts";
import { emptyAnswer } from "./print.ts";
import { readText, type S3Request, targetOf, xmlOf } from "./request.ts";

export function handleGetObjectAcl(s3: S3Service, request: S3Request): ServiceAnswer {
  return aclAnswer(getObjectAcl(s3, request.call, targetOf(request)));
}

export function handleGetBucketAcl(s3: S3Service, request: S3Request): ServiceAnswer {
  return aclAnswer(getBucketAcl(s3, request.call, request.bucket));
}

export async function handlePutObjectAcl(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await putObjectAcl(s3, request.call, { ...targetOf(request), acl: await wantedAcl(request) });
  return emptyAnswer();
}

export async function handlePutBucketAcl(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await putBucketAcl(s3, request.call, request.bucket, await wantedAcl(request));
  return emptyAnswer();
}

function aclAnswer(acl: AccessControlList): ServiceAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${aclDocument(acl)}`;
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

/** In a header, or as a document; one of the two. */
async function wantedAcl(request: S3Request): Promise<AclWish> {
  const wish = aclWishOf(request.headers);
  const text = await readText(request);
  if (wish !== undefined) {
    if (text.trim() !== "") throw s3Error("UnexpectedContent");
    return wish;
  }
  if (text.trim() === "") throw s3Error("MissingSecurityHeader", { details: { MissingHeaderName: "x-amz-acl" } });
  const root = xmlOf(text);
  if (root.name !== "AccessControlPolicy") throw s3Error("MalformedACLError");
  return aclWishOfDocument(root);
}
