import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import { CONSOLE_OPTIONS, neededConsole } from "../console-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";

export const alertsCommand: CommandSpec = {
  name: "alerts",
  summary: "what is wrong now, and who was told; silences, tests of sinks, accepted changes",
  description:
    "Without words: what the engines see that somebody should know of, the worst first, and messages that have not arrived.\n" +
    "test [SINK] sends a test at once, to one sink or to all. silence ID --for 2h: nothing is sent of this alert until then;\n" +
    "unsilence ID ends that. accept: configuration and policies are good as they are now.",
  arguments: [
    { name: "what", help: "test, silence, unsilence or accept; left out, alerts are listed", isOptional: true },
    { name: "which", help: "a sink, or the id of an alert or its beginning", isOptional: true },
  ],
  options: [
    { flags: "--for <time>", help: "with silence: for so long, such as 2h" },
    { flags: "--why <text>", help: "with silence: for those who see it" },
    ...CONSOLE_OPTIONS,
  ],
  examples: [
    { does: "see what is wrong", type: "lockstep alerts" },
    { does: "for a script", type: "lockstep alerts --json" },
    { does: "take configuration and policies for good as they are", type: "lockstep alerts accept" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const [what, which] = input.arguments;
  if (what !== "silence" && (textOption(input, "for") ?? textOption(input, "why")) !== undefined)
    throw new UsageError("--for and --why go with silence ID");
  const words = await import("../alerts/words.ts");
  const engine = neededConsole(input, context);
  switch (what) {
    case undefined: {
      const value = await engine.alerts();
      const isFiring = value.alerts.some((one) => one.state === "firing");
      return { status: isFiring ? 1 : 0, value, words: () => words.alertsWords(value, context.clock(), styled) };
    }
    case "test": {
      const tests = await engine.testAlerts(which);
      return {
        status: tests.every((one) => one.ok) ? 0 : 1,
        value: { tests },
        words: () => words.testWords(tests, styled),
      };
    }
    case "accept": {
      if (which !== undefined) throw new UsageError("accept takes no more words");
      const accepted = await engine.acceptDrift();
      return { status: 0, value: { accepted }, words: () => words.acceptedWords(accepted) };
    }
    case "silence":
    case "unsilence": {
      const { turnSilence } = await import("../alerts/silencing.ts");
      return await turnSilence(what, which, input, engine, context);
    }
    default:
      throw new UsageError(`alerts takes test, silence, unsilence or accept, not "${what}"`);
  }
}
