/** `diagnose --cloudtrail`: reads the event history or CloudTrail's files, and joins them with a diagnosis. */
import { CloudTrailControl } from "../../aws/cloudtrail.ts";
import { AwsError } from "../../aws/errors.ts";
import type { Facts } from "../../core/diagnose/facts.ts";
import type { Diagnosis } from "../../core/diagnose/report.ts";
import { lookupsFor, oldestCauseMs, withOnsets } from "../../core/logs/join.ts";
import { LogReader } from "../../core/logs/log-reader.ts";
import { WINDOW_MS } from "../../core/logs/onset.ts";
import { printable } from "../../doctor/logs/words.ts";
import { plural } from "../../doctor/report.ts";
import { type CommandInput, textOption } from "../command.ts";
import { accessOf, type Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { readPlaces } from "../logs/reading.ts";

/** A diagnosis, with what was read beside it and what could not be. */
export interface LoggedDiagnosis extends Diagnosis {
  /** Only where it was asked for. */
  readonly cloudTrail?: {
    readonly from: string;
    readonly records: number;
    readonly changes: number;
    readonly unread: readonly string[];
  };
}

/** Things that are asked for; beyond it a trail's files are the better way. */
const LOOKUPS_MAX = 50;
const BAD_LENGTH_MAX = 60;
/** The service keeps as much. */
const HISTORY_MS = 90 * 86_400_000;

/**
 * `--cloudtrail` names a path or s3://BUCKET/PREFIX with files of CloudTrail or access logs; by itself it means the event
 * history. Without it the diagnosis stays as it is.
 */
export async function joinLogs(
  { diagnosis, facts }: { readonly diagnosis: Diagnosis; readonly facts: Facts },
  input: CommandInput,
  connection: Connection,
  context: Context,
): Promise<LoggedDiagnosis> {
  if (input.options["cloudtrail"] === undefined) return diagnosis;
  const place = textOption(input, "cloudtrail");
  const reader = new LogReader();
  const oldestMs = oldestCauseMs(diagnosis, facts);
  const from = place ?? "CloudTrail's event history";
  if (oldestMs === undefined) return { ...diagnosis, cloudTrail: { from, records: 0, changes: 0, unread: [] } };
  const unread =
    place === undefined
      ? await lookUp(reader, facts, oldestMs, input, context)
      : (await readPlaces(reader, [place], oldestMs - WINDOW_MS, async () => connection, context)).unreadable.map(
          ({ file, because }) => `${file}: ${because}`,
        );
  const { causes, read } = reader.report();
  const [bad] = read.badSamples;
  const notUnderstood =
    bad === undefined
      ? []
      : [
          `${plural(read.bad, "line")} not understood, such as ${printable(bad.text.slice(0, BAD_LENGTH_MAX))} in ${bad.in}`,
        ];
  return {
    ...withOnsets(diagnosis, facts, { changes: reader.changes, causes, source: from }),
    cloudTrail: { from, records: read.records, changes: reader.changes.length, unread: [...unread, ...notUnderstood] },
  };
}

async function lookUp(
  reader: LogReader,
  facts: Facts,
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
    for (const lookup of lookupsFor(facts, access.region).slice(0, LOOKUPS_MAX)) {
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
