/**
 * Reading CloudTrail: files as a trail delivers them, one record in fifty a failure of replication, beside the floor of the
 * same files unzipped and parsed as JSON, each whole, and nothing else. Memory does not grow with the number of files.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { cpuMsOf, heading, line, round } from "./measure.ts";
import type { Reading } from "./trail-reader.ts";

const RECORDS = Number(process.env["BENCH_TRAIL_RECORDS"] ?? 500_000);
const PER_FILE = 10_000;
const FILES = RECORDS / PER_FILE;
const FAILED_EVERY = 50;

export async function benchTrail(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  try {
    let bytes = 0;
    const paths = Array.from({ length: FILES }, (_, index) => join(directory, `trail-${index}.json.gz`));
    for (const [index, path] of paths.entries()) {
      const text = fileText(index);
      bytes += text.length;
      writeFileSync(path, gzipSync(text));
    }
    heading(
      `CloudTrail: ${RECORDS.toLocaleString("en")} records in ${FILES} files, ${round(bytes / 2 ** 20)} MiB unzipped`,
    );
    const floorMs = Math.min(timedParse(paths), timedParse(paths));
    line("unzipped and parsed, the floor", `${round((RECORDS * 1000) / floorMs)} records/s`, "of one core's time");
    const all = [readingOf(directory, RECORDS), readingOf(directory, RECORDS)];
    const readMs = Math.min(...all.map((one) => one.cpuMs));
    line(
      "lockstep logs",
      `${round((RECORDS * 1000) / readMs)} records/s`,
      `${round(readMs / floorMs)} × the floor's time`,
    );
    const one = readingOf(paths[0] ?? "", PER_FILE);
    const most = Math.max(...all.map((reading) => reading.memoryBytes));
    line(
      "memory of the process",
      `${round(most / 2 ** 20)} MiB`,
      `${round(one.memoryBytes / 2 ** 20)} MiB for one file`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function timedParse(paths: readonly string[]): number {
  const before = process.cpuUsage();
  let records = 0;
  for (const path of paths) {
    const { Records } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as {
      readonly Records: readonly object[];
    };
    records += Records.length;
  }
  if (records !== RECORDS) throw new Error("not all was parsed");
  return cpuMsOf(process.cpuUsage(before));
}

/** @param records how many are there */
function readingOf(place: string, records: number): Reading {
  const program = fileURLToPath(new URL("./trail-reader.js", import.meta.url));
  const reading = JSON.parse(execFileSync(process.execPath, [program, place], { encoding: "utf8" })) as Reading;
  if (reading.records !== records) throw new Error("not all was read");
  if (reading.failures !== records / FAILED_EVERY) throw new Error("not all failures were found");
  return reading;
}

function fileText(file: number): string {
  const records = Array.from({ length: PER_FILE }, (_, at) => recordOf(file * PER_FILE + at));
  return JSON.stringify({ Records: records });
}

const ACCOUNT = "111122223333";
const ROLE = `arn:aws:sts::${ACCOUNT}:assumed-role/photos-replication/s3-replication`;

function recordOf(at: number): object {
  const isFailure = at % FAILED_EVERY === 0;
  const isReplication = at % 5 === 0;
  const key = `2026/02/06/${String(at).padStart(8, "0")}.jpg`;
  const [principalId, arn] = isReplication
    ? ["AROAEXAMPLEEXAMPLE123:s3-replication", ROLE]
    : ["AIDAEXAMPLEEXAMPLE123", `arn:aws:iam::${ACCOUNT}:user/somebody`];
  const denied =
    `User: ${ROLE} is not authorized to perform: s3:ReplicateObject on resource: "arn:aws:s3:::photos-replica/${key}" ` +
    "with an explicit deny in a resource-based policy";
  return {
    eventVersion: "1.11",
    userIdentity: { type: isReplication ? "AssumedRole" : "IAMUser", principalId, arn, accountId: ACCOUNT },
    eventTime: `2026-02-06T14:${String(at % 60).padStart(2, "0")}:10Z`,
    eventSource: "s3.amazonaws.com",
    eventName: isReplication ? "PutObject" : "GetObject",
    awsRegion: "eu-west-1",
    sourceIPAddress: isReplication ? "s3.amazonaws.com" : `192.0.2.${at % 250}`,
    userAgent: "[aws-sdk-java/2.20.0 Linux/5.10 OpenJDK_64-Bit_Server_VM]",
    ...(isFailure ? { errorCode: "AccessDenied", errorMessage: denied } : {}),
    requestParameters: { bucketName: "photos-replica", Host: "photos-replica.s3.eu-west-1.amazonaws.com", key },
    responseElements: null,
    additionalEventData: { SignatureVersion: "SigV4", CipherSuite: "TLS_AES_128_GCM_SHA256", bytesTransferredIn: 0 },
    requestID: at.toString(16).toUpperCase().padStart(16, "0"),
    eventID: `00000000-0000-4000-8000-${at.toString(16).padStart(12, "0")}`,
    readOnly: !isReplication,
    resources: [
      { type: "AWS::S3::Object", ARN: `arn:aws:s3:::photos-replica/${key}` },
      { accountId: ACCOUNT, type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::photos-replica" },
    ],
    eventType: "AwsApiCall",
    managementEvent: false,
    recipientAccountId: ACCOUNT,
    eventCategory: "Data",
  };
}
