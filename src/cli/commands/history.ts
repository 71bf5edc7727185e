import { type CommandInput, type CommandResult, type CommandSpec, countOption, textOption } from "../command.ts";
import { CONSOLE_OPTIONS } from "../console-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";

const KINDS = ["canary", "probe", "audit", "rehearse", "lint"] as const;

export const historyCommand: CommandSpec = {
  name: "history",
  summary: "what canaries and other watches found, and when the next ones are",
  description:
    "Lists what was found by watches, those that run by the clock (schedules in lockstep.yaml) and others that are kept, the\n" +
    "youngest first. Of each rule and destination the last 200 are kept. With -c it reads the ledger of a configuration,\n" +
    "also while nothing runs; without, it asks a running engine. Reads only. The exit status is 1 where the latest of a\n" +
    "kind, subject and rule is not well.",
  arguments: [],
  options: [
    { flags: "--kind <kind>", help: `only ${KINDS.join(", ")}` },
    { flags: "--subject <name>", help: "with --kind: only of this replication or bucket" },
    { flags: "--limit <number>", help: "so many at most", default: "50" },
    { flags: "-c, --config <file>", help: "the configuration whose ledger is read" },
    ...CONSOLE_OPTIONS,
  ],
  examples: [
    { does: "the latest of everything", type: "lockstep history" },
    { does: "canaries, for a script", type: "lockstep history --kind canary --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const text = textOption(input, "kind");
  const kind = KINDS.find((one) => one === text);
  if (text !== undefined && kind === undefined) {
    throw new UsageError(`--kind is one of ${KINDS.join(", ")}, not "${text}"`);
  }
  const subject = textOption(input, "subject");
  if (subject !== undefined && kind === undefined) throw new UsageError("--subject goes with --kind");
  const limit = countOption(input, "limit") ?? 50;
  const asked = { ...(kind === undefined ? {} : { kind }), ...(subject === undefined ? {} : { subject }) };
  const { readHistory } = await import("../watches/history.ts");
  const known = await readHistory(asked, textOption(input, "config"), input, context);
  if ("refused" in known) return known.refused;
  const { historyWords, isWell } = await import("../watches/history-words.ts");
  const value = { results: known.results.slice(0, limit), schedules: known.schedules };
  return {
    status: isWell(known.results) ? 0 : 1,
    value,
    words: () => historyWords(value, known.results.length - value.results.length, styled),
  };
}
