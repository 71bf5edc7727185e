/** Inventories that nobody wrote as AWS does: both readers give the same answer, or say that the files cannot be read. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { EvidenceError } from "../../src/doctor/evidence/error.ts";
import { FailureLog } from "../../src/doctor/evidence/failure-log.ts";
import { CsvTable } from "../../src/doctor/evidence/inventory-csv.ts";
import { findDuckDb, openDuckDb } from "../../src/doctor/evidence/inventory-duckdb.ts";
import type { InventoryTable } from "../../src/doctor/evidence/inventory-table.ts";
import { temporaryDirectory } from "../e2e/binary.ts";

const COLUMNS = [
  "bucket",
  "key",
  "version_id",
  "is_latest",
  "is_delete_marker",
  "size",
  "last_modified_date",
  "e_tag",
  "storage_class",
  "is_multipart_uploaded",
  "replication_status",
  "encryption_status",
  "bucket_key_status",
  "object_lock_retain_until_date",
  "object_lock_legal_hold_status",
];

/** What may stand where anything may: of each kind that a reader could stumble over. */
const VALUES = [
  "",
  " ",
  "true",
  "TRUE",
  "tRuE",
  "1",
  "-1",
  "1e3",
  "0x10",
  "007",
  " 7 ",
  "99999999999999999999",
  "NaN",
  "Infinity",
  "null",
  "NULL",
  "\\N",
  "%",
  "%ZZ",
  "%00",
  "%FF%FE",
  "a+b",
  "ü",
  "𝒳",
  "\u0000",
  "'",
  '"',
  ",",
  "a,b\"c'",
  "2026-01-01T00:00:00.000Z",
  "2026-02-31T00:00:00.000Z",
  "1969-12-31T23:59:59.000Z",
  "yesterday",
  "FAILED",
  "failed",
  "SSE-KMS",
  "ENABLED",
  "enabled",
  "On",
  "x".repeat(5000),
];
/** A counterexample is not made smaller: each run opens a database. */
const RUNS = 25;

describe("an inventory that is not as it should be", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());
  const path = join(directory.path, "data.csv.gz");

  /** What a reader makes of the file, in an order of its own; a refusal has to be one for people. */
  async function toldBy(open: () => Promise<InventoryTable>): Promise<unknown> {
    let table: InventoryTable | undefined;
    try {
      table = await open();
      const groups = await table.groups({ conditions: [], byOwner: false, log: new FailureLog() });
      return groups
        .map(({ samples, ...group }) => ({ ...group, picked: Math.min(1, samples.length) }))
        .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    } catch (error) {
      assert.ok(error instanceof EvidenceError, String(error));
      assert.match(error.message, /^the inventory/);
      return "refused";
    } finally {
      await table?.close();
    }
  }

  const plain = () => toldBy(async () => new CsvTable({ columns: COLUMNS, paths: [path], prefix: "" }));

  async function byDuckDb(): Promise<unknown> {
    const duckDb = await findDuckDb();
    assert.ok(duckDb !== undefined);
    const scratch = temporaryDirectory();
    try {
      const manifest = {
        sourceBucket: "photos",
        destinationBucket: "reports",
        takenAtMs: 0,
        format: "CSV" as const,
        columns: COLUMNS,
        files: [],
      };
      const opened = { manifest, paths: [path], directory: scratch.path, prefix: "" };
      return await toldBy(() => openDuckDb(duckDb, opened));
    } finally {
      scratch.remove();
    }
  }

  it("is counted alike by both readers, whatever stands in its fields", async () => {
    const row = fc.tuple(...COLUMNS.map(() => fc.constantFrom(...VALUES)));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
        const text = rows.map((one) => `${one.map((field) => `"${field.replaceAll('"', '""')}"`).join(",")}\n`);
        writeFileSync(path, gzipSync(text.join("")));
        assert.deepEqual(await byDuckDb(), await plain());
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  it("is read or refused, and never a crash, whatever the files hold", async () => {
    const bytes = fc.oneof(
      // No gzip at all.
      fc.uint8Array({ maxLength: 300 }).map((one) => Buffer.from(one)),
      // Anything within gzip, broken off somewhere.
      fc
        .tuple(fc.array(fc.constantFrom(...VALUES, "\n", "\r\n", '""', '",'), { maxLength: 60 }), fc.nat(400))
        .map(([texts, left]) => gzipSync(texts.join(",")).subarray(0, Math.max(1, left))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (held) => {
        writeFileSync(path, held);
        await plain();
        await byDuckDb();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
