/** What Lockstep changes itself is no drift; what anybody else changes is, before, meanwhile and afterwards. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { type DocumentDigest, driftedNow } from "../../src/monitor/alerts/drift.ts";
import { goodIn } from "../../src/monitor/alerts/known-good.ts";
import { openChangesIn, ownChanges } from "../../src/monitor/alerts/own-changes.ts";

const MINUTE = 60_000;
const BUCKET_POLICY = "bucket policy of dr";
const ROLE = "policies of arn:aws:iam::111122223333:role/replication";
const FIX = { documents: [BUCKET_POLICY, "policies of nobody"], by: "alice", why: "fix u-1" };

/** Two documents that anybody may change, looked at by the clock. */
class World {
  nowMs = 1_000_000;
  readonly ledger = openSqliteLedger({ path: ":memory:" });
  readonly documents = new Map([
    [BUCKET_POLICY, "1"],
    [ROLE, "1"],
  ]);
  readonly #read = () =>
    [...this.documents].map(([what, digest]): DocumentDigest => ({ replication: "photos", what, digest }));
  readonly own = ownChanges({ ledger: this.ledger, digests: async () => this.#read(), clock: () => this.nowMs });

  /** Reads, and judges a while later. */
  async look(laterMs = 0): Promise<readonly string[]> {
    this.nowMs += MINUTE;
    const present = this.#read();
    const readAtMs = this.nowMs;
    this.nowMs += laterMs;
    const drifted = await driftedNow(this.ledger, present, { readAtMs, nowMs: this.nowMs });
    return drifted.map((one) => one.what);
  }

  /** As `fix --apply` does. */
  async fix(digest: string, change = FIX): Promise<readonly DocumentDigest[]> {
    const id = await this.own.begin(change);
    this.documents.set(BUCKET_POLICY, digest);
    this.nowMs += 1000;
    return await this.own.end(id);
  }
}

describe("Lockstep's own changes", () => {
  it("are accepted by themselves, with who did it and why", async () => {
    const world = new World();
    assert.deepEqual(await world.look(), []);
    assert.deepEqual(
      (await world.fix("2")).map((one) => one.what),
      [BUCKET_POLICY],
    );
    assert.deepEqual(await world.look(), []);
    const [fixed] = (await goodIn(world.ledger)).filter((one) => one.accepted !== undefined);
    assert.deepEqual(fixed?.accepted, { atMs: 1_061_000, by: "alice", why: "fix u-1" });
    assert.equal(fixed?.what, BUCKET_POLICY);
    await world.ledger.close();
  });

  it("are accepted when they are taken back, too", async () => {
    const world = new World();
    await world.look();
    await world.fix("2");
    await world.fix("1", { ...FIX, why: "fix --undo u-1" });
    assert.deepEqual(await world.look(), []);
    const [undone] = (await goodIn(world.ledger)).filter((one) => one.accepted !== undefined);
    assert.equal(undone?.accepted?.why, "fix --undo u-1");
    await world.ledger.close();
  });

  it("cover nobody else's change: not of the same document afterwards, not of another one meanwhile", async () => {
    const world = new World();
    await world.look();
    const id = await world.own.begin(FIX);
    world.documents.set(BUCKET_POLICY, "2");
    world.documents.set(ROLE, "somebody's");
    await world.own.end(id);
    assert.deepEqual(await world.look(), [ROLE]);
    world.documents.set(BUCKET_POLICY, "somebody's");
    assert.deepEqual(await world.look(), [BUCKET_POLICY, ROLE]);
    await world.ledger.close();
  });

  it("do not cover what somebody else had changed in the document before", async () => {
    const world = new World();
    await world.look();
    world.documents.set(BUCKET_POLICY, "somebody's");
    assert.deepEqual(await world.fix("somebody's, and the fix"), []);
    assert.deepEqual(await world.look(), [BUCKET_POLICY]);
    await world.ledger.close();
  });

  it("are not alarmed about while they are under way, nor by what was read before they ended", async () => {
    const world = new World();
    await world.look();
    const id = await world.own.begin(FIX);
    world.documents.set(BUCKET_POLICY, "2");
    assert.deepEqual(await world.look(), []);
    world.documents.set(BUCKET_POLICY, "1");
    const read = world.look(0);
    assert.deepEqual(await read, []);
    world.documents.set(BUCKET_POLICY, "2");
    await world.own.end(id);
    // What was read of the old document before the change ended is not judged after it.
    const old = [{ replication: "photos", what: BUCKET_POLICY, digest: "1" }];
    assert.deepEqual(await driftedNow(world.ledger, old, { readAtMs: world.nowMs - 1, nowMs: world.nowMs + 1 }), []);
    assert.equal(
      (await driftedNow(world.ledger, old, { readAtMs: world.nowMs + 1, nowMs: world.nowMs + 1 })).length,
      1,
    );
    await world.ledger.close();
  });

  it("that were begun by somebody who died show as drift, after a while", async () => {
    const world = new World();
    await world.look();
    const id = await world.own.begin(FIX);
    world.documents.set(BUCKET_POLICY, "2");
    assert.deepEqual(await world.look(), []);
    world.nowMs += 10 * MINUTE;
    assert.deepEqual(await world.look(), [BUCKET_POLICY]);
    assert.deepEqual(await openChangesIn(world.ledger, world.nowMs), []);
    assert.deepEqual(await world.own.end(id), []);
    assert.deepEqual(await world.look(), [BUCKET_POLICY]);
    await world.ledger.close();
  });

  it("of a document that nobody has looked at yet are good", async () => {
    const world = new World();
    await world.fix("2");
    assert.deepEqual(await world.look(), []);
    await world.ledger.close();
  });
});
