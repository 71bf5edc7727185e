import type { CommandInput, CommandResult, CommandSpec } from "../command.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import type { Context } from "../context.ts";

export const resumeCommand: CommandSpec = {
  name: "resume",
  summary: "go on with what was paused",
  description: "Ends the pause of replications or of a job: what has waited is taken up again, the oldest first.",
  arguments: [{ name: "name...", help: "name of a replication, or s3://BUCKET that is replicated", isOptional: true }],
  options: [{ flags: "--job <id>", help: "a job, by its id or the beginning of it" }, ...CONSOLE_OPTIONS],
  examples: [{ does: "go on with a bucket", type: "lockstep resume s3://photos" }],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { turn } = await import("../jobs/turning.ts");
  return await turn("resume", input, context);
}
