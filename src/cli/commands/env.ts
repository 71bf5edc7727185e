import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import type { Context } from "../context.ts";
import { DEFAULT_ACCOUNT, DEFAULT_DATA_DIR, DEFAULT_REGION } from "../defaults.ts";
import { UsageError } from "../errors.ts";

export const envCommand: CommandSpec = {
  name: "env",
  summary: "the variables that point the AWS CLI, SDKs and Lockstep at the lab",
  description:
    "Prints export lines for a shell: the lab's endpoint, a Region, and the root credentials of one of its accounts,\n" +
    "which it makes when it is new. Works with the lab running or not.",
  arguments: [],
  options: [
    { flags: "--account <id>", help: "a 12-digit account id", default: DEFAULT_ACCOUNT },
    { flags: "--region <region>", help: "the Region to work in", default: DEFAULT_REGION },
    { flags: "--data <dir>", help: "the lab's data directory", default: DEFAULT_DATA_DIR },
  ],
  examples: [
    { does: "point this shell at the lab", type: 'eval "$(lockstep env)"' },
    { does: "be another account", type: 'eval "$(lockstep env --account 444455556666)"' },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const account = textOption(input, "account") ?? DEFAULT_ACCOUNT;
  if (!/^[0-9]{12}$/.test(account)) throw new UsageError(`an account id has 12 digits: "${account}" has not`);
  const { labEnvironment } = await import("../up/environment.ts");
  const region = textOption(input, "region") ?? DEFAULT_REGION;
  const variables = await labEnvironment(
    { account, region, dataDir: textOption(input, "data") ?? DEFAULT_DATA_DIR },
    context,
  );
  return {
    status: 0,
    value: variables,
    words: () =>
      [
        ...Object.entries(variables).map(([name, value]) => `export ${name}=${value}`),
        "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE",
      ].join("\n"),
  };
}
