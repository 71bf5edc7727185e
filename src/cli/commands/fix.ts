import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  isGiven,
  textOption,
  textOptions,
} from "../command.ts";
import { CONNECTION_OPTIONS, SNAPSHOT_OPTION } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri, uriOf } from "../s3-uri.ts";

export const fixCommand: CommandSpec = {
  name: "fix",
  summary: "the patches that remove the causes; applies and undoes them",
  description:
    "Shows for every cause the smallest change that removes it, as a diff and as commands of the AWS CLI. With --apply\n" +
    "writes the changes through the services' own calls and prints an id with which --undo takes them back.\n" +
    "Versions that were lost are not replicated by this: `lockstep resync` does that. With --snapshot the patches come\n" +
    "from the file and nobody is asked; --apply then reads every document again, and writes nothing where one has changed.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET; optional with --snapshot", isOptional: true }],
  options: [
    { flags: "--cause <id>", help: "only this cause, as diagnose names it" },
    { flags: "--apply", help: "write the changes" },
    { flags: "--dry-run", help: "write nothing (the default)" },
    { flags: "--undo <id>", help: "take back what was applied under this id" },
    { flags: "--history", help: "list what was applied" },
    SNAPSHOT_OPTION,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "see what would be changed", type: "lockstep fix s3://photos" },
    { does: "change it", type: "lockstep fix s3://photos --apply" },
    { does: "see what was changed, with the ids to undo it by", type: "lockstep fix s3://photos --history" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const snapshots = textOptions(input, "snapshot");
  if (snapshots.length > 0) {
    const { fixSnapshots } = await import("../snapshots.ts");
    return await fixSnapshots(snapshots, input, context);
  }
  const bucket = parseBucketUri(uriOf(input));
  const undo = textOption(input, "undo");
  const modes = [isGiven(input, "apply"), undo !== undefined, isGiven(input, "history"), isGiven(input, "dryRun")];
  if (modes.filter(Boolean).length > 1) throw new UsageError("choose one of --apply, --dry-run, --undo and --history");
  const fixing = await import("../fixing.ts");
  if (isGiven(input, "history")) return await fixing.showHistory(bucket, context);
  const { connect } = await import("../connection.ts");
  const connection = await connect(input, context);
  try {
    if (undo !== undefined) return await fixing.undo(connection, bucket, undo, context);
    const plan = await fixing.plan(connection, bucket, textOption(input, "cause"), context);
    return isGiven(input, "apply")
      ? await fixing.apply(connection, plan, context)
      : fixing.show(plan, connection.endpoint, styled);
  } finally {
    await connection.close();
  }
}
