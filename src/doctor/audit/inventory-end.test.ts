import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { InventoryManifest } from "../../core/evidence/inventory.ts";
import { EvidenceError } from "../evidence/error.ts";
import { inventoryEnd } from "./inventory-end.ts";

const COLUMNS = ["bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date", "e_tag"];
const NAMED = { name: "s3://b", bucket: "b", prefix: "" };

function manifest(more: Partial<InventoryManifest> = {}): InventoryManifest {
  const known = { sourceBucket: "b", destinationBucket: "r", takenAtMs: 0, format: "CSV", files: [] } as const;
  return { ...known, columns: COLUMNS, ...more };
}

describe("an inventory as an end of an audit", () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-test-"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("has its rows in the order of a listing, whatever the order of its files", async () => {
    const line = (key: string, version: string, latest: boolean, marker: boolean, at: string) =>
      `"b","${encodeURIComponent(key)}","${version}","${latest}","${marker}","${marker ? "" : "7"}","${at}","e"\n`;
    const files = [
      line("z", "1", true, false, "2026-01-01T00:00:00.000Z") +
        line("a b", "1", false, false, "2026-01-01T00:00:00.000Z"),
      line("é", "1", true, false, "2026-01-01T00:00:00.000Z") +
        line("a b", "2", true, true, "2026-01-02T00:00:00.000Z"),
    ];
    const paths = files.map((text, index) => {
      const path = join(directory, `${index}.csv.gz`);
      writeFileSync(path, gzipSync(text));
      return path;
    });
    const inventory = { manifest: manifest(), name: "m", paths, directory };
    const opened = await inventoryEnd(inventory, NAMED);
    const read = async (afterKey?: string) => {
      const reader = opened.end.rows(afterKey);
      const found: string[] = [];
      for (;;) {
        const { rows, isLast } = await reader.next(new AbortController().signal);
        for (const one of rows) {
          const { key, versionId, isDeleteMarker, sizeBytes } = one;
          found.push(`${key} ${versionId} ${isDeleteMarker ? "deleted" : sizeBytes}`);
        }
        if (isLast) return found;
      }
    };
    assert.deepEqual(await read(), ["a b 2 deleted", "a b 1 7", "z 1 7", "é 1 7"]);
    assert.deepEqual(await read("z"), ["é 1 7"]);
    await opened.close();
  });

  it("is refused where it is of another bucket, or lacks a column that is compared", async () => {
    const inventory = { name: "m", paths: [], directory };
    const open = (more: Partial<InventoryManifest>) => inventoryEnd({ ...inventory, manifest: manifest(more) }, NAMED);
    await assert.rejects(open({ sourceBucket: "other" }), EvidenceError);
    await assert.rejects(open({ columns: COLUMNS.filter((one) => one !== "size") }), /has no column Size/);
  });
});
