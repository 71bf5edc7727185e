/** Handlers of operations on buckets and their settings. */
import { documentOfXml } from "../../../core/config/document.ts";
import { printReplication } from "../../../core/config/print.ts";
import { child, childrenNamed, childText, type XmlElement, type XmlNode } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import { type BucketEncryption, OBJECT_OWNERSHIPS, type ObjectOwnership, type PublicAccessBlock } from "../bucket.ts";
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from "../buckets.ts";
import { invalidArgument, type S3ErrorCode, s3Error } from "../errors.ts";
import type { S3Operation } from "../operations.ts";
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from "../policy.ts";
import { SSE_HEADER } from "../put.ts";
import { getBucketRequestPayment, PAYERS, putBucketRequestPayment } from "../request-payment.ts";
import type { S3Service } from "../service.ts";
import {
  deleteBucketEncryption,
  deleteSetting,
  getBucketEncryption,
  getSetting,
  openSettings,
  putBucketEncryption,
  putBucketOwnershipControls,
  putBucketReplication,
  putBucketTagging,
  putBucketVersioning,
  putPublicAccessBlock,
} from "../settings.ts";
import { aclWishOf } from "./acl-headers.ts";
import { emptyAnswer, xmlAnswer, xmlDate } from "./print.ts";
import { integerOf, readText, readXml, requireDigest, type S3Request, xmlOf } from "./request.ts";
import { tagNodes, tagsOf } from "./tagging-handlers.ts";

const BUCKETS_PAGE_MAX = 10_000;
const REPLICATION_BYTES_MAX = 2 * 1024 * 1024;

export function handleListBuckets(s3: S3Service, request: S3Request): ServiceAnswer {
  const { query } = request;
  const maxText = query.get("max-buckets");
  const invalid = () =>
    invalidArgument("max-buckets", maxText ?? "", "Argument max-buckets must be an integer between 1 and 10000");
  const max = integerOf(maxText, invalid) ?? BUCKETS_PAGE_MAX;
  if (max < 1 || max > BUCKETS_PAGE_MAX) throw invalid();
  const prefix = query.get("prefix") ?? "";
  const region = query.get("bucket-region");
  const token = query.get("continuation-token");
  const answer = listBuckets(s3, request.call, {
    prefix,
    max,
    after: token === undefined ? "" : Buffer.from(token, "base64url").toString(),
    ...(region === undefined ? {} : { region }),
  });
  return xmlAnswer([
    "ListAllMyBucketsResult",
    [
      ["Owner", [["ID", answer.ownerId]]],
      [
        "Buckets",
        answer.buckets.map(
          (bucket): XmlNode => [
            "Bucket",
            [
              ["Name", bucket.name],
              ["CreationDate", xmlDate(bucket.createdMs)],
              ["BucketRegion", bucket.region],
            ],
          ],
        ),
      ],
      ["Prefix", prefix === "" ? undefined : prefix],
      ["ContinuationToken", answer.next === undefined ? undefined : Buffer.from(answer.next).toString("base64url")],
    ],
  ]);
}

export async function handleCreateBucket(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { headers, bucket: name } = request;
  const text = await readText(request);
  const root = text.trim() === "" ? undefined : xmlOf(text);
  if (root !== undefined && root.name !== "CreateBucketConfiguration") throw s3Error("MalformedXML");
  const locationConstraint = root === undefined ? undefined : childText(root, "LocationConstraint");
  const tags = root === undefined ? undefined : child(root, "Tags");
  const acl = aclWishOf(headers);
  const ownership = headers["x-amz-object-ownership"];
  await createBucket(s3, request.call, {
    bucket: name,
    ...(locationConstraint === undefined ? {} : { locationConstraint }),
    ...(ownership === undefined ? {} : { ownership: ownershipOf(ownership) }),
    ...(acl === undefined ? {} : { acl }),
    objectLock: headers["x-amz-bucket-object-lock-enabled"]?.toLowerCase() === "true",
    ...(tags === undefined
      ? {}
      : { tags: tagsOf({ name: "Tagging", text: "", children: [{ ...tags, name: "TagSet" }] }) }),
  });
  return emptyAnswer(200, { location: `/${name}` });
}

export async function handleDeleteBucket(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await deleteBucket(s3, request.call, request.bucket);
  return emptyAnswer(204);
}

export function handleHeadBucket(s3: S3Service, request: S3Request): ServiceAnswer {
  const { region } = headBucket(s3, request.call, request.bucket);
  return emptyAnswer(200, {
    "x-amz-bucket-region": region,
    "x-amz-access-point-alias": "false",
    "content-type": "application/xml",
  });
}

export function handleGetBucketLocation(s3: S3Service, request: S3Request): ServiceAnswer {
  const { region } = getBucketLocation(s3, request.call, request.bucket);
  return xmlAnswer(["LocationConstraint", region === "us-east-1" ? "" : region]);
}

export function handleGetBucketVersioning(s3: S3Service, request: S3Request): ServiceAnswer {
  const { versioning } = openSettings(s3, request.call, "GetBucketVersioning", request.bucket);
  return xmlAnswer(["VersioningConfiguration", [["Status", versioning === "" ? undefined : versioning]]]);
}

export async function handlePutBucketVersioning(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "VersioningConfiguration");
  await putBucketVersioning(s3, request.call, request.bucket, childText(root, "Status"));
  return emptyAnswer();
}

export function handleGetBucketPolicy(s3: S3Service, request: S3Request): ServiceAnswer {
  const body = getBucketPolicy(s3, request.call, request.bucket);
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

export async function handlePutBucketPolicy(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await putBucketPolicy(s3, request.call, request.bucket, await readText(request));
  return emptyAnswer(204);
}

export async function handleDeleteBucketPolicy(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await deleteBucketPolicy(s3, request.call, request.bucket);
  return emptyAnswer(204);
}

export function handleGetBucketPolicyStatus(s3: S3Service, request: S3Request): ServiceAnswer {
  const { isPublic } = getBucketPolicyStatus(s3, request.call, request.bucket);
  return xmlAnswer(["PolicyStatus", [["IsPublic", isPublic]]]);
}

const ENCRYPTION_KINDS: Readonly<Record<string, BucketEncryption["kind"]>> = {
  AES256: "SSE-S3",
  "aws:kms": "SSE-KMS",
  "aws:kms:dsse": "DSSE-KMS",
};

export function handleGetBucketEncryption(s3: S3Service, request: S3Request): ServiceAnswer {
  const { kind, kmsKeyId, bucketKey, blockedTypes } = getBucketEncryption(s3, request.call, request.bucket);
  return xmlAnswer([
    "ServerSideEncryptionConfiguration",
    [
      [
        "Rule",
        [
          [
            "ApplyServerSideEncryptionByDefault",
            [
              ["SSEAlgorithm", SSE_HEADER[kind]],
              ["KMSMasterKeyID", kmsKeyId],
            ],
          ],
          ["BucketKeyEnabled", bucketKey],
          ["BlockedEncryptionTypes", blockedTypes.map((one): XmlNode => ["EncryptionType", one])],
        ],
      ],
    ],
  ]);
}

export async function handlePutBucketEncryption(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "ServerSideEncryptionConfiguration");
  const rules = childrenNamed(root, "Rule");
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) throw s3Error("MalformedXML");
  const byDefault = child(rule, "ApplyServerSideEncryptionByDefault");
  const algorithm = byDefault === undefined ? "AES256" : (childText(byDefault, "SSEAlgorithm") ?? "");
  const kind = Object.hasOwn(ENCRYPTION_KINDS, algorithm) ? ENCRYPTION_KINDS[algorithm] : undefined;
  if (kind === undefined) throw s3Error("MalformedXML");
  const kmsKeyId = byDefault === undefined ? undefined : childText(byDefault, "KMSMasterKeyID");
  const blocked = child(rule, "BlockedEncryptionTypes");
  const blockedTypes = blocked === undefined ? [] : childrenNamed(blocked, "EncryptionType").map(blockedTypeOf);
  await putBucketEncryption(s3, request.call, request.bucket, {
    kind,
    ...(kmsKeyId === undefined || kmsKeyId === "" ? {} : { kmsKeyId }),
    bucketKey: childText(rule, "BucketKeyEnabled") === "true",
    ...(blockedTypes.length === 0 ? {} : { blockedTypes }),
  });
  return emptyAnswer();
}

function blockedTypeOf({ text }: XmlElement): BucketEncryption["blockedTypes"][number] {
  if (text !== "SSE-C" && text !== "NONE") throw s3Error("MalformedXML");
  return text;
}

export async function handleDeleteBucketEncryption(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await deleteBucketEncryption(s3, request.call, request.bucket);
  return emptyAnswer(204);
}

export function handleGetBucketReplication(s3: S3Service, request: S3Request): ServiceAnswer {
  const document = getSetting(s3, request.call, "GetBucketReplication", request.bucket, "replication");
  return { status: 200, headers: { "content-type": "application/xml" }, body: printReplication(document) };
}

export async function handlePutBucketReplication(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  requireDigest(request);
  const root = await readXml(request, "ReplicationConfiguration", REPLICATION_BYTES_MAX);
  await putBucketReplication(s3, request.call, request.bucket, documentOfXml(root));
  return emptyAnswer();
}

const BLOCK_SETTINGS = [
  ["BlockPublicAcls", "blockPublicAcls"],
  ["IgnorePublicAcls", "ignorePublicAcls"],
  ["BlockPublicPolicy", "blockPublicPolicy"],
  ["RestrictPublicBuckets", "restrictPublicBuckets"],
] as const;

export function handleGetPublicAccessBlock(s3: S3Service, request: S3Request): ServiceAnswer {
  const block = getSetting(s3, request.call, "GetPublicAccessBlock", request.bucket, "publicAccessBlock");
  return xmlAnswer([
    "PublicAccessBlockConfiguration",
    BLOCK_SETTINGS.map(([element, name]): XmlNode => [element, block[name]]),
  ]);
}

export async function handlePutPublicAccessBlock(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "PublicAccessBlockConfiguration");
  const block = Object.fromEntries(
    BLOCK_SETTINGS.map(([element, name]) => [name, booleanOf(root, element)]),
  ) as unknown as PublicAccessBlock;
  await putPublicAccessBlock(s3, request.call, request.bucket, block);
  return emptyAnswer();
}

export function handleGetBucketOwnershipControls(s3: S3Service, request: S3Request): ServiceAnswer {
  const ownership = getSetting(s3, request.call, "GetBucketOwnershipControls", request.bucket, "ownership");
  return xmlAnswer(["OwnershipControls", [["Rule", [["ObjectOwnership", ownership]]]]]);
}

export async function handlePutBucketOwnershipControls(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "OwnershipControls");
  const ownership = childText(child(root, "Rule") ?? root, "ObjectOwnership") ?? "";
  await putBucketOwnershipControls(s3, request.call, request.bucket, ownershipOf(ownership));
  return emptyAnswer();
}

export function handleGetBucketTagging(s3: S3Service, request: S3Request): ServiceAnswer {
  const tags = getSetting(s3, request.call, "GetBucketTagging", request.bucket, "tags");
  return xmlAnswer(["Tagging", [["TagSet", tagNodes(tags)]]]);
}

export async function handlePutBucketTagging(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const tags = tagsOf(await readXml(request, "Tagging"));
  await putBucketTagging(s3, request.call, request.bucket, tags);
  return emptyAnswer(204);
}

export function handleGetBucketRequestPayment(s3: S3Service, request: S3Request): ServiceAnswer {
  return xmlAnswer([
    "RequestPaymentConfiguration",
    [["Payer", getBucketRequestPayment(s3, request.call, request.bucket)]],
  ]);
}

export async function handlePutBucketRequestPayment(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "RequestPaymentConfiguration");
  const payer = PAYERS.find((one) => one === childText(root, "Payer"));
  if (payer === undefined) throw s3Error("MalformedXML");
  await putBucketRequestPayment(s3, request.call, request.bucket, payer);
  return emptyAnswer();
}

/** Makes the handler of a DELETE that takes one setting away. */
export function deletionOf(operation: S3Operation, name: Parameters<typeof deleteSetting>[4]) {
  return async (s3: S3Service, request: S3Request): Promise<ServiceAnswer> => {
    await deleteSetting(s3, request.call, operation, request.bucket, name);
    return emptyAnswer(204);
  };
}

/** Makes the handler of a GET of something that is never set here, and says so with a 404. */
export function absence(operation: S3Operation, code: S3ErrorCode) {
  return (s3: S3Service, request: S3Request): ServiceAnswer => {
    openSettings(s3, request.call, operation, request.bucket);
    throw s3Error(code, { details: { BucketName: request.bucket } });
  };
}

/** Makes the handler of a GET of something that is never set here, and shows it empty. */
export function emptiness(operation: S3Operation, document: XmlNode & object) {
  return (s3: S3Service, request: S3Request): ServiceAnswer => {
    openSettings(s3, request.call, operation, request.bucket);
    return xmlAnswer(document);
  };
}

function booleanOf(root: XmlElement, element: string): boolean {
  const text = (childText(root, element) ?? "false").toLowerCase();
  if (text !== "true" && text !== "false") throw s3Error("MalformedXML");
  return text === "true";
}

function ownershipOf(text: string): ObjectOwnership {
  const found = OBJECT_OWNERSHIPS.find((one) => one === text);
  if (found === undefined) throw s3Error("MalformedXML");
  return found;
}
