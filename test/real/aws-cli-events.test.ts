/** Notifications, their queue and metrics by hand, with Debian's AWS CLI: a version becomes FAILED, and AWS's own words say so. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { policy } from "../lab-batch/batch-lab.ts";
import { TypedAws } from "./typed-aws.ts";

const HOUR_MS = 3_600_000;

describe("aws s3api, sqs and cloudwatch, Debian's", () => {
  const aws = new TypedAws();
  const { typed, answer } = aws;
  let account = "";
  let url = "";

  before(async () => {
    await aws.start();
    account = await aws.account();
    for (const bucket of ["from", "into"]) {
      await answer("s3api", "create-bucket", "--bucket", bucket);
      const versioning = ["--versioning-configuration", "Status=Enabled"];
      await answer("s3api", "put-bucket-versioning", "--bucket", bucket, ...versioning);
    }
    const trust = policy({ Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    await answer("iam", "create-role", "--role-name", "powerless", "--assume-role-policy-document", trust);
    const rule = {
      ID: "all",
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: "arn:aws:s3:::into", Metrics: { Status: "Enabled" } },
    };
    const Role = `arn:aws:iam::${account}:role/powerless`;
    const configuration = JSON.stringify({ Role, Rules: [rule] });
    await answer("s3api", "put-bucket-replication", "--bucket", "from", "--replication-configuration", configuration);
  });
  after(() => aws.stop());

  const notify = (queue: string) => {
    const QueueArn = `arn:aws:sqs:us-east-1:${account}:${queue}`;
    const route = { Id: "failures", QueueArn, Events: ["s3:Replication:OperationFailedReplication"] };
    const configuration = JSON.stringify({ QueueConfigurations: [route] });
    const name = "put-bucket-notification-configuration";
    return typed("s3api", name, "--bucket", "from", "--notification-configuration", configuration);
  };

  it("sets a notification once its queue lets S3 in", async () => {
    const refused = await notify("failures");
    assert.match(refused.stderr, /\(InvalidArgument\).*Unable to validate the following destination configurations/);
    url = (await answer<{ QueueUrl: string }>("sqs", "create-queue", "--queue-name", "failures")).QueueUrl;
    assert.match((await notify("failures")).stderr, /Unable to validate/);
    const may = { Principal: { Service: "s3.amazonaws.com" }, Action: "sqs:SendMessage", Resource: "*" };
    const attributes = JSON.stringify({ Policy: policy(may) });
    await answer("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", attributes);
    assert.equal((await notify("failures")).status, 0);
    const name = "get-bucket-notification-configuration";
    const told = await answer<{ QueueConfigurations: readonly { Id: string }[] }>("s3api", name, "--bucket", "from");
    assert.deepEqual(
      told.QueueConfigurations.map(({ Id }) => Id),
      ["failures"],
    );
  });

  it("receives why a version is FAILED", async () => {
    writeFileSync(`${aws.path}/body`, "body");
    await answer("s3api", "put-object", "--bucket", "from", "--key", "one", "--body", `${aws.path}/body`);
    const bodies: string[] = [];
    for (let asked = 0; asked < 3 && bodies.length < 2; asked++) {
      const { Messages = [] } = await answer<{ Messages?: readonly { Body: string }[] }>(
        "sqs",
        "receive-message",
        "--queue-url",
        url,
        "--wait-time-seconds",
        "20",
      );
      bodies.push(...Messages.map(({ Body }) => Body));
    }
    const [test = "", event = ""] = bodies;
    assert.match(test, /"s3:TestEvent"/);
    assert.match(event, /"eventName":"Replication:OperationFailedReplication"/);
    assert.match(event, /"failureReason":"SrcGetObjectNotPermitted"/);
  });

  it("reads the same out of CloudWatch", async () => {
    const { Metrics } = await answer<{ Metrics: readonly { MetricName: string }[] }>(
      "cloudwatch",
      "list-metrics",
      "--namespace",
      "AWS/S3",
      "--dimensions",
      "Name=SourceBucket,Value=from",
    );
    assert.ok(Metrics.some(({ MetricName }) => MetricName === "OperationsPendingReplication"));
    const Dimensions = Object.entries({ SourceBucket: "from", DestinationBucket: "into", RuleId: "all" }).map(
      ([Name, Value]) => ({ Name, Value }),
    );
    const Metric = { Namespace: "AWS/S3", MetricName: "OperationsFailedReplication", Dimensions };
    const query = [{ Id: "failed", MetricStat: { Metric, Period: 86_400, Stat: "Sum" } }];
    const range = [
      "--start-time",
      new Date(Date.now() - HOUR_MS).toISOString(),
      "--end-time",
      new Date(Date.now() + HOUR_MS).toISOString(),
    ];
    const { MetricDataResults } = await answer<{ MetricDataResults: readonly { Values: readonly number[] }[] }>(
      "cloudwatch",
      "get-metric-data",
      "--metric-data-queries",
      JSON.stringify(query),
      ...range,
    );
    assert.deepEqual(
      MetricDataResults.map(({ Values }) => Values),
      [[1]],
    );
  });
});
