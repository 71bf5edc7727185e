/** What `status` reads of CloudWatch where no engine of ours tells it: backlog, lag and failures by rule. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openConnection } from "../../src/cli/connection.ts";
import { flowLines, ruleFlows } from "../../src/cli/status/flow-metrics.ts";
import { examine } from "../../src/doctor/collect.ts";
import { EngineWorld, REPLICA, SOURCE } from "../engine/world.ts";
import { REGION } from "../lab-s3/lab.ts";

const plain = (_: string, text: string) => text;

describe("the flow of each rule by CloudWatch's metrics", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({ destination: { Metrics: { Status: "Enabled" } } });
  });
  after(() => world.stop());

  async function flows(credentials = world.lab.alice, nowMs = Date.now()) {
    const access = { endpoint: world.lab.endpoint, region: REGION, credentials: async () => world.lab.alice };
    const connection = await openConnection(access, Date.now, undefined);
    try {
      const { setup } = await examine(connection, { bucket: SOURCE }, () => undefined);
      return await ruleFlows(setup, { ...access, credentials: async () => credentials }, nowMs);
    } finally {
      await connection.close();
    }
  }

  it("tells what waits, how much, and for how long", async () => {
    world.lab.skewMs = -120_000;
    await world.put("waiting", { body: Buffer.from("12345") });
    world.lab.skewMs = 0;
    const [flow, ...others] = await flows();
    assert.deepEqual(others, []);
    assert.deepEqual(
      [flow?.rule, flow?.destination, flow?.pendingOperations, flow?.pendingBytes],
      ["all", REPLICA, 1, 5],
    );
    const { latencySeconds = 0 } = flow ?? {};
    assert.ok(latencySeconds >= 119 && latencySeconds < 180, String(latencySeconds));
    assert.match(
      flowLines(flow === undefined ? [] : [flow], plain).join("\n"),
      /^CloudWatch all → engine-replica: 1 operation pending, 5 B, 1\d\d s behind; 0 of 0 operations failed in the last hour$/,
    );
  });

  it("tells what failed among the operations of the last hour", async () => {
    await world.settle();
    await world.permit({ but: ["s3:ReplicateObject"] });
    await world.put("refused");
    await world.settle();
    await world.permit();
    const [flow] = await flows();
    assert.deepEqual([flow?.failedOperations, flow?.endedOperations], [1, 2]);
    const [line = ""] = flowLines(flow === undefined ? [] : [flow], plain);
    assert.match(line, /; 1 of 2 operations failed in the last hour$/);
  });

  it("says what may not be read, and why", async () => {
    const [flow] = await flows({ accessKeyId: "AKIANOBODY0000000000", secretAccessKey: "nothing" });
    assert.equal(flow?.pendingOperations, undefined);
    assert.equal(flow?.unread?.length, 2);
    assert.match(flow?.unread?.[0] ?? "", /^what waits: cloudwatch:GetMetricData: /);
  });

  it("says that nothing was published, and that a rule has no metrics", async () => {
    const [flow] = await flows(world.lab.alice, Date.now() + 86_400_000);
    assert.deepEqual([flow?.pendingOperations, flow?.endedOperations], [undefined, 0]);
    const silent = { rule: "r", destination: "d", hasMetrics: false };
    const [line = "", other = ""] = flowLines(flow === undefined ? [] : [flow, silent], plain);
    assert.match(line, /nothing published lately/);
    assert.match(other, /no metrics: enable them/);
  });
});
