/** Reads what decides whether a role will do for a Batch Replication job; deciding is `core/batch/job-role.ts`'s. */
import { parseArn } from "../../core/arn.ts";
import type { JobUse, RoleSetup } from "../../core/batch/job-role.ts";
import { readRole } from "../collect.ts";
import { bucketFacts } from "../collect-buckets.ts";
import { collectOrganization } from "../collect-organization.ts";
import type { Surroundings } from "../ports.ts";
import { read } from "../read.ts";

/** @throws S3Error when one of the buckets is not there or may not be looked at */
export async function collectRoleSetup(surroundings: Surroundings, roleArn: string, use: JobUse): Promise<RoleSetup> {
  const facts = async (name: string) =>
    await bucketFacts(name, await surroundings.bucket(name), surroundings, undefined);
  const source = await facts(use.bucket);
  const output = await facts(use.output.bucket);
  const accounts = [source.account, output.account, parseArn(roleArn)?.account ?? ""];
  return {
    takenAtMs: surroundings.clock(),
    source,
    destinations: { [output.arn]: output },
    role: await read(() => readRole(surroundings, roleArn)),
    organization: await collectOrganization(surroundings.organizations, surroundings.accountId, accounts),
  };
}
