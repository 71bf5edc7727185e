import type { CommandInput, CommandResult, CommandSpec } from "../command.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import type { Context } from "../context.ts";

export const cancelCommand: CommandSpec = {
  name: "cancel",
  summary: "end a job for good",
  description:
    "Feeds nothing more of the job. What of it waits is FAILED again where it was FAILED before, and forgotten where it was\n" +
    "never tried; what is under way ends. What was replicated stays replicated.",
  arguments: [],
  options: [{ flags: "--job <id>", help: "the job, by its id or the beginning of it" }, ...CONSOLE_OPTIONS],
  examples: [],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { turn } = await import("../jobs/turning.ts");
  return await turn("cancel", input, context);
}
