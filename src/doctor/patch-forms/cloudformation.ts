/**
 * Patches as resources of a CloudFormation template, in YAML. A stack that holds the resource takes its properties over;
 * where none does, the resource can be imported, for which it says that it is retained.
 *
 * Buckets, roles and keys are one resource with all of their settings: only the property that changes is shown.
 *
 * @source AWS CloudFormation Template Reference
 */
import { stringify } from "yaml";
import { roleName } from "../../aws/iam.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { unreachable } from "../../core/assert.ts";
import { asArray, asObject, asString, type DocumentValue, type Members } from "../../core/config/document.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import { patchTitle } from "../patch-forms.ts";
import type { NoResource } from "./resources.ts";

interface Resource {
  readonly type: string;
  readonly properties: Members;
}

export function patchCloudFormation(patch: Patch): string {
  const resource = resourceOf(patch);
  const title = `# ${patchTitle(patch)}`;
  if ("says" in resource) return `${title}\n# ${resource.says}\n`;
  const name = `Lockstep${patch.id.replaceAll(/[^A-Za-z0-9]/g, "")}`;
  // Readers of YAML 1.1 take `2012-10-17` for a date: strings are quoted as they need it.
  const template = {
    Resources: {
      [name]: { Type: resource.type, DeletionPolicy: "Retain", Properties: resource.properties },
    },
  };
  return `${title}\n${stringify(template, { version: "1.1", lineWidth: 0 })}`;
}

function resourceOf(patch: Patch): Resource | NoResource {
  const { after, resource, name = "" } = patch;
  if (after === null) return { says: "remove the resource or property that declares it" };
  const bucket = bucketOfArn(resource) ?? resource;
  const ofBucket = (properties: Members): Resource => ({
    type: "AWS::S3::Bucket",
    properties: { BucketName: bucket, ...properties },
  });
  switch (patch.target) {
    case "organization-policy":
      return { type: "AWS::Organizations::Policy", properties: { Name: name, Content: after } };
    case "iam-boundary-policy":
      return managedPolicy(resource, after);
    case "iam-role-policy":
      if (name.startsWith("arn:")) return managedPolicy(name, after);
      return {
        type: "AWS::IAM::RolePolicy",
        properties: { RoleName: roleName(resource), PolicyName: name, PolicyDocument: after },
      };
    case "iam-role":
    case "iam-trust-policy":
      return {
        type: "AWS::IAM::Role",
        properties: { RoleName: roleName(resource), AssumeRolePolicyDocument: after },
      };
    case "bucket-policy":
      return { type: "AWS::S3::BucketPolicy", properties: { Bucket: bucket, PolicyDocument: after } };
    case "replication":
      return ofBucket({ ReplicationConfiguration: replicationOf(after) });
    case "versioning":
      return ofBucket({ VersioningConfiguration: after });
    case "encryption":
      return ofBucket({ BucketEncryption: { ServerSideEncryptionConfiguration: rulesOf(after).map(encryptionRule) } });
    case "ownership":
      return ofBucket({ OwnershipControls: after });
    case "object-lock":
      return ofBucket({ ObjectLockEnabled: true, ObjectLockConfiguration: after });
    case "request-payment":
      return { says: "CloudFormation has no property for who pays: the AWS CLI sets it" };
    case "kms-key-policy":
      return { type: "AWS::KMS::Key", properties: { KeyPolicy: after } };
    case "kms-key-state":
      if (asString(asObject(patch.before)?.["KeyState"]) === "PendingDeletion") {
        return { says: "a deletion is cancelled by the AWS CLI: no property of CloudFormation does it" };
      }
      return { type: "AWS::KMS::Key", properties: { Enabled: true } };
    default:
      return unreachable(patch.target);
  }
}

function managedPolicy(arn: string, document: DocumentValue): Resource {
  return {
    type: "AWS::IAM::ManagedPolicy",
    properties: { ManagedPolicyName: roleName(arn), PolicyDocument: document },
  };
}

function rulesOf(document: DocumentValue): readonly DocumentValue[] {
  return asArray(asObject(document)?.["Rules"]);
}

function encryptionRule(rule: DocumentValue): DocumentValue {
  const { ApplyServerSideEncryptionByDefault: byDefault, ...others } = asObject(rule) ?? {};
  return { ...(byDefault === undefined ? {} : { ServerSideEncryptionByDefault: byDefault }), ...others };
}

/** The same words as the API's, but for the ids of rules and for tags in filters. */
function replicationOf(document: DocumentValue): DocumentValue {
  const { Rules: _, ...others } = asObject(document) ?? {};
  return { ...others, Rules: rulesOf(document).map(replicationRule) };
}

function replicationRule(rule: DocumentValue): DocumentValue {
  const { ID: id, Filter: filter, ExistingObjectReplication: _, ...others } = asObject(rule) ?? {};
  return {
    ...(id === undefined ? {} : { Id: id }),
    ...others,
    ...(filter === undefined ? {} : { Filter: filterOf(asObject(filter) ?? {}) }),
  };
}

function filterOf({ Tag: tag, And: and, ...others }: Members): DocumentValue {
  const { Tags: tags, ...rest } = asObject(and) ?? {};
  return {
    ...others,
    ...(tag === undefined ? {} : { TagFilter: tag }),
    ...(and === undefined ? {} : { And: { ...rest, ...(tags === undefined ? {} : { TagFilters: tags }) } }),
  };
}
