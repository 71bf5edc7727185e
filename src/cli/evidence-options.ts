/** Where failures can be found cheaper than by a look at every version. */
import { type CommandInput, type OptionSpec, textOption } from "./command.ts";

export const EVIDENCE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--inventory <where>",
    help: "count versions in an S3 Inventory: latest, s3://…/manifest.json, or a file",
  },
];

export function hasEvidence(input: CommandInput): boolean {
  return textOption(input, "inventory") !== undefined;
}
