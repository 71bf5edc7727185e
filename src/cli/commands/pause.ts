import type { CommandInput, CommandResult, CommandSpec } from "../command.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import type { Context } from "../context.ts";

export const pauseCommand: CommandSpec = {
  name: "pause",
  summary: "take up no more work of a replication, or of a job, until it is resumed",
  description:
    "What is under way ends; what waits keeps waiting, and changes are still taken down. Every engine on the same ledger\n" +
    "obeys within seconds, also after a restart.",
  arguments: [{ name: "name...", help: "name of a replication, or s3://BUCKET that is replicated", isOptional: true }],
  options: [{ flags: "--job <id>", help: "a job, by its id or the beginning of it" }, ...CONSOLE_OPTIONS],
  examples: [{ does: "stop replicating a bucket for now", type: "lockstep pause s3://photos" }],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { turn } = await import("../jobs/turning.ts");
  return await turn("pause", input, context);
}
