import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import { STORE_OPTIONS } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const probeCommand: CommandSpec = {
  name: "probe",
  summary: "what a store and its bucket can do, by trying it",
  description:
    "Tries what replication needs of a store: access, versioning, writes, multipart uploads, tags, checksums, conditions,\n" +
    "locks, delete markers, removal of versions. Writes about twenty small versions and one of 5 MiB under\n" +
    ".lockstep-probe/, says so first, and removes them at the end, also after ctrl-C. Rules and notifications of the\n" +
    "bucket see these writes. Can be repeated at any time.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [
    { flags: "--provider <name>", help: "speak to the store as to this provider's (default: told by its answers)" },
    { flags: "--dry-run", help: "say what would be written, and ask nothing" },
    ...STORE_OPTIONS,
  ],
  examples: [
    { does: "what would be written", type: "lockstep probe s3://photos-replica --dry-run" },
    { does: "try a bucket", type: "lockstep probe s3://photos-replica" },
    { does: "for a script", type: "lockstep probe s3://photos-replica --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const provider = textOption(input, "provider");
  const { probeBucket, probePlan } = await import("../probing.ts");
  if (isGiven(input, "dryRun")) return probePlan(bucket);
  return await probeBucket({ bucket, ...(provider === undefined ? {} : { provider }) }, input, context);
}
