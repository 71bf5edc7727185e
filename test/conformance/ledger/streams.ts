/** How streams take turns, what holds one back, and what is known of a task that waits. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BugError } from "../../../src/core/assert.ts";
import type { StreamLimit } from "../../../src/ledger/ledger.ts";
import {
  claimOne,
  DESTINATION,
  DONE,
  failedAttempt,
  keysOf,
  LEASE_END,
  listAll,
  NOW,
  type OpenLedger,
  OTHER_DESTINATION,
  parkAll,
  request,
  subjectFor,
  task,
} from "./harness.ts";

const HERE = { bucket: "source", destinationArn: DESTINATION };
const THERE = { bucket: "source", destinationArn: OTHER_DESTINATION };

function limit(stream: typeof HERE, atMost: number, held?: number): StreamLimit {
  return held === undefined ? { ...stream, atMost } : { ...stream, atMost, held };
}

export function testStreams(open: OpenLedger): void {
  describe("streams", () => {
    const subject = subjectFor(open);

    /** Tasks of one stream, the first the longest due. */
    async function add(prefix: string, count: number, change: Parameters<typeof task>[0] = {}): Promise<void> {
      const some = Array.from({ length: count }, (_, index) =>
        task({ key: `${prefix}${index}`, dueAtMs: NOW - 1000 + index, ...change }),
      );
      await subject.ledger.add(some);
    }

    it("take turns, so that a long backlog holds up no other; of each the longest due comes first", async () => {
      const { ledger } = subject;
      await add("long", 50, { destinationArn: OTHER_DESTINATION });
      await add("short", 2);
      await add("bucket", 1, { bucket: "source2" });
      const claims = await ledger.claim(request({ limit: 7 }));
      assert.deepEqual(keysOf(claims).slice(0, 3).toSorted(), ["bucket0", "long0", "short0"]);
      assert.deepEqual(keysOf(claims).slice(3), ["long1", "short1", "long2", "long3"]);
      await ledger.release(claims);
    });

    it("stand further back by what is held of them", async () => {
      const { ledger } = subject;
      await add("a", 5);
      await add("b", 5, { destinationArn: OTHER_DESTINATION });
      const claims = await ledger.claim(request({ limit: 6, limits: [limit(HERE, 100, 3)] }));
      assert.deepEqual(keysOf(claims), ["b0", "b1", "b2", "a0", "b3", "a1"]);
      await ledger.release(claims);
    });

    it("give no more than their limit, and nothing with a limit of 0", async () => {
      const { ledger } = subject;
      await add("a", 5);
      await add("urgent", 2, { destinationArn: OTHER_DESTINATION });
      await add("b", 5, { destinationArn: OTHER_DESTINATION, origin: "scan" });
      const claims = await ledger.claim(request({ limits: [limit(HERE, 0), limit(THERE, 3)] }));
      assert.deepEqual(keysOf(claims), ["urgent0", "urgent1", "b0"]);
      await ledger.release(claims);
      assert.deepEqual(await ledger.claim(request({ limits: [limit(HERE, 0), limit(THERE, 0)] })), []);
    });

    it("take turns within an origin only: what is more urgent comes first, however much of its stream is held", async () => {
      const { ledger } = subject;
      await add("live", 3);
      await add("scan", 3, { destinationArn: OTHER_DESTINATION, origin: "scan" });
      const claims = await ledger.claim(request({ limit: 4, limits: [limit(HERE, 100, 50)] }));
      assert.deepEqual(keysOf(claims), ["live0", "live1", "live2", "scan0"]);
      await ledger.release(claims);
    });

    it("that nobody knows may be limited, a thousand of them at most", async () => {
      const { ledger } = subject;
      await add("a", 1);
      const limits = Array.from({ length: 1000 }, (_, index) => limit({ bucket: `b${index}`, destinationArn: "d" }, 0));
      const claims = await ledger.claim(request({ limits }));
      assert.deepEqual(keysOf(claims), ["a0"]);
      await ledger.release(claims);
      await assert.rejects(ledger.claim(request({ limits: [...limits, limit(HERE, 0)] })), BugError);
    });

    it("that are left out keep the leases that ran out, and are nothing to wait for", async () => {
      const { ledger } = subject;
      await add("a", 1);
      const lost = await claimOne(ledger);
      await add("b", 1, { destinationArn: OTHER_DESTINATION, dueAtMs: LEASE_END + 5 });
      const limits = [limit(HERE, 0)];
      assert.equal(await ledger.nextDueAtMs(), LEASE_END);
      assert.equal(await ledger.nextDueAtMs({ limits }), LEASE_END + 5);
      assert.equal(await ledger.nextDueAtMs({ limits: [...limits, limit(THERE, 0)] }), undefined);
      assert.deepEqual(await ledger.claim(request({ nowMs: LEASE_END, limits })), []);
      assert.equal(await ledger.complete(lost, DONE), true);
    });

    it("that are many all come in turn", async () => {
      const { ledger } = subject;
      const destinations = Array.from({ length: 60 }, (_, index) => `arn:aws:s3:::destination${index}`);
      await ledger.add(
        destinations.flatMap((destinationArn) => ["x", "y", "z"].map((key) => task({ key, destinationArn }))),
      );
      const claims = await ledger.claim(request({ limit: 100 }));
      const first = claims.slice(0, 60).map((claim) => claim.task.destinationArn);
      assert.equal(new Set(first).size, 60);
      assert.equal(new Set(claims.slice(60).map((claim) => claim.task.destinationArn)).size, 40);
      await ledger.release(claims);
    });
  });

  describe("notes", () => {
    const subject = subjectFor(open);

    it("stay with a task until it is completed or parked, whoever tries it", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const first = await claimOne(ledger);
      assert.equal(await ledger.note(first, "3 of 10"), true);
      await ledger.retryLater(first, failedAttempt(), NOW);
      const second = await claimOne(ledger);
      assert.equal(second.task.note, "3 of 10");
      assert.equal(await ledger.note(first, "stale"), false);
      await ledger.release([second]);
      assert.equal((await listAll(ledger))[0]?.note, "3 of 10");
      const third = await claimOne(ledger);
      await ledger.park(third, failedAttempt());
      assert.equal((await listAll(ledger))[0]?.note, undefined);
      assert.equal(await ledger.note(third, "stale"), false);
    });

    it("are taken back by undefined", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const claim = await claimOne(ledger);
      await ledger.note(claim, "");
      assert.equal((await listAll(ledger))[0]?.note, "");
      await ledger.note(claim, undefined);
      assert.equal((await listAll(ledger))[0]?.note, undefined);
      await ledger.complete(claim, DONE);
    });
  });

  describe("hurrying a stream", () => {
    const subject = subjectFor(open);

    it("makes what waits for another try due now, its attempts kept, and leaves other streams alone", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ key: "other", destinationArn: OTHER_DESTINATION })]);
      for (const claim of await ledger.claim(request())) await ledger.retryLater(claim, failedAttempt(), NOW + 5000);
      await ledger.add([task({ key: "later", dueAtMs: NOW + 5000 })]);
      assert.deepEqual(await ledger.hurry(HERE, NOW + 1), { hurried: 1 });
      assert.deepEqual(await ledger.hurry(HERE, NOW + 1), { hurried: 0 });
      assert.deepEqual(await ledger.hurry({ ...HERE, bucket: "nowhere" }, NOW + 1), { hurried: 0 });
      const claim = await claimOne(ledger, { nowMs: NOW + 1 });
      assert.equal(claim.task.attempts, 1);
      assert.equal(claim.task.nextTryAtMs, NOW + 1);
      await ledger.release([claim]);
    });

    it("tells those who wait, and takes more rows than one step does", async () => {
      const { ledger } = subject;
      await ledger.add(Array.from({ length: 700 }, (_, index) => task({ key: `key${index}` })));
      const claims = await ledger.claim(request({ limit: 1000 }));
      await Promise.all(claims.map((claim) => ledger.retryLater(claim, failedAttempt(), NOW + 5000)));
      const hint = new Promise<void>((resolve) => void ledger.onDue(resolve));
      assert.deepEqual(await ledger.hurry(HERE, NOW), { hurried: 700 });
      await hint;
    });
  });

  describe("a standing", () => {
    const subject = subjectFor(open);

    it("tells who goes before a waiting task, in its lane and in its stream", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "first", dueAtMs: NOW - 30 }),
        task({ key: "mine", dueAtMs: NOW - 20 }),
        task({ key: "mine", versionId: "v2", dueAtMs: NOW - 40 }),
        task({ key: "behind", dueAtMs: NOW - 10 }),
        task({ key: "not yet", dueAtMs: NOW + 10 }),
        task({ key: "elsewhere", destinationArn: OTHER_DESTINATION, dueAtMs: NOW - 90 }),
        task({ key: "scanned", origin: "scan", dueAtMs: NOW - 90 }),
      ]);
      const standingOf = async (key: string, versionId = "v1") => {
        const row = (await listAll(ledger)).find(
          (one) => one.version.key === key && one.version.versionId === versionId,
        );
        return await ledger.standing(row?.id ?? assert.fail(), NOW);
      };
      assert.deepEqual(await standingOf("first"), { inLane: 0, inStream: 0 });
      assert.deepEqual(await standingOf("mine"), { inLane: 0, inStream: 1 });
      assert.deepEqual(await standingOf("mine", "v2"), { inLane: 1, inStream: 1 });
      assert.deepEqual(await standingOf("behind"), { inLane: 0, inStream: 2 });
      assert.deepEqual(await standingOf("not yet"), { inLane: 0, inStream: 3 });
      assert.deepEqual(await standingOf("scanned"), { inLane: 0, inStream: 3 });
      assert.deepEqual(await standingOf("elsewhere"), { inLane: 0, inStream: 0 });
    });

    it("is undefined of a task that is leased, parked or gone", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const claim = await claimOne(ledger);
      assert.equal(await ledger.standing(claim.task.id, NOW), undefined);
      await ledger.release([claim]);
      await parkAll(ledger);
      assert.equal(await ledger.standing(claim.task.id, NOW), undefined);
      assert.equal(await ledger.standing(claim.task.id + 1, NOW), undefined);
    });
  });
}
