/** Server access logs by the unmodified AWS SDK: what is set, what is delivered where, and what its lines say. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetObjectCommand,
  PutBucketLoggingCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { codeOf } from "../lab-s3/lab.ts";
import { Replicator } from "../lab-s3/replicator.ts";
import { ACCOUNT, TrailWorld } from "./world.ts";

const GROUP = 'uri="http://acs.amazonaws.com/groups/s3/LogDelivery"';
const SERVICE = "logging.s3.amazonaws.com";

describe("server access logs", () => {
  let world: TrailWorld;
  before(async () => {
    world = await TrailWorld.start();
  });
  after(async () => {
    await world.stop();
  });

  async function logged(name: string, LoggingEnabled: object = {}): Promise<string> {
    const { lab } = world;
    await lab.bucket(name, { versioned: true });
    await lab.bucket(`${name}-logs`);
    const TargetBucket = `${name}-logs`;
    await lab.s3().send(
      new PutBucketLoggingCommand({
        Bucket: name,
        BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: "p/", ...LoggingEnabled } },
      }),
    );
    return TargetBucket;
  }

  /** All lines in a bucket of logs, without those of the calls that set a case up. */
  async function lines(bucket: string): Promise<string[]> {
    const texts = await Promise.all((await world.keys(bucket)).map((key) => world.text(bucket, key)));
    return texts
      .join("")
      .split("\n")
      .filter((line) => line !== "" && !line.includes("LOGGING_STATUS"));
  }

  it("a request is one line of 27 fields under the target's prefix", async () => {
    const { lab } = world;
    const target = await logged("simple");
    await world.letIn(target, SERVICE, {
      StringEquals: { "aws:SourceAccount": ACCOUNT },
      ArnLike: { "aws:SourceArn": "arn:aws:s3:::simple" },
    });
    await lab.s3().send(new PutObjectCommand({ Bucket: "simple", Key: "a b", Body: "hello" }));
    assert.equal(await codeOf(lab.s3().send(new GetObjectCommand({ Bucket: "simple", Key: "none" }))), "NoSuchKey 404");
    await lab.lab.deliver();

    const [key = ""] = await world.keys(target);
    assert.match(key, /^p\/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$/);
    const owner = lab.lab.identity.canonicalUserId(ACCOUNT);
    const [put = "", get = ""] = await lines(target);
    assert.match(
      put,
      new RegExp(
        `^${owner} simple \\[\\d\\d/\\w{3}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000\\] 127\\.0\\.0\\.1 ${owner} [0-9A-F]{16} ` +
          'REST\\.PUT\\.OBJECT a%2Bb "PUT /simple/a%20b\\?x-id=PutObject HTTP/1\\.1" 200 - - 5 \\d+ \\d+ "-" ' +
          `"aws-sdk-js/[^"]*" - [A-Za-z0-9+/=]+ SigV4 - AuthHeader 127\\.0\\.0\\.1:${lab.port} - - - -$`,
      ),
    );
    assert.match(get, / REST\.GET\.OBJECT none "GET [^"]*" 404 NoSuchKey \d+ - \d+ \d+ /);
  });

  it("a DeleteObjects is a line for the call and one for every key", async () => {
    const { lab } = world;
    const target = await logged("batch");
    await world.letIn(target, SERVICE);
    await lab.s3().send(
      new DeleteObjectsCommand({
        Bucket: "batch",
        Delete: { Objects: [{ Key: "one" }, { Key: "two" }], Quiet: true },
      }),
    );
    await lab.lab.deliver();
    const told = (await lines(target)).map((line) => line.split(" ").slice(7, 9).join(" "));
    assert.deepEqual(told, ["REST.POST.MULTI_OBJECT_DELETE -", "BATCH.DELETE.OBJECT one", "BATCH.DELETE.OBJECT two"]);
  });

  it("a partitioned key has account, Region, bucket and day, and the time is that of the day", async () => {
    const { lab } = world;
    const target = await logged("parts", { TargetObjectKeyFormat: { PartitionedPrefix: {} } });
    await world.letIn(target, SERVICE);
    await lab.s3().send(new PutObjectCommand({ Bucket: "parts", Key: "k", Body: "x" }));
    await lab.lab.deliver();
    const [key = ""] = await world.keys(target);
    const root = `p/${ACCOUNT}/us-east-1/parts`;
    assert.match(key, new RegExp(`^${root}/(\\d{4})/(\\d\\d)/(\\d\\d)/\\1-\\2-\\3-00-00-00-[0-9A-F]{16}$`));
  });

  it("nothing is delivered where the target's policy does not let the service in", async () => {
    const { lab } = world;
    const target = await logged("closed");
    await lab.s3().send(new PutObjectCommand({ Bucket: "closed", Key: "k", Body: "x" }));
    await lab.lab.deliver();
    assert.deepEqual(await world.keys(target), []);
  });

  it("an ACL for the group of log delivery lets the service in, too", async () => {
    const { lab } = world;
    const target = "legacy-logs";
    await lab
      .s3()
      .send(new CreateBucketCommand({ Bucket: target, ObjectOwnership: "ObjectWriter", GrantWrite: GROUP }));
    await lab.bucket("legacy");
    const LoggingEnabled = { TargetBucket: target, TargetPrefix: "" };
    await lab.s3().send(new PutBucketLoggingCommand({ Bucket: "legacy", BucketLoggingStatus: { LoggingEnabled } }));
    await lab.s3().send(new PutObjectCommand({ Bucket: "legacy", Key: "k", Body: "x" }));
    await lab.lab.deliver();
    assert.equal((await lines(target)).length, 1);
  });

  it("what replication writes has its session as the requester", async () => {
    const { lab } = world;
    const target = await logged("replicas");
    await world.letIn(target, SERVICE);
    const replicator = await Replicator.make(lab, "copier");
    const store = await replicator.overHttp();
    await store.putObject({
      bucket: "replicas",
      key: "k",
      body: Buffer.from("x"),
      contentHeaders: {},
      userMetadata: {},
    });
    await store.close();
    await lab.lab.deliver();
    const [line = ""] = await lines(target);
    const requester = `arn:aws:sts::${ACCOUNT}:assumed-role/copier/s3-replication`;
    assert.ok(line.includes(`] - ${requester} `) && line.includes(" REST.PUT.OBJECT k "), line);
  });

  it("the configuration is shown as it was set, and an empty one ends logging", async () => {
    const { lab } = world;
    const target = await logged("shown", {
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "DeliveryTime" } },
    });
    const get = () => lab.s3().send(new GetBucketLoggingCommand({ Bucket: "shown" }));
    assert.deepEqual((await get()).LoggingEnabled, {
      TargetBucket: target,
      TargetPrefix: "p/",
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "DeliveryTime" } },
    });
    await lab.s3().send(new PutBucketLoggingCommand({ Bucket: "shown", BucketLoggingStatus: {} }));
    assert.equal((await get()).LoggingEnabled, undefined);
  });

  it("the target is a bucket of the same account, and grants need ACLs", async () => {
    const { lab } = world;
    await lab.bucket("source");
    await lab.bucket("target");
    const id = lab.lab.identity.canonicalUserId(ACCOUNT);
    const put = (TargetBucket: string, more: object = {}) =>
      codeOf(
        lab.s3().send(
          new PutBucketLoggingCommand({
            Bucket: "source",
            BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: "", ...more } },
          }),
        ),
      );
    assert.equal(await put("nowhere"), "InvalidTargetBucketForLogging 400");
    const TargetGrants = [{ Grantee: { Type: "CanonicalUser", ID: id }, Permission: "READ" }];
    assert.equal(await put("target", { TargetGrants }), "InvalidArgument 400");
  });
});
