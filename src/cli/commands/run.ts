import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";

export const runCommand: CommandSpec = {
  name: "run",
  summary: "replicate between S3 stores, as a configuration file says",
  description:
    "Replicates between stores that do not do it themselves, with AWS's replication configuration, until ctrl-C. Scans find\n" +
    "what is missing at the destinations, also what existed before. SIGHUP reads the file again without dropping work.",
  arguments: [],
  options: [
    { flags: "-c, --config <file>", help: "the configuration", default: "lockstep.yaml" },
    { flags: "--check", help: "check the configuration and every bucket in it, and write nothing" },
    { flags: "--once", help: "scan once, replicate what is missing, and end" },
    { flags: "--schema", help: "print the JSON Schema of the configuration, for editors" },
  ],
  examples: [
    { does: "check the configuration and the buckets in it", type: "lockstep run -c lockstep.yaml --check" },
    { does: "replicate what is missing, and end (cron)", type: "lockstep run -c lockstep.yaml --once" },
    { does: "replicate until ctrl-C", type: "lockstep run -c lockstep.yaml" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  if (isGiven(input, "schema")) {
    const { printSchema } = await import("../config/schema.ts");
    const text = printSchema();
    return { status: 0, value: JSON.parse(text), words: () => text.trimEnd() };
  }
  const [isCheck, isOnce] = [isGiven(input, "check"), isGiven(input, "once")];
  if (isCheck && isOnce) throw new UsageError("--check writes nothing, --once replicates: give one of them");
  const file = textOption(input, "config") ?? "lockstep.yaml";
  const mode = isCheck ? "check" : isOnce ? "once" : "serve";
  const { run: runConfigured } = await import("../run/serve.ts");
  return await runConfigured({ file, mode, json: isGiven(input, "json") }, context);
}
