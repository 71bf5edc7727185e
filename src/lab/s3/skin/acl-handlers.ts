/** Handlers of ACLs: what there is to read, and what there is to refuse. */
import { child, childrenNamed, childText } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import { type Acl, getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from "../acl.ts";
import type { S3Service } from "../service.ts";
import { targetOf } from "./object-handlers.ts";
import { emptyAnswer } from "./print.ts";
import { readXml, type S3Request } from "./request.ts";
import { aclOf } from "./write-headers.ts";

export function handleGetObjectAcl(s3: S3Service, request: S3Request): ServiceAnswer {
  return aclAnswer(getObjectAcl(s3, request.call, targetOf(request)));
}

export function handleGetBucketAcl(s3: S3Service, request: S3Request): ServiceAnswer {
  return aclAnswer(getBucketAcl(s3, request.call, request.bucket));
}

export async function handlePutObjectAcl(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  putObjectAcl(s3, request.call, { ...targetOf(request), acl: await wantedAcl(request) });
  return emptyAnswer();
}

export async function handlePutBucketAcl(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  putBucketAcl(s3, request.call, request.bucket, await wantedAcl(request));
  return emptyAnswer();
}

const XSI = "http://www.w3.org/2001/XMLSchema-instance";

function aclAnswer(acl: Acl): ServiceAnswer {
  // The grantee's type is an attribute, which the printer of documents does not know.
  const grants = acl.grants.map(
    ({ grantee, permission }) =>
      `<Grant><Grantee xmlns:xsi="${XSI}" xsi:type="CanonicalUser"><ID>${grantee}</ID></Grantee>` +
      `<Permission>${permission}</Permission></Grant>`,
  );
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>${acl.ownerId}</ID></Owner>` +
    `<AccessControlList>${grants.join("")}</AccessControlList></AccessControlPolicy>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

/** A document counts as `bucket-owner-full-control` when it grants the owner alone full control. */
async function wantedAcl(request: S3Request): Promise<string> {
  const header = aclOf(request.headers);
  if (header !== undefined) return header;
  const root = await readXml(request, "AccessControlPolicy");
  const list = child(root, "AccessControlList");
  const ownerId = childText(child(root, "Owner") ?? root, "ID");
  const grants = list === undefined ? [] : childrenNamed(list, "Grant");
  const isOwners = grants.every(
    (grant) =>
      childText(grant, "Permission") === "FULL_CONTROL" &&
      childText(child(grant, "Grantee") ?? grant, "ID") === ownerId,
  );
  return isOwners && grants.length > 0 ? "bucket-owner-full-control" : "a document";
}
