import type { CommandInput, CommandResult, CommandSpec } from "../command.ts";
import { CONSOLE_OPTIONS, neededConsole } from "../console-options.ts";
import { type Context, styled } from "../context.ts";

export const jobsCommand: CommandSpec = {
  name: "jobs",
  summary: "the resyncs that are under way, paused or over",
  description: "Lists the jobs that the engines have on record, the youngest first. Reads only: nothing is changed.",
  arguments: [],
  options: [...CONSOLE_OPTIONS],
  examples: [{ does: "see how far they are", type: "lockstep jobs" }],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const jobs = await neededConsole(input, context).jobs();
  const { jobLine } = await import("../jobs/words.ts");
  const isBroken = jobs.some((one) => one.state === "broken");
  return {
    status: isBroken ? 1 : 0,
    value: { jobs },
    words: () => (jobs.length === 0 ? "There are no jobs." : jobs.map((one) => jobLine(one, styled)).join("\n")),
  };
}
