/**
 * The few policies of AWS's own that the lab knows: those that people attach to replication and administration roles.
 *
 * They are the same in every account and cannot be changed. Their documents allow what AWS's allow.
 */
import type { ManagedPolicy } from "./model.ts";

interface Allowance {
  readonly name: string;
  readonly description: string;
  readonly id: string;
  readonly actions: string | readonly string[];
}

const ALLOWANCES: readonly Allowance[] = [
  {
    name: "AdministratorAccess",
    description: "Provides full access to AWS services and resources.",
    id: "ANPAIWMBCKSKIEE64ZLYK",
    actions: "*",
  },
  {
    name: "AmazonS3FullAccess",
    description: "Provides full access to all buckets.",
    id: "ANPAIFIR6V6BVTRAHWINE",
    actions: ["s3:*", "s3-object-lambda:*"],
  },
  {
    name: "AmazonS3ReadOnlyAccess",
    description: "Provides read only access to all buckets.",
    id: "ANPAIZTJ4DXE7G6AGAE6M",
    actions: ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"],
  },
  {
    name: "IAMFullAccess",
    description: "Provides full access to IAM.",
    id: "ANPAI7XKCFMBPM3QQRRVQ",
    actions: ["iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization"],
  },
];

/** 2015-02-06, when AWS made the oldest of them. */
const CREATED_AT_MS = 1_423_176_000_000;

/** By ARN. */
export const AWS_MANAGED_POLICIES: ReadonlyMap<string, ManagedPolicy> = new Map(
  ALLOWANCES.map(managedPolicy).map((policy) => [policy.arn, policy]),
);

function managedPolicy({ name, description, id, actions }: Allowance): ManagedPolicy {
  const statement = { Effect: "Allow", Action: actions, Resource: "*" };
  return {
    arn: `arn:aws:iam::aws:policy/${name}`,
    id,
    accountId: "aws",
    name,
    path: "/",
    description,
    createdAtMs: CREATED_AT_MS,
    updatedAtMs: CREATED_AT_MS,
    tags: {},
    versions: [
      {
        id: "v1",
        document: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
        createdAtMs: CREATED_AT_MS,
      },
    ],
    defaultVersionId: "v1",
    nextVersion: 2,
  };
}
