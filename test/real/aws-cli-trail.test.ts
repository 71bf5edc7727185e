/** CloudTrail, access logs and inventories by hand, with Debian's AWS CLI: what a person would type to find evidence. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { TypedAws } from "./typed-aws.ts";

describe("aws cloudtrail, logs and inventories, Debian's", () => {
  const aws = new TypedAws();
  const { typed, type, answer } = aws;
  let account = "";

  before(async () => {
    await aws.start();
    account = await aws.account();
    writeFileSync(`${aws.path}/body`, "hello");
    for (const bucket of ["photos", "evidence"]) await type("s3api", "create-bucket", "--bucket", bucket);
    const services = ["cloudtrail.amazonaws.com", "logging.s3.amazonaws.com", "s3.amazonaws.com"];
    const Statement = [
      {
        Effect: "Allow",
        Principal: { Service: services },
        Action: ["s3:PutObject", "s3:GetBucketAcl"],
        Resource: ["arn:aws:s3:::evidence", "arn:aws:s3:::evidence/*"],
      },
    ];
    const policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await type("s3api", "put-bucket-policy", "--bucket", "evidence", "--policy", policy);
  });
  after(() => aws.stop());

  /** One of the lab's own calls. */
  async function admin(path: string, body: object): Promise<unknown> {
    const authorization = `Bearer ${readFileSync(`${aws.data}/token`, "utf8").trim()}`;
    const init = { method: "POST", headers: { authorization }, body: JSON.stringify(body) };
    const told = await fetch(`${aws.endpoint}/_lockstep/${path}`, init);
    assert.equal(told.status, 200, await told.clone().text());
    return await told.json();
  }

  async function keys(prefix: string): Promise<string[]> {
    const listed = ["s3api", "list-objects-v2", "--bucket", "evidence", "--prefix", prefix];
    const { Contents = [] } = await answer<{ Contents?: { Key: string }[] }>(...listed);
    return Contents.map((one) => one.Key);
  }

  async function bytes(key: string): Promise<Buffer> {
    const path = `${aws.path}/object`;
    await type("s3api", "get-object", "--bucket", "evidence", "--key", key, path);
    return readFileSync(path);
  }

  it("tells who changed the bucket", async () => {
    const attribute = "AttributeKey=ResourceName,AttributeValue=evidence";
    const { Events } = await answer<{ Events: Record<string, unknown>[] }>(
      "cloudtrail",
      "lookup-events",
      "--lookup-attributes",
      attribute,
    );
    assert.deepEqual(
      Events.map((one) => [one["EventName"], one["EventSource"], one["ReadOnly"]]),
      [
        ["PutBucketPolicy", "s3.amazonaws.com", "false"],
        ["CreateBucket", "s3.amazonaws.com", "false"],
      ],
    );
  });

  it("delivers a trail's files", async () => {
    await type("cloudtrail", "create-trail", "--name", "objects", "--s3-bucket-name", "evidence");
    const selectors = JSON.stringify([
      {
        ReadWriteType: "WriteOnly",
        IncludeManagementEvents: false,
        DataResources: [{ Type: "AWS::S3::Object", Values: ["arn:aws:s3:::photos/"] }],
      },
    ]);
    const put = ["put-event-selectors", "--trail-name", "objects", "--event-selectors", selectors];
    await type("cloudtrail", ...put);
    await type("cloudtrail", "start-logging", "--name", "objects");
    await type("s3api", "put-object", "--bucket", "photos", "--key", "k", "--body", `${aws.path}/body`);
    await admin("deliveries", {});
    const [key = ""] = await keys(`AWSLogs/${account}/CloudTrail/us-east-1/`);
    assert.match(key, /_CloudTrail_us-east-1_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz$/);
    const { Records } = JSON.parse(gunzipSync(await bytes(key)).toString()) as { Records: { eventName: string }[] };
    assert.deepEqual(
      Records.map((one) => one.eventName),
      ["PutObject"],
    );
    const status = await answer<{ IsLogging: boolean }>("cloudtrail", "get-trail-status", "--name", "objects");
    assert.equal(status.IsLogging, true);
    const refused = await typed("cloudtrail", "create-trail", "--name", "no-entry", "--s3-bucket-name", "photos");
    assert.match(refused.stderr, /\(InsufficientS3BucketPolicyException\)/);
  });

  it("delivers access logs", async () => {
    const status = JSON.stringify({ LoggingEnabled: { TargetBucket: "evidence", TargetPrefix: "access/" } });
    await type("s3api", "put-bucket-logging", "--bucket", "photos", "--bucket-logging-status", status);
    const shown = await answer<object>("s3api", "get-bucket-logging", "--bucket", "photos");
    assert.deepEqual(shown, JSON.parse(status));
    await type("s3api", "head-object", "--bucket", "photos", "--key", "k");
    await admin("deliveries", {});
    // Under load they are delivered in two objects; they are read through one file.
    let text = "";
    for (const key of await keys("access/")) text += (await bytes(key)).toString();
    assert.match(text, / REST\.HEAD\.OBJECT k "HEAD \/photos\/k HTTP\/1\.1" 200 - - 5 /);
  });

  it("writes an inventory", async () => {
    const configuration = JSON.stringify({
      Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::evidence", Format: "CSV", Prefix: "inventory" } },
      IsEnabled: true,
      Id: "now",
      IncludedObjectVersions: "All",
      OptionalFields: ["Size", "ReplicationStatus"],
      Schedule: { Frequency: "Daily" },
    });
    const put = ["put-bucket-inventory-configuration", "--bucket", "photos", "--id", "now"];
    await type("s3api", ...put, "--inventory-configuration", configuration);
    const { manifest, rows } = (await admin("buckets/photos/inventory", { id: "now" })) as {
      manifest: string;
      rows: number;
    };
    assert.equal(rows, 1);
    const { files } = JSON.parse((await bytes(manifest)).toString()) as { files: { key: string }[] };
    const csv = gunzipSync(await bytes(files[0]?.key ?? "")).toString();
    assert.equal(csv, '"photos","k","","true","false","5",""\n');
  });
});
