/** `status --watch`: a picture every few seconds, in place on a terminal, one line each elsewhere, until ctrl-C. */
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { Overview } from "../../console/overview.ts";
import type { ConsoleClient } from "../console-client.ts";
import { type Context, styled } from "../context.ts";
import { AccessError } from "../errors.ts";
import { overviewLine, overviewLines } from "./overview-words.ts";

export interface WatchOptions {
  readonly bucket?: string;
  readonly intervalMs: number;
  /** Ends after so many pictures. */
  readonly times?: number;
  readonly json: boolean;
}

const COLUMNS = 80;

/** @throws AccessError when the engine does not answer the first time; later it is asked again */
export async function watch(engine: ConsoleClient, options: WatchOptions, context: Context): Promise<void> {
  const { stdout, interrupted } = context;
  const isLive = stdout.isTTY === true && !options.json;
  let drawn = 0;
  for (let count = 0; !interrupted.aborted && count < (options.times ?? Number.POSITIVE_INFINITY); count++) {
    if (count > 0) await sleep(options.intervalMs, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) break;
    const picture = await look(engine, options.bucket, count === 0);
    if (!isLive) {
      stdout.write(`${lineOf(picture, options.json)}\n`);
      continue;
    }
    const lines = "says" in picture ? [styled("red", picture.says)] : overviewLines(picture, styled);
    const above = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`;
    stdout.write(`${above}${lines.map((one) => cut(one, stdout.columns ?? COLUMNS)).join("\n")}\n`);
    drawn = lines.length;
  }
}

/** What went wrong is told in its place: an engine that is started again is there at the next look. */
async function look(
  engine: ConsoleClient,
  bucket: string | undefined,
  isFirst: boolean,
): Promise<Overview | { readonly says: string }> {
  try {
    return await engine.overview(bucket);
  } catch (error) {
    if (isFirst || !(error instanceof AccessError)) throw error;
    return { says: error.message };
  }
}

function lineOf(picture: Overview | { readonly says: string }, json: boolean): string {
  if ("says" in picture) return json ? JSON.stringify({ error: picture.says }) : picture.says;
  return json ? JSON.stringify(picture) : overviewLine(picture);
}

/** A line that is broken by the terminal would be two: then the next picture does not cover this one. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
