/**
 * The live way in with a gateway of Ceph that sends notifications by itself: what is written is at the other gateway
 * without a scan.
 *
 * A topic must be pushed to over HTTP, and nothing may remove several objects at once from a bucket that has it: that ends
 * this release of the gateway.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type End, replication } from "../e2e/two-stores.ts";
import { notify } from "./rgw-topics.ts";
import { type Running, RunWorld } from "./run-world.ts";

const TOKEN = "a-token-of-the-test";

describe("notifications of Ceph's gateway", () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open();
    world.stores.environment["HOOK"] = TOKEN;
  });
  after(() => world.close());

  /** A run that scans at its beginning, and then no more while the test lasts. */
  async function live(bucket: string, replications: string, ...ends: readonly End[]): Promise<Running> {
    const webhooks = ends.map((end) => `{site: ${end}, port: 0, token: "\${HOOK}"}`).join(", ");
    const ways = `intake: {scan: {every: 1h}, webhooks: [${webhooks}]}\nconsole: {port: 0}`;
    const running = world.start(world.stores.configure(bucket, replications, ways));
    const { webhookUrls } = await running.console();
    for (const [index, end] of ends.entries())
      await notify(world.stores, end, bucket, `${webhookUrls[index]}/${TOKEN}`);
    // The scan at the beginning is over when what was there before has arrived.
    await running.until(() => world.same(bucket));
    return running;
  }

  it("bring new versions, copies and delete markers, whatever their keys look like, in order and once", async () => {
    const { stores } = world;
    const bucket = "told";
    await stores.bucket(bucket);
    await world.put("here", bucket, "before", "x");
    const running = await live(bucket, replication(bucket), "here");
    for (let count = 0; count < 30; count++) await world.put("here", bucket, "often", `body ${count}`);
    for (const key of ["sp ace", "pl+us", "per%cent", "a%20b", "dir/", "🎈", "grün"]) {
      await world.put("here", bucket, key, key);
    }
    await running.until(() => world.same(bucket));
    await stores.here.deleteObject({ bucket, key: "often" });
    await world.put("here", bucket, "often", "again");
    await stores.here.deleteObject({ bucket, key: "sp ace" });
    await world.upload("here", bucket, "parts", Buffer.alloc(6 * 1024 * 1024, 7));
    await running.until(() => world.same(bucket));
    await world.replicatedOnce(await running.consoleClient(), `${bucket}-here`, bucket);
    assert.equal(await running.stop(), 0);
  });

  it("go both ways, and nothing goes round: neither objects nor delete markers", async () => {
    const { stores } = world;
    const bucket = "both-told";
    await stores.bucket(bucket);
    await world.put("here", bucket, "before", "x");
    const both = `${replication(bucket, "here")}${replication(bucket, "there")}`;
    const running = await live(bucket, both, "here", "there");
    for (let count = 0; count < 10; count++) {
      await world.put("here", bucket, `h${count}`, "from here");
      await world.put("there", bucket, `t${count}`, "from there");
    }
    await running.until(() => world.same(bucket));
    for (let count = 0; count < 5; count++) {
      await stores.here.deleteObject({ bucket, key: `h${count}` });
      await stores.there.deleteObject({ bucket, key: `t${count}` });
    }
    await running.until(async () => {
      await world.same(bucket);
      assert.equal((await world.words("here", bucket)).length, 31);
    });
    assert.equal(await running.stop(), 0);
    // A scan of everything finds nothing that is missing, and nothing has been written twice.
    const { completed, failed } = await world.once(`${stores.directory.path}/${bucket}.yaml`);
    assert.deepEqual([completed, failed], [0, 0]);
    assert.equal((await world.words("here", bucket)).length, 31);
  });
});
