/** The options of every command that asks a store. */
import type { OptionSpec } from "./command.ts";

export const STORE_OPTIONS: readonly OptionSpec[] = [
  { flags: "--endpoint-url <url>", help: "the store's address (AWS_ENDPOINT_URL; default: AWS)" },
  { flags: "--region <region>", help: "Region to start from (AWS_REGION; default us-east-1)" },
  { flags: "--profile <name>", help: "profile of the AWS configuration files (AWS_PROFILE)" },
];

/** Of commands that can do without a connection. */
export const SNAPSHOT_OPTION: OptionSpec = {
  flags: "--snapshot <file>",
  help: "ask nobody: take everything from a file that lockstep snapshot wrote; several are merged",
  isRepeated: true,
};

/** Likewise, where the organisation's policies may be asked for too. */
export const CONNECTION_OPTIONS: readonly OptionSpec[] = [
  ...STORE_OPTIONS,
  {
    flags: "--profile-for <account=profile>",
    help: "profile for the buckets and keys of another account; may be repeated (LOCKSTEP_PROFILE_FOR, parted by commas)",
    isRepeated: true,
  },
  {
    flags: "--organization-profile <name>",
    help: "profile for the organisation's policies (LOCKSTEP_ORGANIZATION_PROFILE; default: as for everything else)",
  },
];
