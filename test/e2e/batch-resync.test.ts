/** `lockstep resync --via batch` over the lab: break, fix, make a job role, have S3 Batch replicate, and all is COMPLETED. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import type { BatchOutcome } from "../../src/cli/batch/outcome.ts";
import { type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";
import { allowRole, makeRole } from "./roles.ts";
import { s3Of } from "./sdk.ts";

const SETTLED_MS_MAX = 30_000;
const SETTLED_STEP_MS = 50;
const FAILED = 12;
const KEYS = [
  ...Array.from({ length: FAILED - 2 }, (_, index) => `k/${String(index).padStart(2, "0")}`),
  'k/a b, "c" 100%.txt',
  "ü/ß+&?.bin",
];

describe("resync by S3 Batch Replication", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let s3: S3;
  let iam: IAM;
  let account = "";

  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path);
    environment = await served.environment();
    s3 = s3Of(environment);
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = environment;
    const credentials = { accessKeyId, secretAccessKey };
    iam = new IAM({ endpoint: served.endpoint, region: "us-east-1", credentials });
    for (const Bucket of ["src", "dst", "out"].map((name) => `resync-${name}`)) {
      await s3.createBucket({ Bucket });
      if (Bucket !== "resync-out") {
        await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
      }
    }
    account = await makeRole(iam, {
      name: "mover",
      service: "s3.amazonaws.com",
      actions: ["s3:Get*", "s3:ListBucket"],
    });
    await makeRole(iam, { name: "poor", service: "ec2.amazonaws.com", actions: ["s3:InitiateReplication"] });
    await s3.putObject({ Bucket: "resync-src", Key: "old/before-the-rule", Body: "old" });
    await s3.putBucketReplication({
      Bucket: "resync-src",
      ReplicationConfiguration: {
        Role: `arn:aws:iam::${account}:role/mover`,
        Rules: [
          {
            ID: "all",
            Priority: 1,
            Status: "Enabled",
            Filter: { Prefix: "" },
            DeleteMarkerReplication: { Status: "Enabled" },
            Destination: { Bucket: "arn:aws:s3:::resync-dst" },
          },
        ],
      },
    });
    for (const Key of KEYS) await s3.putObject({ Bucket: "resync-src", Key, Body: Key });
    await until(
      "everything FAILED",
      async () => (await statuses()).filter((one) => one === "FAILED").length === FAILED,
    );
  });
  after(async () => {
    s3.destroy();
    iam.destroy();
    await served.stop();
    directory.remove();
  });

  async function statuses(): Promise<string[]> {
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: "resync-src" });
    const heads = Versions.map(async ({ Key, VersionId }) => {
      const head = await s3.headObject({
        Bucket: "resync-src",
        Key,
        ...(VersionId === undefined ? {} : { VersionId }),
      });
      return head.ReplicationStatus ?? "none";
    });
    return await Promise.all(heads);
  }

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; !(await isSo()); waitedMs += SETTLED_STEP_MS) {
      assert.ok(waitedMs < SETTLED_MS_MAX, `not in time: ${what}`);
      await sleep(SETTLED_STEP_MS);
    }
  }

  const type = (...words: string[]): Promise<Outcome> => lockstep(["resync", "s3://resync-src", ...words], environment);
  const ask = async (...words: string[]): Promise<{ status: number; value: BatchOutcome }> => {
    const { status, stdout, stderr } = await type(...words, "--json");
    assert.notEqual(stdout, "", stderr);
    return { status, value: JSON.parse(stdout) as BatchOutcome };
  };
  const output = ["--job-output", "s3://resync-out/jobs"];

  it("asks for a role and a place before anything else", async () => {
    const roleless = await type("--via", "batch", "--yes");
    assert.deepEqual([roleless.status, roleless.stdout], [2, ""]);
    assert.match(roleless.stderr, /--make-job-role/);
    const homeless = await type("--make-job-role", "mine", "--yes");
    assert.match(homeless.stderr, /--job-output s3:\/\/BUCKET/);
  });

  it("makes nothing where nobody can be asked and nobody has agreed", async () => {
    const { status, stderr } = await type("--make-job-role", "unasked", ...output);
    assert.equal(status, 2);
    assert.match(stderr, /--yes/);
    await assert.rejects(iam.getRole({ RoleName: "unasked" }), { name: /NoSuchEntity/ });
  });

  it("names what a role lacks, with the patch, and makes no job of it", async () => {
    const { status, stdout } = await type("--job-role", `arn:aws:iam::${account}:role/poor`, ...output, "--yes");
    assert.equal(status, 1);
    assert.match(stdout, /batchoperations\.s3\.amazonaws\.com may not sts:AssumeRole/);
    assert.match(stdout, /may not s3:PutObject on arn:aws:s3:::resync-out\/jobs\/\*/);
    assert.match(stdout, /may not s3:PutInventoryConfiguration on arn:aws:s3:::resync-src/);
    assert.doesNotMatch(stdout, /may not s3:InitiateReplication/);
    assert.match(stdout, /aws --endpoint-url http\S+ iam put-role-policy --role-name poor/);
    assert.match(stdout, /update-assume-role-policy --role-name poor/);
  });

  it("shows the request and the count, and makes nothing, with --dry-run", async () => {
    const { status, value } = await ask("--make-job-role", "dry", ...output, "--dry-run", "--canary", "2");
    assert.equal(status, 1);
    assert.equal(value.state, "dryRun");
    assert.deepEqual(value.before, { FAILED, NONE: 1, COMPLETED: 0, REPLICA: 0, PENDING: 0 });
    assert.equal(value.selected?.versions, FAILED + 1);
    const [own, listed] = value.requests ?? [];
    assert.deepEqual(own?.Manifest?.Spec.Fields, ["Bucket", "Key", "VersionId"]);
    const filter = listed?.ManifestGenerator?.S3JobManifestGenerator.Filter;
    assert.deepEqual(filter?.ObjectReplicationStatuses, ["FAILED", "NONE"]);
    await assert.rejects(iam.getRole({ RoleName: "dry" }), { name: /NoSuchEntity/ });
  });

  it("stops after a canary that FAILED again, and the rest was never begun", async () => {
    const { status, value } = await ask(
      "--make-job-role",
      "batch",
      ...output,
      "--yes",
      "--canary",
      "2",
      "--status",
      "FAILED",
    );
    assert.equal(status, 1);
    assert.equal(value.state, "stopped");
    assert.match(value.undo ?? "", /^u-/);
    const [canary, ...others] = value.jobs;
    assert.deepEqual(others, []);
    assert.deepEqual([canary?.status, canary?.outcome?.succeeded], ["Complete", 2]);
    assert.equal(canary?.verified?.failed, 2);
  });

  it("replicates a canary, then the rest that S3 lists, once the cause is removed", async () => {
    await allowRole(iam, "mover", ["s3:*"]);
    const batch = `arn:aws:iam::${account}:role/batch`;
    const { status, value } = await ask("--job-role", batch, ...output, "--yes", "--canary", "2");
    assert.deepEqual(
      value.jobs.map((one) => [one.part, one.status, one.outcome?.succeeded, one.outcome?.failed]),
      [
        ["canary", "Complete", 2, 0],
        ["rest", "Complete", FAILED - 1, 0],
      ],
    );
    assert.deepEqual([status, value.jobs[1]?.verified?.completed], [0, FAILED - 1]);
    assert.deepEqual(new Set(await statuses()), new Set(["COMPLETED"]));
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: "resync-dst" });
    assert.deepEqual(new Set(Contents.map((one) => one.Key)), new Set([...KEYS, "old/before-the-rule"]));
  });

  it("says that nothing is to be done when S3 finds nothing", async () => {
    const { status, stdout } = await type("--job-role", `arn:aws:iam::${account}:role/batch`, ...output, "--yes");
    assert.equal(status, 0);
    assert.match(stdout, /nothing is to be replicated again/);
  });

  it("looks at a job again by its id, and knows which ones were made from here", async () => {
    const batch = `arn:aws:iam::${account}:role/batch`;
    const words = ["--job-role", batch, ...output, "--yes", "--detach", "--status", "COMPLETED", "--limit", "3"];
    const begun = await ask(...words);
    const id = begun.value.jobs[0]?.id ?? "";
    const again = await ask("--job", id, "--yes");
    assert.deepEqual([again.status, again.value.jobs[0]?.outcome?.succeeded], [0, 3]);
    const markdown = await type("--job", id, "--markdown");
    assert.match(markdown.stdout, /^# Resync of s3:\/\/resync-src by S3 Batch Replication/);
    const unknown = await type("--job", "00000000-0000-4000-8000-000000000000");
    assert.equal(unknown.status, 3);
    assert.ok(unknown.stderr.includes(id), unknown.stderr);
  });

  it("makes a job of one cause alone", async () => {
    await s3.putObject({ Bucket: "resync-src", Key: "marked", Body: "x" });
    await until("it has arrived", async () => (await statuses()).every((one) => one === "COMPLETED"));
    await allowRole(iam, "mover", ["s3:Get*", "s3:ListBucket", "s3:ReplicateObject", "s3:ReplicateTags"]);
    await s3.deleteObject({ Bucket: "resync-src", Key: "marked" });
    const batch = `arn:aws:iam::${account}:role/batch`;
    await until("the marker FAILED", async () => {
      const { value } = await ask("--job-role", batch, ...output, "--dry-run", "--code", "DstDelObjNotPermitted");
      return value.selected?.versions === 1;
    });
    await allowRole(iam, "mover", ["s3:*"]);
    const none = await ask("--job-role", batch, ...output, "--yes", "--code", "DstBucketUnversioned");
    assert.deepEqual([none.status, none.value.state], [0, "nothing"]);
    const { value } = await ask("--job-role", batch, ...output, "--yes", "--code", "DstDelObjNotPermitted");
    assert.deepEqual([value.jobs[0]?.outcome?.succeeded, value.jobs[0]?.verified?.markers], [1, 1]);
    await until("the marker is there", async () => {
      const { DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: "resync-dst" });
      return DeleteMarkers.length === 1;
    });
  });

  it("copies in place what no job brings back, with its tags and metadata, and only when that is asked for", async () => {
    const Bucket = "resync-src";
    const extras = { Metadata: { who: "me" }, Tagging: "kind=test", ContentType: "text/x-test" };
    const { VersionId = "" } = await s3.putObject({ Bucket, Key: "precious", Body: "gold", ...extras });
    await until("it has arrived", async () => {
      return (await s3.headObject({ Bucket, Key: "precious" })).ReplicationStatus === "COMPLETED";
    });
    await s3.deleteObject({ Bucket: "resync-dst", Key: "precious", VersionId });
    const dry = await type("--copy-in-place", "--dry-run");
    assert.equal(dry.status, 1);
    assert.match(dry.stdout, /1 version of s3:\/\/resync-src lost the replica/);
    const unasked = await type("--copy-in-place");
    assert.equal(unasked.status, 2, unasked.stdout);
    const { status, stdout, stderr } = await type("--copy-in-place", "--yes");
    assert.equal(status, 0, stdout);
    assert.match(stderr, /new versions/);
    const replica = await s3.getObject({ Bucket: "resync-dst", Key: "precious" });
    assert.notEqual(replica.VersionId, VersionId);
    assert.deepEqual([replica.Metadata, replica.ContentType, replica.TagCount], [{ who: "me" }, "text/x-test", 1]);
    assert.equal(await replica.Body?.transformToString(), "gold");
    assert.match((await type("--copy-in-place", "--dry-run")).stdout, /^0 versions /);
  });

  it("removes the role that it made when that is undone", async () => {
    const made = await ask("--make-job-role", "short-lived", ...output, "--yes");
    const undone = await lockstep(["fix", "s3://resync-src", "--undo", made.value.undo ?? ""], environment);
    assert.equal(undone.status, 0, undone.stderr);
    await assert.rejects(iam.getRole({ RoleName: "short-lived" }), { name: /NoSuchEntity/ });
  });
});
