/** What a bucket's notifications tell of replication: failures with their reasons, and Replication Time Control's threshold. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DeleteObjectCommand, PutBucketNotificationConfigurationCommand } from "@aws-sdk/client-s3";
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { ALICE } from "../lab-s3/lab.ts";
import { EngineWorld, REPLICA_ARN, SOURCE } from "./world.ts";

interface ReplicationRecord {
  readonly eventName: string;
  readonly eventVersion: string;
  readonly s3: { readonly object: { readonly key: string; readonly versionId: string } };
  readonly replicationEventData: Readonly<Record<string, string>>;
}

const METRICS = { Metrics: { Status: "Enabled" as const } };
const RTC = {
  ReplicationTime: { Status: "Enabled" as const, Time: { Minutes: 15 } },
  Metrics: { Status: "Enabled" as const, EventThreshold: { Minutes: 15 } },
};
const MINUTE_MS = 60_000;

describe("events of replication", () => {
  let world: EngineWorld;
  let QueueUrl = "";
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({ destination: METRICS });
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sqs:*", Resource: "*" }],
    });
    const made = await world.lab.sqs().send(new CreateQueueCommand({ QueueName: "events", Attributes: { Policy } }));
    QueueUrl = made.QueueUrl ?? "";
    const QueueArn = `arn:aws:sqs:us-east-1:${ALICE}:events`;
    const QueueConfigurations = [{ QueueArn, Events: ["s3:Replication:*" as const] }];
    const NotificationConfiguration = { QueueConfigurations };
    await world.lab
      .s3()
      .send(new PutBucketNotificationConfigurationCommand({ Bucket: SOURCE, NotificationConfiguration }));
    assert.equal("Event" in (await next<object>()), true);
  });
  after(() => world.stop());

  async function next<T>(): Promise<T> {
    const sqs = world.lab.sqs();
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const { Body = "{}", ReceiptHandle = "" } = Messages[0] ?? {};
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    return JSON.parse(Body) as T;
  }

  async function nextRecord(): Promise<ReplicationRecord> {
    const { Records = [] } = await next<{ Records?: ReplicationRecord[] }>();
    assert.ok(Records[0] !== undefined);
    return Records[0];
  }

  it("says why a version is FAILED", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("refused");
    await world.settle();
    const { eventName, eventVersion, s3, replicationEventData } = await nextRecord();
    assert.deepEqual([eventName, eventVersion], ["Replication:OperationFailedReplication", "2.2"]);
    assert.deepEqual([s3.object.key, s3.object.versionId], [ref.key, ref.versionId]);
    const { requestTime, ...data } = replicationEventData;
    assert.deepEqual(data, {
      replicationRuleId: "all",
      destinationBucket: REPLICA_ARN,
      s3Operation: "OBJECT_PUT",
      failureReason: "DstPutObjectNotPermitted",
    });
    assert.ok(!Number.isNaN(Date.parse(requestTime ?? "")));
  });

  it("says nothing of rules without metrics, nor of what is done", async () => {
    await world.rule();
    await world.permit({ but: ["s3:ReplicateObject"] });
    await world.put("untold");
    await world.settle();
    await world.permit();
    await world.rule({ destination: METRICS });
    await world.put("done");
    await world.settle();
    await world.permit({ but: ["s3:ReplicateObject"] });
    await world.put("told");
    await world.settle();
    assert.equal((await nextRecord()).s3.object.key, "told");
  });

  it("tells when Replication Time Control's threshold was missed, and when it was done after all", async () => {
    await world.permit();
    await world.rule({ destination: RTC });
    // Written in the past, for the SDK signs with the time of today.
    world.lab.skewMs = -16 * MINUTE_MS;
    await world.put("late");
    world.lab.skewMs = 0;
    await world.settle();
    const names = [(await nextRecord()).eventName, (await nextRecord()).eventName];
    assert.deepEqual(names.sort(), [
      "Replication:OperationMissedThreshold",
      "Replication:OperationReplicatedAfterThreshold",
    ]);
  });

  it("tells that it follows a version no longer that was removed while it waited", async () => {
    const { key: Key, versionId: VersionId } = await world.put("removed");
    await world.lab.s3().send(new DeleteObjectCommand({ Bucket: SOURCE, Key, VersionId }));
    const { eventName, replicationEventData } = await nextRecord();
    assert.equal(eventName, "Replication:OperationNotTracked");
    assert.equal(replicationEventData["failureReason"], undefined);
    await world.settle();
  });
});
