/** Handlers of ACLs: what there is to read, and what there is to refuse. */
import type { AccessControlList } from "../../../core/model.ts";
import { child, childrenNamed, childText } from "../../../core/xml.ts";
import { aclDocument } from "../../../s3/requests.ts";
import type { ServiceAnswer } from "../../model.ts";
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from "../acl.ts";
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

function aclAnswer(acl: AccessControlList): ServiceAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${aclDocument(acl)}`;
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
