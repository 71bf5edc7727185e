import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readInventoryManifest } from "./inventory.ts";

const MANIFEST = {
  sourceBucket: "photos",
  destinationBucket: "arn:aws:s3:::reports",
  version: "2016-11-30",
  creationTimestamp: "1514944800000",
  fileFormat: "CSV",
  fileSchema: "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, ReplicationStatus",
  files: [{ key: "pre/data/one.csv.gz", size: 12, MD5checksum: "F11166069F1990ABEB9C97ACE9CDFABC" }],
};

describe("the manifest of an inventory", () => {
  it("names the columns of CSV as Parquet does", () => {
    assert.deepEqual(readInventoryManifest(JSON.stringify(MANIFEST)), {
      manifest: {
        sourceBucket: "photos",
        destinationBucket: "reports",
        takenAtMs: 1_514_944_800_000,
        format: "CSV",
        columns: [
          "bucket",
          "key",
          "version_id",
          "is_latest",
          "is_delete_marker",
          "size",
          "last_modified_date",
          "e_tag",
          "replication_status",
        ],
        files: [{ key: "pre/data/one.csv.gz", sizeBytes: 12, md5: "f11166069f1990abeb9c97ace9cdfabc" }],
      },
    });
  });

  it("reads the columns of a Parquet message and of an ORC struct", () => {
    const columnsOf = (fileFormat: string, fileSchema: string) =>
      readInventoryManifest(JSON.stringify({ ...MANIFEST, fileFormat, fileSchema }));
    const parquet = columnsOf(
      "Parquet",
      "message s3.inventory { required binary bucket (UTF8); optional int64 last_modified_date (TIMESTAMP_MILLIS);}",
    );
    assert.deepEqual(parquet.problem === undefined && parquet.manifest.columns, ["bucket", "last_modified_date"]);
    const orc = columnsOf("ORC", "struct<bucket:string,key:string,size:bigint>");
    assert.deepEqual(orc.problem === undefined && orc.manifest.columns, ["bucket", "key", "size"]);
  });

  it("says what is missing instead of guessing", () => {
    const problem = (change: object) => readInventoryManifest(JSON.stringify({ ...MANIFEST, ...change })).problem;
    assert.match(problem({ sourceBucket: undefined }) ?? "", /sourceBucket/);
    assert.match(problem({ fileFormat: "Avro" }) ?? "", /CSV, ORC and Parquet/);
    assert.match(problem({ creationTimestamp: "yesterday" }) ?? "", /creationTimestamp/);
    assert.match(problem({ files: [{ key: "k", size: -1, MD5checksum: "0" }] }) ?? "", /file 1/);
    assert.match(readInventoryManifest("{").problem ?? "", /JSON/);
  });

  it("never makes the reader throw, whatever it holds", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        readInventoryManifest(text);
      }),
    );
    const member = fc.constantFrom(...Object.keys(MANIFEST));
    fc.assert(
      fc.property(member, fc.jsonValue(), (name, value) => {
        readInventoryManifest(JSON.stringify({ ...MANIFEST, [name]: value }));
      }),
    );
  });
});
