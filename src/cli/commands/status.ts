import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const statusCommand: CommandSpec = {
  name: "status",
  summary: "how many versions are COMPLETED, FAILED, PENDING or were never tried",
  description:
    "Counts the versions of a bucket by the status they show and, where an engine can be asked, its backlog and its\n" +
    "failures by reason. Reads only: nothing is changed.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [{ flags: "--prefix <prefix>", help: "only keys that start with this" }, ...CONNECTION_OPTIONS],
  examples: [
    { does: "where a bucket stands", type: "lockstep status s3://photos" },
    { does: "for a script", type: "lockstep status s3://photos --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const prefix = textOption(input, "prefix");
  const { connect } = await import("../connection.ts");
  const { scan } = await import("../scan.ts");
  const { backlogOf, statusWords } = await import("../status-words.ts");
  const connection = await connect(input, context);
  try {
    const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
    const { diagnosis } = await scan(connection, scope, context);
    const counts = await connection.console?.counts(bucket);
    const engine = counts === undefined ? undefined : backlogOf(counts);
    const { takenAt, scanned } = diagnosis;
    return {
      status: scanned.failed > 0 || diagnosis.causes.length > 0 ? 1 : 0,
      value: { bucket, takenAt, scanned, ...(engine === undefined ? {} : { engine }) },
      words: () => statusWords(diagnosis, engine, styled),
    };
  } finally {
    await connection.close();
  }
}
