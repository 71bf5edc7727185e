import type { ResyncRequest } from "../../engine/resync/model.ts";
import { BATCH_OPTIONS } from "../batch/options.ts";
import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  countOption,
  isGiven,
  textOption,
  textOptions,
} from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { CONSOLE_OPTIONS, consoleIn, neededConsole } from "../console-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseMoment } from "../moments.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const resyncCommand: CommandSpec = {
  name: "resync",
  summary: "replicate again what was lost, and only that",
  description:
    "Replicates again the versions that are FAILED, and those that were never tried though a rule takes them now.\n" +
    "Versions that are COMPLETED are not touched, unless they are asked for: then those that are not at a destination\n" +
    "that a rule names now are replicated again, as after a change of the destination. It is a job of the engines, which goes\n" +
    "on when this command, or an engine, ends; this command waits until every version is COMPLETED or FAILED again.\n" +
    "Where AWS itself replicates, it is a job of S3 Batch Replication: its role is checked first, somebody is asked before it\n" +
    "begins, its report is read, and some of the versions are looked at afterwards. When the next S3 Inventory is there,\n" +
    "--job ID --verify-inventory latest compares every version of the job with it.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [
    { flags: "--status <status>", help: "only FAILED, NONE (never tried), COMPLETED or REPLICA" },
    { flags: "--code <code>", help: "only FAILED for this reason, such as DstDelObjNotPermitted" },
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    { flags: "--since <time>", help: "only FAILED since then, or else written since then: 2h, 7d or ISO 8601" },
    { flags: "--until <time>", help: "likewise, before then" },
    { flags: "--canary <number>", help: "so many go first, and the rest only when all of these are COMPLETED" },
    { flags: "--limit <number>", help: "only so many" },
    { flags: "--detach", help: "begin, and do not wait for the end" },
    { flags: "--gone", help: "the bucket does not exist any more: forget what is on record of it" },
    { flags: "--dry-run", help: "count them, and change nothing" },
    {
      flags: "--via <way>",
      help: "batch (S3 Batch Replication) or engine; default: engine where one is known, on AWS batch",
    },
    ...BATCH_OPTIONS,
    ...CONSOLE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "see how many it would be", type: "lockstep resync s3://photos --dry-run" },
    { does: "replicate five of them, and the rest if these arrive", type: "lockstep resync s3://photos --canary 5" },
    { does: "replicate them", type: "lockstep resync s3://photos" },
    { does: "what failed in the last two hours", type: "lockstep resync s3://photos --status FAILED --since 2h" },
    {
      does: "bring what was replicated to the destination of before",
      type: "lockstep resync s3://photos --status COMPLETED",
    },
    { does: "only what failed for one reason", type: "lockstep resync s3://photos --code DstDelObjNotPermitted" },
    {
      does: "have S3 Batch Replication do it",
      type: "lockstep resync s3://photos --via batch --make-job-role photos-batch --job-output s3://photos-replica/batch --dry-run",
    },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const request = requestOf(input, bucket, context.clock());
  const isGone = isGiven(input, "gone");
  if (wayOf(input, context) === "batch") return await byBatch(input, request, context);
  const { checkBucket, resync } = await import("../jobs/resyncing.ts");
  const options = { detach: isGiven(input, "detach") };
  // An engine that replicates the bucket knows where it is; this command need not.
  const engine = consoleIn(input, context);
  const replication = isGone ? undefined : await engine?.replication(bucket);
  if (engine !== undefined && replication?.showsStatus === false) {
    return await resync(engine, { ...request, bucket: replication.bucket }, options, context);
  }
  const { connect } = await import("../connection.ts");
  const connection = await connect(input, context);
  try {
    await checkBucket(connection, bucket, isGone);
    return await resync(neededConsole(input, context), request, options, context);
  } finally {
    await connection.close();
  }
}

/** Whoever names a job's role wants a job; else the engine that is known does it, and on AWS, which has none, S3 Batch. */
function wayOf(input: CommandInput, context: Context): "batch" | "engine" {
  const way = textOption(input, "via");
  const isBatchMeant =
    isGiven(input, "copyInPlace") ||
    ["jobRole", "makeJobRole", "jobOutput", "job", "verifyInventory", "cause", "inventory"].some(
      (name) => textOption(input, name) !== undefined,
    ) ||
    ["events", "report"].some((name) => textOptions(input, name).length > 0);
  if (way === "engine" && isBatchMeant) throw new UsageError("the engine has no use for the options of S3 Batch");
  if (way === "batch" || way === "engine") return way;
  if (way !== undefined) throw new UsageError(`--via is batch or engine, not "${way}"`);
  if (isBatchMeant) return "batch";
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = context.environment;
  const endpoint = textOption(input, "endpointUrl") ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  return consoleIn(input, context) === undefined && endpoint === undefined && !isGiven(input, "gone")
    ? "batch"
    : "engine";
}

async function byBatch(input: CommandInput, request: ResyncRequest, context: Context): Promise<CommandResult> {
  if (isGiven(input, "gone")) throw new UsageError("--gone concerns the engine's record: leave --via batch out");
  const { batchRequestOf } = await import("../batch/request.ts");
  const { resyncByBatch } = await import("../batch/resync.ts");
  const { connect } = await import("../connection.ts");
  const asked = batchRequestOf(input, request);
  const connection = await connect(input, context);
  try {
    return await resyncByBatch(connection, asked, context);
  } finally {
    await connection.close();
  }
}

function requestOf(input: CommandInput, bucket: string, nowMs: number): ResyncRequest {
  const status = textOption(input, "status");
  const code = textOption(input, "code");
  const prefix = textOption(input, "prefix");
  if (status !== undefined && !isStatus(status)) {
    throw new UsageError(`--status is ${STATUSES.join(", ")}, not "${status}"`);
  }
  if (code !== undefined && status !== undefined && status !== "FAILED") {
    throw new UsageError(`--code goes with FAILED versions: leave --status ${status} out`);
  }
  const [since, until] = [textOption(input, "since"), textOption(input, "until")];
  const isGone = isGiven(input, "gone");
  if (isGone && [status, code, prefix, since, until].some((one) => one !== undefined)) {
    throw new UsageError("--gone forgets a whole bucket: leave --status, --code, --prefix, --since and --until out");
  }
  const canary = countOption(input, "canary");
  const limit = countOption(input, "limit");
  const sinceMs = since === undefined ? undefined : parseMoment(since, "--since", nowMs);
  const untilMs = until === undefined ? undefined : parseMoment(until, "--until", nowMs);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    throw new UsageError("--since is not before --until: nothing is in between");
  }
  return {
    bucket,
    failed: status === undefined || status === "FAILED",
    untried: (status === undefined || status === "NONE") && code === undefined && !isGone,
    ...(status === "COMPLETED" || status === "REPLICA" ? { arrived: [status] } : {}),
    dryRun: isGiven(input, "dryRun"),
    ...(code === undefined ? {} : { failureCodes: [code] }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(canary === undefined ? {} : { canary }),
    ...(limit === undefined ? {} : { limit }),
  };
}

const STATUSES = ["FAILED", "NONE", "COMPLETED", "REPLICA"] as const;

function isStatus(text: string): text is (typeof STATUSES)[number] {
  return (STATUSES as readonly string[]).includes(text);
}
