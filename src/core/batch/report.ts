/**
 * Reads the completion report of a Batch Replication job: the document that names its files, and their rows.
 *
 * Pure and total: what is no report yields undefined. Fetching the files is `doctor`'s.
 */
import { CsvError, fieldsOf } from "../csv.ts";

export interface ReportManifest {
  /** ISO 8601 */
  readonly createdAt: string;
  readonly files: readonly ReportFile[];
}

export interface ReportFile {
  readonly status: "succeeded" | "failed";
  readonly bucket: string;
  readonly key: string;
  /** 32 hex digits; "" where the report does not say. */
  readonly md5: string;
}

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

const FORMAT = "Report_CSV_20180820";

/** Reads `manifest.json`. @source aws-replication.md §6.6 */
export function parseReportManifest(text: string): ReportManifest | undefined {
  const root = objectIn(text);
  const results = root?.["Results"];
  if (root?.["Format"] !== FORMAT || !Array.isArray(results)) return undefined;
  const files: ReportFile[] = [];
  for (const one of results as readonly unknown[]) {
    const members = isMembers(one) ? one : {};
    const [status, bucket, key, md5] = ["TaskExecutionStatus", "Bucket", "Key", "MD5Checksum"].map((name) => {
      const value = members[name];
      return typeof value === "string" ? value : "";
    });
    if ((status !== "succeeded" && status !== "failed") || bucket === undefined || key === undefined) return undefined;
    files.push({ status, bucket, key, md5: md5 ?? "" });
  }
  const createdAt = root["ReportCreationDate"];
  return { createdAt: typeof createdAt === "string" ? createdAt : "", files };
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
  if (fields === undefined || fields.length < COLUMNS) return undefined;
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
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

type UnknownMembers = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is UnknownMembers {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectIn(text: string): UnknownMembers | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
