/** What `resync` by S3 Batch Replication is asked for, read from its options. */
import type { StatusFilter } from "../../core/batch/job.ts";
import type { Selection } from "../../core/batch/select.ts";
import { isFailureCode } from "../../core/failures/catalogue.ts";
import type { ResyncRequest } from "../../engine/resync/model.ts";
import { type CommandInput, isGiven, textOption } from "../command.ts";
import { type EvidenceWish, evidenceWish } from "../diagnosis/evidence-options.ts";
import { UsageError } from "../errors.ts";
import { parseS3Uri } from "../s3-uri.ts";

export interface BatchRequest {
  readonly bucket: string;
  readonly prefix?: string;
  readonly selection: Selection;
  readonly canary?: number;
  readonly limit?: number;
  readonly dryRun: boolean;
  readonly isAgreed: boolean;
  readonly detach: boolean;
  readonly markdown: boolean;
  readonly work: NewJob | KnownJob | CopyInPlace;
  /** What versions are found and told by; undefined: a look at all of them. */
  readonly evidence?: { readonly wish: EvidenceWish; readonly input: CommandInput };
}

export interface NewJob {
  readonly kind: "new";
  readonly role: { readonly kind: "given"; readonly arn: string } | { readonly kind: "made"; readonly name: string };
  readonly output: { readonly bucket: string; readonly prefix?: string };
}

/** A job that was made before. */
export interface KnownJob {
  readonly kind: "known";
  readonly id: string;
  /** The inventory that its versions are compared with. */
  readonly inventory?: string;
}

/** For versions that no job replicates any more: the replica was removed for good. */
export interface CopyInPlace {
  readonly kind: "copy";
}

/** IAM's own rule for names. */
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;
const ROLE_ARN = /^arn:[^:]+:iam::\d{12}:role\/.+$/;

/** @throws UsageError */
export function batchRequestOf(input: CommandInput, request: ResyncRequest): BatchRequest {
  const { bucket, prefix, sinceMs, untilMs, failureCodes, canary, limit } = request;
  for (const code of failureCodes ?? []) {
    if (!isFailureCode(code)) throw new UsageError(`there is no failure reason "${code}": diagnose shows the codes`);
  }
  const cause = textOption(input, "cause");
  const codes = cause === undefined ? failureCodes : undefined;
  const statuses: StatusFilter[] = [...(request.arrived ?? [])];
  if (statuses.length === 0 && request.failed) statuses.push("FAILED");
  // A cause or a code may hold back versions that never failed, too.
  if (statuses.length === 0 || request.untried || cause !== undefined || codes !== undefined) statuses.push("NONE");
  const wish = evidenceWish(input);
  const work = workOf(input);
  if (wish !== undefined && work.kind === "known") {
    throw new UsageError("--job looks at a job that was made: leave --inventory, --events and --report out");
  }
  return {
    bucket,
    ...(wish === undefined ? {} : { evidence: { wish, input } }),
    ...(prefix === undefined ? {} : { prefix }),
    selection: {
      statuses,
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...(untilMs === undefined ? {} : { untilMs }),
      ...(codes === undefined ? {} : { codes }),
      ...(cause === undefined ? {} : { causes: [cause] }),
    },
    ...(canary === undefined ? {} : { canary }),
    ...(limit === undefined ? {} : { limit }),
    dryRun: request.dryRun,
    isAgreed: isGiven(input, "yes"),
    detach: isGiven(input, "detach"),
    markdown: isGiven(input, "markdown"),
    work,
  };
}

function workOf(input: CommandInput): BatchRequest["work"] {
  const [job, arn, name, output, inventory] = ["job", "jobRole", "makeJobRole", "jobOutput", "verifyInventory"].map(
    (one) => textOption(input, one),
  );
  if (isGiven(input, "copyInPlace")) {
    if ([job, arn, name, output, inventory].every((one) => one === undefined)) return { kind: "copy" };
    throw new UsageError("--copy-in-place makes no job: leave the options of jobs out");
  }
  if (job !== undefined) return { kind: "known", id: job, ...(inventory === undefined ? {} : { inventory }) };
  if (inventory !== undefined) {
    throw new UsageError(
      "--verify-inventory looks at a job that is over, for no inventory is newer than a job that is yet to be made: name it with --job ID",
    );
  }
  if (arn === undefined && name === undefined) {
    throw new UsageError("S3 Batch needs a role: --job-role ARN names one, --make-job-role NAME makes one");
  }
  if (arn !== undefined && name !== undefined) throw new UsageError("choose one of --job-role and --make-job-role");
  if (arn !== undefined && !ROLE_ARN.test(arn)) throw new UsageError(`--job-role takes a role's ARN, not "${arn}"`);
  if (name !== undefined && !ROLE_NAME.test(name)) throw new UsageError(`"${name}" is no name of a role`);
  if (output === undefined) {
    throw new UsageError("S3 Batch needs a place for its report: --job-output s3://BUCKET/PREFIX");
  }
  const { bucket, key } = parseS3Uri(output);
  const prefix = key?.replace(/\/+$/, "");
  return {
    kind: "new",
    role: arn === undefined ? { kind: "made", name: name ?? "" } : { kind: "given", arn },
    output: { bucket, ...(prefix === undefined || prefix === "" ? {} : { prefix }) },
  };
}
