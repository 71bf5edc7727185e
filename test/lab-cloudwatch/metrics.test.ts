/** Replication's and storage's metrics in the lab, from what really happened, through the unmodified AWS SDK. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  type Statistic,
} from "@aws-sdk/client-cloudwatch";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { EngineWorld, REPLICA, SOURCE } from "../engine/world.ts";
import { BOB, codeOf } from "../lab-s3/lab.ts";

const HOUR_MS = 3_600_000;
const METRICS = { Metrics: { Status: "Enabled" as const } };

describe("metrics of the lab", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({ destination: METRICS });
  });
  after(() => world.stop());

  const Dimensions = [
    { Name: "SourceBucket", Value: SOURCE },
    { Name: "DestinationBucket", Value: REPLICA },
    { Name: "RuleId", Value: "all" },
  ];
  const range = () => ({ StartTime: new Date(Date.now() - HOUR_MS), EndTime: new Date(Date.now() + HOUR_MS) });

  /** One statistic of all that happened. */
  async function of(MetricName: string, statistic: Statistic): Promise<number | undefined> {
    const { Datapoints = [] } = await world.lab.cloudWatch().send(
      new GetMetricStatisticsCommand({
        Namespace: "AWS/S3",
        MetricName,
        Dimensions,
        ...range(),
        Period: 86_400,
        Statistics: [statistic],
      }),
    );
    return Datapoints.map((one) => one[statistic] ?? 0).reduce<number | undefined>(
      (most, value) => Math.max(most ?? 0, value),
      undefined,
    );
  }

  it("tells what waits: operations, bytes, and for how long", async () => {
    assert.equal(await of("OperationsPendingReplication", "Maximum"), 0);
    world.lab.skewMs = -120_000;
    await world.put("waiting", { body: Buffer.from("12345") });
    world.lab.skewMs = 0;
    assert.equal(await of("OperationsPendingReplication", "Maximum"), 1);
    assert.equal(await of("BytesPendingReplication", "Maximum"), 5);
    const latencySeconds = (await of("ReplicationLatency", "Maximum")) ?? 0;
    assert.ok(latencySeconds >= 119 && latencySeconds < 180, String(latencySeconds));
  });

  it("counts failures among operations", async () => {
    await world.settle();
    await world.permit({ but: ["s3:ReplicateObject"] });
    await world.put("refused");
    await world.settle();
    await world.permit();
    assert.equal(await of("OperationsFailedReplication", "Sum"), 1);
    assert.equal(await of("OperationsFailedReplication", "SampleCount"), 2);
  });

  it("gives several series in one call, minute by minute, the newest first", async () => {
    const query = (Id: string, MetricName: string, Stat: string) => ({
      Id,
      MetricStat: { Metric: { Namespace: "AWS/S3", MetricName, Dimensions }, Period: 60, Stat },
    });
    const { MetricDataResults = [] } = await world.lab.cloudWatch().send(
      new GetMetricDataCommand({
        ...range(),
        MetricDataQueries: [
          query("failed", "OperationsFailedReplication", "Sum"),
          query("bytes", "BytesPendingReplication", "Maximum"),
          { ...query("hidden", "ReplicationLatency", "Maximum"), ReturnData: false },
        ],
      }),
    );
    assert.deepEqual(
      MetricDataResults.map(({ Id, Label, StatusCode }) => [Id, Label, StatusCode]),
      [
        ["failed", "OperationsFailedReplication", "Complete"],
        ["bytes", "BytesPendingReplication", "Complete"],
      ],
    );
    for (const { Timestamps = [], Values = [] } of MetricDataResults) {
      assert.equal(Timestamps.length, Values.length);
      assert.ok(Timestamps.length > 0);
      const ms = Timestamps.map((one) => one.getTime());
      assert.ok(ms.every((one) => one % 60_000 === 0));
      assert.deepEqual(
        ms,
        [...ms].sort((a, b) => b - a),
      );
    }
    assert.equal(
      MetricDataResults[0]?.Values?.reduce((sum, one) => sum + one, 0),
      1,
    );
  });

  it("tells how much is in a bucket", async () => {
    await world.lab.bucket("stored");
    await world.lab.s3().send(new PutObjectCommand({ Bucket: "stored", Key: "k", Body: "1234567" }));
    const ask = async (MetricName: string, StorageType: string) => {
      const { Datapoints = [] } = await world.lab.cloudWatch().send(
        new GetMetricStatisticsCommand({
          Namespace: "AWS/S3",
          MetricName,
          Dimensions: [
            { Name: "BucketName", Value: "stored" },
            { Name: "StorageType", Value: StorageType },
          ],
          StartTime: new Date(Date.now() - 24 * HOUR_MS),
          EndTime: new Date(),
          Period: 86_400,
          Statistics: ["Average"],
        }),
      );
      return Datapoints.map(({ Average, Unit }) => [Average, Unit]);
    };
    assert.deepEqual(await ask("BucketSizeBytes", "StandardStorage"), [[7, "Bytes"]]);
    assert.deepEqual(await ask("NumberOfObjects", "AllStorageTypes"), [[1, "Count"]]);
  });

  it("lists what there are values of, by dimension, to their own account alone", async () => {
    const list = async (by: Parameters<typeof world.lab.cloudWatch>[0]) => {
      const Dimensions = [{ Name: "RuleId", Value: "all" }];
      const { Metrics = [] } = await world.lab
        .cloudWatch(by)
        .send(new ListMetricsCommand({ Namespace: "AWS/S3", Dimensions }));
      return Metrics.map(({ MetricName }) => MetricName);
    };
    assert.deepEqual(await list(world.lab.alice), [
      "BytesPendingReplication",
      "OperationsFailedReplication",
      "OperationsPendingReplication",
      "ReplicationLatency",
    ]);
    assert.deepEqual(await list(await world.lab.lab.account(BOB)), []);
  });

  it("refuses ranges that are too long or upside down, and statistics that it does not have", async () => {
    const ask = (more: object) =>
      codeOf(
        world.lab.cloudWatch().send(
          new GetMetricStatisticsCommand({
            Namespace: "AWS/S3",
            MetricName: "ReplicationLatency",
            ...range(),
            Period: 60,
            Statistics: ["Maximum"],
            ...more,
          }),
        ),
      );
    const longAgo = new Date(Date.now() - 48 * HOUR_MS);
    assert.equal(await ask({ StartTime: longAgo }), "InvalidParameterCombinationException 400");
    assert.equal(await ask({ EndTime: longAgo }), "InvalidParameterValueException 400");
    assert.equal(await ask({ Period: 45 }), "InvalidParameterValueException 400");
    assert.equal(await ask({ Statistics: ["p99"] }), "InvalidParameterValueException 400");
  });
});
