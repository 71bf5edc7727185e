/** Points in time on the command line: a date, a time, or how long ago. */
import { parseInstant } from "../core/iam/instant.ts";
import { type CommandInput, textOption } from "./command.ts";
import { UsageError } from "./errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Undefined when the option was not given. @throws UsageError that says what was expected */
export function momentOption(input: CommandInput, name: string, nowMs: number): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = count === undefined ? parseInstant(text) : nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  if (ms !== undefined) return ms;
  throw new UsageError(
    `--${name} takes a time such as 2026-02-06T14:00:00Z, or how long ago, such as 12h or 7d, not "${text}"`,
  );
}
