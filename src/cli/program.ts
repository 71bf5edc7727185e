/** Builds the parser and the help from the commands' data. */
import { Command, CommanderError } from "commander";
import { type CommandSpec, EXIT_STATUSES, type ExitStatus, type OptionValue } from "./command.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { diagnoseCommand } from "./commands/diagnose.ts";
import { envCommand } from "./commands/env.ts";
import { fixCommand } from "./commands/fix.ts";
import { hashPasswordCommand } from "./commands/hash-password.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { lintCommand } from "./commands/lint.ts";
import { logsCommand } from "./commands/logs.ts";
import { pauseCommand } from "./commands/pause.ts";
import { policyCommand } from "./commands/policy.ts";
import { probeCommand } from "./commands/probe.ts";
import { rehearseCommand } from "./commands/rehearse.ts";
import { resumeCommand } from "./commands/resume.ts";
import { resyncCommand } from "./commands/resync.ts";
import { runCommand } from "./commands/run.ts";
import { snapshotCommand } from "./commands/snapshot.ts";
import { statusCommand } from "./commands/status.ts";
import { upCommand } from "./commands/up.ts";
import type { Context } from "./context.ts";
import { packageVersion } from "./version.ts";

/** In the order in which a newcomer meets them. */
export const COMMANDS: readonly CommandSpec[] = [
  upCommand,
  envCommand,
  statusCommand,
  diagnoseCommand,
  fixCommand,
  rehearseCommand,
  snapshotCommand,
  resyncCommand,
  jobsCommand,
  pauseCommand,
  resumeCommand,
  cancelCommand,
  lintCommand,
  policyCommand,
  logsCommand,
  probeCommand,
  runCommand,
  hashPasswordCommand,
];

/**
 * Parses, runs and prints.
 *
 * @param words the command line without `node` and the script
 * @returns the exit status; rejects with what the command threw
 */
export async function runProgram(words: readonly string[], context: Context): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const program = new Command("lockstep")
    .description("Keeps S3 buckets in lockstep: replicates, says why an object FAILED, fixes it and replicates again.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: (text) => context.stderr.write(text) })
    .addHelpText("after", `\nStart with: lockstep up --example\n\n${exitStatusHelp()}`);
  for (const spec of COMMANDS) {
    addCommand(program, spec, context, (found) => {
      status = found;
    });
  }
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return status;
}

function addCommand(program: Command, spec: CommandSpec, context: Context, done: (status: ExitStatus) => void): void {
  const command = program
    .command(spec.name)
    .summary(spec.summary)
    .description(spec.description)
    .helpOption("-h, --help", "print help")
    .addHelpText("after", `${exampleHelp(spec)}\n${exitStatusHelp()}`);
  for (const one of spec.arguments) {
    command.argument(one.isOptional === true ? `[${one.name}]` : `<${one.name}>`, one.help);
  }
  for (const one of spec.options) {
    if (one.isRepeated === true)
      command.option(one.flags, one.help, (text, before: string[] | undefined) => [...(before ?? []), text]);
    else command.option(one.flags, one.help, one.default);
  }
  command.option("--json", "print the result as JSON");
  command.action(async (...given: unknown[]) => {
    const options = command.opts<Record<string, OptionValue>>();
    // Of an argument that may be repeated the parser makes a list, of one that was left out nothing.
    const words = given
      .slice(0, spec.arguments.length)
      .flat()
      .filter((one) => one !== undefined)
      .map(String);
    const result = await spec.run({ arguments: words, options }, context);
    const isJson = options["json"] === true;
    // What has been printed all along has nothing left to print at its end.
    const text = result.value === undefined ? "" : isJson ? JSON.stringify(result.value, null, 2) : result.words();
    if (text !== "") context.stdout.write(`${text}\n`);
    done(result.status);
  });
}

function exampleHelp(spec: CommandSpec): string {
  if (spec.examples.length === 0) return "";
  const lines = spec.examples.map((one, index) => `  ${index + 1}. ${one.does}\n     $ ${one.type}`);
  return `\nExamples:\n${lines.join("\n")}\n`;
}

function exitStatusHelp(): string {
  const lines = Object.entries(EXIT_STATUSES).map(([status, meaning]) => `  ${status}  ${meaning}`);
  return `Exit status:\n${lines.join("\n")}`;
}
