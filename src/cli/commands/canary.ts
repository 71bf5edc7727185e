import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  countOption,
  isGiven,
  textOption,
} from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const canaryCommand: CommandSpec = {
  name: "canary",
  summary: "small marked objects through every rule, end to end",
  description:
    "For each enabled rule writes an object of every kind that the rule selects (plain or with the tags of its filter, KMS,\n" +
    "a delete marker), follows them to COMPLETED, reads them back at the destination, and removes every version at both\n" +
    "ends, also after ctrl-C. Keys are PREFIX.lockstep-canary/…; what a canary left behind that was killed, the next one\n" +
    "removes. Nothing is written where it could not be removed again: Object Lock with a default retention, a permission\n" +
    "that is missing. With -c between the stores of a configuration, through a running lockstep run; what comes of it is\n" +
    "kept for lockstep history. The exit status is 1 where an object did not arrive as it was written.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET, the source; not with --config", isOptional: true }],
  options: [
    { flags: "-c, --config <file>", help: "the replications of a configuration" },
    { flags: "--replication <name>", help: "with --config: only this one" },
    { flags: "--timeout <duration>", help: "how long an object may take (default: 15m; with --config a scan longer)" },
    { flags: "--every <duration>", help: "again and again, until ctrl-C; with --json one line each" },
    { flags: "--times <number>", help: "with --every: end after so many" },
    { flags: "--multipart", help: "an object of two parts too, 5 MiB" },
    { flags: "--kms-key <arn>", help: "key for rules that select KMS objects (default: the bucket's own default)" },
    { flags: "--dry-run", help: "say what would be written, and write nothing" },
    ...CONSOLE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "what would be written", type: "lockstep canary s3://photos --dry-run" },
    { does: "try every rule", type: "lockstep canary s3://photos --timeout 2m" },
    { does: "twice, for a script", type: "lockstep canary s3://photos --every 1s --times 2 --json" },
    { does: "between the stores of a configuration", type: "lockstep canary -c lockstep.yaml --dry-run" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const [uri] = input.arguments;
  const file = textOption(input, "config");
  const replication = textOption(input, "replication");
  if ((uri === undefined) === (file === undefined)) {
    throw new UsageError("name a bucket, s3://BUCKET, or a configuration, -c lockstep.yaml");
  }
  if (replication !== undefined && file === undefined) throw new UsageError("--replication goes with --config");
  const { parseDuration } = await import("../durations.ts");
  const every = textOption(input, "every");
  const times = countOption(input, "times");
  if (times !== undefined && every === undefined) throw new UsageError("--times goes with --every");
  const timeout = textOption(input, "timeout");
  const kmsKeyArn = textOption(input, "kmsKey");
  const options = {
    multipart: isGiven(input, "multipart"),
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout, "--timeout") }),
  };
  const everyMs = every === undefined ? undefined : parseDuration(every, "--every");
  const { openFlights } = await import("../canary/flights.ts");
  const bucket = uri === undefined ? undefined : parseBucketUri(uri);
  const opened = await openFlights({ bucket, file, replication, options }, input, context);
  if ("refused" in opened) return opened.refused;
  const { flights } = opened;
  try {
    const { flyOnce, flyRepeatedly, planFlights } = await import("../canary/canarying.ts");
    if (isGiven(input, "dryRun")) return await planFlights(flights.flights);
    if (everyMs === undefined) return await flyOnce(flights, context);
    const { sleep } = await import("../clock.ts");
    const json = isGiven(input, "json");
    const repetition = { everyMs, json, ...(times === undefined ? {} : { times }) };
    return await flyRepeatedly(flights, repetition, sleep, context);
  } finally {
    await opened.close();
  }
}
