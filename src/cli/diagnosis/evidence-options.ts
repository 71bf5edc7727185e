/** Where failures can be found cheaper, or told better, than by a look at every version. */
import { type CommandInput, isGiven, type OptionSpec, textOption, textOptions } from "../command.ts";
import { UsageError } from "../errors.ts";

export const EVIDENCE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--inventory <where>",
    help: "count versions in an S3 Inventory: latest, s3://…/manifest.json, or a file",
  },
  {
    flags: "--events <where>",
    help: "AWS's reasons from replication failure events: a JSON file, or sqs://QUEUE-URL",
    isRepeated: true,
  },
  {
    flags: "--report <where>",
    help: "AWS's reasons from a Batch Replication completion report: s3://…/manifest.json, or a file",
    isRepeated: true,
  },
  { flags: "--drain", help: "delete the messages of the queues of --events that were understood" },
  { flags: "--resume <file>", help: "keep the progress of a walk here, and go on where it ended" },
];

/** Of commands that need the versions themselves: a kept walk remembers kinds of versions only. */
export const TOLD_OPTIONS: readonly OptionSpec[] = EVIDENCE_OPTIONS.filter((one) => !one.flags.startsWith("--resume"));

export const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  { flags: "--format <format>", help: "terminal, json, markdown or html (default: as --output is named, or terminal)" },
  { flags: "--output <file>", help: "write the diagnosis of the bucket into this file" },
];

export interface EvidenceWish {
  readonly inventory: string | undefined;
  readonly events: readonly string[];
  readonly reports: readonly string[];
  readonly drain: boolean;
  readonly resume: string | undefined;
}

/** Undefined when no evidence is named. */
export function evidenceWish(input: CommandInput): EvidenceWish | undefined {
  const wish = {
    inventory: textOption(input, "inventory"),
    events: textOptions(input, "events"),
    reports: textOptions(input, "report"),
    drain: isGiven(input, "drain"),
    resume: textOption(input, "resume"),
  };
  if (wish.drain && wish.events.length === 0) throw new UsageError("--drain makes no sense without --events sqs://…");
  const isNone = wish.inventory === undefined && wish.events.length + wish.reports.length === 0;
  return isNone && wish.resume === undefined ? undefined : wish;
}
