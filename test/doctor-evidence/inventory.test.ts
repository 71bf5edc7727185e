/** A bucket diagnosed from its S3 Inventory, by the real binary: the same causes as by a look at every version. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketInventoryConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { BatchOutcome } from "../../src/cli/batch/outcome.ts";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { type Environment, lockstep, type Served, serve, temporaryDirectory } from "../e2e/binary.ts";
import { diagnosisOf } from "./diagnosed.ts";

const FIELDS = [
  "Size",
  "LastModifiedDate",
  "ETag",
  "StorageClass",
  "IsMultipartUploaded",
  "ReplicationStatus",
  "EncryptionStatus",
  "BucketKeyStatus",
] as const;

describe("diagnose --inventory", () => {
  const home = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let s3: S3Client;
  let walked: Diagnosis;
  before(async () => {
    served = await serve(join(home.path, "data"), home.path, ["--example"]);
    environment = await served.environment();
    s3 = new S3Client({
      endpoint: served.endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: {
        accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
        secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
      },
    });
    await s3.send(new CreateBucketCommand({ Bucket: "reports" }));
    const Statement = [
      {
        Effect: "Allow",
        Principal: { Service: "s3.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: "arn:aws:s3:::reports/*",
      },
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await s3.send(new PutBucketPolicyCommand({ Bucket: "reports", Policy }));
    walked = await diagnosed();
  });
  after(async () => {
    s3.destroy();
    await served.stop();
    home.remove();
  });

  const diagnosed = (...words: string[]) => diagnosisOf("photos", environment, words);

  /** Has a report of the bucket made. @returns where its manifest is */
  async function report(
    Id: string,
    Format: "CSV" | "Parquet",
    OptionalFields: readonly (typeof FIELDS)[number][] = FIELDS,
    IncludedObjectVersions: "All" | "Current" = "All",
  ): Promise<string> {
    const InventoryConfiguration = {
      Id,
      IsEnabled: true,
      IncludedObjectVersions,
      Schedule: { Frequency: "Daily" as const },
      Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format, Prefix: "pre" } },
      OptionalFields: [...OptionalFields],
    };
    await s3.send(new PutBucketInventoryConfigurationCommand({ Bucket: "photos", Id, InventoryConfiguration }));
    const answer = await fetch(`${served.endpoint}/_lockstep/buckets/photos/inventory`, {
      method: "POST",
      headers: { authorization: `Bearer ${environment["LOCKSTEP_CONSOLE_TOKEN"] ?? ""}` },
      body: JSON.stringify({ id: Id }),
    });
    const { manifest } = (await answer.json()) as { manifest: string };
    return `s3://reports/${manifest}`;
  }

  const causesOf = ({ causes }: Diagnosis) =>
    causes.map(({ id, code, affected: { versions } }) => ({ id, code, versions }));

  for (const format of ["CSV", "Parquet"] as const) {
    it(`finds in ${format} the causes that a look at every version finds`, async () => {
      const found = await diagnosed("--inventory", await report(format.toLowerCase(), format));
      assert.deepEqual(causesOf(found), causesOf(walked));
      assert.deepEqual(found.scanned, walked.scanned);
      assert.equal(found.sources?.[0]?.kind, "inventory");
    });
  }

  it("finds the newest report by the bucket's own configuration", async () => {
    const place = await report("newest", "Parquet");
    const found = await diagnosed("--inventory", "latest");
    assert.match(found.sources?.[0]?.name ?? "", /^s3:\/\/reports\/pre\/photos\/[a-z]+\/[^/]+\/manifest\.json$/);
    assert.ok(place.startsWith("s3://reports/pre/photos/newest/"));
    assert.deepEqual(causesOf(found), causesOf(walked));
  });

  it("plans the same patches, and counts the same statuses, as a look at every version", async () => {
    const place = await report("planned", "CSV");
    const said = async (...words: string[]) => {
      const { stdout, stderr } = await lockstep([...words, "--json"], environment);
      assert.notEqual(stdout, "", stderr);
      return JSON.parse(stdout) as { readonly patches?: readonly { readonly id: string }[]; readonly scanned?: object };
    };
    const [byWalk, byInventory] = [
      await said("fix", "s3://photos"),
      await said("fix", "s3://photos", "--inventory", place),
    ];
    assert.ok((byWalk.patches?.length ?? 0) > 0);
    assert.deepEqual(byInventory.patches, byWalk.patches);
    const { scanned } = await said("status", "s3://photos", "--inventory", place);
    assert.deepEqual(scanned, walked.scanned);
  });

  for (const format of ["CSV", "Parquet"] as const) {
    it(`selects for S3 Batch, of a cause, from ${format} what a look at every version selects`, async () => {
      const place = await report(`resync-${format.toLowerCase()}`, format);
      const cause = walked.causes.find((one) => one.code.startsWith("Dst"));
      assert.ok(cause !== undefined);
      const selected = async (...words: string[]) => {
        const asked = ["resync", "s3://photos", "--via", "batch", "--cause", cause.id, "--dry-run", "--json"];
        const role = ["--make-job-role", "mover", "--job-output", "s3://reports/jobs"];
        const { stdout, stderr } = await lockstep([...asked, ...role, ...words], environment);
        assert.notEqual(stdout, "", stderr);
        return (JSON.parse(stdout) as BatchOutcome).selected;
      };
      const byWalk = await selected();
      assert.deepEqual(await selected("--inventory", place), byWalk);
      assert.ok((byWalk?.versions ?? 0) > 0);
    });
  }

  it("reads current versions only, and their ids from the bucket", async () => {
    const found = await diagnosed("--inventory", await report("current", "CSV", FIELDS, "Current"));
    assert.ok(found.causes.length > 0);
    for (const { affected } of found.causes) assert.ok(affected.samples.every((one) => one.versionId !== ""));
  });

  it("reads a report that was copied here, and refuses one that was changed", async () => {
    const place = await report("local", "CSV");
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: "reports", Prefix: "pre/photos/local/" }),
    );
    const manifest = JSON.parse(await text(place)) as { files: readonly { readonly key: string }[] };
    const here = join(home.path, "copied");
    mkdirSync(here);
    for (const key of [place.slice("s3://reports/".length), ...manifest.files.map((one) => one.key)]) {
      assert.ok(Contents.some((one) => one.Key === key));
      writeFileSync(join(here, key.split("/").at(-1) ?? ""), await bytes(`s3://reports/${key}`));
    }
    const path = join(here, "manifest.json");
    assert.deepEqual(causesOf(await diagnosed("--inventory", path)), causesOf(walked));
    const data = join(here, manifest.files[0]?.key.split("/").at(-1) ?? "");
    writeFileSync(data, Buffer.concat([readFileSync(data), Buffer.from("x")]));
    const refused = await lockstep(["diagnose", "s3://photos", "--inventory", path], environment);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /does not fit its MD5/);
  });

  it("refuses a report without statuses, of another bucket, or with a checksum that does not fit", async () => {
    const bare = await report("bare", "CSV", ["Size"]);
    const refused = async (...words: string[]) => {
      const { status, stderr } = await lockstep(["diagnose", ...words], environment);
      assert.equal(status, 2);
      return stderr;
    };
    assert.match(await refused("s3://photos", "--inventory", bare), /ReplicationStatus/);
    assert.match(await refused("s3://reports", "--inventory", bare), /inventory of s3:\/\/photos/);
    assert.match(await refused("s3://reports", "--inventory", "latest"), /has no inventory/);
    const key = bare.slice("s3://reports/".length).replace("manifest.json", "manifest.checksum");
    await s3.send(new PutObjectCommand({ Bucket: "reports", Key: key, Body: "0".repeat(32) }));
    assert.match(await refused("s3://photos", "--inventory", bare), /manifest\.checksum/);
  });

  async function bytes(place: string): Promise<Buffer> {
    const Key = place.slice("s3://reports/".length);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "reports", Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async function text(place: string): Promise<string> {
    return (await bytes(place)).toString();
  }
});
