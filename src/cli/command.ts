/**
 * A command as data: its help is printed from it, its arguments are parsed by it, its examples are run as tests.
 *
 * A command's file holds little more than its data, so that `--help` is quick; what it needs to run it loads when it runs.
 */
import type { Context } from "./context.ts";
import { UsageError } from "./errors.ts";

/** @source DESIGN: the contract of exit statuses, printed in every command's help */
export const EXIT_STATUSES = {
  0: "nothing is wrong",
  1: "findings: FAILED versions, causes, differences",
  2: "the command line or a file is wrong",
  3: "no access, or no connection",
  4: "a fault of Lockstep's own",
} as const;

export type ExitStatus = keyof typeof EXIT_STATUSES;

export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does and does not do, for its own help. */
  readonly description: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  run(input: CommandInput, context: Context): Promise<CommandResult>;
}

export interface ArgumentSpec {
  /** As in usage: `s3://BUCKET[/KEY]`; `file...` may be repeated. */
  readonly name: string;
  readonly help: string;
  /** It may be left out; then there is no word for it. */
  readonly isOptional?: true;
}

export interface OptionSpec {
  /** As commander reads it: `--port <number>`, `--apply`. */
  readonly flags: string;
  readonly help: string;
  readonly default?: string;
  /** Given several times, it has several values. */
  readonly isRepeated?: true;
}

export interface Example {
  /** A line of intent. */
  readonly does: string;
  /** A line to paste. */
  readonly type: string;
}

export interface CommandInput {
  readonly arguments: readonly string[];
  /** By camel-cased option name. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

export type OptionValue = string | readonly string[] | boolean | undefined;

/** What a command found. `--json` prints the value, otherwise the words are printed: both say the same. */
export interface CommandResult {
  readonly status: ExitStatus;
  readonly value: unknown;
  words(): string;
}

/** Text of an option that was given, or has a default. */
export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" ? value : undefined;
}

/** Texts of an option that may be repeated. */
export function textOptions(input: CommandInput, name: string): readonly string[] {
  const value = input.options[name];
  return typeof value === "object" ? value : [];
}

/** A whole number from 1; undefined when it is not given. @throws UsageError */
export function countOption(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new UsageError(`--${name} takes a whole number from 1, not "${text}"`);
  return Number(text);
}

export function isGiven(input: CommandInput, name: string): boolean {
  return input.options[name] === true;
}
