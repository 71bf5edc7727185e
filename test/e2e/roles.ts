/** Roles of a served lab, made as the unmodified AWS SDK makes them. */
import type { IAM } from "@aws-sdk/client-iam";
import { policy } from "../lab-batch/batch-lab.ts";

/** Makes a role that a service may assume. @returns its account */
export async function makeRole(
  iam: IAM,
  { name, service, actions }: { readonly name: string; readonly service: string; readonly actions: readonly string[] },
): Promise<string> {
  const AssumeRolePolicyDocument = policy({ Principal: { Service: service }, Action: "sts:AssumeRole" });
  const { Role } = await iam.createRole({ RoleName: name, AssumeRolePolicyDocument });
  await allowRole(iam, name, actions);
  return Role?.Arn?.split(":")[4] ?? "";
}

/** It may do these and nothing else. */
export async function allowRole(iam: IAM, name: string, actions: readonly string[]): Promise<void> {
  const PolicyDocument = policy({ Action: actions, Resource: "*" });
  await iam.putRolePolicy({ RoleName: name, PolicyName: "may", PolicyDocument });
}
