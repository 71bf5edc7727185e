/**
 * Completion reports of S3 Batch Operations: which versions failed, and AWS's reason for each. Pure and total.
 *
 * The columns stand as AWS really writes them, status before code, and not as `ReportSchema` says; which is which is told
 * by what is in them. A report names neither rule nor destination.
 *
 * @source aws-replication.md §6.6
 */
import { reportRow } from "../batch/report.ts";
import { asArray, asObject, asString } from "../config/document.ts";
import { jsonIn } from "../json.ts";
import type { ToldFailure } from "./replication-events.ts";

export interface ReportManifest {
  readonly createdAtMs: number | undefined;
  readonly results: readonly {
    readonly key: string;
    readonly bucket: string;
    readonly md5: string;
    readonly failed: boolean;
  }[];
}

const RESULTS_MAX = 100_000;

/** Undefined for what is no manifest of such a report. */
export function readReportManifest(text: string): ReportManifest | undefined {
  const root = asObject(jsonIn(text));
  if (root === undefined || !asString(root["Format"])?.startsWith("Report_CSV_")) return undefined;
  const listed = asArray(root["Results"]);
  if (listed.length > RESULTS_MAX) return undefined;
  const createdAtMs = Date.parse(asString(root["ReportCreationDate"]) ?? "");
  const results = listed.map((value) => {
    const one = asObject(value) ?? {};
    return {
      key: asString(one["Key"]) ?? "",
      bucket: asString(one["Bucket"]) ?? "",
      md5: (asString(one["MD5Checksum"]) ?? "").toLowerCase(),
      failed: one["TaskExecutionStatus"] !== "succeeded",
    };
  });
  if (results.some((one) => one.key === "" || !/^[0-9a-f]{32}$/.test(one.md5))) return undefined;
  return { createdAtMs: Number.isNaN(createdAtMs) ? undefined : createdAtMs, results };
}

/**
 * The failure that a row tells of; undefined for tasks that succeeded, and for rows of another form.
 *
 * @param atMs when the report was made
 */
export function failureOfRow(
  fields: readonly string[],
  atMs: number | undefined,
): Omit<ToldFailure, "destinationArn" | "ruleId"> | undefined {
  const row = reportRow(fields);
  if (row === undefined || row.succeeded || row.key === "") return undefined;
  const { bucket, key, versionId, code, httpStatus, message } = row;
  return {
    bucket,
    key,
    versionId,
    code,
    step: "replicate",
    pending: false,
    attempts: 1,
    ...(atMs === undefined ? {} : { lastAttemptAtMs: atMs }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(code === "" ? {} : { errorCode: code }),
    message,
    toldBy: "report",
  };
}
