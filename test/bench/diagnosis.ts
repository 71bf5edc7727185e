/**
 * Diagnosis at scale: a million FAILED versions of several causes one by one, and inventories of ten million rows beside
 * DuckDB's own scan of the same columns in the same run. Facts and rows are made here; no store is asked, so the looks at
 * a few samples of each kind come on top.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { Examination, type Explained } from "../../src/core/diagnose/diagnose.ts";
import type { Facts } from "../../src/core/diagnose/facts.ts";
import { FailureLog } from "../../src/doctor/evidence/failure-log.ts";
import { findDuckDb, openDuckDb } from "../../src/doctor/evidence/inventory-duckdb.ts";
import { versionOf, weightOf } from "../../src/doctor/evidence/inventory-rows.ts";
import { keyConditions } from "../../src/doctor/evidence/key-conditions.ts";
import { factsOf } from "../fixtures/diagnose-facts.ts";
import { cpuMsOf, heading, line, round } from "./measure.ts";

const FAILED = 1_000_000;
const ROWS = Number(process.env["ROWS"] ?? 10_000_000);
/** Of each measurement the better one counts, for both sides of a ratio alike. */
const TURNS = 3;
const COLUMNS = [
  "key",
  "is_delete_marker",
  "size",
  "last_modified_date",
  "storage_class",
  "is_multipart_uploaded",
  "replication_status",
  "encryption_status",
  "bucket_key_status",
];

export async function benchDiagnosis(): Promise<void> {
  heading("Diagnosis: a replication with a denied prefix, a denied name and unselected KMS objects");
  const facts = factsOf({
    destination: {
      policy: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:ReplicateObject",
          Resource: "arn:aws:s3:::photos-replica/private/*",
        },
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:ReplicateObject",
          Resource: "arn:aws:s3:::photos-replica/*/album-7*",
        },
      ],
    },
    versions: [{ key: "tmp/a", status: "FAILED", failure: "DstPutObjectNotPermitted" }],
  });
  oneByOne(facts);
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  try {
    const path = join(directory, "inventory.parquet");
    await writeInventory(path, directory);
    await fromInventory(facts, path, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const FOLDERS = ["public/", "private/", "logs/", "tmp/"];

function oneByOne(facts: Facts): void {
  const [model] = facts.versions;
  if (model === undefined) throw new Error("there is no version to begin with");
  const startMs = performance.now();
  const examination = new Examination({ ...facts, oldestCompletedMs: 0 });
  for (let index = 0; index < FAILED; index += 1) {
    const key = `${FOLDERS[index % 4] ?? ""}album-${index % 100}/${index}.jpg`;
    const isKms = index % 7 === 0;
    examination.add({ ...model, key, versionId: `v${index}`, encryption: { kind: isKms ? "SSE-KMS" : "SSE-S3" } });
  }
  const explained = examination.explained();
  const seconds = (performance.now() - startMs) / 1000;
  line(`${round(FAILED)} FAILED versions`, `${seconds.toFixed(2)} s`, `${told(explained)}; limit 10 s`);
}

/** Like a real one: version ids and ETags that do not compress, markers, parts, classes and statuses side by side. */
async function writeInventory(path: string, directory: string): Promise<void> {
  const ofObject = (expression: string) => `CASE WHEN i % 200 = 0 THEN NULL ELSE ${expression} END`;
  await queried(
    directory,
    `COPY (SELECT 'photos' AS bucket, (['public/', 'private/', 'logs/', 'tmp/'])[1 + (i % 4)::INT] || 'album-' || (i // 1000) || '/' ||
      lpad(i::VARCHAR, 9, '0') || '.jpg' AS key, md5(i::VARCHAR) AS version_id, true AS is_latest, i % 200 = 0 AS is_delete_marker,
      ${ofObject("(i * 7919) % 5000000")}::BIGINT AS size, make_timestamp_ms(1700000000000 + i * 100)::TIMESTAMP_MS AS last_modified_date,
      ${ofObject("md5((i + 1)::VARCHAR)")} AS e_tag,
      ${ofObject("CASE WHEN i % 11 = 0 THEN 'STANDARD_IA' WHEN i % 97 = 0 THEN 'GLACIER' ELSE 'STANDARD' END")} AS storage_class,
      i % 50 = 1 AS is_multipart_uploaded,
      ${ofObject("CASE WHEN i % 10 = 3 THEN 'FAILED' WHEN i % 31 = 0 THEN NULL WHEN i % 1001 = 0 THEN 'PENDING' ELSE 'COMPLETED' END")} AS replication_status,
      ${ofObject("CASE WHEN i % 7 = 0 THEN 'SSE-KMS' ELSE 'SSE-S3' END")} AS encryption_status,
      CASE WHEN i % 7 = 0 THEN 'ENABLED' ELSE 'DISABLED' END AS bucket_key_status
      FROM range(${ROWS}) made(i)) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`,
  );
}

async function fromInventory(facts: Facts, path: string, directory: string): Promise<void> {
  const scan = `SELECT ${COLUMNS.map((one) => `max(${one})`).join(", ")}, count(*) FROM read_parquet('${path}')`;
  const floors: Spent[] = [];
  const ours: Spent[] = [];
  let said = "";
  for (let turn = 0; turn < TURNS; turn += 1) {
    floors.push(await spent(() => queried(directory, scan)));
    ours.push(
      await spent(async () => {
        said = told(await diagnosed(facts, path, directory));
      }),
    );
  }
  const [floor, mine] = [best(floors), best(ours)];
  line(`${round(ROWS)} rows of an inventory`, `${(mine.ms / 1000).toFixed(2)} s`, said);
  line("DuckDB's scan of the same columns", `${(floor.ms / 1000).toFixed(2)} s`, "");
  const ratio = `${(mine.ms / floor.ms).toFixed(2)} of time`;
  line(
    "ratio",
    ratio,
    `${(mine.cpuMs / floor.cpuMs).toFixed(2)} of CPU, which others on the machine disturb less; limit 2`,
  );
  line("largest memory of the process", `${round(process.resourceUsage().maxRSS / 1024)} MiB`, "limit 512 MiB");
}

interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

async function spent(work: () => Promise<unknown>): Promise<Spent> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  await work();
  return { ms: performance.now() - startMs, cpuMs: cpuMsOf(process.cpuUsage(before)) };
}

function best(turns: readonly Spent[]): Spent {
  return { ms: Math.min(...turns.map((one) => one.ms)), cpuMs: Math.min(...turns.map((one) => one.cpuMs)) };
}

async function diagnosed(facts: Facts, path: string, directory: string): Promise<Explained> {
  const duckDb = await findDuckDb();
  if (duckDb === undefined) throw new Error("DuckDB does not run here");
  const manifest = {
    sourceBucket: "photos",
    destinationBucket: "reports",
    takenAtMs: 0,
    format: "Parquet" as const,
    columns: [],
    files: [],
  };
  const table = await openDuckDb(duckDb, { manifest, paths: [path], directory, prefix: "" });
  try {
    const groups = await table.groups({ conditions: keyConditions(facts), byOwner: false, log: new FailureLog() });
    const examination = new Examination({ ...facts, oldestCompletedMs: 0 });
    for (const group of groups) examination.add(versionOf(facts.source, group, []), weightOf(group));
    return examination.explained();
  } finally {
    await table.close();
  }
}

async function queried(directory: string, sql: string): Promise<void> {
  const settings = { memory_limit: "256MB", temp_directory: join(directory, "spill") };
  const instance = await DuckDBInstance.create(":memory:", settings);
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

function told({ diagnosis }: Explained): string {
  return `${diagnosis.causes.length} causes of ${round(diagnosis.scanned.failed)} FAILED`;
}
