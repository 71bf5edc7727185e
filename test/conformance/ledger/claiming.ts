/** How tasks go out to workers, and the ways in which they come back. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BugError } from "../../../src/core/assert.ts";
import type { Claim } from "../../../src/ledger/ledger.ts";
import {
  claimOne,
  DONE,
  failedAttempt,
  inShort,
  keysOf,
  LEASE_END,
  listAll,
  NOW,
  type OpenLedger,
  OTHER_DESTINATION,
  request,
  subjectFor,
  task,
  totals,
} from "./harness.ts";

export function testClaiming(open: OpenLedger): void {
  describe("claiming", () => {
    const subject = subjectFor(open);

    it("leases due tasks to the worker until the given time", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ key: "later", dueAtMs: NOW + 1 }), task({ key: "now", dueAtMs: NOW })]);
      const claims = await ledger.claim(request({ worker: "w7" }));
      assert.deepEqual(keysOf(claims), ["key", "now"]);
      for (const { task: row } of claims) {
        assert.equal(row.state, "leased");
        assert.deepEqual(row.lease, { worker: "w7", untilMs: LEASE_END });
        assert.equal(row.attempts, 0);
      }
      assert.deepEqual(
        (await listAll(ledger, { state: "leased" })).map((row) => row.id),
        claims.map((claim) => claim.task.id),
      );
      await ledger.release(claims);
    });

    it("hands out what a dead worker held at once, counts that as an attempt, and leaves other workers alone", async () => {
      const { ledger } = subject;
      await ledger.add([task({ key: "a" }), task({ key: "b" })]);
      const [dead] = await ledger.claim(request({ worker: "dead", limit: 1 }));
      const [alive] = await ledger.claim(request({ worker: "alive", limit: 1 }));
      assert.ok(dead !== undefined && alive !== undefined);
      await ledger.expireLeases("dead");
      await ledger.expireLeases("unknown");
      const claims = await ledger.claim(request({ worker: "next" }));
      assert.deepEqual(keysOf(claims), [dead.task.version.key]);
      assert.equal(claims[0]?.task.attempts, 1);
      assert.equal(await ledger.complete(dead, DONE), false);
      assert.equal(await ledger.complete(alive, DONE), true);
      await ledger.release(claims);
    });

    it("leases the longest due first, of those due at one time the first added, up to the limit", async () => {
      const { ledger } = subject;
      const dueAt: Record<string, number> = { c: 30, a: 10, e: 50, b: 20, "b'": 20, d: 40 };
      await ledger.add(Object.entries(dueAt).map(([key, dueAtMs]) => task({ key, dueAtMs })));
      const first = await ledger.claim(request({ limit: 3 }));
      const second = await ledger.claim(request({ limit: 3 }));
      assert.deepEqual(keysOf(first), ["a", "b", "b'"]);
      assert.deepEqual(keysOf(second), ["c", "d", "e"]);
      assert.deepEqual(await ledger.claim(request()), []);
      await ledger.release([...first, ...second]);
    });

    it("leases live tasks before resync ones, these before scan ones, whatever their size", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "s", origin: "scan", dueAtMs: 0 }),
        task({ key: "r", origin: "resync", dueAtMs: 1, sizeBytes: 2 ** 30 }),
        task({ key: "l", origin: "live", dueAtMs: 3, sizeBytes: 2 ** 40 }),
        task({ key: "l2", origin: "live", dueAtMs: 2, sizeBytes: 2 ** 21 }),
      ]);
      const claims = await ledger.claim(request());
      assert.deepEqual(keysOf(claims), ["l2", "l", "r", "s"]);
      await ledger.release(claims);
    });

    it("leases only tasks of the sizes that are asked for, the bounds themselves among the small ones", async () => {
      const { ledger } = subject;
      const sizes = [0, 1, 1000, 1001, 2 ** 20, 2 ** 20 + 1, 2 ** 24, 2 ** 27, 2 ** 27 + 1, 5 * 2 ** 40];
      await ledger.add(sizes.map((sizeBytes, index) => task({ key: `${sizeBytes}`, sizeBytes, dueAtMs: index })));
      for (const bound of [0, 1000, 2 ** 20, 2 ** 27, 2 ** 50]) {
        const small = await ledger.claim(request({ sizeAtMostBytes: bound }));
        const large = await ledger.claim(request({ sizeOverBytes: bound }));
        assert.deepEqual(
          small.map((claim) => claim.task.sizeBytes),
          sizes.filter((size) => size <= bound),
        );
        assert.deepEqual(
          large.map((claim) => claim.task.sizeBytes),
          sizes.filter((size) => size > bound),
        );
        await ledger.release([...small, ...large]);
      }
      const middle = await ledger.claim(request({ sizeOverBytes: 1000, sizeAtMostBytes: 2 ** 24 }));
      assert.equal(middle.length, 4);
      await ledger.release(middle);
    });

    it("takes a limit outside 1..1000 for a bug", async () => {
      for (const limit of [0, 1001]) {
        await assert.rejects(subject.ledger.claim(request({ limit })), BugError);
        await assert.rejects(subject.ledger.list({}, { limit }), BugError);
      }
    });

    it("gives a task to one of many workers that claim at the same time", async () => {
      const { ledger } = subject;
      await ledger.add(Array.from({ length: 100 }, (_, index) => task({ key: `key${index}` })));
      const asked = Array.from({ length: 10 }, () => ledger.claim(request({ limit: 15 })));
      const claims = (await Promise.all(asked)).flat();
      assert.equal(claims.length, 100);
      assert.equal(new Set(claims.map((claim) => claim.task.id)).size, 100);
      await Promise.all(claims.map((claim) => ledger.complete(claim, DONE)));
      assert.deepEqual(totals(await ledger.counts()), { completed: 100 });
    });
  });

  describe("two processes on one record", () => {
    const subject = subjectFor(open);

    it("see each other's work, and never hold the same task", async () => {
      if (subject.openAgain === undefined) return;
      const { ledger } = subject;
      const other = await subject.openAgain();
      try {
        await ledger.add(Array.from({ length: 20 }, (_, index) => task({ key: `key${index}` })));
        await other.add(Array.from({ length: 20 }, (_, index) => task({ key: `key${index}`, ruleId: "rule2" })));
        await other.add(Array.from({ length: 20 }, (_, index) => task({ bucket: "source2", key: `key${index}` })));
        const mine = await ledger.claim(request({ limit: 15 }));
        const theirs = await other.claim(request({ limit: 100 }));
        assert.equal(new Set([...mine, ...theirs].map((claim) => claim.task.id)).size, 40);
        for (const claim of mine) assert.equal(await other.park(claim, failedAttempt()), true);
        for (const claim of theirs) assert.equal(await ledger.complete(claim, DONE), true);
        assert.deepEqual(totals(await ledger.counts()), { parked: 15, completed: 25 });
        assert.deepEqual(await other.counts(), await ledger.counts());
        assert.deepEqual(await listAll(other), await listAll(ledger));
        assert.deepEqual(await ledger.redrive({}, NOW), { redriven: 15 });
      } finally {
        await other.close();
      }
    });
  });

  describe("leases", () => {
    const subject = subjectFor(open);

    /** A lease that has run out and that somebody else has now. */
    async function lostAndTaken(): Promise<{ lost: Claim; taken: Claim }> {
      const lost = await claimOne(subject.ledger);
      const taken = await claimOne(subject.ledger, { nowMs: LEASE_END, leaseUntilMs: LEASE_END + 1000 });
      assert.equal(taken.task.id, lost.task.id);
      return { lost, taken };
    }

    it("run out at their end and no earlier; then the next claim takes the task", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ versionId: "v2" })]);
      const first = await claimOne(ledger);
      assert.deepEqual(await ledger.claim(request({ nowMs: LEASE_END - 1 })), []);
      const second = await claimOne(ledger, { worker: "w2", nowMs: LEASE_END, leaseUntilMs: LEASE_END + 10 });
      assert.equal(second.task.id, first.task.id);
      assert.ok(second.fence > first.fence);
      assert.deepEqual(second.task.lease, { worker: "w2", untilMs: LEASE_END + 10 });
      await ledger.release([second]);
    });

    it("that run out count as an attempt, so that a task that kills its worker is seen", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const { taken } = await lostAndTaken();
      assert.equal(taken.task.attempts, 1);
      await ledger.release([taken]);
    });

    it("that ran out are in the order of all others", async () => {
      const { ledger } = subject;
      await ledger.add([task({ key: "b", dueAtMs: 2 }), task({ key: "s", origin: "scan", dueAtMs: 0 })]);
      await ledger.claim(request());
      await ledger.add([task({ key: "a", dueAtMs: 1 }), task({ key: "c", dueAtMs: 3 })]);
      const claims = await ledger.claim(request({ nowMs: LEASE_END, leaseUntilMs: LEASE_END + 10 }));
      assert.deepEqual(keysOf(claims), ["a", "b", "c", "s"]);
      await ledger.release(claims);
    });

    it("that ran out are still the worker's while nobody else has taken the task", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const claim = await claimOne(ledger);
      assert.deepEqual(totals(await ledger.counts()), { leased: 1 });
      assert.deepEqual(await ledger.renew([claim], LEASE_END + 1000), { lost: [] });
      assert.deepEqual(await ledger.claim(request({ nowMs: LEASE_END })), []);
      assert.equal(await ledger.complete(claim, DONE), true);
    });

    it("can be renewed, and tell which are lost", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const { lost, taken } = await lostAndTaken();
      await ledger.add([task({ key: "kept" }), task({ key: "done" }), task({ key: "released" })]);
      const [kept, done, released] = await ledger.claim(request());
      assert.ok(kept && done && released);
      await ledger.complete(done, DONE);
      await ledger.release([released]);
      const renewed = await ledger.renew([lost, kept, done, released, taken], LEASE_END + 5000);
      assert.deepEqual(renewed, { lost: [lost.task.id, done.task.id, released.task.id] });
      assert.deepEqual(keysOf(await ledger.claim(request({ nowMs: LEASE_END + 4999, limit: 1 }))), ["released"]);
      await ledger.release([kept, taken]);
      subject.leavesLeases();
    });

    it("that are lost change nothing any more", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const { lost, taken } = await lostAndTaken();
      const before = await listAll(ledger);
      assert.equal(await ledger.complete(lost, { ...DONE, replicaVersionId: "stale" }), false);
      assert.equal(await ledger.retryLater(lost, failedAttempt(), NOW), false);
      assert.equal(await ledger.park(lost, failedAttempt()), false);
      await ledger.release([lost]);
      assert.deepEqual(await listAll(ledger), before);
      assert.equal(await ledger.replicaOf(lost.task.version, lost.task.destinationArn), undefined);
      assert.equal(await ledger.complete(taken, DONE), true);
    });

    it("end once: a second ending of any kind is refused", async () => {
      const { ledger } = subject;
      const endings: ((claim: Claim) => Promise<unknown>)[] = [
        (claim) => ledger.complete(claim, DONE),
        (claim) => ledger.retryLater(claim, failedAttempt(), NOW),
        (claim) => ledger.park(claim, failedAttempt()),
        (claim) => ledger.release([claim]),
      ];
      for (const [index, end] of endings.entries()) {
        await ledger.add([task({ key: `key${index}` })]);
        const claim = await claimOne(ledger);
        await end(claim);
        const before = await listAll(ledger);
        assert.equal(await ledger.complete(claim, DONE), false);
        assert.equal(await ledger.retryLater(claim, failedAttempt(), NOW), false);
        assert.equal(await ledger.park(claim, failedAttempt()), false);
        await ledger.release([claim]);
        assert.deepEqual(await listAll(ledger), before);
        await ledger.discard({});
      }
    });

    it("outlive a restart, and their worker may still end them", async () => {
      if (subject.reopen === undefined) return;
      await subject.ledger.add([task(), task({ versionId: "v2" })]);
      const claim = await claimOne(subject.ledger);
      await subject.reopen();
      assert.deepEqual(await subject.ledger.claim(request()), []);
      assert.equal(await subject.ledger.complete(claim, DONE), true);
      await subject.ledger.release([await claimOne(subject.ledger)]);
    });
  });

  describe("ending", () => {
    const subject = subjectFor(open);

    it("by release leaves the task due as before, no attempt counted", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const before = await listAll(ledger);
      await ledger.release([await claimOne(ledger)]);
      assert.deepEqual(await listAll(ledger), before);
    });

    it("by complete removes the task and counts it with the bytes that were sent", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      assert.equal(await ledger.complete(await claimOne(ledger), { ...DONE, bytes: 42 }), true);
      assert.deepEqual(await listAll(ledger), []);
      const { bucket } = task().version;
      assert.deepEqual(await ledger.counts(), [
        {
          bucket,
          ruleId: "rule",
          destinationArn: task().destinationArn,
          operation: "put",
          state: "completed",
          tasks: 1,
          bytes: 42,
        },
      ]);
    });

    it("by complete lets the same task come in again", async () => {
      const { ledger } = subject;
      await ledger.add([task({ operation: "tags" })]);
      await ledger.complete(await claimOne(ledger), DONE);
      assert.deepEqual(await ledger.add([task({ operation: "tags" })]), { added: 1 });
    });

    it("by retryLater keeps the failure as it came, and counts the attempt", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const failure = {
        code: "SlowDown",
        step: "putObject",
        httpStatus: 503,
        errorCode: "SlowDown",
        message: "Reduce your \0 request rate. \u{1f40c} '\";--",
        sourceRequestId: "S1",
        destinationRequestId: "D1",
      };
      const attempt = { startedAtMs: NOW, endedAtMs: NOW + 10, failure };
      assert.equal(await ledger.retryLater(await claimOne(ledger), attempt, NOW + 1000), true);
      const again = await claimOne(ledger, { nowMs: NOW + 1000 });
      assert.deepEqual(again.task.failure, failure);
      const second = { startedAtMs: NOW + 1000, endedAtMs: NOW + 1100, failure: { ...failure, code: "Timeout" } };
      await ledger.retryLater(again, second, NOW + 9000);
      const [row] = await listAll(ledger);
      assert.ok(row);
      assert.deepEqual(row, {
        ...task(),
        id: row.id,
        state: "waiting",
        nextTryAtMs: NOW + 9000,
        attempts: 2,
        firstAttemptAtMs: NOW,
        lastAttemptAtMs: NOW + 1100,
        redrives: 0,
        failure: second.failure,
      });
    });

    it("by park keeps the failure and the attempts, and no claim takes the task again", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await ledger.retryLater(await claimOne(ledger), failedAttempt("SlowDown"), NOW);
      assert.equal(await ledger.park(await claimOne(ledger), failedAttempt("KmsDisabled")), true);
      const [row] = await listAll(ledger);
      assert.equal(row?.state, "parked");
      assert.equal(row.attempts, 2);
      assert.equal(row.failure?.code, "KmsDisabled");
      assert.equal(row.firstAttemptAtMs, NOW);
      assert.equal(row.lastAttemptAtMs, NOW + 10);
      assert.deepEqual(await ledger.claim(request({ nowMs: Number.MAX_SAFE_INTEGER })), []);
    });

    it("remembers the version id of a replica that is told, the source's own one too, for good", async () => {
      const { ledger } = subject;
      const { version, destinationArn } = task();
      assert.equal(await ledger.replicaOf(version, destinationArn), undefined);
      for (const [operation, replicaVersionId] of [
        ["put", "minted"],
        ["tags", undefined],
      ] as const) {
        await ledger.add([task({ operation }), task({ key: "same", operation })]);
        const [own, same] = await ledger.claim(request());
        assert.ok(own && same);
        await ledger.complete(own, { ...DONE, ...(replicaVersionId !== undefined && { replicaVersionId }) });
        await ledger.complete(same, { ...DONE, replicaVersionId: version.versionId });
      }
      await subject.reopen?.();
      assert.equal(await subject.ledger.replicaOf(version, destinationArn), "minted");
      assert.equal(await subject.ledger.replicaOf({ ...version, key: "same" }, destinationArn), version.versionId);
      assert.equal(await subject.ledger.replicaOf({ ...version, versionId: "v2" }, destinationArn), undefined);
      assert.equal(await subject.ledger.replicaOf(version, OTHER_DESTINATION), undefined);
    });
  });

  describe("the hint that something may be due", () => {
    const subject = subjectFor(open);

    /** Resolves at the next hint. */
    function hint(): Promise<void> {
      return new Promise((resolve) => {
        const stop = subject.ledger.onDue(() => {
          stop();
          resolve();
        });
      });
    }

    it("comes when a task is added, given back, redriven, or first in its lane because another one ended", async () => {
      const { ledger } = subject;
      let hinted = hint();
      await ledger.add([task(), task({ versionId: "v2" })]);
      await hinted;
      let claim = await claimOne(ledger);
      hinted = hint();
      await ledger.release([claim]);
      await hinted;
      claim = await claimOne(ledger);
      hinted = hint();
      await ledger.park(claim, failedAttempt());
      await hinted;
      await ledger.complete(await claimOne(ledger), DONE);
      hinted = hint();
      await ledger.redrive({}, NOW);
      await hinted;
      await claimOne(ledger, { worker: "dead" });
      hinted = hint();
      await ledger.expireLeases("dead");
      await hinted;
      subject.leavesLeases();
    });

    it("does not come to those who have stopped listening", async () => {
      const { ledger } = subject;
      let hints = 0;
      const stop = ledger.onDue(() => hints++);
      stop();
      const hinted = hint();
      await ledger.add([task()]);
      await hinted;
      assert.equal(hints, 0);
    });
  });

  describe("the next due time", () => {
    const subject = subjectFor(open);

    it("is that of the first tasks of the lanes, and undefined when there are none", async () => {
      const { ledger } = subject;
      assert.equal(await ledger.nextDueAtMs(), undefined);
      await ledger.add([
        task({ dueAtMs: NOW + 30 }),
        task({ versionId: "v2", dueAtMs: 0 }),
        task({ key: "other", origin: "scan", sizeBytes: 2 ** 30, dueAtMs: NOW + 20 }),
      ]);
      assert.equal(await ledger.nextDueAtMs(), NOW + 20);
      assert.equal(await ledger.nextDueAtMs({ sizeAtMostBytes: 2 ** 20 }), NOW + 30);
      assert.equal(await ledger.nextDueAtMs({ sizeOverBytes: 2 ** 20 }), NOW + 20);
      assert.equal(await ledger.nextDueAtMs({ sizeOverBytes: 2 ** 40 }), undefined);
    });

    it("is the end of the first lease when that is earlier, for nobody else will say that a worker is gone", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ versionId: "v2" }), task({ key: "other", dueAtMs: LEASE_END + 1 })]);
      const claim = await claimOne(ledger);
      assert.equal(await ledger.nextDueAtMs(), LEASE_END);
      await ledger.park(claim, failedAttempt());
      assert.equal(await ledger.nextDueAtMs(), NOW - 1000);
      await ledger.complete(await claimOne(ledger), DONE);
      assert.equal(await ledger.nextDueAtMs(), LEASE_END + 1);
      assert.deepEqual(inShort(await listAll(ledger, { state: "parked" })), ["key v1 parked"]);
    });
  });
}
