/**
 * Reads the rows of the completion report of a Batch Replication job; the document that names its files is read by
 * `core/evidence/completion-report.ts`.
 *
 * Pure and total: what is no row yields undefined. Fetching the files is `doctor`'s.
 */
import { CsvError, fieldsOf } from "../csv.ts";

/** What came of one task. */
export interface ReportRow {
  readonly bucket: string;
  /** Decoded. */
  readonly key: string;
  /** "null" where the row has none. */
  readonly versionId: string;
  readonly succeeded: boolean;
  /** Undefined where neither column holds one. */
  readonly httpStatus?: number;
  /** "" of a task that succeeded. */
  readonly code: string;
  readonly message: string;
}

/** Before the message come six columns. */
const COLUMNS = 6;

/**
 * Reads one line of a file of results.
 *
 * AWS writes the HTTP status before the error code, and declares the opposite: which of the two columns is the status is
 * told by what is in it.
 *
 * @source aws-replication.md §6.6
 */
export function parseReportRow(line: string): ReportRow | undefined {
  const fields = splitLine(line);
  return fields === undefined ? undefined : reportRow(fields);
}

/** Likewise, from the fields of the line. */
export function reportRow(fields: readonly string[]): ReportRow | undefined {
  if (fields.length < COLUMNS) return undefined;
  const [bucket = "", key = "", versionId = "", status = "", fifth = "", sixth = "", ...message] = fields;
  if (status !== "succeeded" && status !== "failed") return undefined;
  const isStatusFirst = !/^\d{3}$/.test(sixth);
  const [http, code] = isStatusFirst ? [fifth, sixth] : [sixth, fifth];
  return {
    bucket,
    key: decodeKey(key),
    versionId: versionId === "" ? "null" : versionId,
    succeeded: status === "succeeded",
    ...(/^\d{3}$/.test(http) ? { httpStatus: Number(http) } : {}),
    code,
    // A message with commas that nobody has put in quotes is still the last column.
    message: message.join(","),
  };
}

function splitLine(line: string): string[] | undefined {
  try {
    return fieldsOf(line);
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

/** Keys come back as the manifest had them. What is no percent-encoding is taken as it stands. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}
