/** Key policies: the ones that keys are born with, and what a new one must fulfil. @source aws-replication.md §10.4 */
import { parsePolicy } from "../../core/iam/parse.ts";
import type { Identity } from "../model.ts";
import { limitExceeded, malformedPolicy } from "./errors.ts";
import type { Home } from "./model.ts";

const POLICY_BYTES_MAX = 32 * 1024;

/** Of a key that is made through the API without a policy: the account's own IAM policies decide. */
export function defaultKeyPolicy(accountId: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Id: "key-default-1",
    Statement: [
      {
        Sid: "Enable IAM policies",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ],
  });
}

/** Of `aws/s3`: everybody in the account, through S3 in the region, and nobody else. */
export function awsManagedKeyPolicy({ accountId, region }: Home): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Id: "auto-s3-2",
    Statement: [
      {
        Sid: "Allow access through S3 for all principals in the account that are authorized to use S3",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        Resource: "*",
        Condition: { StringEquals: { "kms:CallerAccount": accountId, "kms:ViaService": `s3.${region}.amazonaws.com` } },
      },
      {
        Sid: "Allow direct access to key metadata to the account",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: ["kms:Describe*", "kms:Get*", "kms:List*"],
        Resource: "*",
      },
    ],
  });
}

/**
 * Checks a key policy and makes it fit to be stored.
 *
 * @throws ServiceError MalformedPolicyDocumentException, LimitExceededException
 */
export function checkedKeyPolicy(identity: Identity, text: string): string {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) {
    throw limitExceeded(`The key policy is larger than ${POLICY_BYTES_MAX} bytes.`);
  }
  const [problem] = parsePolicy(text, "resource").problems;
  if (problem !== undefined) throw malformedPolicy(`${problem.path}: ${problem.says}`);
  const pinned = identity.pinPrincipals(text);
  if ("unknownPrincipal" in pinned) {
    throw malformedPolicy("Policy contains a statement with one or more invalid principals.");
  }
  return pinned.document;
}
