/**
 * The whole way of a bucket with thousands of versions that were held back for five reasons: an inventory names them with exact
 * counts, each is mended and proven, S3 Batch Replication brings the versions, and another inventory shows that all arrived.
 *
 * `OBJECTS=20000` makes it as many objects.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import type { InventoryOptionalField, ReplicationRule, S3 } from "@aws-sdk/client-s3";
import type { BatchOutcome } from "../../src/cli/batch/outcome.ts";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { Encryption } from "../../src/core/model.ts";
import type { Proof } from "../../src/doctor/prove.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { sideBySide } from "../../src/s3/side-by-side.ts";
import type { ListedVersion } from "../../src/s3/store.ts";
import { policy } from "../lab-batch/batch-lab.ts";
import { type Environment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";

const OBJECTS = Number(process.env["OBJECTS"] ?? 2000);
const AT_ONCE = 48;
/** For the slowest command, and for what the engine brings after it. */
const LIMIT_MS = 60_000 + OBJECTS * 60;
const WAIT_STEP_MS = 250;
const SOURCE = "chain-src";
const OUT = "chain-out";
const CANARY = 20;

type Place = "role" | "policy" | "key" | "suspended" | "silent" | "fine";

/** What becomes of a prefix with a destination of its own, and how many of a hundred objects go there. */
const PLACES: Readonly<Record<Place, { readonly share: number; readonly code?: FailureCode; readonly shows: string }>> =
  {
    role: { share: 30, code: "DstPutObjectNotPermitted", shows: "FAILED" },
    policy: { share: 25, code: "DstPutObjectNotPermitted", shows: "FAILED" },
    key: { share: 20, code: "DstPutObjectNotPermitted", shows: "FAILED" },
    suspended: { share: 12, code: "DstBucketUnversioned", shows: "FAILED" },
    silent: { share: 8, code: "KmsNotSelected", shows: "none" },
    fine: { share: 5, shows: "COMPLETED" },
  };
const NAMES = Object.keys(PLACES) as Place[];
const HELD_BACK = NAMES.filter((one) => PLACES[one].code !== undefined);
const countOf = (place: Place): number => (OBJECTS * PLACES[place].share) / 100;
const LOST = HELD_BACK.reduce((sum, one) => sum + countOf(one), 0);
const destination = (place: Place): string => `chain-${place}`;

const FIELDS: InventoryOptionalField[] = [
  "Size",
  "LastModifiedDate",
  "ETag",
  "StorageClass",
  "IsMultipartUploaded",
  "ReplicationStatus",
  "EncryptionStatus",
  "BucketKeyStatus",
];

describe(`the chain from ${OBJECTS} objects held back for five reasons to all of them replicated`, () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let s3: S3;
  let iam: IAM;
  let kms: KMS;
  let store: S3Client;
  let role = "";
  let found: Diagnosis;
  let jobs: BatchOutcome["jobs"] = [];

  before(async () => {
    assert.equal(OBJECTS % 100, 0, "OBJECTS is a number of hundreds");
    served = await serve(`${directory.path}/data`, directory.path);
    environment = await served.environment();
    s3 = s3Of(environment);
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = environment;
    const access = { endpoint: served.endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
    iam = new IAM(access);
    kms = new KMS(access);
    store = createS3Client({ ...access, clock: () => Date.now(), connectionsMax: AT_ONCE });
    await furnish();
    await sideBySide(objects(), AT_ONCE, async ({ key, encryption }) => {
      const metadata = { contentHeaders: {}, userMetadata: {} };
      const request = { bucket: SOURCE, key, body: Buffer.from(key), ...metadata };
      await store.putObject(encryption === undefined ? request : { ...request, encryption });
    });
    await untilShown((key) => PLACES[placeOf(key)].shows);
    await makeInventory();
  });
  after(async () => {
    s3.destroy();
    iam.destroy();
    kms.destroy();
    await store.close();
    await served.stop();
    directory.remove();
  });

  let sourceKey = "";

  /** Buckets, a role that may not write to one of them, keys of which one refuses the role, and a rule for each prefix. */
  async function furnish(): Promise<void> {
    for (const Bucket of [SOURCE, OUT, ...NAMES.map(destination)]) {
      await s3.createBucket({ Bucket });
      if (Bucket !== OUT) await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    const writer = { Principal: { Service: "s3.amazonaws.com" }, Action: "s3:PutObject" };
    await s3.putBucketPolicy({ Bucket: OUT, Policy: policy({ ...writer, Resource: `arn:aws:s3:::${OUT}/*` }) });
    const trust = policy({ Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    const { Role } = await iam.createRole({ RoleName: "mover", AssumeRolePolicyDocument: trust });
    role = Role?.Arn ?? "";
    const writable = NAMES.filter((one) => one !== "role").map((one) => `arn:aws:s3:::${destination(one)}/*`);
    await allow("read", { Action: ["s3:Get*", "s3:ListBucket", "kms:*"], Resource: "*" });
    await allow("write", {
      Action: ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete"],
      Resource: writable,
    });
    sourceKey = await key("source");
    const closedKey = await key("closed");
    await refuse(closedKey);
    const rules: ReplicationRule[] = NAMES.map((place, index) => ({
      ID: place,
      Priority: index + 1,
      Status: "Enabled",
      Filter: { Prefix: `${place}/` },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: {
        Bucket: `arn:aws:s3:::${destination(place)}`,
        ...(place === "key" ? { EncryptionConfiguration: { ReplicaKmsKeyID: closedKey } } : {}),
      },
      ...(place === "key"
        ? { SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" as const } } }
        : {}),
    }));
    await s3.putBucketReplication({ Bucket: SOURCE, ReplicationConfiguration: { Role: role, Rules: rules } });
    const denied = { Effect: "Deny", Principal: { AWS: role }, Action: "s3:ReplicateObject" };
    const Resource = `arn:aws:s3:::${destination("policy")}/*`;
    await s3.putBucketPolicy({ Bucket: destination("policy"), Policy: policy({ ...denied, Resource }) });
    await s3.putBucketEncryption({
      Bucket: destination("silent"),
      ServerSideEncryptionConfiguration: {
        Rules: [
          { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: await key("replicas") } },
        ],
      },
    });
    const suspended = { Bucket: destination("suspended"), VersioningConfiguration: { Status: "Suspended" as const } };
    await s3.putBucketVersioning(suspended);
  }

  async function allow(PolicyName: string, statement: object): Promise<void> {
    await iam.putRolePolicy({ RoleName: "mover", PolicyName, PolicyDocument: policy(statement) });
  }

  async function key(Description: string): Promise<string> {
    return (await kms.createKey({ Description })).KeyMetadata?.Arn ?? "";
  }

  async function refuse(KeyId: string): Promise<void> {
    const { Policy = "" } = await kms.getKeyPolicy({ KeyId, PolicyName: "default" });
    const held = JSON.parse(Policy) as { readonly Statement: readonly object[] };
    const refusal = {
      Sid: "Closed",
      Effect: "Deny",
      Principal: { AWS: role },
      Action: ["kms:Encrypt", "kms:GenerateDataKey*"],
      Resource: "*",
    };
    await kms.putKeyPolicy({
      KeyId,
      PolicyName: "default",
      Policy: JSON.stringify({ ...held, Statement: [...held.Statement, refusal] }),
    });
  }

  function objects(): { readonly key: string; readonly encryption?: Encryption }[] {
    return NAMES.flatMap((place) =>
      Array.from({ length: countOf(place) }, (_, index) => ({
        key: `${place}/${index % 10}/${String(index).padStart(6, "0")}`,
        ...(place === "key" || place === "silent"
          ? { encryption: { kind: "SSE-KMS" as const, kmsKeyArn: sourceKey } }
          : {}),
      })),
    );
  }

  const placeOf = (name: string): Place => NAMES.find((one) => name.startsWith(`${one}/`)) ?? "fine";

  async function versionsOf(bucket: string): Promise<ListedVersion[]> {
    const found: ListedVersion[] = [];
    let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
    do {
      const page: Awaited<ReturnType<S3Client["listObjectVersions"]>> = await store.listObjectVersions({
        bucket,
        ...next,
      });
      found.push(...page.versions);
      next = page.next;
    } while (next !== undefined);
    return found;
  }

  async function statusOf(bucket: string, { key: name, versionId }: ListedVersion): Promise<string> {
    const head = await store.headObject({ bucket, key: name, versionId, checksums: false });
    return head.replicationStatus ?? "none";
  }

  /** Looks at every version of the source until it shows what it should. */
  async function untilShown(wanted: (key: string) => string): Promise<void> {
    let open = await versionsOf(SOURCE);
    assert.equal(open.length, OBJECTS);
    for (let waitedMs = 0; ; waitedMs += WAIT_STEP_MS) {
      const shown = await sideBySide(open, AT_ONCE, (one) => statusOf(SOURCE, one));
      const first = open.findIndex((one, index) => shown[index] !== wanted(one.key));
      if (first < 0) return;
      assert.ok(waitedMs < LIMIT_MS, `${open[first]?.key} shows ${shown[first]}`);
      open = open.filter((one, index) => shown[index] !== wanted(one.key));
      await sleep(WAIT_STEP_MS);
    }
  }

  /** Has a report of the source made, which `latest` then is. */
  async function makeInventory(): Promise<void> {
    const Id = "all";
    const InventoryConfiguration = {
      Id,
      IsEnabled: true,
      IncludedObjectVersions: "All" as const,
      Schedule: { Frequency: "Daily" as const },
      Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${OUT}`, Format: "Parquet" as const } },
      OptionalFields: FIELDS,
    };
    await s3.putBucketInventoryConfiguration({ Bucket: SOURCE, Id, InventoryConfiguration });
    const answer = await fetch(`${served.endpoint}/_lockstep/buckets/${SOURCE}/inventory`, {
      method: "POST",
      headers: { authorization: `Bearer ${environment["LOCKSTEP_CONSOLE_TOKEN"] ?? ""}` },
      body: JSON.stringify({ id: Id }),
    });
    const { rows } = (await answer.json()) as { readonly rows: number };
    assert.equal(rows, OBJECTS);
  }

  async function asked<Answer>(...words: string[]): Promise<{ readonly status: number; readonly value: Answer }> {
    const [command = "", ...others] = words;
    const { status, stdout, stderr } = await lockstep(
      [command, `s3://${SOURCE}`, ...others, "--json"],
      environment,
      ".",
      LIMIT_MS,
    );
    assert.notEqual(stdout, "", stderr);
    return { status, value: JSON.parse(stdout) as Answer };
  }

  const diagnosed = async (): Promise<Diagnosis> => (await asked<Diagnosis>("diagnose", "--inventory", "latest")).value;

  /** The cause behind a place: that of its rule. */
  const causeOf = ({ causes }: Diagnosis, place: Place) => causes.filter((one) => one.rule === place);

  it("names the five causes with exact counts, from an inventory", async () => {
    found = await diagnosed();
    assert.equal(found.causes.length, HELD_BACK.length);
    for (const place of HELD_BACK) {
      const [cause, ...others] = causeOf(found, place);
      assert.deepEqual(others, []);
      assert.deepEqual([place, cause?.code, cause?.affected.versions], [place, PLACES[place].code, countOf(place)]);
      assert.equal(cause?.confidence, "proven", place);
    }
    assert.deepEqual(found.unexplained, []);
    const { completed, failed, none } = found.scanned;
    assert.deepEqual(
      { completed, failed, none },
      { completed: countOf("fine"), failed: LOST - countOf("silent"), none: countOf("silent") },
    );
    assert.match(found.sources?.[0]?.says ?? "", new RegExp(`^${OBJECTS} rows`));
  });

  for (const place of HELD_BACK) {
    it(`mends what holds back ${place}/, proven before it is written`, async () => {
      const [cause] = causeOf(found, place);
      const { status, value } = await asked<{ readonly proof: Proof }>(
        "fix",
        "--inventory",
        "latest",
        "--cause",
        cause?.id ?? "",
        "--prove",
        "--apply",
        "--yes",
      );
      assert.equal(value.proof.verdict, "proven", JSON.stringify(value));
      assert.equal(status, 0);
    });
  }

  it("finds nothing left to mend, and every version still to be replicated", async () => {
    const { causes } = await diagnosed();
    assert.deepEqual(new Set(causes.map((one) => one.code)), new Set(["RetryNeeded", "NeverTried"]));
    assert.equal(
      causes.reduce((sum, one) => sum + one.affected.versions, 0),
      LOST,
    );
  });

  it("has S3 Batch Replication bring what was lost, and nothing else", async () => {
    const role_ = ["--make-job-role", "chain-batch", "--job-output", `s3://${OUT}/jobs`];
    const { status, value } = await asked<BatchOutcome>("resync", ...role_, "--canary", String(CANARY), "--yes");
    jobs = value.jobs;
    assert.equal(status, 0);
    assert.deepEqual(value.before, {
      FAILED: LOST - countOf("silent"),
      NONE: countOf("silent"),
      COMPLETED: countOf("fine"),
      REPLICA: 0,
      PENDING: 0,
    });
    assert.deepEqual(
      jobs.map((one) => [one.part, one.status, one.outcome?.succeeded, one.outcome?.failed]),
      [
        ["canary", "Complete", CANARY, 0],
        ["rest", "Complete", LOST - CANARY, 0],
      ],
    );
    assert.ok(jobs.every((one) => one.verified?.completed === one.verified?.looked));
  });

  it("says that an inventory is too old to tell of the job", async () => {
    const [, rest] = jobs;
    const { status, value } = await asked<BatchOutcome>(
      "resync",
      "--job",
      rest?.id ?? "",
      "--verify-inventory",
      "latest",
    );
    assert.equal(status, 1);
    assert.equal(value.jobs[0]?.inventory?.state, "older");
  });

  it("ends with every version COMPLETED, and the same version as a REPLICA at its destination", async () => {
    await untilShown(() => "COMPLETED");
    const sources = await versionsOf(SOURCE);
    for (const place of NAMES) {
      const replicas = await versionsOf(destination(place));
      const nameOf = (one: ListedVersion) => `${one.key} ${one.versionId}`;
      assert.deepEqual(replicas.map(nameOf), sources.filter((one) => placeOf(one.key) === place).map(nameOf));
      const shown = await sideBySide(replicas, AT_ONCE, (one) => statusOf(destination(place), one));
      assert.deepEqual(new Set(shown), new Set(["REPLICA"]));
    }
  });

  it("shows by a newer inventory that every version of the jobs is COMPLETED, in JSON and in Markdown", async () => {
    await makeInventory();
    const verified = jobs.map(async ({ id }) => {
      const { status, value } = await asked<BatchOutcome>("resync", "--job", id, "--verify-inventory", "latest");
      assert.equal(status, 0);
      const inventory = value.jobs[0]?.inventory;
      assert.equal(inventory?.state, "compared");
      const { versions, completed, open } = inventory;
      assert.deepEqual([completed, open], [versions, []]);
      return versions;
    });
    assert.deepEqual(await Promise.all(verified), [CANARY, LOST - CANARY]);
    const words = ["resync", `s3://${SOURCE}`, "--job", jobs[1]?.id ?? "", "--verify-inventory", "latest"];
    const { stdout } = await lockstep([...words, "--markdown"], environment);
    assert.ok(stdout.includes(`of ${LOST - CANARY} versions: ${LOST - CANARY} COMPLETED\n`), stdout);
  });

  it("is diagnosed as healthy afterwards", async () => {
    const { causes, scanned, unexplained } = await diagnosed();
    assert.deepEqual([causes, unexplained, scanned.completed], [[], [], OBJECTS]);
  });
});
