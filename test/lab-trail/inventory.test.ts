/** S3 Inventory by the unmodified AWS SDK: configurations, and the reports that come of them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  DeleteBucketInventoryConfigurationCommand,
  DeleteObjectCommand,
  GetBucketInventoryConfigurationCommand,
  type InventoryConfiguration,
  ListBucketInventoryConfigurationsCommand,
  PutBucketInventoryConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { DuckDBInstance } from "@duckdb/node-api";
import { temporaryDirectory } from "../e2e/binary.ts";
import { codeOf } from "../lab-s3/lab.ts";
import { TrailWorld } from "./world.ts";

const SERVICE = "s3.amazonaws.com";

interface Manifest {
  readonly sourceBucket: string;
  readonly destinationBucket: string;
  readonly version: string;
  readonly creationTimestamp: string;
  readonly fileFormat: string;
  readonly fileSchema: string;
  readonly files: readonly { readonly key: string; readonly size: number; readonly MD5checksum: string }[];
}

describe("S3 Inventory", () => {
  let world: TrailWorld;
  before(async () => {
    world = await TrailWorld.start();
    await world.lab.bucket("reports");
    await world.letIn("reports", SERVICE, { StringEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } });
  });
  after(async () => {
    await world.stop();
  });

  type Wish = Partial<InventoryConfiguration> & { Format?: "CSV" | "ORC" | "Parquet"; into?: string };

  async function configure(Bucket: string, Id: string, { Format = "CSV", into = "reports", ...wish }: Wish = {}) {
    const InventoryConfiguration: InventoryConfiguration = {
      Id,
      IsEnabled: true,
      IncludedObjectVersions: "All",
      Schedule: { Frequency: "Daily" },
      Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${into}`, Format, Prefix: "pre" } },
      OptionalFields: ["Size", "EncryptionStatus", "ReplicationStatus"],
      ...wish,
    };
    await world.lab.s3().send(new PutBucketInventoryConfigurationCommand({ Bucket, Id, InventoryConfiguration }));
    return InventoryConfiguration;
  }

  async function report(bucket: string, id: string): Promise<{ readonly key: string; readonly manifest: Manifest }> {
    const { manifest } = (await world.lab.admin("POST", `buckets/${bucket}/inventory`, { id })) as { manifest: string };
    return { key: manifest, manifest: JSON.parse(await world.text("reports", manifest)) as Manifest };
  }

  /** A bucket with two versions of a key, a marker on another. Their ids, newest first within a key. */
  async function filled(name: string): Promise<Record<"a1" | "a2" | "b" | "marker", string>> {
    const { lab } = world;
    await lab.bucket(name, { versioned: true });
    const put = async (Key: string, Body: string) =>
      (await lab.s3().send(new PutObjectCommand({ Bucket: name, Key, Body }))).VersionId ?? "";
    const a1 = await put("a b/ü", "1");
    const a2 = await put("a b/ü", "22");
    const b = await put("b", "333");
    const { VersionId: marker = "" } = await lab.s3().send(new DeleteObjectCommand({ Bucket: name, Key: "b" }));
    return { a1, a2, b, marker };
  }

  it("a CSV report has data, manifest, checksum and the list for Hive where AWS has them", async () => {
    const ids = await filled("csv");
    await configure("csv", "all");
    const { key, manifest } = await report("csv", "all");
    assert.match(key, /^pre\/csv\/all\/\d{4}-\d\d-\d\dT\d\d-\d\dZ\/manifest\.json$/);
    const [file] = manifest.files;
    assert.ok(file !== undefined);
    assert.match(file.key, /^pre\/csv\/all\/data\/[0-9a-f-]{36}\.csv\.gz$/);
    assert.deepEqual(manifest, {
      sourceBucket: "csv",
      destinationBucket: "arn:aws:s3:::reports",
      version: "2016-11-30",
      creationTimestamp: manifest.creationTimestamp,
      fileFormat: "CSV",
      fileSchema: "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ReplicationStatus, EncryptionStatus",
      files: [file],
    });
    assert.match(manifest.creationTimestamp, /^\d{13}$/);
    const data = await world.bytes("reports", file.key);
    assert.equal(data.length, file.size);
    assert.equal(createHash("md5").update(data).digest("hex"), file.MD5checksum);
    assert.equal(
      gunzipSync(data).toString(),
      `"csv","a%20b/%C3%BC","${ids.a2}","true","false","2","","SSE-S3"\n` +
        `"csv","a%20b/%C3%BC","${ids.a1}","false","false","1","","SSE-S3"\n` +
        `"csv","b","${ids.marker}","true","true","","",""\n` +
        `"csv","b","${ids.b}","false","false","3","","SSE-S3"\n`,
    );
    const text = await world.text("reports", key);
    const checksum = await world.text("reports", key.replace("manifest.json", "manifest.checksum"));
    assert.equal(checksum, createHash("md5").update(text).digest("hex"));
    const minute = key.split("/")[3]?.slice(0, -1).replace("T", "-") ?? "";
    assert.equal(await world.text("reports", `pre/csv/all/hive/dt=${minute}/symlink.txt`), `s3://reports/${file.key}`);
  });

  it("a Parquet report has the documented columns and types", async () => {
    const ids = await filled("parquet");
    await configure("parquet", "p", { Format: "Parquet", OptionalFields: ["Size", "LastModifiedDate"] });
    const { manifest } = await report("parquet", "p");
    assert.equal(manifest.fileFormat, "Parquet");
    const file = manifest.files[0]?.key ?? "";
    assert.match(file, /\.parquet$/);
    const directory = temporaryDirectory();
    const path = `${directory.path}/data.parquet`;
    writeFileSync(path, await world.bytes("reports", file));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const all = async (sql: string) => (await connection.runAndReadAll(sql)).getRows().map((row) => row.map(String));
    assert.deepEqual(
      await all(
        `SELECT key, version_id, is_latest, is_delete_marker, size FROM '${path}' ORDER BY key, is_latest DESC`,
      ),
      [
        ["a b/ü", ids.a2, "true", "false", "2"],
        ["a b/ü", ids.a1, "false", "false", "1"],
        ["b", ids.marker, "true", "true", "null"],
        ["b", ids.b, "false", "false", "3"],
      ],
    );
    const types = await all(`SELECT name, type, converted_type FROM parquet_schema('${path}') WHERE type IS NOT NULL`);
    assert.deepEqual(types, [
      ["bucket", "BYTE_ARRAY", "UTF8"],
      ["key", "BYTE_ARRAY", "UTF8"],
      ["version_id", "BYTE_ARRAY", "UTF8"],
      ["is_latest", "BOOLEAN", "null"],
      ["is_delete_marker", "BOOLEAN", "null"],
      ["size", "INT64", "INT_64"],
      ["last_modified_date", "INT64", "TIMESTAMP_MILLIS"],
    ]);
    assert.deepEqual(await all(`SELECT DISTINCT compression FROM parquet_metadata('${path}')`), [["SNAPPY"]]);
    connection.closeSync();
    instance.closeSync();
    directory.remove();
  });

  it("current versions under a prefix have neither markers nor columns of versions", async () => {
    await filled("current");
    await configure("current", "c", { IncludedObjectVersions: "Current", Filter: { Prefix: "a" }, OptionalFields: [] });
    const { manifest } = await report("current", "c");
    const data = await world.bytes("reports", manifest.files[0]?.key ?? "");
    assert.equal(gunzipSync(data).toString(), '"current","a%20b/%C3%BC"\n');
  });

  it("daily reports come at midnight UTC of the lab's clock, once, and disabled ones never", async () => {
    const { lab } = world;
    await filled("daily");
    await configure("daily", "on");
    await configure("daily", "off", { IsEnabled: false });
    const manifests = async () =>
      (await world.keys("reports")).filter((key) => /^pre\/daily\/.*manifest\.json$/.test(key));
    await lab.lab.deliver();
    assert.deepEqual(await manifests(), []);
    await lab.admin("PUT", "clock", { offsetMs: 86_400_000 });
    await lab.lab.deliver();
    await lab.lab.deliver();
    await lab.admin("PUT", "clock", { offsetMs: 0 });
    const [made = "", ...more] = await manifests();
    assert.match(made, /^pre\/daily\/on\//);
    assert.deepEqual(more, []);
  });

  it("the destination's policy has to let S3 in, and ORC is not written", async () => {
    const { lab } = world;
    await lab.bucket("shut");
    await filled("refusals");
    await configure("refusals", "shut", { into: "shut" });
    await configure("refusals", "orc", { Format: "ORC" });
    await assert.rejects(report("refusals", "shut"), /403.*AccessDenied/);
    await assert.rejects(report("refusals", "orc"), /501.*ORC/);
    await assert.rejects(report("refusals", "none"), /404.*NoSuchConfiguration/);
  });

  it("configurations are read, listed and deleted as they were put", async () => {
    const { lab } = world;
    await lab.bucket("settings");
    const Encryption = { SSEKMS: { KeyId: "arn:aws:kms:us-east-1:111122223333:key/k" } };
    const first = await configure("settings", "first", {
      Filter: { Prefix: "in/" },
      Destination: {
        S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "ORC", AccountId: "111122223333", Encryption },
      },
    });
    await configure("settings", "second", { Schedule: { Frequency: "Weekly" } });
    const get = (Id: string) => lab.s3().send(new GetBucketInventoryConfigurationCommand({ Bucket: "settings", Id }));
    const { OptionalFields, ...rest } = (await get("first")).InventoryConfiguration ?? {};
    const { OptionalFields: wanted, ...put } = first;
    assert.deepEqual(rest, put);
    assert.deepEqual(new Set(OptionalFields), new Set(wanted));
    const list = () => lab.s3().send(new ListBucketInventoryConfigurationsCommand({ Bucket: "settings" }));
    assert.deepEqual(
      (await list()).InventoryConfigurationList?.map((one) => one.Id),
      ["first", "second"],
    );
    await lab.s3().send(new DeleteBucketInventoryConfigurationCommand({ Bucket: "settings", Id: "first" }));
    assert.equal(await codeOf(get("first")), "NoSuchConfiguration 404");
    assert.equal((await list()).InventoryConfigurationList?.length, 1);
  });
});
