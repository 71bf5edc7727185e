import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const resyncCommand: CommandSpec = {
  name: "resync",
  summary: "replicate again what was lost, and only that",
  description:
    "Replicates again the versions that are FAILED, and those that were never tried though a rule takes them now.\n" +
    "Versions that are COMPLETED are not touched, unless they are asked for: then those that are not at a destination\n" +
    "that a rule names now are replicated again, as after a change of the destination. Waits until every one of them is COMPLETED or FAILED again.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [
    { flags: "--status <status>", help: "only FAILED, NONE (never tried), COMPLETED or REPLICA" },
    { flags: "--code <code>", help: "only FAILED for this reason, such as DstDelObjNotPermitted" },
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    { flags: "--canary <number>", help: "only so many versions" },
    { flags: "--gone", help: "the bucket does not exist any more: forget what is on record of it" },
    { flags: "--dry-run", help: "count them, and change nothing" },
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "see how many it would be", type: "lockstep resync s3://photos --dry-run" },
    { does: "replicate them", type: "lockstep resync s3://photos" },
    {
      does: "bring what was replicated to the destination of before",
      type: "lockstep resync s3://photos --status COMPLETED",
    },
    { does: "only what failed for one reason", type: "lockstep resync s3://photos --code DstDelObjNotPermitted" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const status = textOption(input, "status");
  const code = textOption(input, "code");
  const prefix = textOption(input, "prefix");
  if (status !== undefined && !isStatus(status)) {
    throw new UsageError(`--status is ${STATUSES.join(", ")}, not "${status}"`);
  }
  if (code !== undefined && status !== undefined && status !== "FAILED") {
    throw new UsageError(`--code goes with FAILED versions: leave --status ${status} out`);
  }
  const isGone = isGiven(input, "gone");
  if (isGone && (status !== undefined || code !== undefined || prefix !== undefined)) {
    throw new UsageError("--gone forgets a whole bucket: leave --status, --code and --prefix out");
  }
  const limit = wholeNumber(textOption(input, "canary"), "--canary");
  const { connect } = await import("../connection.ts");
  const { checkBucket, resync } = await import("../resyncing.ts");
  const connection = await connect(input, context);
  try {
    await checkBucket(connection, bucket, isGone);
    const request = {
      bucket,
      failed: status === undefined || status === "FAILED",
      untried: (status === undefined || status === "NONE") && code === undefined && !isGone,
      ...(status === "COMPLETED" || status === "REPLICA" ? { arrived: [status] } : {}),
      dryRun: isGiven(input, "dryRun"),
      ...(code === undefined ? {} : { failureCodes: [code] }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(limit === undefined ? {} : { limit }),
    };
    return await resync(connection, request, context);
  } finally {
    await connection.close();
  }
}

const STATUSES = ["FAILED", "NONE", "COMPLETED", "REPLICA"] as const;

function isStatus(text: string): text is (typeof STATUSES)[number] {
  return (STATUSES as readonly string[]).includes(text);
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new UsageError(`${option} takes a whole number from 1, not "${text}"`);
  return Number(text);
}
