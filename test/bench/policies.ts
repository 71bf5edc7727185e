/** Policy evaluation: a replication role's policy against a destination's bucket policy with conditional denies. */
import { compilePolicy } from "../../src/core/iam/compile.ts";
import { principalContext } from "../../src/core/iam/context.ts";
import { evaluate } from "../../src/core/iam/evaluate.ts";
import type { AccessRequest, PolicyKind, Principal } from "../../src/core/iam/model.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import { heading, line, round } from "./measure.ts";

const MS = 2000;

const ROLE_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"], Resource: "arn:aws:s3:::src" },
    {
      Effect: "Allow",
      Action: ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"],
      Resource: "arn:aws:s3:::src/*",
    },
    {
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: "arn:aws:kms:us-east-1:111122223333:key/k",
      Condition: { StringLike: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
    },
    {
      Effect: "Allow",
      Action: ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
      Resource: "arn:aws:s3:::dst/*",
    },
  ],
};

const BUCKET_POLICY = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: ["arn:aws:s3:::dst", "arn:aws:s3:::dst/*"],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
    {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:ReplicateObject",
      Resource: "arn:aws:s3:::dst/*",
      Condition: { StringNotEqualsIfExists: { "s3:x-amz-server-side-encryption": ["AES256", "aws:kms"] } },
    },
    {
      Effect: "Allow",
      Principal: { AWS: "arn:aws:iam::111122223333:role/replication" },
      Action: ["s3:ReplicateObject", "s3:ReplicateDelete"],
      Resource: "arn:aws:s3:::dst/*",
    },
  ],
};

const PRINCIPAL: Principal = {
  kind: "session",
  accountId: "111122223333",
  arn: "arn:aws:sts::111122223333:assumed-role/replication/s3-replication",
  roleArn: "arn:aws:iam::111122223333:role/replication",
  roleId: "AROAEXAMPLE",
  sessionName: "s3-replication",
};

export function benchPolicies(): void {
  heading("Policy evaluation, 4 role statements and 3 of a bucket with 2 conditional denies, one core");
  const policies = {
    identity: [compiled(ROLE_POLICY, "identity")],
    resource: compiled(BUCKET_POLICY, "resource"),
    resourceRule: "either" as const,
  };
  const request = (key: string, resourceAccount: string): AccessRequest => ({
    principal: PRINCIPAL,
    action: "s3:ReplicateObject",
    resource: `arn:aws:s3:::dst/${key}`,
    resourceAccount,
    context: {
      ...principalContext(PRINCIPAL),
      "aws:securetransport": "true",
      "s3:x-amz-server-side-encryption": "AES256",
    },
  });
  const requests = Array.from({ length: 1000 }, (_, index) =>
    request(`photos/${index}.jpg`, index % 2 === 0 ? "111122223333" : "444455556666"),
  );
  let allowed = 0;
  const perSecond = turnsPerSecond(requests, (one) => {
    if (evaluate(one, policies).allowed) allowed += 1;
  });
  if (allowed === 0) throw new Error("the request that is measured is not allowed");
  const floor = turnsPerSecond(requests, (one) => JSON.stringify(one.resource));
  line(
    "decisions",
    `${round(perSecond)} /s`,
    `${(floor / perSecond).toFixed(1)} × the time of JSON.stringify of the resource`,
  );
}

function compiled(document: object, kind: PolicyKind & ("identity" | "resource")) {
  const parsed = parsePolicy(document, kind).document;
  if (parsed === undefined) throw new Error("the policy is not one");
  return compilePolicy(parsed, { kind, name: kind });
}

function turnsPerSecond<T>(over: readonly T[], work: (one: T) => void): number {
  for (const one of over) work(one);
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < MS) {
    for (const one of over) work(one);
    count += over.length;
  }
  return (count * 1000) / (performance.now() - startMs);
}
