/** The command that sets up an inventory with which the next diagnosis needs no walk. */

/** Beyond this number of versions an inventory is the cheaper way. */
export const WALK_VERSIONS_MAX = 10_000;

/** Columns that decide, in the order in which reports have them. */
const FIELDS = [
  "Size",
  "LastModifiedDate",
  "ETag",
  "StorageClass",
  "IsMultipartUploaded",
  "ReplicationStatus",
  "EncryptionStatus",
  "ObjectLockRetainUntilDate",
  "ObjectLockMode",
  "ObjectLockLegalHoldStatus",
  "IntelligentTieringAccessTier",
  "BucketKeyStatus",
  "ObjectAccessControlList",
  "ObjectOwner",
];

/** A sentence, and the command below it. @param versions how many the walk has looked at */
export function inventoryHint(bucket: string, versions: number): string {
  const configuration = {
    Id: "lockstep",
    IsEnabled: true,
    IncludedObjectVersions: "All",
    Schedule: { Frequency: "Daily" },
    Destination: {
      S3BucketDestination: { Bucket: "arn:aws:s3:::REPORTS-BUCKET", Format: "Parquet", Prefix: "inventory" },
    },
    OptionalFields: FIELDS,
  };
  return (
    `${versions} versions were looked at one by one. An S3 Inventory is cheaper: the first report comes within two days,\n` +
    `then lockstep diagnose s3://${bucket} --inventory latest reads it.\n` +
    `aws s3api put-bucket-inventory-configuration --bucket ${bucket} --id lockstep \\\n` +
    `  --inventory-configuration '${JSON.stringify(configuration)}'`
  );
}
