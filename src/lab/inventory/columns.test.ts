import assert from "node:assert/strict";
import { test } from "node:test";
import { INVENTORY_FIELDS, type InventoryConfiguration } from "../s3/inventory.ts";
import type { StoredVersion } from "../s3/versions.ts";
import { columnsOf, csvLine, csvSchema, parquetSchema } from "./columns.ts";

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const ALL: InventoryConfiguration = {
  id: "all",
  isEnabled: true,
  versions: "All",
  frequency: "Daily",
  fields: INVENTORY_FIELDS,
  destination: { bucketArn: "arn:aws:s3:::reports", format: "CSV" },
};
const VERSION: StoredVersion = {
  bucketId: 1,
  key: 'a b/"ü".jpg',
  place: 1,
  versionId: "v1",
  isLatest: true,
  isMarker: false,
  sizeBytes: 5,
  etag: "5d41402abc4b2a76b9719d911017c592",
  modifiedMs: Date.parse("2024-08-21T15:28:26Z"),
  storageClass: "STANDARD",
  encryption: { kind: "SSE-KMS", kmsKeyArn: "arn:aws:kms:us-east-1:111122223333:key/k", bucketKey: true },
  inFile: false,
  upload: "upload",
  checksums: { type: "FULL_OBJECT", values: { CRC64NVME: "AAAA" } },
  metadata: { contentHeaders: {}, userMetadata: {} },
  tags: [],
  lock: { retention: { mode: "GOVERNANCE", retainUntilMs: Date.parse("2030-01-01T00:00:00Z") }, legalHold: false },
  isReplica: false,
  replicationStatus: "FAILED",
};
const ACL = { ownerId: OWNER, grants: [] };

test("inventory: a CSV row has every value quoted, the key encoded, and the columns in the documented order", () => {
  const grants = Buffer.from('{"version":"2022-11-10","status":"AVAILABLE","grants":[]}').toString("base64");
  assert.equal(
    csvLine(columnsOf(ALL), { bucket: "photos", version: VERSION, acl: ACL }),
    '"photos","a%20b/%22%C3%BC%22.jpg","v1","true","false","5","2024-08-21T15:28:26.000Z",' +
      '"5d41402abc4b2a76b9719d911017c592","STANDARD","true","FAILED","SSE-KMS","2030-01-01T00:00:00.000Z",' +
      `"GOVERNANCE","Off","","ENABLED","CRC64NVME","${grants}","${OWNER}",""\n`,
  );
});

test("inventory: a delete marker has no size, ETag or encryption, and the null version no id", () => {
  const marker = { ...VERSION, key: "k", versionId: "null", isMarker: true, isLatest: false };
  const fields = ["Size", "ETag", "EncryptionStatus"] as const;
  assert.equal(
    csvLine(columnsOf({ ...ALL, fields }), { bucket: "photos", version: marker, acl: ACL }),
    '"photos","k","","false","true","","",""\n',
  );
});

test("inventory: an inventory of current versions has no columns of versions", () => {
  assert.equal(csvSchema(columnsOf({ ...ALL, versions: "Current", fields: ["Size"] })), "Bucket, Key, Size");
});

test("inventory: the schema of Parquet is the documented message", () => {
  assert.equal(
    parquetSchema(columnsOf({ ...ALL, fields: ["Size", "LastModifiedDate", "IsMultipartUploaded"] })),
    "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); " +
      "optional binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker; " +
      "optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); " +
      "optional boolean is_multipart_uploaded;}",
  );
});
