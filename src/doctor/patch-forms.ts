/** A patch as a person or another tool takes it: a unified diff, and commands of the AWS CLI. */
import { createTwoFilesPatch } from "diff";
import { roleName } from "../aws/iam.ts";
import { bucketOfArn, parseArn } from "../core/arn.ts";
import { unreachable } from "../core/assert.ts";
import { asObject, type DocumentValue } from "../core/config/document.ts";
import type { Patch } from "../core/diagnose/report.ts";

const CONTEXT_LINES = 3;

/** What a patch changes, for a heading: `policy "replicate" of role photos-replication`. */
export function patchTitle(patch: Patch): string {
  const name = bucketOfArn(patch.resource) ?? patch.resource;
  switch (patch.target) {
    case "organization-policy":
      return `organization policy "${patch.name ?? ""}" (${patch.resource})`;
    case "iam-boundary-policy":
      return `permissions boundary ${patch.resource}`;
    case "iam-role":
      return `role ${roleName(patch.resource)}`;
    case "iam-role-policy":
      return `policy "${patch.name ?? ""}" of role ${roleName(patch.resource)}`;
    case "iam-trust-policy":
      return `trust policy of role ${roleName(patch.resource)}`;
    case "bucket-policy":
      return `bucket policy of ${name}`;
    case "replication":
      return `replication configuration of ${name}`;
    case "versioning":
      return `versioning of ${name}`;
    case "encryption":
      return `encryption of ${name}`;
    case "ownership":
      return `Object Ownership of ${name}`;
    case "object-lock":
      return `Object Lock of ${name}, which it keeps for good`;
    case "request-payment":
      return `request payment of ${name}`;
    case "kms-key-policy":
      return `key policy of ${patch.resource}`;
    case "kms-key-state":
      return `state of key ${patch.resource}`;
    default:
      return unreachable(patch.target);
  }
}

/** A unified diff of the document, pretty-printed; without the lines that name files. */
export function patchDiff(patch: Patch): string {
  return documentDiff(patch.before, patch.after);
}

/** The same of any two documents. */
export function documentDiff(before: DocumentValue, after: DocumentValue): string {
  const text = (value: DocumentValue) => (value === null ? "" : `${JSON.stringify(value, null, 2)}\n`);
  const diff = createTwoFilesPatch("", "", text(before), text(after), "", "", { context: CONTEXT_LINES });
  return diff.slice(diff.indexOf("@@")).trimEnd();
}

/** The commands that make the change by hand. @param endpoint of the store; undefined: AWS */
export function patchCommand(patch: Patch, endpoint: string | undefined): string {
  const aws = endpoint === undefined ? "aws" : `aws --endpoint-url ${endpoint}`;
  const bucket = bucketOfArn(patch.resource) ?? patch.resource;
  const role = roleName(patch.resource);
  const document = quoted(JSON.stringify(patch.after));
  switch (patch.target) {
    case "organization-policy":
      return `${aws} organizations update-policy --policy-id ${patch.resource} \\\n  --content ${document}`;
    case "iam-boundary-policy":
      return `${aws} iam create-policy-version --set-as-default --policy-arn ${patch.resource} \\\n  --policy-document ${document}`;
    case "iam-role":
      return patch.after === null
        ? `${aws} iam delete-role --role-name ${role}`
        : `${aws} iam create-role --role-name ${role} \\\n  --assume-role-policy-document ${document}`;
    case "iam-role-policy":
      return patch.name?.startsWith("arn:")
        ? `${aws} iam create-policy-version --set-as-default --policy-arn ${patch.name} \\\n  --policy-document ${document}`
        : `${aws} iam put-role-policy --role-name ${role} --policy-name ${patch.name ?? ""} \\\n  --policy-document ${document}`;
    case "iam-trust-policy":
      return `${aws} iam update-assume-role-policy --role-name ${role} \\\n  --policy-document ${document}`;
    case "bucket-policy":
      return `${aws} s3api put-bucket-policy --bucket ${bucket} \\\n  --policy ${document}`;
    case "replication":
      return `${aws} s3api put-bucket-replication --bucket ${bucket} \\\n  --replication-configuration ${document}`;
    case "versioning":
      return `${aws} s3api put-bucket-versioning --bucket ${bucket} --versioning-configuration Status=Enabled`;
    case "encryption":
      return `${aws} s3api put-bucket-encryption --bucket ${bucket} \\\n  --server-side-encryption-configuration ${document}`;
    case "ownership":
      return patch.after === null
        ? `${aws} s3api delete-bucket-ownership-controls --bucket ${bucket}`
        : `${aws} s3api put-bucket-ownership-controls --bucket ${bucket} \\\n  --ownership-controls ${document}`;
    case "object-lock":
      return `${aws} s3api put-object-lock-configuration --bucket ${bucket} \\\n  --object-lock-configuration ${document}`;
    case "request-payment":
      return `${aws} s3api put-bucket-request-payment --bucket ${bucket} \\\n  --request-payment-configuration ${document}`;
    case "kms-key-policy":
      return `${aws} kms --region ${parseArn(patch.resource)?.region ?? ""} put-key-policy --key-id ${patch.resource} --policy-name default \\\n  --policy ${document}`;
    case "kms-key-state": {
      const enable = `${aws} kms --region ${parseArn(patch.resource)?.region ?? ""} enable-key --key-id ${patch.resource}`;
      const pending = asObject(patch.before)?.["KeyState"] === "PendingDeletion";
      return pending
        ? `${aws} kms --region ${parseArn(patch.resource)?.region ?? ""} cancel-key-deletion --key-id ${patch.resource} && \\\n${enable}`
        : enable;
    }
    default:
      return unreachable(patch.target);
  }
}

/** One word for a POSIX shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
