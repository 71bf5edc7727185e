/** Resync jobs: what a crash leaves of one, what a canary stops, how it is paused, resumed and cancelled, and by whom. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { DeleteBucketReplicationCommand } from "@aws-sdk/client-s3";
import { WINDOW_TASKS } from "../../src/engine/resync/feeder.ts";
import type { ResyncProgress, ResyncRequest } from "../../src/engine/resync/model.ts";
import { Resync } from "../../src/engine/resync.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { EngineWorld, instead, SOURCE } from "./world.ts";

const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"];
/** More calls than any job here makes. */
const CALLS_MAX = 200;

describe("a resync job", () => {
  let world: EngineWorld;
  beforeEach(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  afterEach(() => world.stop());

  /** Versions that are FAILED, and nobody is in their way any more. */
  async function failed(keys: readonly string[] = KEYS): Promise<void> {
    await world.permit({ but: ["s3:ReplicateObject"] });
    for (const key of keys) await world.put(key);
    await world.settle();
    await world.permit();
  }

  /** Versions that no rule took when they were written. */
  async function untried(keys: readonly string[]): Promise<void> {
    await world.lab.s3().send(new DeleteBucketReplicationCommand({ Bucket: SOURCE }));
    for (const key of keys) await world.put(key);
    await world.settle();
    await world.rule();
  }

  function sums(progress: ResyncProgress) {
    const { state, foundFailed, foundUntried, completed, failed: again, open, bytes } = progress;
    return { state, foundFailed, foundUntried, completed, failed: again, open, bytes };
  }

  async function parked(): Promise<number> {
    return (await world.ledger.list({ state: "parked" }, { limit: 1000 })).tasks.length;
  }

  describe("that is cut off by a crash", () => {
    /** Lets so many calls that change the record through; then the process is dead. */
    function dying(ledger: Ledger, calls: number): Ledger {
      let left = calls;
      const guarded = (name: "changeJob" | "add" | "redrive") => {
        return async (...given: unknown[]) => {
          left -= 1;
          if (left < 0) throw new Error("the process is dead");
          return await (ledger[name] as (...same: unknown[]) => Promise<never>).apply(ledger, given);
        };
      };
      const calls_ = { changeJob: guarded("changeJob"), add: guarded("add"), redrive: guarded("redrive") };
      return new Proxy(ledger, {
        get: (target, name) => {
          const found: unknown = Reflect.get(name in calls_ ? calls_ : target, name);
          return typeof found === "function" && !(name in calls_) ? found.bind(target) : found;
        },
      });
    }

    test("between any two of its steps loses nothing, counts nothing twice, and is ended by the next engine", async () => {
      let crashes = 0;
      for (let calls = 1; calls < CALLS_MAX; calls++) {
        const keys = KEYS.map((key) => `${calls}/${key}`);
        await failed(keys.slice(0, 3));
        await untried(keys.slice(3));
        const { id } = await world.startResync({ untried: true, prefix: `${calls}/` });
        const dead = new Resync({ ...world.resyncParts(`dead ${calls}`), ledger: dying(world.ledger, calls) });
        for (let turn = 0; turn < 3; turn++) {
          await dead.turn().catch(() => undefined);
          await world.settle();
        }
        const isOver = (await world.resyncing.progress(id))?.state === "done";
        if (!isOver) crashes += 1;
        // What a dead process holds runs out.
        world.pass(60_000);
        const ended = isOver ? await world.resyncing.progress(id) : await world.work(id);
        const expected = { state: "done", foundFailed: 3, foundUntried: 3, completed: 6, failed: 0, open: 0, bytes: 6 };
        assert.deepEqual(sums(ended ?? assert.fail()), expected, `a crash after ${calls} calls: ${ended?.error}`);
        assert.equal(await parked(), 0);
        if (isOver) break;
      }
      assert.ok(crashes > 4, `${crashes} crashes`);
    });
  });

  test("feeds no more than its window, and the rest as tasks end", async () => {
    const keys = Array.from({ length: WINDOW_TASKS + 600 }, (_, index) => `many/${index}`);
    const rows = keys.map((key) => ({
      version: { bucket: SOURCE, key, versionId: "v" },
      operation: "put" as const,
      destinationArn: "arn:aws:s3:::engine-replica",
      ruleId: "all",
      origin: "live" as const,
      sizeBytes: 1,
      writtenAtMs: 0,
      dueAtMs: 0,
    }));
    await world.ledger.add(rows);
    await parkAll(world.ledger);
    // As if all of them were there.
    world.wrap.reader = (store) => instead(store, { headObject: async () => ({}) as never });
    const { id } = await world.startResync();
    await world.resyncing.turn();
    const fed = await world.resyncing.progress(id);
    assert.deepEqual([fed?.open, fed?.foundFailed, fed?.state], [WINDOW_TASKS, WINDOW_TASKS, "running"]);
    await parkAll(world.ledger);
    await world.resyncing.turn();
    assert.equal((await world.resyncing.progress(id))?.open, 600);
    await parkAll(world.ledger);
    await world.resyncing.turn();
    const done = await world.resyncing.progress(id);
    assert.deepEqual([done?.state, done?.failed, done?.open], ["done", WINDOW_TASKS + 600, 0]);
  });

  describe("with a canary", () => {
    test("feeds the rest when the first are COMPLETED", async () => {
      await failed();
      const { id } = await world.startResync({ canary: 2 });
      await world.resyncing.turn();
      const first = await world.resyncing.progress(id);
      assert.deepEqual([first?.stage, first?.open, await parked()], ["canary", 2, 4]);
      const ended = await world.work(id);
      assert.deepEqual([ended.state, ended.foundFailed, ended.completed, await parked()], ["done", 6, 6, 0]);
    });

    test("feeds the rest of a page of untried versions, each once", async () => {
      await untried(KEYS);
      const ended = await world.resync({ untried: true, canary: 4 });
      assert.deepEqual([ended.state, ended.foundUntried, ended.completed], ["done", 6, 6]);
    });

    test("is broken, says why, and leaves the rest alone, when one of the first FAILED again", async () => {
      await failed();
      await world.permit({ but: ["s3:ReplicateObject"] });
      const ended = await world.resync({ canary: 2 });
      assert.deepEqual([ended.state, ended.completed, ended.failed, ended.foundFailed], ["broken", 0, 2, 2]);
      assert.match(ended.error ?? "", /2 of the 2 that went first FAILED again: DstPutObjectNotPermitted \(2\)/);
      assert.equal(await parked(), 6);
      await world.permit();
      assert.equal((await world.resync({ canary: 2 })).completed, 6);
    });

    test("is broken, too, when there were fewer than its canary", async () => {
      await failed(["only"]);
      await world.permit({ but: ["s3:ReplicateObject"] });
      assert.equal((await world.resync({ canary: 5 })).state, "broken");
    });
  });

  describe("on its way", () => {
    test("feeds nothing while it is paused, and goes on when it is resumed", async () => {
      await failed();
      const { id } = await world.startResync({ canary: 2 });
      await world.resyncing.turn();
      assert.equal((await world.resyncing.pause(id))?.state, "paused");
      const paused = await world.work(id);
      assert.deepEqual([paused.state, paused.completed, await parked()], ["paused", 2, 4]);
      assert.equal((await world.resyncing.resume(id))?.state, "running");
      assert.deepEqual([(await world.work(id)).completed, await parked()], [6, 0]);
    });

    test("gives back what waits when it is cancelled: FAILED again, or forgotten", async () => {
      await failed(["f0", "f1"]);
      await untried(["u0", "u1"]);
      const { id } = await world.startResync({ untried: true });
      await world.resyncing.turn();
      assert.equal((await world.resyncing.progress(id))?.open, 4);
      const cancelled = await world.resyncing.cancel(id);
      assert.equal(cancelled?.state, "cancelled");
      await world.resyncing.turn();
      const after = await world.work(id);
      assert.deepEqual([after.state, after.open, after.completed], ["cancelled", 0, 0]);
      const { tasks } = await world.ledger.list({}, { limit: 10 });
      assert.deepEqual(
        tasks.map((one) => `${one.version.key} ${one.state} ${one.failure?.code}`),
        ["f0 parked DstPutObjectNotPermitted", "f1 parked DstPutObjectNotPermitted"],
      );
      assert.equal(await world.status(tasks[0]?.version ?? assert.fail()), "FAILED");
      assert.equal((await world.resync({ untried: true })).completed, 4);
    });

    test("has ended for good: nothing turns it any more", async () => {
      await failed(["k"]);
      const { id } = await world.resync();
      for (const turn of ["pause", "resume", "cancel"] as const) {
        assert.equal((await world.resyncing[turn](id))?.state, "done");
      }
      assert.equal(await world.resyncing.pause("nobody"), undefined);
    });

    test("is fed by one engine of several, and by the next when that one is gone", async () => {
      await failed();
      const other = new Resync(world.resyncParts("other"));
      const { id } = await world.startResync({ canary: 2 });
      await Promise.all([world.resyncing.turn(), other.turn()]);
      assert.equal((await world.resyncing.progress(id))?.open, 2);
      await world.settle();
      await other.turn();
      assert.equal((await other.progress(id))?.foundFailed, 2, "somebody else holds it");
      world.pass(60_000);
      await other.turn();
      assert.equal((await other.progress(id))?.foundFailed, 6);
      await world.resyncing.turn();
      await world.settle();
      await other.turn();
      assert.deepEqual([(await other.progress(id))?.state, (await other.progress(id))?.completed], ["done", 6]);
    });

    test("waits for a store that is away, and says so", async () => {
      await untried(["k"]);
      const { id } = await world.startResync({ untried: true });
      const away = async () => {
        throw new S3Error("nobody is there", { operation: "ListObjectVersions", network: "refused" });
      };
      world.wrap.reader = (store) => instead(store, { listObjectVersions: away });
      const waiting = await world.work(id);
      assert.deepEqual([waiting.state, waiting.error], ["running", "waits for a store: nobody is there"]);
      world.wrap.reader = (same) => same;
      world.pass(60_000);
      const ended = await world.work(id);
      assert.deepEqual([ended.state, ended.completed, ended.error], ["done", 1, undefined]);
    });

    test("is broken by a store that does not let it in", async () => {
      const denied = async () => {
        throw new S3Error("denied", { operation: "ListObjectVersions", status: 403, code: "AccessDenied" });
      };
      world.wrap.reader = (store) => instead(store, { listObjectVersions: denied });
      const ended = await world.resync({ untried: true });
      assert.deepEqual([ended.state, ended.error], ["broken", "denied"]);
    });
  });

  describe("of a time", () => {
    const request: Partial<ResyncRequest> = { untried: true, dryRun: true };

    test("takes FAILED ones by when they failed, and others by when they were written", async () => {
      await failed(["f old"]);
      await untried(["u old"]);
      world.pass(600_000);
      const betweenMs = Date.now() + world.lab.skewMs - 60_000;
      await failed(["f new"]);
      await untried(["u new"]);
      for (const bound of ["sinceMs", "untilMs"] as const) {
        const { foundFailed, foundUntried } = await world.resync({ ...request, [bound]: betweenMs });
        assert.deepEqual([foundFailed, foundUntried], [1, 1], bound);
      }
      assert.deepEqual(
        [(await world.resync(request)).foundFailed, (await world.resync({ ...request, limit: 3 })).foundUntried],
        [2, 1],
      );
      assert.equal((await world.resync({ untried: true, sinceMs: betweenMs })).completed, 2);
    });
  });
});

/** As if a worker had tried all that is due, and was denied. */
async function parkAll(ledger: Ledger): Promise<void> {
  for (;;) {
    const nowMs = Date.now();
    const claims = await ledger.claim({ worker: "test", limit: 1000, nowMs, leaseUntilMs: nowMs + 60_000 });
    if (claims.length === 0) return;
    const failure = { code: "DstPutObjectNotPermitted", step: "putObject", message: "denied" };
    await Promise.all(claims.map((one) => ledger.park(one, { startedAtMs: nowMs, endedAtMs: nowMs, failure })));
  }
}
