import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import { STORE_OPTIONS } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const probeCommand: CommandSpec = {
  name: "probe",
  summary: "what a store and its bucket can do, by trying it",
  description:
    "Tries what replication needs of a store: access, versioning, writes, multipart uploads, tags, checksums, conditions,\n" +
    "locks, delete markers, removal of versions. Writes about twenty small versions and one of 5 MiB under\n" +
    ".lockstep-probe/, says so first, and removes them at the end, also after ctrl-C. Rules and notifications of the\n" +
    "bucket see these writes. Can be repeated at any time. With --site what is found is kept in the configuration's ledger,\n" +
    "and lockstep run goes by it, also one that is running.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [
    { flags: "--provider <name>", help: "speak to the store as to this provider's (default: told by its answers)" },
    { flags: "--site <name>", help: "the bucket of a site of a configuration: keeps what is found, for lockstep run" },
    { flags: "-c, --config <file>", help: "the configuration of that site (default: lockstep.yaml)" },
    { flags: "--dry-run", help: "say what would be written, and ask nothing" },
    ...STORE_OPTIONS,
  ],
  examples: [
    { does: "what would be written", type: "lockstep probe s3://photos-replica --dry-run" },
    { does: "try a bucket", type: "lockstep probe s3://photos-replica" },
    { does: "try a bucket of a configuration", type: "lockstep probe s3://photos-replica --site lab -c lockstep.yaml" },
    { does: "for a script", type: "lockstep probe s3://photos-replica --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const provider = textOption(input, "provider");
  const site = textOption(input, "site");
  const file = textOption(input, "config");
  const others = ["provider", "endpointUrl", "region", "profile"].filter((one) => textOption(input, one) !== undefined);
  if (site === undefined && file !== undefined) throw new UsageError("--config says what --site means: give both");
  if (site !== undefined && others.length > 0) {
    throw new UsageError(
      "--site takes the store's address, provider and credentials from the configuration: give it alone",
    );
  }
  const { probeBucket, probePlan, probeSiteBucket } = await import("../probe/probing.ts");
  if (isGiven(input, "dryRun")) return probePlan(bucket);
  if (site !== undefined) return await probeSiteBucket({ bucket, site, file: file ?? "lockstep.yaml" }, context);
  return await probeBucket({ bucket, ...(provider === undefined ? {} : { provider }) }, input, context);
}
