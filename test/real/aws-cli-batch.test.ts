/**
 * Batch Replication by hand, with Debian's AWS CLI: `s3control` as it is, its documents and its errors.
 *
 * The CLI puts the account in front of the host's name. Where the system's resolver does not know names under localhost,
 * the lab serves as the CLI's HTTP proxy: it takes requests in absolute form.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { policy } from "../lab-batch/batch-lab.ts";
import { TypedAws } from "./typed-aws.ts";

describe("aws s3control, Debian's", () => {
  const aws = new TypedAws({ host: "localhost", isProxy: true });
  const { typed, type, answer } = aws;
  let account = "";
  let id = "";

  before(async () => {
    await aws.start();
    account = await aws.account();
    writeFileSync(`${aws.path}/body`, "body");
    for (const bucket of ["from", "into"]) {
      await type("s3api", "create-bucket", "--bucket", bucket);
      await type("s3api", "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled");
    }
    for (const key of ["one", "two words"]) {
      await type("s3api", "put-object", "--bucket", "from", "--key", key, "--body", `${aws.path}/body`);
    }
    const services = ["s3.amazonaws.com", "batchoperations.s3.amazonaws.com"];
    const trust = policy({ Principal: { Service: services }, Action: "sts:AssumeRole" });
    await type("iam", "create-role", "--role-name", "mover", "--assume-role-policy-document", trust);
    const may = policy({ Action: "s3:*", Resource: "*" });
    await type("iam", "put-role-policy", "--role-name", "mover", "--policy-name", "may", "--policy-document", may);
    const rule = {
      ID: "all",
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: "arn:aws:s3:::into" },
    };
    const configuration = JSON.stringify({ Role: role(), Rules: [rule] });
    await type("s3api", "put-bucket-replication", "--bucket", "from", "--replication-configuration", configuration);
  });
  after(() => aws.stop());

  const role = () => `arn:aws:iam::${account}:role/mover`;

  const control = (operation: string, ...more: string[]) => ["s3control", operation, "--account-id", account, ...more];

  it("makes a job that waits for confirmation, and reads back what it was made with", async () => {
    const generator = {
      S3JobManifestGenerator: {
        SourceBucket: "arn:aws:s3:::from",
        EnableManifestOutput: false,
        Filter: { EligibleForReplication: true, ObjectReplicationStatuses: ["NONE"] },
      },
    };
    const report = {
      Enabled: true,
      Bucket: "arn:aws:s3:::into",
      Prefix: "reports",
      Format: "Report_CSV_20180820",
      ReportScope: "AllTasks",
    };
    const made = await answer<{ JobId: string }>(
      ...control(
        "create-job",
        "--operation",
        '{"S3ReplicateObject":{}}',
        "--manifest-generator",
        JSON.stringify(generator),
        "--report",
        JSON.stringify(report),
        "--priority",
        "10",
        "--role-arn",
        role(),
        "--client-request-token",
        "once",
        "--description",
        "what was there before",
        "--confirmation-required",
      ),
    );
    id = made.JobId;
    const job = await jobWhen("Suspended");
    assert.deepEqual(job["ManifestGenerator"], generator);
    assert.deepEqual(job["Report"], report);
    assert.equal(job["Description"], "what was there before");
    assert.equal(job["SuspendedCause"], "AWAITING_CONFIRMATION");
  });

  type Described = Readonly<Record<string, unknown>>;

  async function jobWhen(status: string): Promise<Described> {
    for (let asked = 0; asked < 20; asked++) {
      const { Job } = await answer<{ Job: Described }>(...control("describe-job", "--job-id", id));
      if (Job["Status"] === status) return Job;
    }
    throw new Error(`the job never became ${status}`);
  }

  it("confirms it, and finds its objects initiated and its report written", async () => {
    await type(...control("update-job-priority", "--job-id", id, "--priority", "11"));
    await type(...control("update-job-status", "--job-id", id, "--requested-job-status", "Ready"));
    const { ProgressSummary } = await jobWhen("Complete");
    const { NumberOfTasksSucceeded } = ProgressSummary as { NumberOfTasksSucceeded: number };
    assert.equal(NumberOfTasksSucceeded, 2);
    const { Jobs } = await answer<{ Jobs: readonly Described[] }>(
      ...control("list-jobs", "--job-statuses", "Complete", "Failed"),
    );
    assert.deepEqual(
      Jobs.map((job) => [job["JobId"], job["Priority"]]),
      [[id, 11]],
    );
    const head = ["s3api", "head-object", "--bucket", "from", "--key", "two words", "--query", "ReplicationStatus"];
    assert.match(await type(...head, "--output", "text"), /^(?:PENDING|COMPLETED)$/m);
    assert.match(await type("s3", "ls", `s3://into/reports/job-${id}/`, "--recursive"), /manifest\.json\.md5/);
  });

  it("understands what is refused", async () => {
    const refused = await typed(...control("update-job-status", "--job-id", id, "--requested-job-status", "Ready"));
    assert.match(refused.stderr, /\(JobStatusException\) when calling the UpdateJobStatus operation/);
    const unknown = await typed(...control("describe-job", "--job-id", "no-such-job"));
    assert.match(unknown.stderr, /\(NoSuchJob\) when calling the DescribeJob operation/);
  });
});
