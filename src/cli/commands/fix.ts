import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  isGiven,
  textOption,
  textOptions,
} from "../command.ts";
import type { Connection } from "../connection.ts";
import { CONNECTION_OPTIONS, SNAPSHOT_OPTION } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { EVIDENCE_OPTIONS, evidenceWish } from "../diagnosis/evidence-options.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri, uriOf } from "../s3-uri.ts";

export const fixCommand: CommandSpec = {
  name: "fix",
  summary: "the patches that remove the causes; proves, applies and undoes them",
  description:
    "Shows for every cause the smallest change that removes it, as a diff and as commands of the AWS CLI. --prove tries\n" +
    "it in a lab in memory first: objects like those that are held back, and objects of every other kind, before and\n" +
    "after; a change that does not heal, or breaks something, is refused. --apply shows the calls, asks, checks that\n" +
    "nothing has changed and who may do what, writes through the services' own calls, waits until it shows, and prints\n" +
    "an id with which --undo takes it back. Where a write fails, what was written before it is put back.\n" +
    "Versions that were lost are not replicated by this: `lockstep resync` does that. With --snapshot the patches come\n" +
    "from the file and nobody is asked; --apply then reads every document again, and writes nothing where one has changed.",
  arguments: [
    { name: "s3-uri", help: "s3://BUCKET; optional with --snapshot, --undo and --history", isOptional: true },
  ],
  options: [
    { flags: "--cause <id>", help: "only this cause, as diagnose names it" },
    { flags: "--prove", help: "try the changes in a lab first; with --apply, write nothing that is refused" },
    { flags: "--apply", help: "write the changes" },
    { flags: "--yes", help: "with --apply: ask nobody" },
    { flags: "--format <name>", help: "only the changes, as diff, json, cli, terraform or cloudformation" },
    { flags: "--output <directory>", help: "with --format: a file for each change in this directory" },
    { flags: "--dry-run", help: "write nothing (the default)" },
    { flags: "--undo <id>", help: "take back what was applied under this id" },
    { flags: "--history", help: "list what was applied" },
    SNAPSHOT_OPTION,
    ...EVIDENCE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "see what would be changed", type: "lockstep fix s3://photos" },
    { does: "try it in a lab in memory", type: "lockstep fix s3://photos --prove" },
    { does: "as resources of Terraform", type: "lockstep fix s3://photos --format terraform" },
    { does: "change it, from a script", type: "lockstep fix s3://photos --prove --apply --yes" },
    { does: "see what was changed, with the ids to undo it by", type: "lockstep fix --history" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const snapshots = textOptions(input, "snapshot");
  const undo = textOption(input, "undo");
  const modes = [isGiven(input, "apply"), undo !== undefined, isGiven(input, "history"), isGiven(input, "dryRun")];
  if (modes.filter(Boolean).length > 1) throw new UsageError("choose one of --apply, --dry-run, --undo and --history");
  if (isGiven(input, "yes") && !isGiven(input, "apply") && undo === undefined)
    throw new UsageError("--yes goes with --apply: nothing is written without it");
  const { carryOut, wishOf } = await import("../fix/modes.ts");
  const wish = wishOf(input);
  if (snapshots.length > 0) {
    const { fixSnapshots } = await import("../diagnosis/snapshots.ts");
    return await fixSnapshots(snapshots, wish, input, context);
  }
  const fixing = await import("../fix/fixing.ts");
  const { connect } = await import("../connection.ts");
  if (undo !== undefined || isGiven(input, "history")) {
    // What was applied knows its bucket.
    const bucket = input.arguments.length === 0 ? undefined : parseBucketUri(uriOf(input));
    if (undo === undefined) return await fixing.showHistory(bucket, context);
    return await closing(await connect(input, context), (one) => fixing.undo(one, { bucket, id: undo }, context));
  }
  const bucket = parseBucketUri(uriOf(input));
  return await closing(await connect(input, context), async (connection) => {
    const { scanBy } = await import("../diagnosis/evidence.ts");
    const found = await scanBy(connection, { scope: { bucket }, wish: evidenceWish(input), input }, context);
    const plan = fixing.planOf(found, textOption(input, "cause"));
    return await carryOut(plan, wish, { endpoint: connection.endpoint, connected: async () => connection }, context);
  });
}

async function closing(
  connection: Connection,
  use: (connection: Connection) => Promise<CommandResult>,
): Promise<CommandResult> {
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
