/**
 * The BucketSettings port over signed HTTP.
 *
 * Every change carries `Content-MD5`: AWS demands a checksum for some of them, and every store knows this one. "Not
 * configured" is told by error codes, never by messages or by the status alone: a bucket that is not there is a 404 too.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
import { assert } from "../core/assert.ts";
import type { InventorySetting } from "../core/model.ts";
import { child, childrenNamed, childText, printXml, type XmlElement, type XmlNode } from "../core/xml.ts";
import { optional, readAcl } from "./answers.ts";
import type { Call, Caller } from "./caller.ts";
import { checksumOf } from "./checksum.ts";
import { S3Error } from "./errors.ts";
import { ListingError, readObjectPage } from "./listings.ts";
import { failedCall } from "./network-errors.ts";
import { S3_NAMESPACE } from "./requests.ts";
import type {
  BucketSettings,
  CreateBucketRequest,
  DeletedRef,
  ListedBucket,
  ListObjectsRequest,
  RefusedDelete,
} from "./settings.ts";
import {
  encryptionDocument,
  objectLockDocument,
  ownershipDocument,
  readBucketEncryption,
  readInventory,
  readNotification,
  readObjectLock,
  readPayer,
  readPublicAccessBlock,
  requestPaymentDocument,
  versioningDocument,
} from "./settings-documents.ts";
import type { CallOptions } from "./store.ts";

const DELETED_AT_ONCE_MAX = 1000;
/** The one region that CreateBucket must not be told, and that GetBucketLocation does not name. */
const FIRST_REGION = "us-east-1";

/** The codes that say that a setting is not there. */
const NOT_CONFIGURED: ReadonlySet<string> = new Set([
  "NoSuchBucketPolicy",
  "NoSuchObjectLockConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "ObjectLockConfigurationNotFoundError",
  "OwnershipControlsNotFoundError",
  "ReplicationConfigurationNotFoundError",
  "ServerSideEncryptionConfigurationNotFoundError",
]);

/** Implements the port: one line an operation, of the few ways in which S3 keeps settings. */
export function bucketSettingsOf(caller: Caller): BucketSettings {
  const change = changerOf(caller);
  const remove = removerOf(caller);
  const read = readerOf(caller);
  return {
    listBuckets: (options) => listBuckets(caller, options),
    createBucket: (bucket, request, options) => createBucket(caller, bucket, request ?? {}, options),
    deleteBucket: (bucket, options) => remove("DeleteBucket", bucket, undefined, options),
    headBucket: async (bucket, options) => {
      const exchange = await caller.sendOnly({ operation: "HeadBucket", method: "HEAD", bucket }, options);
      return optional("region", exchange.header("x-amz-bucket-region"));
    },
    getBucketLocation: async (bucket, options) => {
      const root = await read("GetBucketLocation", bucket, "location", ["LocationConstraint"], options);
      // The two oldest regions have names of their own here.
      if (root === undefined || root.text === "") return FIRST_REGION;
      return root.text === "EU" ? "eu-west-1" : root.text;
    },

    getBucketVersioning: async (bucket, options) => {
      const root = await read("GetBucketVersioning", bucket, "versioning", ["VersioningConfiguration"], options);
      const status = root && childText(root, "Status");
      return status === "Enabled" || status === "Suspended" ? status : undefined;
    },
    putBucketVersioning: (bucket, status, options) =>
      change("PutBucketVersioning", bucket, "versioning", versioningDocument(status), options),

    getBucketPolicy: (bucket, options) => getBucketPolicy(caller, bucket, options),
    putBucketPolicy: (bucket, policy, options) => change("PutBucketPolicy", bucket, "policy", policy, options),
    deleteBucketPolicy: (bucket, options) => remove("DeleteBucketPolicy", bucket, "policy", options),

    getBucketReplication: (bucket, options) =>
      read("GetBucketReplication", bucket, "replication", ["ReplicationConfiguration"], options),
    putBucketReplication: (bucket, document, options) =>
      change("PutBucketReplication", bucket, "replication", document, options),
    deleteBucketReplication: (bucket, options) => remove("DeleteBucketReplication", bucket, "replication", options),

    getBucketEncryption: async (bucket, options) => {
      const roots = ["ServerSideEncryptionConfiguration"];
      const root = await read("GetBucketEncryption", bucket, "encryption", roots, options);
      return root && readBucketEncryption(root);
    },
    putBucketEncryption: (bucket, encryption, options) =>
      change("PutBucketEncryption", bucket, "encryption", encryptionDocument(encryption), options),
    deleteBucketEncryption: (bucket, options) => remove("DeleteBucketEncryption", bucket, "encryption", options),

    getBucketOwnership: async (bucket, options) => {
      const roots = ["OwnershipControls"];
      const root = await read("GetBucketOwnershipControls", bucket, "ownershipControls", roots, options);
      const rule = root && child(root, "Rule");
      return rule && childText(rule, "ObjectOwnership");
    },
    putBucketOwnership: (bucket, ownership, options) =>
      change("PutBucketOwnershipControls", bucket, "ownershipControls", ownershipDocument(ownership), options),
    deleteBucketOwnership: (bucket, options) =>
      remove("DeleteBucketOwnershipControls", bucket, "ownershipControls", options),
    getBucketAcl: async (bucket, options) => {
      const root = await read("GetBucketAcl", bucket, "acl", ["AccessControlPolicy"], options);
      assert(root !== undefined, "every bucket has an ACL: no code says that it has none");
      return readAcl(root);
    },
    getObjectLock: async (bucket, options) => {
      const roots = ["ObjectLockConfiguration"];
      const root = await read("GetObjectLockConfiguration", bucket, "object-lock", roots, options);
      return root && readObjectLock(root);
    },
    putObjectLock: (bucket, lock, options) =>
      change("PutObjectLockConfiguration", bucket, "object-lock", objectLockDocument(lock), options),
    getRequestPayment: async (bucket, options) => {
      const roots = ["RequestPaymentConfiguration"];
      const root = await read("GetBucketRequestPayment", bucket, "requestPayment", roots, options);
      assert(root !== undefined, "every bucket has somebody who pays: no code says that it has none");
      return readPayer(root);
    },
    putRequestPayment: (bucket, payer, options) =>
      change("PutBucketRequestPayment", bucket, "requestPayment", requestPaymentDocument(payer), options),
    isOwnedBy: (bucket, account, options) => isOwnedBy(caller, bucket, account, options),
    getPublicAccessBlock: async (bucket, options) => {
      // The second name is that of radosgw 16.2.15.
      const roots = ["PublicAccessBlockConfiguration", "BlockPublicAccessBlockConfiguration"];
      const root = await read("GetPublicAccessBlock", bucket, "publicAccessBlock", roots, options);
      return root && readPublicAccessBlock(root);
    },
    getBucketNotification: async (bucket, options) => {
      const roots = ["NotificationConfiguration"];
      const root = await read("GetBucketNotificationConfiguration", bucket, "notification", roots, options);
      return root === undefined ? [] : readNotification(root);
    },
    listInventories: (bucket, options) => listInventories(caller, bucket, options),

    listObjects: (request, options) => listObjects(caller, request, options),
    deleteObjects: (bucket, objects, options) => deleteObjects(caller, bucket, objects, options),
  };
}

/** Reads one setting; undefined when it is not configured. */
function readerOf(caller: Caller) {
  return async (
    operation: string,
    bucket: string,
    subresource: string,
    roots: readonly string[],
    options?: CallOptions,
  ): Promise<XmlElement | undefined> => {
    const call: Call = { operation, method: "GET", bucket, query: { [subresource]: "" } };
    return unlessNotConfigured(async () => (await caller.sendForDocument(call, roots, options)).root);
  };
}

/** Replaces one setting. */
function changerOf(caller: Caller) {
  return async (
    operation: string,
    bucket: string,
    subresource: string,
    document: string,
    options?: CallOptions,
  ): Promise<void> => {
    const call = await documentCall(operation, "PUT", bucket, { [subresource]: "" }, document);
    await caller.sendOnly(call, options);
  };
}

/** Removes one setting, or the bucket itself. */
function removerOf(caller: Caller) {
  return async (
    operation: string,
    bucket: string,
    subresource: string | undefined,
    options?: CallOptions,
  ): Promise<void> => {
    const query = subresource === undefined ? {} : { [subresource]: "" };
    await caller.sendOnly({ operation, method: "DELETE", bucket, query }, options);
  };
}

async function documentCall(
  operation: string,
  method: "PUT" | "POST",
  bucket: string,
  query: Readonly<Record<string, string>>,
  document: string,
): Promise<Call> {
  const payload = Buffer.from(document);
  const contentType = document.trimStart().startsWith("{") ? "application/json" : "application/xml";
  const headers = { "content-type": contentType, "content-md5": await checksumOf("MD5", payload) };
  return { operation, method, bucket, query, headers, payload };
}

async function unlessNotConfigured<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof S3Error && error.code !== undefined && NOT_CONFIGURED.has(error.code)) return undefined;
    throw error;
  }
}

async function listBuckets(caller: Caller, options?: CallOptions): Promise<ListedBucket[]> {
  const call: Call = { operation: "ListBuckets", method: "GET" };
  const { root } = await caller.sendForDocument(call, ["ListAllMyBucketsResult"], options);
  const buckets = child(root, "Buckets");
  return (buckets === undefined ? [] : childrenNamed(buckets, "Bucket")).map((bucket) => ({
    name: childText(bucket, "Name") ?? "",
    createdAtMs: Date.parse(childText(bucket, "CreationDate") ?? ""),
  }));
}

/** An owner that is not the expected one is answered with 403, as is a caller who may not ask: so the answer is asked twice. */
async function isOwnedBy(
  caller: Caller,
  bucket: string,
  account: string,
  options?: CallOptions,
): Promise<boolean | undefined> {
  const ask = async (headers: Readonly<Record<string, string>>): Promise<boolean> => {
    try {
      await caller.sendOnly({ operation: "HeadBucket", method: "HEAD", bucket, headers }, options);
      return true;
    } catch (error) {
      if (error instanceof S3Error && error.status === 403) return false;
      throw error;
    }
  };
  if (!(await ask({ "x-amz-expected-bucket-owner": account }))) return (await ask({})) ? false : undefined;
  // A store that does not know the header answers 200 whatever it says.
  return (await ask({ "x-amz-expected-bucket-owner": NOBODY })) ? undefined : true;
}

/** No account has this number. */
const NOBODY = "000000000000";

async function createBucket(
  caller: Caller,
  bucket: string,
  request: CreateBucketRequest,
  options?: CallOptions,
): Promise<void> {
  const region = request.region ?? caller.region;
  const headers = request.objectLock ? { "x-amz-bucket-object-lock-enabled": "true" } : {};
  const node: XmlNode & object = ["CreateBucketConfiguration", [["LocationConstraint", region]]];
  const payload = region === FIRST_REGION ? undefined : Buffer.from(printXml(node, S3_NAMESPACE));
  const call = { operation: "CreateBucket", method: "PUT", bucket, headers, ...optional("payload", payload) } as const;
  await caller.sendOnly(call, options);
}

async function getBucketPolicy(caller: Caller, bucket: string, options?: CallOptions): Promise<string | undefined> {
  const call: Call = { operation: "GetBucketPolicy", method: "GET", bucket, query: { policy: "" } };
  return unlessNotConfigured(async () => {
    const exchange = await caller.send(call, options);
    const text = Buffer.from(await exchange.bytesUpTo(POLICY_BYTES_MAX)).toString("utf8");
    if (text.trimStart().startsWith("{")) return text;
    throw failedCall("protocol", exchange.call, undefined, "the answer is no JSON");
  });
}

/** AWS takes 20 KiB; others take more. */
const POLICY_BYTES_MAX = 1024 * 1024;

/** A bucket has 1,000 at most, and a page 100. */
const INVENTORY_PAGES_MAX = 10;

async function listInventories(caller: Caller, bucket: string, options?: CallOptions): Promise<InventorySetting[]> {
  const found: InventorySetting[] = [];
  let token: string | undefined;
  for (let page = 0; page < INVENTORY_PAGES_MAX; page += 1) {
    const query = { inventory: "", "continuation-token": token };
    const call: Call = { operation: "ListBucketInventoryConfigurations", method: "GET", bucket, query };
    const { root } = await caller.sendForDocument(call, ["ListInventoryConfigurationsResult"], options);
    found.push(...childrenNamed(root, "InventoryConfiguration").map(readInventory));
    token = childText(root, "IsTruncated") === "true" ? childText(root, "NextContinuationToken") : undefined;
    if (token === undefined) break;
  }
  return found;
}

async function listObjects(caller: Caller, request: ListObjectsRequest, options?: CallOptions) {
  const { bucket, prefix, delimiter, continuationToken, maxKeys } = request;
  const query = {
    "list-type": 2,
    "encoding-type": "url",
    prefix,
    delimiter,
    "continuation-token": continuationToken,
    "max-keys": maxKeys,
  };
  const call: Call = { operation: "ListObjectsV2", method: "GET", bucket, query };
  const { root, exchange } = await caller.sendForDocument(call, ["ListBucketResult"], options);
  try {
    return readObjectPage(root);
  } catch (error) {
    if (error instanceof ListingError) throw failedCall("protocol", exchange.call, error, error.message);
    throw error;
  }
}

async function deleteObjects(
  caller: Caller,
  bucket: string,
  objects: readonly DeletedRef[],
  options?: CallOptions,
): Promise<RefusedDelete[]> {
  assert(objects.length > 0 && objects.length <= DELETED_AT_ONCE_MAX, "1..1000 objects are deleted at once");
  const nodes = objects.map(
    ({ key, versionId }): XmlNode => [
      "Object",
      [
        ["Key", key],
        ["VersionId", versionId],
      ],
    ],
  );
  const document = printXml(["Delete", [["Quiet", true], ...nodes]], S3_NAMESPACE);
  const call = await documentCall("DeleteObjects", "POST", bucket, { delete: "" }, document);
  const { root } = await caller.sendForDocument(call, ["DeleteResult"], options);
  return childrenNamed(root, "Error").map((error) => ({
    key: childText(error, "Key") ?? "",
    ...optional("versionId", childText(error, "VersionId")),
    code: childText(error, "Code") ?? "",
    message: childText(error, "Message") ?? "",
  }));
}
