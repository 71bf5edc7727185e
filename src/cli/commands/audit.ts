import { type CommandInput, type CommandResult, type CommandSpec, textOption, textOptions } from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";

export const auditCommand: CommandSpec = {
  name: "audit",
  summary: "compare every version of a bucket with its destination, and file the report",
  description:
    "Lists both buckets side by side and says of every version whether it is at the destination: equal, missing (and why),\n" +
    "different in data, metadata, tags, order or delete markers, or only there. Listings alone are read, and what is missing\n" +
    "is looked at; --verify compares checksums or bytes. The report is filed as JSON and as a page of HTML that needs nothing\n" +
    "else, chained by digests to the one before: --check shows whether any was changed later. Nothing is written to buckets,\n" +
    "unless --repair has the engine replicate what is missing.",
  arguments: [
    { name: "s3-uri", help: "s3://SRC, and s3://DST where the source's rules do not say it", isOptional: true },
    { name: "s3-uri-2", help: "s3://DST", isOptional: true },
  ],
  options: [
    { flags: "-c, --config <file>", help: "audit a replication of this configuration, with its sites and its ledger" },
    { flags: "--replication <name>", help: "which one, where the configuration has several" },
    { flags: "--destination <arn>", help: "which one of its destinations, where it has several" },
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    { flags: "--older-than <span>", help: "tell nothing of what was written since: 15m, 2h" },
    {
      flags: "--verify <what>",
      help: "compare bytes, metadata and tags: all, sample=1%, or suspects (those whose ETags differ)",
    },
    { flags: "--metadata", help: "compare metadata and tags of all versions, and no bytes" },
    { flags: "--one-way", help: "leave out what only the destination has" },
    {
      flags: "--source-inventory <where>",
      help: "an inventory instead of the listing: latest, s3://…/manifest.json, a file",
    },
    { flags: "--destination-inventory <where>", help: "likewise, of the destination" },
    {
      flags: "--report-dir <directory>",
      help: "where reports are filed (default: lockstep-audits, beside other state)",
    },
    { flags: "--resume", help: "go on with an audit that was interrupted" },
    { flags: "--repair", help: "have the engine replicate again what is missing" },
    { flags: "--check <path>", help: "check reports, or a directory of them, for later changes", isRepeated: true },
    ...CONSOLE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "compare a bucket with where its rules lead", type: "lockstep audit s3://photos" },
    { does: "read one version in a hundred, too", type: "lockstep audit s3://photos --verify sample=1%" },
    {
      does: "a live bucket: what is older than 15 minutes has to be there",
      type: "lockstep audit s3://photos --older-than 15m",
    },
    { does: "and replicate what is missing", type: "lockstep audit s3://photos --repair" },
    {
      does: "between two sites of a configuration",
      type: "lockstep audit -c lockstep.yaml --replication photos",
    },
    { does: "see whether filed reports are as they were", type: "lockstep audit --check lockstep-audits" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const checked = textOptions(input, "check");
  if (checked.length > 0) {
    const { checkFiled } = await import("../audit/check.ts");
    return await checkFiled(checked, context);
  }
  const config = textOption(input, "config");
  if (config === undefined && input.arguments.length === 0)
    throw new UsageError("name a bucket, s3://SRC, or a configuration, -c lockstep.yaml");
  if (config !== undefined && input.arguments.length > 0)
    throw new UsageError("the configuration names the buckets: leave them out, or leave -c out");
  if (config === undefined) {
    for (const name of ["replication", "destination"] as const) {
      if (textOption(input, name) !== undefined) throw new UsageError(`--${name} goes with -c: name a configuration`);
    }
    const { auditBuckets } = await import("../audit/of-buckets.ts");
    return await auditBuckets(input, context);
  }
  for (const name of ["sourceInventory", "destinationInventory"] as const) {
    if (textOption(input, name) !== undefined)
      throw new UsageError("inventories go with s3://SRC s3://DST, not with -c");
  }
  const { auditSites } = await import("../audit/of-sites.ts");
  return await auditSites(config, input, context);
}
