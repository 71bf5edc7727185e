/** Whoever may do what `lockstep policy` prints, and no more, gets from each command what the account's root gets. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import { SQS } from "@aws-sdk/client-sqs";
import type { PolicyDocument } from "../../src/doctor/policies.ts";
import { type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";

const USER = "reader";

describe("what policy prints", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let root: Environment;
  let user: Environment;
  let s3: S3;
  let iam: IAM;
  let keyArn = "";
  let queueUrl = "";
  let held: string | undefined;
  let made = 0;

  before(async () => {
    served = await serve(join(directory.path, "data"), directory.path, ["--example"]);
    root = await served.environment();
    s3 = s3Of(root);
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = root;
    const access = { endpoint: served.endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
    iam = new IAM(access);
    await giveMetricsAndTags();
    const sqs = new SQS(access);
    queueUrl = (await sqs.createQueue({ QueueName: "told" })).QueueUrl ?? "";
    sqs.destroy();
    await s3.createBucket({ Bucket: "photos-logs" });
    await s3.putObject({ Bucket: "photos-logs", Key: "logs/1", Body: LINE });
    await iam.createUser({ UserName: USER });
    const { AccessKey } = await iam.createAccessKey({ UserName: USER });
    const { LOCKSTEP_CONSOLE_URL: _url, LOCKSTEP_CONSOLE_TOKEN: _token, ...bare } = root;
    root = bare;
    user = { ...bare, AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId, AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey };
  });
  after(async () => {
    s3.destroy();
    iam.destroy();
    await served.stop();
    directory.remove();
  });

  /** A second rule, for tagged objects; figures for both. */
  async function giveMetricsAndTags(): Promise<void> {
    const { ReplicationConfiguration: found } = await s3.getBucketReplication({ Bucket: "photos" });
    const [first] = found?.Rules ?? [];
    assert.ok(found !== undefined && first?.Destination !== undefined);
    const Metrics = { Status: "Enabled" } as const;
    const Destination = { ...first.Destination, Metrics };
    const Tag = { Key: "team", Value: "blue" };
    const tagged = { ...first, ID: "tagged", Priority: 9, Filter: { And: { Prefix: "t/", Tags: [Tag] } } };
    const DeleteMarkerReplication = { Status: "Disabled" } as const;
    const Rules = [
      { ...first, Priority: 1, Destination },
      { ...tagged, Destination, DeleteMarkerReplication },
    ];
    await s3.putBucketReplication({ Bucket: "photos", ReplicationConfiguration: { ...found, Rules } });
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: "photos", Prefix: "private/" });
    const [{ Key, VersionId } = {}] = Versions;
    keyArn = (await s3.headObject({ Bucket: "photos", Key, VersionId })).SSEKMSKeyId ?? "";
  }

  async function printed(reader: string): Promise<PolicyDocument> {
    const { stdout: facts } = await lockstep(["snapshot", "s3://photos"], root, directory.path);
    const keys = Object.keys((JSON.parse(facts) as { setup: { keys: object } }).setup.keys);
    const words = ["policy", reader, "--bucket", "photos", "--destination", "photos-replica"].concat(
      [...new Set([keyArn, ...keys])].flatMap((one) => ["--key", one]),
      ["--evidence", "photos-logs", "--queue", "arn:aws:sqs:us-east-1:111122223333:told"],
    );
    const { status, stdout, stderr } = await lockstep(words, root, directory.path);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as PolicyDocument;
  }

  /** As a managed policy: an inline one may not be as long. */
  async function allow(document: PolicyDocument): Promise<void> {
    made += 1;
    const request = { PolicyName: `p-${made}`, PolicyDocument: JSON.stringify(document) };
    const next = (await iam.createPolicy(request)).Policy?.Arn ?? "";
    if (held !== undefined) await iam.detachUserPolicy({ UserName: USER, PolicyArn: held });
    held = next;
    await iam.attachUserPolicy({ UserName: USER, PolicyArn: next });
  }

  const type = (environment: Environment, line: string): Promise<Outcome> =>
    lockstep(line.split(" "), environment, directory.path);

  /** Without the times at which it was told. */
  function told({ status, stdout, stderr }: Outcome): string {
    const text = stdout + stderr;
    return `${status} ${text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|"\w*(?:AtMs|seconds\w*|[dD]igest)": ?"?\w+"?/g, "…")}`;
  }

  /** The actions of a policy without which a command says the same as with it. */
  async function needless(whole: PolicyDocument, actions: readonly string[], say: () => Promise<string>) {
    await allow(whole);
    const full = await say();
    const found: string[] = [];
    for (const action of actions) {
      await allow(without(whole, action));
      if ((await say()) === full) found.push(action);
    }
    return found;
  }

  it("doctor: status, diagnose with CloudTrail, logs and events say what they say to the root", async () => {
    writeFileSync(join(directory.path, "none.json"), "");
    const whole = await printed("doctor");
    const lines = {
      "cloudwatch:GetMetricData": "status s3://photos",
      "cloudtrail:LookupEvents": "diagnose s3://photos --cloudtrail",
      "s3:ListBucket": "logs s3://photos-logs/logs/",
      "s3:GetObject": "logs s3://photos-logs/logs/",
      "sqs:ReceiveMessage": `diagnose s3://photos --events sqs://${queueUrl}`,
    };
    for (const [action, line] of Object.entries(lines)) {
      const say = async () => told(await type(user, line));
      const onlyOfEvidence = action.startsWith("s3:") ? withoutEvidence(whole, action) : without(whole, action);
      await allow(whole);
      const full = await say();
      assert.equal(full, told(await type(root, line)), line);
      assert.doesNotMatch(full, /not readable|not read of|is denied/, line);
      await allow(onlyOfEvidence);
      assert.notEqual(await say(), full, `${line} does not need ${action}`);
    }
  });

  // On AWS the checksum of an encrypted version is shown to nobody without kms:Decrypt; the lab shows it.
  it("doctor and auditor: audit finds what it finds for the root, the bytes of encrypted versions among it", async () => {
    const found = async (environment: Environment, line: string) => {
      const { stdout, stderr } = await type(environment, `audit s3://photos ${line} --json --report-dir audits`);
      assert.notEqual(stdout, "", stderr);
      const { verified, reasons } = JSON.parse(stdout) as { readonly verified: object; readonly reasons: object };
      assert.ok(verified !== undefined && reasons !== undefined);
      return { verified, reasons };
    };
    for (const [reader, line] of [
      ["doctor", "--metadata"],
      ["auditor", "--verify all"],
    ] as const) {
      await allow(await printed(reader));
      assert.deepEqual(await found(user, line), await found(root, line), reader);
    }
  });

  it("canary: every kind is written, read back and removed, and all but one action are needed for it", async () => {
    await lockstep(["fix", "s3://photos", "--apply", "--yes"], root, directory.path);
    const byDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: keyArn } as const;
    const Rules = [{ ApplyServerSideEncryptionByDefault: byDefault }];
    await s3.putBucketEncryption({ Bucket: "photos", ServerSideEncryptionConfiguration: { Rules } });
    const outcomes = async () => {
      const line = "canary s3://photos --json --timeout 20s --multipart";
      const { status, stdout, stderr } = await type(user, line);
      if (stdout === "") return `${status} ${stderr}`;
      const kinds = [...stdout.matchAll(/"(?:kind|outcome|left)": ?(?:"(\w+)"|(\d+))/g)].map((one) => one[1] ?? one[2]);
      return `${status} ${kinds.join(" ")}`;
    };
    const whole = await printed("canary");
    await allow(whole);
    assert.match(await outcomes(), /^0 .*plain completed.*kms completed.*multipart completed.*tagged completed/);
    const actions = [...new Set(whole.Statement.flatMap((one) => one.Action))];
    // Uploads are aborted only when they could not be completed.
    assert.deepEqual(await needless(whole, actions, outcomes), ["s3:AbortMultipartUpload"]);
  });
});

const LINE =
  "abc photos-replica [06/Feb/2026:14:00:00 +0000] 10.0.0.1 arn:aws:sts::111122223333:assumed-role/r/s3-replication " +
  'AAAA REST.PUT.OBJECT k "PUT /k HTTP/1.1" 403 AccessDenied 1 1 1 1 "-" "-" - - - - - - - -\n';

function without({ Version, Statement }: PolicyDocument, action: string): PolicyDocument {
  const left = Statement.map((one) => ({ ...one, Action: one.Action.filter((held) => held !== action) }));
  return { Version, Statement: left.filter((one) => one.Action.length > 0) };
}

/** Buckets that replicate keep what they need. */
function withoutEvidence({ Version, Statement }: PolicyDocument, action: string): PolicyDocument {
  const left = Statement.filter((one) => !(one.Sid.startsWith("Evidence") && one.Action.includes(action)));
  return { Version, Statement: left };
}
