/**
 * Patches as declared resources, for Terraform and CloudFormation alike: which resource of each holds the document that a
 * patch changes, its properties with the change made, and how the one that is there is taken over.
 *
 * A declaration says how the resource is to be, not what is to be changed: members that Lockstep does not know stay as they
 * were read. Nothing here declares what belongs to somebody else, such as a role as a whole.
 *
 * @source Terraform AWS provider 5 and 6, docs of each resource; AWS CloudFormation Template Reference
 */
import { roleName } from "../../aws/iam.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { unreachable } from "../../core/assert.ts";
import { asArray, asObject, asString, type DocumentValue, type Members } from "../../core/config/document.ts";
import type { Patch } from "../../core/diagnose/report.ts";

/** A value of HCL: `block` members are blocks, `json` is jsonencode of a document. */
export type Hcl =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly json: DocumentValue }
  | { readonly blocks: readonly HclBody[] };
export type HclBody = readonly (readonly [name: string, value: Hcl])[];

export interface TerraformResource {
  readonly type: string;
  readonly body: HclBody;
  /** What `import` is given as the id. */
  readonly importId: string;
}

/** Why a tool has no resource for a patch, and what is to be done instead. */
export interface NoResource {
  readonly says: string;
}

/** Undefined where a patch takes the document away: then its resource is removed. */
export function terraformOf(patch: Patch): TerraformResource | NoResource {
  const { after, resource, name = "" } = patch;
  const bucket = bucketOfArn(resource) ?? resource;
  if (after === null) return { says: "remove the resource that declares it" };
  const ofBucket = (type: string, body: HclBody): TerraformResource => ({
    type,
    body: [["bucket", bucket], ...body],
    importId: bucket,
  });
  switch (patch.target) {
    case "organization-policy":
      return {
        type: "aws_organizations_policy",
        body: [
          ["name", name],
          ["content", { json: after }],
        ],
        importId: resource,
      };
    case "iam-boundary-policy":
      return managedPolicy(resource, after);
    case "iam-role-policy":
      if (name.startsWith("arn:")) return managedPolicy(name, after);
      return {
        type: "aws_iam_role_policy",
        body: [
          ["role", roleName(resource)],
          ["name", name],
          ["policy", { json: after }],
        ],
        importId: `${roleName(resource)}:${name}`,
      };
    case "iam-role":
    case "iam-trust-policy":
      return {
        type: "aws_iam_role",
        body: [
          ["name", roleName(resource)],
          ["assume_role_policy", { json: after }],
        ],
        importId: roleName(resource),
      };
    case "bucket-policy":
      return ofBucket("aws_s3_bucket_policy", [["policy", { json: after }]]);
    case "replication":
      return ofBucket("aws_s3_bucket_replication_configuration", replicationBody(after));
    case "versioning":
      return ofBucket("aws_s3_bucket_versioning", [
        ["versioning_configuration", { blocks: [[["status", textOf(after, "Status")]]] }],
      ]);
    case "encryption":
      return ofBucket("aws_s3_bucket_server_side_encryption_configuration", [
        ["rule", { blocks: listOf(after, "Rules").map(encryptionRule) }],
      ]);
    case "ownership":
      return ofBucket("aws_s3_bucket_ownership_controls", [
        [
          "rule",
          {
            blocks: listOf(after, "Rules").map(
              (one): HclBody => [["object_ownership", textOf(one, "ObjectOwnership")]],
            ),
          },
        ],
      ]);
    case "object-lock":
      return ofBucket("aws_s3_bucket_object_lock_configuration", objectLockBody(after));
    case "request-payment":
      return ofBucket("aws_s3_bucket_request_payment_configuration", [["payer", textOf(after, "Payer")]]);
    case "kms-key-policy":
      return {
        type: "aws_kms_key_policy",
        body: [
          ["key_id", resource],
          ["policy", { json: after }],
        ],
        importId: keyId(resource),
      };
    case "kms-key-state":
      if (asString(asObject(patch.before)?.["KeyState"]) === "PendingDeletion") {
        return { says: "a deletion is cancelled by the AWS CLI: no resource of Terraform does it" };
      }
      return { type: "aws_kms_key", body: [["is_enabled", true]], importId: keyId(resource) };
    default:
      return unreachable(patch.target);
  }
}

function managedPolicy(arn: string, document: DocumentValue): TerraformResource {
  const body: HclBody = [
    ["name", roleName(arn)],
    ["policy", { json: document }],
  ];
  return { type: "aws_iam_policy", body, importId: arn };
}

function keyId(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

function encryptionRule(rule: DocumentValue): HclBody {
  const members = asObject(rule) ?? {};
  const byDefault = asObject(members["ApplyServerSideEncryptionByDefault"]) ?? {};
  const key = asString(byDefault["KMSMasterKeyID"]);
  const blocked = asArray(asObject(members["BlockedEncryptionTypes"])?.["EncryptionType"]).filter(
    (one) => typeof one === "string",
  );
  return [
    [
      "apply_server_side_encryption_by_default",
      {
        blocks: [
          [
            ["sse_algorithm", textOf(byDefault, "SSEAlgorithm")],
            ...(key === undefined ? [] : ([["kms_master_key_id", key]] as const)),
          ],
        ],
      },
    ],
    ...(typeof members["BucketKeyEnabled"] === "boolean"
      ? ([["bucket_key_enabled", members["BucketKeyEnabled"]]] as const)
      : []),
    ...(blocked.length === 0 ? [] : ([["blocked_encryption_types", blocked]] as const)),
  ];
}

function objectLockBody(document: DocumentValue): HclBody {
  const retention = asObject(asObject(asObject(document)?.["Rule"])?.["DefaultRetention"]);
  if (retention === undefined) return [["object_lock_enabled", "Enabled"]];
  const period: HclBody = [
    ["mode", textOf(retention, "Mode")],
    ...numberOf(retention, "Days", "days"),
    ...numberOf(retention, "Years", "years"),
  ];
  return [
    ["object_lock_enabled", "Enabled"],
    ["rule", { blocks: [[["default_retention", { blocks: [period] }]]] }],
  ];
}

function replicationBody(document: DocumentValue): HclBody {
  return [
    ["role", textOf(document, "Role")],
    ["rule", { blocks: listOf(document, "Rules").map(replicationRule) }],
  ];
}

function replicationRule(rule: DocumentValue): HclBody {
  const members = asObject(rule) ?? {};
  return [
    ...stringOf(members, "ID", "id"),
    ...numberOf(members, "Priority", "priority"),
    ...stringOf(members, "Prefix", "prefix"),
    ["status", textOf(members, "Status")],
    ...blockOf(members, "Filter", "filter", filterBody),
    ...blockOf(members, "DeleteMarkerReplication", "delete_marker_replication", statusBody),
    ...blockOf(members, "ExistingObjectReplication", "existing_object_replication", statusBody),
    ...blockOf(members, "SourceSelectionCriteria", "source_selection_criteria", (criteria) => [
      ...blockOf(criteria, "SseKmsEncryptedObjects", "sse_kms_encrypted_objects", statusBody),
      ...blockOf(criteria, "ReplicaModifications", "replica_modifications", statusBody),
    ]),
    ...blockOf(members, "Destination", "destination", destinationBody),
  ];
}

/** An empty filter is an empty block; a prefix of "" is kept. */
function filterBody(filter: Members): HclBody {
  return [
    ...stringOf(filter, "Prefix", "prefix"),
    ...blockOf(filter, "Tag", "tag", (tag) => [...stringOf(tag, "Key", "key"), ...stringOf(tag, "Value", "value")]),
    ...blockOf(filter, "And", "and", (and) => [
      ...stringOf(and, "Prefix", "prefix"),
      [
        "tags",
        { json: Object.fromEntries(listOf(and, "Tags").map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")])) },
      ],
    ]),
  ];
}

function destinationBody(destination: Members): HclBody {
  const time = (members: Members): HclBody => numberOf(members, "Minutes", "minutes");
  return [
    ...stringOf(destination, "Bucket", "bucket"),
    ...stringOf(destination, "Account", "account"),
    ...stringOf(destination, "StorageClass", "storage_class"),
    ...blockOf(destination, "AccessControlTranslation", "access_control_translation", (one) =>
      stringOf(one, "Owner", "owner"),
    ),
    ...blockOf(destination, "EncryptionConfiguration", "encryption_configuration", (one) =>
      stringOf(one, "ReplicaKmsKeyID", "replica_kms_key_id"),
    ),
    ...blockOf(destination, "ReplicationTime", "replication_time", (one) => [
      ...statusBody(one),
      ...blockOf(one, "Time", "time", time),
    ]),
    ...blockOf(destination, "Metrics", "metrics", (one) => [
      ...statusBody(one),
      ...blockOf(one, "EventThreshold", "event_threshold", time),
    ]),
  ];
}

function statusBody(members: Members): HclBody {
  return stringOf(members, "Status", "status");
}

type Entries = readonly (readonly [string, Hcl])[];

function blockOf(members: Members, name: string, block: string, body: (members: Members) => HclBody): Entries {
  const inner = asObject(members[name]);
  return inner === undefined ? [] : [[block, { blocks: [body(inner)] }]];
}

function stringOf(members: Members, name: string, as: string): Entries {
  const value = asString(members[name]);
  return value === undefined ? [] : [[as, value]];
}

function numberOf(members: Members, name: string, as: string): Entries {
  const value = members[name];
  return typeof value === "number" ? [[as, value]] : [];
}

function textOf(document: DocumentValue, name: string): string {
  return asString(asObject(document)?.[name]) ?? "";
}

function listOf(document: DocumentValue, name: string): readonly DocumentValue[] {
  return asArray(asObject(document)?.[name]);
}
