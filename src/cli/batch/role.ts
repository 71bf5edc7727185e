/** The role of a job: looked at and found fit, or made after it was shown. */
import { parseArn } from "../../core/arn.ts";
import { checkJobRole, type JobUse, newJobRole, type RoleVerdict } from "../../core/batch/job-role.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import { collectRoleSetup } from "../../doctor/batch/role.ts";
import { patchCommand, patchDiff, patchTitle } from "../../doctor/patch-forms.ts";
import type { CommandResult } from "../command.ts";
import { confirm } from "../confirming.ts";
import type { Connection } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { writePatches } from "../fix/applying.ts";
import { applyingOf } from "../fix/fixing.ts";
import type { BatchRequest, NewJob } from "./request.ts";

export type JobRole =
  | {
      readonly state: "fit";
      readonly arn: string;
      /** Takes back the role that was made. */
      readonly undo?: string;
      /** Would make the role. */
      readonly patches?: readonly Patch[];
    }
  | { readonly state: "declined" }
  | { readonly state: "unfit"; readonly result: CommandResult };

/** @throws UsageError when there is no such role, or there is one already that was to be made */
export async function jobRole(
  connection: Connection,
  use: JobUse,
  { role }: NewJob,
  request: BatchRequest,
  context: Context,
): Promise<JobRole> {
  if (role.kind === "made") return await makeRole(connection, use, role.name, request, context);
  const { arn } = role;
  const account = parseArn(arn)?.account;
  if (account !== connection.accountId) {
    throw new UsageError(`${arn} is of another account: S3 Batch takes roles of ${connection.accountId} only`);
  }
  const setup = await collectRoleSetup(connection, arn, use);
  if (setup.role.state === "absent") {
    throw new UsageError(`there is no role ${arn}: --make-job-role NAME makes one`);
  }
  const verdict = checkJobRole(setup, use);
  for (const one of verdict.unread) context.stderr.write(`not looked at: ${one}\n`);
  if (verdict.problems.length === 0) return { state: "fit", arn };
  return { state: "unfit", result: unfit(connection, request.bucket, arn, verdict) };
}

function unfit({ endpoint }: Connection, bucket: string, roleArn: string, verdict: RoleVerdict): CommandResult {
  return {
    status: 1,
    value: { via: "batch", bucket, state: "roleUnfit", roleArn, ...verdict },
    words: () =>
      [
        styled("red", `The role ${roleArn} will not do for the job:`),
        ...verdict.problems.map((one) => `- ${one.says}`),
        ...patchLines(verdict.patches, endpoint),
      ].join("\n"),
  };
}

function patchLines(patches: readonly Patch[], endpoint: string): string[] {
  const at = endpoint === "aws" ? undefined : endpoint;
  return patches.flatMap((one) => [
    "",
    `${one.id}  ${patchTitle(one)}`,
    patchDiff(one),
    "",
    "by hand:",
    patchCommand(one, at),
  ]);
}

async function makeRole(
  connection: Connection,
  use: JobUse,
  name: string,
  request: BatchRequest,
  context: Context,
): Promise<JobRole> {
  const arn = `arn:aws:iam::${connection.accountId}:role/${name}`;
  if ((await connection.iam.role(arn)) !== undefined) {
    throw new UsageError(`there is a role ${name} already: --job-role ${arn} uses it`);
  }
  const patches = newJobRole(arn, use);
  if (request.dryRun) return { state: "fit", arn, patches };
  if (!request.isAgreed) {
    context.stderr.write(`${patchLines(patches, connection.endpoint).join("\n").trimStart()}\n\n`);
  }
  if (!(await confirm(context, `Make the role ${name}?`, request.isAgreed))) return { state: "declined" };
  const { undo } = await writePatches(connection, { bucket: request.bucket, patches }, applyingOf(context));
  return { state: "fit", arn, undo };
}
