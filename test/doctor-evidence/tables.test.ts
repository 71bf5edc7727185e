/** The two readers of an inventory, with and without DuckDB, count the same. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { FailureLog } from "../../src/doctor/evidence/failure-log.ts";
import { CsvTable } from "../../src/doctor/evidence/inventory-csv.ts";
import { findDuckDb, openDuckDb } from "../../src/doctor/evidence/inventory-duckdb.ts";
import type { InventoryTable } from "../../src/doctor/evidence/inventory-table.ts";
import { HeldTasks, openJoined, type TaskRows } from "../../src/doctor/evidence/inventory-tasks.ts";
import { keyConditions } from "../../src/doctor/evidence/key-conditions.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { factsOf } from "../fixtures/diagnose-facts.ts";

const COLUMNS = ["bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date"];
const MORE = ["e_tag", "storage_class", "replication_status", "encryption_status", "unknown_thing"];
const KEYS = ["private/a%20b", "private/c+d", "public/%C3%BC%22", "x_y/album-7", "xzy/album-7", "%ZZ/%", "%FF"];
const STATUSES = ["FAILED", "COMPLETED", "", "PENDING"];

function csv(): string {
  const rows = Array.from({ length: 200 }, (_, index) => {
    const isMarker = index % 9 === 0;
    const key = `${KEYS[index % KEYS.length] ?? ""}${index}`;
    const version = index % 5 === 0 ? "" : `v${index}`;
    const written = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
    const known = ["photos", key, version, index % 2 === 0 ? "TRUE" : "false", String(isMarker), isMarker ? "" : "10"];
    const object = [`e${index}${index % 4 === 0 ? "-2" : ""}`, "STANDARD", STATUSES[index % 4] ?? "", "SSE-S3"];
    return [...known, written, ...(isMarker ? ["", "", "", ""] : object), 'a "thing", quoted'];
  });
  return rows.map((row) => `${row.map((one) => `"${one.replaceAll('"', '""')}"`).join(",")}\n`).join("");
}

describe("an inventory in CSV", () => {
  it("is counted by DuckDB as it is without", async () => {
    const directory = temporaryDirectory();
    try {
      const path = join(directory.path, "data.csv.gz");
      writeFileSync(path, gzipSync(csv()));
      const columns = [...COLUMNS, ...MORE];
      const manifest = {
        sourceBucket: "photos",
        destinationBucket: "reports",
        takenAtMs: 0,
        format: "CSV" as const,
        columns,
        files: [],
      };
      const duckDb = await findDuckDb();
      assert.ok(duckDb !== undefined);
      const opened = { manifest, paths: [path], directory: directory.path, prefix: "" };
      const tables = [await openDuckDb(duckDb, opened), new CsvTable({ columns, paths: [path], prefix: "" })];
      const [one, other] = await Promise.all(tables.map(counted));
      assert.deepEqual(one, other);
      assert.ok((one?.groups.length ?? 0) > 10);
      for (const table of tables) await table.close();
    } finally {
      directory.remove();
    }
  });

  it("shows the versions of a job, whoever joins them: also those that are not in it, and each once", async () => {
    const directory = temporaryDirectory();
    try {
      const path = join(directory.path, "data.csv.gz");
      writeFileSync(path, gzipSync(csv()));
      const manifest = {
        sourceBucket: "photos",
        destinationBucket: "reports",
        takenAtMs: 0,
        format: "CSV" as const,
        columns: [...COLUMNS, ...MORE],
        files: [],
      };
      const duckDb = await findDuckDb();
      assert.ok(duckDb !== undefined);
      const opened = { manifest, paths: [path], directory: directory.path };
      const shown: (readonly TaskRows[])[] = [];
      for (const table of [await openJoined(duckDb, opened), new HeldTasks(opened)]) {
        // A delete marker, FAILED, COMPLETED and PENDING versions, one without id, one of another version.
        const tasks = [
          ["private/a b0", "null"],
          ["xzy/album-74", "v4"],
          ["private/c d1", "v1"],
          ["xzy/album-74", "v4"],
          ["x_y/album-73", "v3"],
          ["%ZZ/%5", "null"],
          ["x_y/album-74", "v5"],
          ["nowhere", "null"],
        ] as const;
        for (const [key, versionId] of tasks) table.add({ key, versionId });
        const rows = await table.rows();
        await table.close();
        shown.push([...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)));
      }
      const [joined, held] = shown.map((rows) =>
        rows.map(({ samples, ...row }) => ({ ...row, samples: samples.map((one) => JSON.stringify(one)).sort() })),
      );
      assert.deepEqual(joined, held);
      assert.deepEqual(
        joined?.map(({ isThere, isMarker, status, versions }) => [isThere, isMarker, status, versions]),
        [
          [false, false, "", 2],
          [true, false, "COMPLETED", 2],
          [true, false, "FAILED", 1],
          [true, false, "PENDING", 1],
          [true, true, "", 1],
        ],
      );
    } finally {
      directory.remove();
    }
  });

  async function counted(table: InventoryTable) {
    const deny = (resource: string) => ({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: resource });
    const facts = factsOf({
      destination: {
        policy: [deny("arn:aws:s3:::photos-replica/private/*"), deny("arn:aws:s3:::photos-replica/x_y/*-7?*")],
      },
      versions: [{ key: "a" }],
    });
    const log = new FailureLog();
    const failure = {
      destinationArn: "arn:aws:s3:::photos-replica",
      ruleId: "r",
      code: "DstBucketNotFound",
      step: "s",
    };
    const told = { ...failure, pending: false, attempts: 1, message: "" };
    log.add({ ...told, key: "private/c d1", versionId: "v1" });
    log.add({ ...told, key: "gone", versionId: "v" });
    const request = { conditions: keyConditions(facts), byOwner: false, log };
    const groups = [
      ...(await table.groups(request)),
      ...(await table.groups({ ...request, markersFromMs: Date.UTC(2026, 0, 1, 0, 1) })),
    ];
    return {
      unseen: await table.unseen(log, 10),
      groups: groups
        .map(({ samples, traits, ...sums }) => {
          // Which of them are picked differs; that they are of the group does not.
          const { recorded, marker, late, multipart, status } = traits;
          return { recorded, marker, late, multipart, status, ...sums, picked: Math.min(1, samples.length) };
        })
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    };
  }
});
