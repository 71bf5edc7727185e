import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  countOption,
  isGiven,
  textOption,
  textOptions,
} from "../command.ts";
import { CONNECTION_OPTIONS, SNAPSHOT_OPTION } from "../connection-options.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import { type Context, styled } from "../context.ts";
import { EVIDENCE_OPTIONS, evidenceWish } from "../diagnosis/evidence-options.ts";
import { UsageError } from "../errors.ts";
import { parseS3Uri } from "../s3-uri.ts";

export const statusCommand: CommandSpec = {
  name: "status",
  summary: "how replication stands: versions by status, the backlog, and why a version is PENDING",
  description:
    "Without a bucket: what the engines tell, and with --watch live: backlog, rate, lag, failures by reason, stores that do\n" +
    "not answer, and when all is done. With a bucket: its versions by the status they show, and its backlog. With a key:\n" +
    "what each of its tasks waits for, its place in the queue, and its next try. Reads only: nothing is changed.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET or s3://BUCKET/KEY", isOptional: true }],
  options: [
    { flags: "--watch", help: "a new picture every few seconds, until ctrl-C; with --json one line each" },
    { flags: "--interval <seconds>", help: "how often with --watch", default: "2" },
    { flags: "--times <number>", help: "with --watch: end after so many pictures" },
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    SNAPSHOT_OPTION,
    ...EVIDENCE_OPTIONS,
    ...CONSOLE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "how everything stands", type: "lockstep status" },
    { does: "where a bucket stands", type: "lockstep status s3://photos" },
    { does: "why an object is not there yet", type: "lockstep status s3://photos/2026/paris.jpg" },
    { does: "for a script, every two seconds, three times", type: "lockstep status --watch --times 3 --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const [text] = input.arguments;
  const { bucket, key } = text === undefined ? {} : parseS3Uri(text);
  const snapshots = textOptions(input, "snapshot");
  const wish = evidenceWish(input);
  if ((snapshots.length > 0 || wish !== undefined) && (isGiven(input, "watch") || key !== undefined)) {
    throw new UsageError("--snapshot, --inventory, --events, --report and --resume are of a whole bucket, once");
  }
  if (snapshots.length > 0) return await snapshotted(snapshots, input, context);
  if (wish !== undefined) {
    if (bucket === undefined) throw new UsageError("--inventory, --events, --report and --resume need s3://BUCKET");
    return await scanned(input, bucket, context);
  }
  if (isGiven(input, "watch")) return await watching(input, { bucket, key }, context);
  const times = countOption(input, "times");
  if (times !== undefined) throw new UsageError("--times goes with --watch");
  if (bucket === undefined) return await overview(input, undefined, context);
  if (key !== undefined) return await pending(input, { bucket, key }, context);
  const { consoleIn } = await import("../console-options.ts");
  const replication = await consoleIn(input, context)?.replication(bucket);
  // Where no version shows a status there is nothing to count but what the engines have on record.
  if (replication?.showsStatus === false) return await overview(input, replication.bucket, context);
  return await scanned(input, bucket, context);
}

async function watching(
  input: CommandInput,
  { bucket, key }: { readonly bucket?: string | undefined; readonly key?: string | undefined },
  context: Context,
): Promise<CommandResult> {
  if (key !== undefined) throw new UsageError("--watch takes a bucket, or nothing");
  const intervalMs = (countOption(input, "interval") ?? 2) * 1000;
  const times = countOption(input, "times");
  const { neededConsole } = await import("../console-options.ts");
  const { watch } = await import("../status/watching.ts");
  await watch(
    neededConsole(input, context),
    {
      intervalMs,
      json: isGiven(input, "json"),
      ...(bucket === undefined ? {} : { bucket }),
      ...(times === undefined ? {} : { times }),
    },
    context,
  );
  return { status: 0, value: undefined, words: () => "" };
}

async function overview(input: CommandInput, bucket: string | undefined, context: Context): Promise<CommandResult> {
  const { neededConsole } = await import("../console-options.ts");
  const { overviewLines } = await import("../status/overview-words.ts");
  const value = await neededConsole(input, context).overview(bucket);
  return { status: value.failed > 0 ? 1 : 0, value, words: () => overviewLines(value, styled).join("\n") };
}

async function pending(
  input: CommandInput,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  context: Context,
): Promise<CommandResult> {
  const { neededConsole } = await import("../console-options.ts");
  const { pendingWords } = await import("../status/pending-words.ts");
  const value = await neededConsole(input, context).explain(bucket, key);
  const hasFailed = value.tasks.some((one) => one.status === "FAILED");
  return { status: hasFailed ? 1 : 0, value, words: () => pendingWords(value, styled) };
}

/** As it was when the snapshots were taken; nobody is asked. */
async function snapshotted(files: readonly string[], input: CommandInput, context: Context): Promise<CommandResult> {
  const { openSnapshots } = await import("../diagnosis/snapshots.ts");
  const { statusWords } = await import("../status/words.ts");
  const { diagnosis, snapshot } = await openSnapshots(files, input, context);
  const { takenAt, scanned: versions } = diagnosis;
  return {
    status: versions.failed > 0 || diagnosis.causes.length > 0 ? 1 : 0,
    value: { bucket: snapshot.setup.source.name, takenAt, scanned: versions },
    words: () => statusWords(diagnosis, { engine: undefined }, styled),
  };
}

async function scanned(input: CommandInput, bucket: string, context: Context): Promise<CommandResult> {
  const prefix = textOption(input, "prefix");
  const { accessOf, connect } = await import("../connection.ts");
  const { scanBy } = await import("../diagnosis/evidence.ts");
  const { backlogOf, statusWords } = await import("../status/words.ts");
  const connection = await connect(input, context);
  try {
    const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
    const request = { scope, wish: evidenceWish(input), input };
    const { diagnosis, setup } = await scanBy(connection, request, context);
    // Where no engine of ours is at work, the store's own service replicates.
    const { flowLines, ruleFlows } = await import("../status/flow-metrics.ts");
    const flows =
      connection.console === undefined ? await ruleFlows(setup, accessOf(input, context), context.clock()) : [];
    const picture = await connection.console?.overview(bucket);
    const counts = await connection.console?.counts(bucket);
    const engine = counts === undefined ? undefined : backlogOf(counts);
    const pausedSinceMs = picture?.replications.find((one) => one.bucket === bucket)?.pausedSinceMs;
    const paused = pausedSinceMs === undefined ? {} : { pausedSince: new Date(pausedSinceMs).toISOString() };
    const { takenAt, scanned: versions } = diagnosis;
    return {
      status: versions.failed > 0 || diagnosis.causes.length > 0 ? 1 : 0,
      value: {
        bucket,
        takenAt,
        scanned: versions,
        ...(diagnosis.sources === undefined ? {} : { sources: diagnosis.sources }),
        ...(engine === undefined ? {} : { engine }),
        ...paused,
        ...(flows.length === 0 ? {} : { cloudWatch: flows }),
      },
      words: () => [statusWords(diagnosis, { engine, ...paused }, styled), ...flowLines(flows, styled)].join("\n"),
    };
  } finally {
    await connection.close();
  }
}
