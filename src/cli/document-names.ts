/** What documents are called whose digests are compared, wherever they are read, and which of them a patch changes. */
import { bucketOfArn } from "../core/arn.ts";
import { unreachable } from "../core/assert.ts";
import type { Patch } from "../core/diagnose/report.ts";

/** Of a bucket. */
export const configurationName = (bucket: string) => `replication configuration of ${bucket}`;
/** Of a replication's source between stores: what its rules come to. */
export const rulesName = (bucket: string) => `replication rules of ${bucket}`;
export const bucketPolicyName = (bucket: string) => `bucket policy of ${bucket}`;
/** Of a role's ARN: its trust policy, inline and managed policies, and boundary. */
export const rolePoliciesName = (roleArn: string) => `policies of ${roleArn}`;
/** Of a key's ARN. */
export const keyPolicyName = (keyArn: string) => `key policy of ${keyArn}`;

/** Documents that patches change; of settings that no digest is taken of there are none. */
export function documentsOf(patches: readonly Patch[]): readonly string[] {
  return [...new Set(patches.flatMap(ofPatch))];
}

function ofPatch({ target, resource }: Patch): readonly string[] {
  const bucket = bucketOfArn(resource) ?? resource;
  switch (target) {
    case "replication":
      return [configurationName(bucket), rulesName(bucket)];
    case "bucket-policy":
      return [bucketPolicyName(bucket)];
    case "iam-role":
    case "iam-trust-policy":
    case "iam-role-policy":
      return [rolePoliciesName(resource)];
    case "kms-key-policy":
      return [keyPolicyName(resource)];
    // A boundary may be of many roles: a person says that each of them may do what it may do now.
    case "iam-boundary-policy":
    case "organization-policy":
    case "versioning":
    case "ownership":
    case "encryption":
    case "object-lock":
    case "request-payment":
    case "kms-key-state":
      return [];
    default:
      return unreachable(target);
  }
}
