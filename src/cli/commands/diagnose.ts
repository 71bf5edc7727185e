import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import type { Connection } from "../connection.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import type { LogsJoined } from "../diagnose-logs.ts";
import { UsageError } from "../errors.ts";
import { parseS3Uri } from "../s3-uri.ts";
import type { Scan } from "../scan.ts";

export const diagnoseCommand: CommandSpec = {
  name: "diagnose",
  summary: "why versions are FAILED, stuck, or were never tried",
  description:
    "Explains every version of a bucket that is not at its destination: few causes, each with its evidence and what\n" +
    "to do. With a key, explains exactly that object, step by step. With --cloudtrail, says since when, and who had changed\n" +
    "what just before. Reads only: nothing is changed.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET, or s3://BUCKET/KEY for one object" }],
  options: [
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    {
      flags: "--cloudtrail [place]",
      help: "since when and what changed: of CloudTrail's event history, or of files at a path or s3://BUCKET/PREFIX",
    },
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "the causes in a bucket", type: "lockstep diagnose s3://photos" },
    { does: "one object, step by step", type: "lockstep diagnose s3://photos/private/0001.jpg" },
    { does: "and what had been changed before they began", type: "lockstep diagnose s3://photos --cloudtrail" },
    { does: "for a script", type: "lockstep diagnose s3://photos --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { bucket, key } = parseS3Uri(input.arguments[0] ?? "");
  const prefix = textOption(input, "prefix");
  if (key !== undefined && prefix !== undefined)
    throw new UsageError("--prefix makes no sense with a key: leave one out");
  const { connect } = await import("../connection.ts");
  const { scan } = await import("../scan.ts");
  const { notesOfKey } = await import("../../core/diagnose/by-design.ts");
  const { explainVersion } = await import("../../core/diagnose/explain-version.ts");
  const { diagnosisWords, explanationWords, notesWords } = await import("../../doctor/report.ts");
  const connection = await connect(input, context);
  try {
    const scope = { bucket, ...(key === undefined ? {} : { key }), ...(prefix === undefined ? {} : { prefix }) };
    const scanned = await scan(connection, scope, context);
    const { diagnosis, ...logs } = await withLogs(scanned, input, connection, context);
    const { facts } = scanned;
    const isFinding = diagnosis.causes.length > 0 || diagnosis.unexplained.length > 0;
    const status = isFinding ? 1 : 0;
    const value = { ...diagnosis, ...logs };
    const words = () => [diagnosisWords(diagnosis, styled), ...unreadWords(logs)].join("\n");
    if (key === undefined) return { status, value, words };
    if (facts.versions.length === 0) {
      const notes = notesOfKey(facts, key);
      if (notes.length === 0) throw new UsageError(`there is no version of ${key} in s3://${bucket}`);
      return { status, value: { ...value, versions: [], notes }, words: () => notesWords(notes, styled) };
    }
    const versions = facts.versions.map((one) => explainVersion(facts, one));
    return {
      status,
      value: { ...value, versions },
      words: () => [...versions.map((one) => explanationWords(one, styled)), words()].join("\n\n"),
    };
  } finally {
    await connection.close();
  }
}

/** Without `--cloudtrail` the diagnosis as it is. */
async function withLogs(
  scanned: Scan,
  input: CommandInput,
  connection: Connection,
  context: Context,
): Promise<Pick<Scan, "diagnosis"> & Partial<LogsJoined>> {
  const place = input.options["cloudtrail"];
  if (place === undefined) return { diagnosis: scanned.diagnosis };
  const { joinLogs } = await import("../diagnose-logs.ts");
  return await joinLogs(scanned, typeof place === "string" ? place : undefined, input, connection, context);
}

function unreadWords({ cloudTrail }: Partial<LogsJoined>): string[] {
  const unread = cloudTrail?.unread ?? [];
  return unread.map((one) => `${styled("yellow", "not read")} of ${cloudTrail?.from}: ${one}`);
}
