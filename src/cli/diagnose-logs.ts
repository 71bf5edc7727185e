/** `diagnose --cloudtrail`: reads the event history or CloudTrail's files, and joins them with a diagnosis. */
import { CloudTrailControl } from "../aws/cloudtrail.ts";
import { AwsError } from "../aws/errors.ts";
import type { Setup } from "../core/diagnose/facts.ts";
import type { Diagnosis } from "../core/diagnose/report.ts";
import { lookupsFor, oldestCauseMs, withOnsets } from "../core/logs/join.ts";
import { LogReader } from "../core/logs/log-reader.ts";
import { WINDOW_MS } from "../core/logs/onset.ts";
import { type CommandInput, type CommandResult, textOption } from "./command.ts";
import { accessOf, type Connection } from "./connection.ts";
import { type Context, styled } from "./context.ts";
import { readPlaces } from "./log-reading.ts";

/** The diagnosis with what was found, and how an answer tells what was read and what was not. */
export interface LogsJoined {
  readonly diagnosis: Diagnosis;
  toldBy(result: CommandResult): CommandResult;
}

/** Things that are asked for; beyond it a trail's files are the better way. */
const LOOKUPS_MAX = 50;
/** The service keeps as much. */
const HISTORY_MS = 90 * 86_400_000;

/** Where `--cloudtrail` has no value, the event history is asked, else files of CloudTrail or access logs are read. */
export async function joinLogs(
  diagnosis: Diagnosis,
  setup: Setup,
  input: CommandInput,
  connection: Connection,
  context: Context,
): Promise<LogsJoined> {
  const place = textOption(input, "cloudtrail");
  const from = place ?? "CloudTrail's event history";
  const oldestMs = oldestCauseMs(diagnosis);
  const reader = new LogReader();
  let unread: readonly string[] = [];
  if (oldestMs !== undefined && place === undefined) unread = await lookUp(reader, setup, oldestMs, input, context);
  if (oldestMs !== undefined && place !== undefined) {
    const files = await readPlaces(reader, [place], oldestMs - WINDOW_MS, async () => connection, context);
    unread = files.unreadable.map(({ file, because }) => `${file}: ${because}`);
  }
  const { changes } = reader;
  const { causes, read } = reader.report();
  const cloudTrail = { from, records: read.records, lines: read.lines, changes: changes.length, unread };
  return {
    diagnosis: withOnsets(diagnosis, setup, { changes, causes, source: from }),
    toldBy: (result) => ({
      status: result.status,
      value: Object.assign({}, result.value, { cloudTrail }),
      words: () =>
        [result.words(), ...unread.map((one) => `${styled("yellow", "not read")} of ${from}: ${one}`)].join("\n"),
    }),
  };
}

async function lookUp(
  reader: LogReader,
  setup: Setup,
  oldestMs: number,
  input: CommandInput,
  context: Context,
): Promise<readonly string[]> {
  const access = accessOf(input, context);
  const history = new CloudTrailControl(access);
  const toMs = context.clock();
  const fromMs = Math.max(oldestMs - WINDOW_MS, toMs - HISTORY_MS);
  const unread: string[] = [];
  try {
    for (const lookup of lookupsFor(setup, access.region).slice(0, LOOKUPS_MAX)) {
      try {
        for (const event of await history.events({ ...lookup, fromMs, toMs })) reader.event(event);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        unread.push(`${lookup.resourceName} in ${lookup.region}: ${error.message}`);
      }
    }
  } finally {
    await history.close();
  }
  return unread;
}
