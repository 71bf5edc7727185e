/** What a command gets that works by a configuration: its settings, or the answer that says what is wrong with it. */
import type { CommandResult } from "../command.ts";
import type { Context } from "../context.ts";
import { ConfigError, refusalOf } from "./issues.ts";
import { readConfiguration } from "./read.ts";
import type { RunSettings } from "./settings.ts";

export type Reading = { readonly settings: RunSettings } | { readonly refused: CommandResult };

/** The settings as they are written: nobody is asked. */
export function settingsIn(file: string, { environment }: Pick<Context, "environment">): Reading {
  try {
    return { settings: readConfiguration(file, environment) };
  } catch (error) {
    if (error instanceof ConfigError) return { refused: refusalOf(error) };
    throw error;
  }
}
