/** What a real gateway refuses: FAILED with the right reason, and COMPLETED once the cause is gone and it is tried again. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { lockstep } from "../e2e/binary.ts";
import { type End, replication } from "../e2e/two-stores.ts";
import { type Running, RunWorld } from "./run-world.ts";

interface Refusal {
  readonly says: string;
  readonly code: FailureCode;
  /** How many are FAILED by it. */
  readonly failed: number;
  readonly refuse: (bucket: string) => Promise<void>;
  readonly lift: (bucket: string) => Promise<void>;
}

describe("run, and a gateway that refuses", () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open();
  });
  after(() => world?.close());

  const denied = (end: End, action: string, code: FailureCode, failed: number): Refusal => ({
    says: `a policy ${end} that denies ${action}`,
    code,
    failed,
    refuse: async (bucket) => {
      const Resource = `arn:aws:s3:::${bucket}/*`;
      const Statement = [{ Effect: "Deny", Principal: "*", Action: action, Resource }];
      await world.stores[end].putBucketPolicy(bucket, JSON.stringify({ Version: "2012-10-17", Statement }));
    },
    lift: (bucket) => world.stores[end].deleteBucketPolicy(bucket),
  });

  /** Used up by somebody else's object, before anything is replicated. */
  const quota = (scope: "user" | "bucket"): Refusal => ({
    says: `a quota of the ${scope}`,
    code: "DstQuotaExceeded",
    failed: 5,
    refuse: async (bucket) => {
      await world.gateways.b.setQuota("there", { scope, objectsMax: 1 });
      await world.put("there", bucket, "filler", "x");
    },
    lift: async (bucket) => {
      const filler = { bucket, key: "filler" };
      const { versionId = "" } = await world.stores.there.headObject(filler);
      await world.stores.there.deleteObject({ ...filler, versionId });
      await world.gateways.b.liftQuota("there", scope);
    },
  });

  const REFUSALS: readonly Refusal[] = [
    // First: the gateway counts the objects of a user from now and then.
    quota("user"),
    denied("there", "s3:PutObject", "DstPutObjectNotPermitted", 5),
    denied("there", "s3:DeleteObject", "DstDelObjNotPermitted", 1),
    denied("here", "s3:GetObjectVersion", "SrcGetObjectNotPermitted", 5),
    denied("here", "s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted", 1),
    quota("bucket"),
  ];

  for (const [index, { says, code, failed, refuse, lift }] of REFUSALS.entries()) {
    it(`${says}: FAILED with ${code}, and COMPLETED after it is lifted and lockstep resync`, async () => {
      const bucket = `refused-${index}`;
      const { stores } = world;
      await stores.bucket(bucket);
      for (const key of ["a", "b", "c", "d"]) await world.put("here", bucket, key, key);
      await world.put("here", bucket, "tagged", "x", { tags: [{ key: "t", value: "v" }] });
      await stores.here.deleteObject({ bucket, key: "gone" });
      await refuse(bucket);
      const more = "intake: {scan: {every: 1s}}\nconsole: {port: 0}";
      const path = stores.configure(bucket, replication(bucket).replace(`, as: ${bucket}-here`, ""), more);
      const running = world.start(path);
      const console_ = await running.consoleClient();
      await running.until(async () => {
        const counts = await console_.counts(bucket);
        const all = counts.reduce((sum, one) => sum + one.tasks, 0);
        const open = counts.filter((one) => one.state === "waiting" || one.state === "leased");
        assert.deepEqual([all, open.length], [6, 0], JSON.stringify(counts));
      });
      const parked = (await console_.counts(bucket)).filter((one) => one.state === "parked");
      assert.deepEqual(
        parked.map((one) => `${one.tasks} ${one.failureCode}`),
        [`${failed} ${code}`],
      );
      await lift(bucket);
      await resync(running, bucket, failed);
      await running.until(() => world.same(bucket));
      assert.equal(await running.stop(), 0);
    });
  }

  /** Types `lockstep resync`. */
  async function resync(running: Running, bucket: string, failed: number): Promise<void> {
    const { url, token } = await running.console();
    const { HERE, HERE_KEY, HERE_SECRET, PATH, HOME } = world.stores.environment;
    const { status, stdout, stderr } = await lockstep(["resync", `s3://${bucket}`, "--json"], {
      PATH,
      HOME,
      AWS_ENDPOINT_URL: HERE,
      AWS_ACCESS_KEY_ID: HERE_KEY,
      AWS_SECRET_ACCESS_KEY: HERE_SECRET,
      LOCKSTEP_CONSOLE_URL: url,
      LOCKSTEP_CONSOLE_TOKEN: token,
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
    const { foundFailed, completed } = JSON.parse(stdout) as {
      readonly foundFailed: number;
      readonly completed: number;
    };
    assert.deepEqual([foundFailed, completed], [failed, failed]);
  }
});
