/** What `pause`, `resume` and `cancel` do: turn replications by name, or a job, and say how they are then. */
import type { KnownReplication } from "../../console/replications.ts";
import { type CommandInput, type CommandResult, textOption } from "../command.ts";
import type { ConsoleClient } from "../console-client.ts";
import { neededConsole } from "../console-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { momentWords } from "../moments.ts";
import { parseBucketUri } from "../s3-uri.ts";
import { jobLine } from "./words.ts";

export type Turn = "pause" | "resume" | "cancel";

export async function turn(turn_: Turn, input: CommandInput, context: Context): Promise<CommandResult> {
  const job = textOption(input, "job");
  const names = input.arguments;
  if (job !== undefined && names.length > 0) throw new UsageError("name replications, or a job with --job, not both");
  if (job !== undefined) return await turnJob(turn_, job, neededConsole(input, context));
  if (turn_ === "cancel") throw new UsageError("say which job: --job ID (lockstep jobs lists them)");
  if (names.length === 0) throw new UsageError(`say what to ${turn_}: NAME or s3://BUCKET, or --job ID`);
  return await turnReplications(turn_, names, neededConsole(input, context));
}

async function turnJob(turn_: Turn, text: string, engine: ConsoleClient): Promise<CommandResult> {
  const value = await engine.turnJob(await idOf(text, engine), turn_);
  return { status: 0, value, words: () => jobLine(value, styled) };
}

/** The one job whose id begins so. */
async function idOf(text: string, engine: ConsoleClient): Promise<string> {
  const found = (await engine.jobs()).filter((one) => one.id.startsWith(text));
  const [only] = found;
  if (only === undefined) throw new UsageError(`there is no job ${text}: lockstep jobs lists them`);
  if (found.length > 1) throw new UsageError(`${found.length} jobs begin with ${text}: write more of the id`);
  return only.id;
}

/** Every name is known before anything is changed. */
async function turnReplications(
  turn_: "pause" | "resume",
  names: readonly string[],
  engine: ConsoleClient,
): Promise<CommandResult> {
  const known = names.map((one) => (one.startsWith("s3://") ? parseBucketUri(one) : one));
  for (const one of known) {
    if ((await engine.replication(one)) !== undefined) continue;
    throw new UsageError(`nothing is replicated under the name ${one}: lockstep status shows what is`);
  }
  const replications: KnownReplication[] = [];
  for (const one of known) replications.push(await engine.turnReplication(one, turn_));
  const words = () =>
    replications
      .map(({ name, pausedSinceMs }) =>
        pausedSinceMs === undefined ? `${name} goes on` : `${name} is paused since ${momentWords(pausedSinceMs)}`,
      )
      .join("\n");
  return { status: 0, value: { replications }, words };
}
