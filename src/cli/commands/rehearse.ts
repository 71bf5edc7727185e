import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  isGiven,
  textOption,
  textOptions,
} from "../command.ts";
import { CONNECTION_OPTIONS, SNAPSHOT_OPTION } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri, uriOf } from "../s3-uri.ts";

export const rehearseCommand: CommandSpec = {
  name: "rehearse",
  summary: "every kind of object through the bucket's real configuration, in a lab",
  description:
    "Reads the bucket's configuration, role, policies, keys and organisation, furnishes a lab in memory with them, and\n" +
    "replicates objects of every kind there: plain, tagged, of each encryption, in parts, locked, of another account,\n" +
    "archived, delete markers, and at the edges of each rule's filter. Says for each kind, rule and destination what\n" +
    "became of it. With --with it does so before and after a change that nobody has made yet. Nothing is written\n" +
    "anywhere. The exit status is 1 where a kind that a rule takes is not replicated, or where the change breaks one.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET; optional with --snapshot", isOptional: true }],
  options: [
    {
      flags: "--with <file>",
      help: "a patch of `fix --format json`, a list of them, or a replication configuration or policy",
    },
    {
      flags: "--of <arn>",
      help: "with a policy: whose it is, a bucket, a role or a key (default: it is told by the policy)",
    },
    { flags: "--markdown", help: "print the matrix as a table in Markdown" },
    SNAPSHOT_OPTION,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "what becomes of every kind of object", type: "lockstep rehearse s3://photos" },
    { does: "what a new configuration would change", type: "lockstep rehearse s3://photos --with replication.json" },
    { does: "for a pull request", type: "lockstep rehearse s3://photos --markdown" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const file = textOption(input, "with");
  const of = textOption(input, "of");
  if (of !== undefined && file === undefined) throw new UsageError("--of goes with --with");
  const { changeIn } = await import("../rehearsal/change.ts");
  const change = file === undefined ? undefined : changeIn(file, of, context);
  const print = { markdown: isGiven(input, "markdown") };
  const { rehearseBucket, rehearseSetup } = await import("../rehearsal/rehearsing.ts");
  const snapshots = textOptions(input, "snapshot");
  if (snapshots.length > 0) {
    const { openSnapshots } = await import("../diagnosis/snapshots.ts");
    const { setup } = await openSnapshots(snapshots, input, context);
    return await rehearseSetup(setup, change, context, print);
  }
  const bucket = parseBucketUri(uriOf(input));
  const { connect } = await import("../connection.ts");
  const connection = await connect(input, context);
  try {
    return await rehearseBucket(connection, { bucket, ...(change === undefined ? {} : { change }) }, context, print);
  } finally {
    await connection.close();
  }
}
