/** What an inventory cannot decide is listed as unexplained, counted, and with what would decide it; a walk decides it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import type { Diagnosis, Unexplained } from "../../src/core/diagnose/report.ts";
import { type Environment, lockstep, type Served, serve, temporaryDirectory } from "../e2e/binary.ts";
import { s3Of } from "../e2e/sdk.ts";
import { policy } from "../lab-batch/batch-lab.ts";
import { diagnosisOf } from "./diagnosed.ts";

const ROWS = 40;
const NAMES = Array.from({ length: ROWS }, (_, index) => String(index).padStart(2, "0"));
const TAG = { Key: "team", Value: "blue" };

describe("diagnose --inventory of what no inventory tells", () => {
  const home = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let s3: S3;
  before(async () => {
    served = await serve(join(home.path, "data"), home.path);
    environment = await served.environment();
    s3 = s3Of(environment);
    for (const Bucket of ["doubt-src", "doubt-dst"]) {
      await s3.createBucket({ Bucket });
      await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    const writer = { Principal: { Service: "s3.amazonaws.com" }, Action: "s3:PutObject" };
    await s3.putBucketPolicy({
      Bucket: "doubt-dst",
      Policy: policy({ ...writer, Resource: "arn:aws:s3:::doubt-dst/*" }),
    });
    // Older than the rules, so that none of them shows a status.
    for (const [index, name] of NAMES.entries()) {
      const Tagging = index % 2 === 0 ? `${TAG.Key}=${TAG.Value}` : "";
      for (const place of ["mixed", "hidden", "gone"]) {
        await s3.putObject({ Bucket: "doubt-src", Key: `${place}/${name}`, Body: "x", Tagging });
      }
    }
    await replicate();
    const denied = { Effect: "Deny", Principal: "*", Action: ["s3:GetObject", "s3:GetObjectVersion"] };
    await s3.putBucketPolicy({
      Bucket: "doubt-src",
      Policy: policy({ ...denied, Resource: "arn:aws:s3:::doubt-src/hidden/*" }),
    });
    await makeInventory();
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: "doubt-src", Prefix: "gone/" });
    const Objects = Versions.map(({ Key, VersionId }) => ({ Key, VersionId }));
    await s3.deleteObjects({ Bucket: "doubt-src", Delete: { Objects } });
  });
  after(async () => {
    s3.destroy();
    await served.stop();
    home.remove();
  });

  /** A rule for each prefix, which takes versions with the tag alone. */
  async function replicate(): Promise<void> {
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = environment;
    const credentials = { accessKeyId, secretAccessKey };
    const iam = new IAM({ endpoint: served.endpoint, region: "us-east-1", credentials });
    const AssumeRolePolicyDocument = policy({ Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    const { Role } = await iam.createRole({ RoleName: "mover", AssumeRolePolicyDocument });
    const PolicyDocument = policy({ Action: "s3:*", Resource: "*" });
    await iam.putRolePolicy({ RoleName: "mover", PolicyName: "may", PolicyDocument });
    iam.destroy();
    const Rules = ["mixed", "hidden", "gone"].map((place, index) => ({
      ID: place,
      Priority: index + 1,
      Status: "Enabled" as const,
      Filter: { And: { Prefix: `${place}/`, Tags: [TAG] } },
      DeleteMarkerReplication: { Status: "Disabled" as const },
      Destination: { Bucket: "arn:aws:s3:::doubt-dst" },
    }));
    const ReplicationConfiguration = { Role: Role?.Arn ?? "", Rules };
    await s3.putBucketReplication({ Bucket: "doubt-src", ReplicationConfiguration });
  }

  async function makeInventory(): Promise<void> {
    const InventoryConfiguration = {
      Id: "all",
      IsEnabled: true,
      IncludedObjectVersions: "All" as const,
      Schedule: { Frequency: "Daily" as const },
      Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::doubt-dst", Format: "CSV" as const } },
      OptionalFields: ["Size" as const, "LastModifiedDate" as const, "ReplicationStatus" as const],
    };
    await s3.putBucketInventoryConfiguration({ Bucket: "doubt-src", Id: "all", InventoryConfiguration });
    const answer = await fetch(`${served.endpoint}/_lockstep/buckets/doubt-src/inventory`, {
      method: "POST",
      headers: { authorization: `Bearer ${environment["LOCKSTEP_CONSOLE_TOKEN"] ?? ""}` },
      body: JSON.stringify({ id: "all" }),
    });
    assert.equal(answer.status, 200);
  }

  const diagnosed = (...words: string[]) => diagnosisOf("doubt-src", environment, words);

  /** Versions of a place that have a cause: samples alone, for they were looked at one by one. */
  const causedIn = ({ causes }: Diagnosis, place: string) =>
    causes.filter((one) => one.rule === place).reduce((sum, one) => sum + one.affected.versions, 0);
  const listedOf = ({ unexplained }: Diagnosis, place: string): readonly Unexplained[] =>
    unexplained.filter((one) => one.key.startsWith(`${place}/`));

  it("lists each kind that samples do not decide, with what would, and counts all of it", async () => {
    const found = await diagnosed("--inventory", "latest");
    const told = {
      mixed:
        /^the \d versions like it that were looked at differ in what no inventory tells \(tags, KMS key\); a walk without --inventory, events \(--events\) or a completion report \(--report\) decide it$/,
      hidden: /^no version like it could be looked at \(.*(?:403|denied).*\); a walk without --inventory, /i,
      gone: /^no version like it was there to be looked at; a walk without --inventory, /,
    };
    for (const [place, missing] of Object.entries(told)) {
      const [first] = listedOf(found, place);
      assert.match(first?.missing ?? `nothing of ${place}/ is listed`, missing);
      assert.notEqual(first?.versionId, "");
    }
    const looked = causedIn(found, "mixed");
    assert.ok(looked > 0 && looked <= 5, `${looked} of mixed/ have a cause`);
    assert.equal(found.scanned.versions, 3 * ROWS);
    // Besides those of mixed/ that were looked at.
    assert.equal(found.unexplainedVersions, 3 * ROWS - looked);
  });

  it("says how many they are in words, too, beside the few that are named", async () => {
    const { unexplainedVersions } = await diagnosed("--inventory", "latest");
    const { stdout } = await lockstep(["diagnose", "s3://doubt-src", "--inventory", "latest"], environment);
    assert.match(stdout, new RegExp(`${unexplainedVersions} versions unexplained`));
    assert.match(stdout, /not known: no version like it was there to be looked at/);
  });

  it("has them decided by a walk, as it says: tags tell which of them a rule takes", async () => {
    const walked = await diagnosed();
    assert.deepEqual(listedOf(walked, "mixed"), []);
    const causes = walked.causes.filter((one) => one.rule === "mixed");
    const versions = Object.fromEntries(causes.map((one) => [one.code, one.affected.versions]));
    assert.deepEqual(versions, { NeverTried: ROWS / 2, TagsDiffer: ROWS / 2 });
  });
});
