/** `alerts silence` and `alerts unsilence`: one alert by its id, or the beginning of it. */
import { userInfo } from "node:os";
import { type CommandInput, type CommandResult, textOption } from "../command.ts";
import type { ConsoleClient } from "../console-client.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseMoment } from "../moments.ts";
import { silencedWords } from "./words.ts";

export async function turnSilence(
  turn: "silence" | "unsilence",
  which: string | undefined,
  input: CommandInput,
  engine: ConsoleClient,
  { clock, environment }: Context,
): Promise<CommandResult> {
  if (which === undefined) throw new UsageError(`say which alert: ${turn} ID (lockstep alerts lists them)`);
  const nowMs = clock();
  const untilMs = turn === "silence" ? endOf(input, nowMs) : nowMs;
  const found = (await engine.alerts()).alerts.filter((one) => one.id.startsWith(which));
  const [only] = found;
  if (only === undefined) throw new UsageError(`there is no alert ${which}: lockstep alerts lists them`);
  if (found.length > 1) throw new UsageError(`${found.length} alerts begin with ${which}: write more of the id`);
  const by = environment["USER"] ?? userInfo().username;
  const wish = { untilMs, by, why: textOption(input, "why") ?? "" };
  const value = turn === "silence" ? await engine.silenceAlert(only.id, wish) : await engine.unsilenceAlert(only.id);
  return { status: 0, value, words: () => silencedWords(value) };
}

/** `--for 2h`: as far after now as `parseMoment` reads it before. */
function endOf(input: CommandInput, nowMs: number): number {
  const span = textOption(input, "for");
  if (span === undefined) throw new UsageError("say for how long: --for 2h");
  if (!/^\d{1,6}[smhdw]$/.test(span)) throw new UsageError(`--for takes a time such as 2h, not "${span}"`);
  return nowMs + (nowMs - parseMoment(span, "--for", nowMs));
}
