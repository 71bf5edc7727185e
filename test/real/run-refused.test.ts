/** What a real gateway refuses: FAILED with the right reason, and COMPLETED once the cause is gone and it is tried again. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { lockstep } from "../e2e/binary.ts";
import { type End, replication } from "../e2e/two-stores.ts";
import { type Running, RunWorld } from "./run-world.ts";

const QUOTA = 3;

interface Refusal {
  readonly says: string;
  readonly code: FailureCode;
  /** How many are FAILED by it, at least and at most. */
  readonly failed: readonly [number, number];
  readonly refuse: (bucket: string) => Promise<void>;
  readonly lift: (bucket: string) => Promise<void>;
}

describe("run, and a gateway that refuses", () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open();
  });
  after(() => world?.close());

  const denied = (end: End, action: string, code: FailureCode, failed: Refusal["failed"]): Refusal => ({
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

  const quota = (scope: "user" | "bucket"): Refusal => ({
    says: `a quota of the ${scope}`,
    code: "DstQuotaExceeded",
    // Of five objects; markers are not counted. Writes at once may each be taken for the last one that fits.
    failed: [1, 2],
    refuse: async () => {
      const used = await world.gateways.b.admin("user", "stats", "--uid", "there", "--sync-stats");
      const { stats } = JSON.parse(used) as { readonly stats: { readonly num_objects: number } };
      const before = scope === "user" ? stats.num_objects : 0;
      await world.gateways.b.setQuota("there", { scope, objectsMax: before + QUOTA });
    },
    lift: () => world.gateways.b.liftQuota("there", scope),
  });

  const REFUSALS: readonly Refusal[] = [
    denied("there", "s3:PutObject", "DstPutObjectNotPermitted", [5, 5]),
    denied("there", "s3:DeleteObject", "DstDelObjNotPermitted", [1, 1]),
    denied("here", "s3:GetObjectVersion", "SrcGetObjectNotPermitted", [5, 5]),
    denied("here", "s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted", [1, 1]),
    quota("user"),
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
      assert.deepEqual(new Set(parked.map((one) => one.failureCode)), new Set([code]));
      const found = parked.reduce((sum, one) => sum + one.tasks, 0);
      assert.ok(failed[0] <= found && found <= failed[1], `${found} are FAILED`);
      await lift(bucket);
      await resync(running, bucket, found);
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
