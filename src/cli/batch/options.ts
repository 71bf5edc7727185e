/** The options that have a meaning only for S3 Batch Replication. */
import type { OptionSpec } from "../command.ts";
import { TOLD_OPTIONS } from "../diagnosis/evidence-options.ts";

export const BATCH_OPTIONS: readonly OptionSpec[] = [
  { flags: "--job-role <arn>", help: "batch: the role of the job; what it lacks is named, with the patch" },
  { flags: "--make-job-role <name>", help: "batch: make a role for the job; `lockstep fix --undo` takes it back" },
  { flags: "--job-output <s3-uri>", help: "batch: where report and manifest go, s3://BUCKET/PREFIX" },
  { flags: "--job <id>", help: "batch: look again at a job that was made before" },
  {
    flags: "--verify-inventory <where>",
    help: "batch: with --job, compare all of its versions with an S3 Inventory newer than its end: latest, s3://…/manifest.json, or a file",
  },
  { flags: "--cause <id>", help: "batch: only what this cause holds back, as diagnose names it" },
  {
    flags: "--copy-in-place",
    help: "instead of a job, copy objects onto themselves whose replicas were removed for good; makes new versions",
  },
  ...TOLD_OPTIONS.map((one) => ({ ...one, help: `batch: ${one.help}` })),
  { flags: "--yes", help: "batch: do not ask" },
  { flags: "--markdown", help: "batch: print the report as Markdown" },
];
