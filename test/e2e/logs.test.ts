/**
 * Evidence from end to end: somebody's call breaks the lab, the engine runs into it, the lab delivers what it has logged, and
 * the doctor's commands name the cause, the call and who made it.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { IAM } from "@aws-sdk/client-iam";
import type { S3 } from "@aws-sdk/client-s3";
import { type Embedded, startEmbedded } from "../../src/cli/up/embedded.ts";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import type { LogReport } from "../../src/core/logs/log-report.ts";
import { cleanEnvironment, type Environment, lockstep, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";

const WAIT_MS_MAX = 30_000;
const WAIT_STEP_MS = 20;
const [SOURCE, REPLICA, LOGS] = ["evidence", "evidence-replica", "evidence-logs"];
const ROLE = "evidence-replication";

describe("logs, from a change to its name", () => {
  const directory = temporaryDirectory();
  const faults: unknown[] = [];
  let embedded: Embedded;
  let environment: Environment;
  let s3: S3;
  let iam: IAM;
  let account = "";

  before(async () => {
    const dataDir = `${directory.path}/data`;
    embedded = await startEmbedded({
      dataDir,
      host: "127.0.0.1",
      port: 0,
      consolePort: 0,
      environment: {},
      clock: () => Date.now(),
      onFault: (_what, error) => faults.push(error),
    });
    const home = cleanEnvironment(directory.path);
    const { stdout } = await lockstep(["env", "--json", "--data", dataDir], home);
    environment = { ...home, ...(JSON.parse(stdout) as Environment) };
    s3 = s3Of(environment);
    iam = new IAM({ endpoint: embedded.endpoint, region: "us-east-1", credentials: credentials() });
    await furnish();
    await put("before");
    await untilStatus("before", "COMPLETED");
    await breakIt();
    await put("after");
    await untilStatus("after", "FAILED");
    await embedded.lab.deliver();
  });
  after(async () => {
    s3.destroy();
    iam.destroy();
    await embedded.close();
    directory.remove();
    assert.deepEqual(faults, []);
  });

  function credentials() {
    return {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
  }

  /** Two buckets, a role and a rule between them; a third bucket for access logs of the replica's and a trail of its objects. */
  async function furnish(): Promise<void> {
    for (const Bucket of [SOURCE, REPLICA]) {
      await s3.createBucket({ Bucket });
      await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    await s3.createBucket({ Bucket: LOGS });
    const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
    const { Role } = await iam.createRole({ RoleName: ROLE, AssumeRolePolicyDocument: policy(trust) });
    account = Role?.Arn?.split(":")[4] ?? "";
    const may = { Effect: "Allow", Action: "s3:*", Resource: "*" };
    await iam.putRolePolicy({ RoleName: ROLE, PolicyName: "may", PolicyDocument: policy(may) });
    await s3.putBucketReplication({
      Bucket: SOURCE,
      ReplicationConfiguration: {
        Role: Role?.Arn ?? "",
        Rules: [
          {
            ID: "all",
            Priority: 1,
            Status: "Enabled",
            Filter: { Prefix: "" },
            DeleteMarkerReplication: { Status: "Disabled" },
            Destination: { Bucket: `arn:aws:s3:::${REPLICA}` },
          },
        ],
      },
    });
    const services = ["logging.s3.amazonaws.com", "cloudtrail.amazonaws.com"];
    const letIn = services.flatMap((Service) => [
      { Effect: "Allow", Principal: { Service }, Action: "s3:GetBucketAcl", Resource: `arn:aws:s3:::${LOGS}` },
      { Effect: "Allow", Principal: { Service }, Action: "s3:PutObject", Resource: `arn:aws:s3:::${LOGS}/*` },
    ]);
    await s3.putBucketPolicy({ Bucket: LOGS, Policy: policy(...letIn) });
    const LoggingEnabled = { TargetBucket: LOGS, TargetPrefix: "access/" };
    await s3.putBucketLogging({ Bucket: REPLICA, BucketLoggingStatus: { LoggingEnabled } });
    const trail = new CloudTrail({ endpoint: embedded.endpoint, region: "us-east-1", credentials: credentials() });
    try {
      await trail.createTrail({ Name: "evidence", S3BucketName: LOGS, S3KeyPrefix: "trail" });
      const DataResources = [{ Type: "AWS::S3::Object", Values: [`arn:aws:s3:::${REPLICA}/`] }];
      const selector = { ReadWriteType: "All", IncludeManagementEvents: true, DataResources } as const;
      await trail.putEventSelectors({ TrailName: "evidence", EventSelectors: [selector] });
      await trail.startLogging({ Name: "evidence" });
    } finally {
      trail.destroy();
    }
  }

  /** Eve, who may do everything, denies what replication needs. */
  async function breakIt(): Promise<void> {
    await iam.createUser({ UserName: "eve" });
    const may = { Effect: "Allow", Action: "*", Resource: "*" };
    await iam.putUserPolicy({ UserName: "eve", PolicyName: "may", PolicyDocument: policy(may) });
    const { AccessKey } = await iam.createAccessKey({ UserName: "eve" });
    const eve = s3Of({
      ...environment,
      AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey,
    });
    const resource = `arn:aws:s3:::${REPLICA}/*`;
    const deny = { Effect: "Deny", Principal: "*", Action: "s3:ReplicateObject", Resource: resource };
    await eve.putBucketPolicy({ Bucket: REPLICA, Policy: policy(deny) });
    eve.destroy();
  }

  function policy(...Statement: readonly object[]): string {
    return JSON.stringify({ Version: "2012-10-17", Statement });
  }

  async function put(Key: string): Promise<void> {
    await s3.putObject({ Bucket: SOURCE, Key, Body: "evidence" });
  }

  async function untilStatus(Key: string, status: string): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += WAIT_STEP_MS) {
      if ((await s3.headObject({ Bucket: SOURCE, Key })).ReplicationStatus === status) return;
      assert.ok(waitedMs < WAIT_MS_MAX, `${Key} never was ${status}`);
      await sleep(WAIT_STEP_MS);
    }
  }

  async function ask<T>(...words: string[]): Promise<T> {
    const { status, stdout, stderr } = await lockstep([...words, "--json"], environment);
    assert.equal(stderr, "");
    assert.equal(status, 1);
    return JSON.parse(stdout) as T;
  }

  const blamesEve = () =>
    new RegExp(`began \\S+, \\d+ s after PutBucketPolicy on ${REPLICA} by arn:aws:iam::${account}:user/eve`);

  it("access logs name the failure, the role and the call", async () => {
    const { causes, read } = await ask<LogReport>("logs", `s3://${LOGS}/access/`);
    assert.equal(read.bad, 0);
    assert.deepEqual(
      causes.map((one) => [one.code, one.operation, one.bucket, one.httpStatus, one.errorCode]),
      [["DstPutObjectNotPermitted", "PutObject", REPLICA, 403, "AccessDenied"]],
    );
    assert.equal(causes[0]?.principal, `arn:aws:sts::${account}:assumed-role/${ROLE}/s3-replication`);
    assert.equal(causes[0]?.samples[0]?.key, "after");
  });

  it("with CloudTrail's files they name the kind of policy, and who had changed it", async () => {
    const { causes, read } = await ask<LogReport>("logs", `s3://${LOGS}/trail/`, `s3://${LOGS}/access/`);
    assert.equal(causes.length, 1);
    assert.deepEqual(causes[0]?.policy, { kind: "resource", effect: "denies" });
    assert.equal(causes[0]?.confidence, "proven");
    assert.match(causes[0]?.onset.says ?? "", blamesEve());
    assert.ok(read.duplicates >= 1, "both kinds tell of the same call");
  });

  for (const [name, place] of [
    ["the event history", []],
    ["a trail's files", [`s3://${LOGS}/trail/`]],
  ] as const) {
    it(`a diagnosis names the change, of ${name}`, async () => {
      const { causes } = await ask<Diagnosis>("diagnose", `s3://${SOURCE}`, "--cloudtrail", ...place);
      assert.deepEqual(
        causes.map((one) => one.code),
        ["DstPutObjectNotPermitted"],
      );
      const logs = causes[0]?.evidence.filter((one) => one.kind === "log") ?? [];
      assert.equal(logs.length, 1);
      assert.match(logs[0]?.says ?? "", blamesEve());
      assert.equal(causes[0]?.onset?.change?.event, "PutBucketPolicy");
    });
  }

  it("a history that may not be read is told, and the diagnosis is there all the same", async () => {
    await iam.createUser({ UserName: "blind" });
    const may = { Effect: "Allow", NotAction: "cloudtrail:*", Resource: "*" };
    await iam.putUserPolicy({ UserName: "blind", PolicyName: "may", PolicyDocument: policy(may) });
    const { AccessKey } = await iam.createAccessKey({ UserName: "blind" });
    const { status, stdout } = await lockstep(["diagnose", `s3://${SOURCE}`, "--cloudtrail", "--json"], {
      ...environment,
      AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey,
    });
    const { causes, cloudTrail } = JSON.parse(stdout) as Diagnosis & { cloudTrail: { unread: string[] } };
    assert.equal(status, 1);
    assert.equal(causes[0]?.code, "DstPutObjectNotPermitted");
    assert.match(cloudTrail.unread[0] ?? "", /^evidence in us-east-1: .*LookupEvents/);
  });
});
