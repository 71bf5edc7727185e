import type { LogsFound } from "../../doctor/logs/words.ts";
import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import { STORE_OPTIONS } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";

export const logsCommand: CommandSpec = {
  name: "logs",
  summary: "what S3 access logs and CloudTrail tell: failures of replication by cause, and since when",
  description:
    "Reads server access logs and CloudTrail's files, gzipped or not, from files, folders and prefixes of buckets, and tells\n" +
    "the failures of replication by cause: what was denied to whom, since when, and what had been changed just before.\n" +
    "Lines that cannot be understood are counted and shown. Failures of other calls are listed, and are no findings.",
  arguments: [{ name: "place...", help: "a file, a folder, or s3://BUCKET/PREFIX" }],
  options: [
    { flags: "--since <time>", help: "only calls from then on: 2026-02-06T14:00:00Z, or how long ago: 12h, 7d" },
    { flags: "--until <time>", help: "only calls until then" },
    { flags: "--bucket <name>", help: "only calls on this bucket" },
    ...STORE_OPTIONS,
  ],
  examples: [
    { does: "a folder of access logs", type: "lockstep logs access-logs" },
    { does: "with CloudTrail's files, which tell the reasons", type: "lockstep logs access-logs trail" },
    { does: "as they are delivered, since yesterday", type: "lockstep logs s3://photos/logs/ --since 24h" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const sinceMs = await momentOf(input, "since", context);
  const untilMs = await momentOf(input, "until", context);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    throw new UsageError("--since is not before --until: nothing is in between");
  }
  const bucket = textOption(input, "bucket");
  const { LogReader } = await import("../../core/logs/log-reader.ts");
  const { logsWords, printable } = await import("../../doctor/logs/words.ts");
  const { connectOnce, readPlaces } = await import("../logs/reading.ts");
  const reader = new LogReader({
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(bucket === undefined ? {} : { bucket }),
  });
  const connection = connectOnce(input, context);
  try {
    const files = await readPlaces(reader, input.arguments, sinceMs, connection.open, context);
    const found = { files, ...reader.report() };
    requireLogs(found, input.arguments, sinceMs, printable);
    const status = found.causes.length > 0 ? 1 : files.unreadable.length > 0 ? 3 : 0;
    return { status, value: found, words: () => logsWords(found, styled) };
  } finally {
    await connection.close();
  }
}

/** That nothing failed is not said of what are no logs at all. @throws UsageError */
function requireLogs(
  { files, read }: LogsFound,
  places: readonly string[],
  sinceMs: number | undefined,
  printable: (text: string) => string,
): void {
  const where = places.join(", ");
  const wanted = "name a file, a folder or s3://BUCKET/PREFIX that holds S3 access logs or CloudTrail's files";
  if (files.files === 0 && files.unreadable.length === 0 && sinceMs === undefined)
    throw new UsageError(`there are no files at ${where}: ${wanted}`);
  const [sample] = read.badSamples;
  if (sample !== undefined && read.bad >= read.lines + read.records)
    throw new UsageError(
      `nothing at ${where} is a line of a log, such as ${printable(sample.text.slice(0, SAMPLE_LENGTH_MAX))} in ${printable(sample.in)}: ${wanted}`,
    );
}

const SAMPLE_LENGTH_MAX = 60;

async function momentOf(input: CommandInput, name: string, { clock }: Context): Promise<number | undefined> {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const { parseMoment } = await import("../moments.ts");
  return parseMoment(text, `--${name}`, clock());
}
