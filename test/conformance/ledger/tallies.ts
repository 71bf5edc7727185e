/** What has ended is counted for good: how long versions took, and how often tries failed. And what is overdue. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LAG_BOUNDS_MS } from "../../../src/ledger/tallies.ts";
import {
  claimOne,
  DESTINATION,
  DONE,
  failedAttempt,
  LEASE_END,
  NOW,
  type OpenLedger,
  OTHER_DESTINATION,
  request,
  subjectFor,
  task,
} from "./harness.ts";

export function testTallies(open: OpenLedger): void {
  describe("tallies", () => {
    const subject = subjectFor(open);
    const rule = { bucket: "source", destinationArn: DESTINATION, ruleId: "rule" };

    async function completeAfter(lagMs: number, change: Parameters<typeof task>[0] = {}): Promise<void> {
      await subject.ledger.add([task({ writtenAtMs: NOW - lagMs, ...change })]);
      const claim = await claimOne(subject.ledger);
      assert.equal(await subject.ledger.complete(claim, { ...DONE, endedAtMs: NOW }), true);
    }

    /** Tasks by class, but for classes without any. */
    async function lagsOf(): Promise<Readonly<Record<string, number>>> {
      const [lag] = (await subject.ledger.tallies()).lags;
      return Object.fromEntries([...(lag?.tasks ?? []).entries()].filter(([, tasks]) => tasks > 0));
    }

    it("are empty at first", async () => {
      assert.deepEqual(await subject.ledger.tallies(), { lags: [], failures: [] });
    });

    it("count a lag in the first class whose bound it does not exceed, and outlive a restart", async () => {
      for (const lagMs of [0, 100, 101, 900_000, 900_001, 86_400_000, 86_400_001]) await completeAfter(lagMs);
      await subject.reopen?.();
      const late = LAG_BOUNDS_MS.indexOf(900_000);
      const last = LAG_BOUNDS_MS.length;
      const expected = { 0: 2, 1: 1, [late]: 1, [late + 1]: 1, [last - 1]: 1, [last]: 1 };
      assert.deepEqual(await lagsOf(), expected);
      const { lags } = await subject.ledger.tallies();
      const sumMs = 100 + 101 + 900_000 + 900_001 + 86_400_000 + 86_400_001;
      assert.deepEqual(lags, [{ ...rule, tasks: lags[0]?.tasks, sumMs }]);
    });

    it("take a clock that was set back for no lag", async () => {
      await completeAfter(-5000);
      assert.deepEqual(await lagsOf(), { 0: 1 });
      assert.equal((await subject.ledger.tallies()).lags[0]?.sumMs, 0);
    });

    it("are of live versions and delete markers, and of nothing that a scan or a resync brought", async () => {
      await completeAfter(10, { operation: "deleteMarker" });
      await completeAfter(10, { origin: "scan" });
      await completeAfter(10, { origin: "resync" });
      await completeAfter(10, { operation: "tags" });
      assert.deepEqual(await lagsOf(), { 0: 1 });
    });

    it("count nothing for a worker that had lost its lease", async () => {
      await subject.ledger.add([task()]);
      const lost = await claimOne(subject.ledger);
      const held = await claimOne(subject.ledger, { nowMs: LEASE_END, leaseUntilMs: LEASE_END + 1 });
      assert.equal(await subject.ledger.complete(lost, DONE), false);
      assert.equal(await subject.ledger.retryLater(lost, failedAttempt(), NOW), false);
      assert.deepEqual(await subject.ledger.tallies(), { lags: [], failures: [] });
      await subject.ledger.complete(held, DONE);
    });

    it("are told apart by rule and destination, and of one bucket when it is asked for", async () => {
      await completeAfter(10);
      await completeAfter(10, { ruleId: "rule2" });
      await completeAfter(10, { destinationArn: OTHER_DESTINATION });
      await completeAfter(10, { bucket: "source2" });
      assert.equal((await subject.ledger.tallies()).lags.length, 4);
      assert.equal((await subject.ledger.tallies("source")).lags.length, 3);
      assert.deepEqual(await subject.ledger.tallies("nowhere"), { lags: [], failures: [] });
    });

    it("count tries that failed, for now or for good, and forget none when they are redriven", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await ledger.retryLater(await claimOne(ledger), failedAttempt("A"), NOW);
      await ledger.retryLater(await claimOne(ledger), failedAttempt("A"), NOW);
      await ledger.park(await claimOne(ledger), failedAttempt("B"));
      await ledger.redrive({}, NOW);
      await ledger.park(await claimOne(ledger), failedAttempt("B"));
      await ledger.redrive({}, NOW);
      await ledger.repark({});
      await subject.reopen?.();
      const failures = (await subject.ledger.tallies()).failures.toSorted((a, b) =>
        a.failureCode < b.failureCode ? -1 : 1,
      );
      assert.deepEqual(failures, [
        { ...rule, operation: "put", failureCode: "A", isFinal: false, attempts: 2 },
        { ...rule, operation: "put", failureCode: "B", isFinal: true, attempts: 2 },
      ]);
    });

    it("are the same whether leases end together or one by one", async () => {
      const { ledger } = subject;
      await ledger.add(
        Array.from({ length: 40 }, (_, index) => task({ key: `k${index}`, writtenAtMs: NOW - index * 100 })),
      );
      const claims = await ledger.claim(request());
      await Promise.all(
        claims.map((claim, index) =>
          index % 4 === 0
            ? ledger.park(claim, failedAttempt("A"))
            : ledger.complete(claim, { ...DONE, endedAtMs: NOW }),
        ),
      );
      const { lags, failures } = await ledger.tallies();
      assert.equal(
        lags[0]?.tasks.reduce((sum, one) => sum + one, 0),
        30,
      );
      assert.deepEqual(
        failures.map((one) => one.attempts),
        [10],
      );
    });
  });

  describe("what is overdue", () => {
    const subject = subjectFor(open);

    it("is live, brings a version, and is not completed: parked counts, scanned and young do not", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "late", writtenAtMs: NOW - 1000 }),
        task({ key: "parked", writtenAtMs: NOW - 1000 }),
        task({ key: "done", writtenAtMs: NOW - 1000 }),
        task({ key: "just in time", writtenAtMs: NOW }),
        task({ key: "scanned", writtenAtMs: NOW - 1000, origin: "scan" }),
        task({ key: "tags", writtenAtMs: NOW - 1000, operation: "tags" }),
        task({ key: "other", writtenAtMs: NOW - 1000, ruleId: "rule2" }),
      ]);
      const claims = await ledger.claim(request());
      for (const claim of claims) {
        const { key } = claim.task.version;
        if (key === "parked") await ledger.park(claim, failedAttempt());
        else if (key === "done") await ledger.complete(claim, DONE);
      }
      subject.leavesLeases();
      const overdue = await ledger.overdue(NOW);
      const expected = [
        { bucket: "source", destinationArn: DESTINATION, ruleId: "rule", tasks: 2 },
        { bucket: "source", destinationArn: DESTINATION, ruleId: "rule2", tasks: 1 },
      ];
      assert.deepEqual(
        overdue.toSorted((one, other) => (one.ruleId < other.ruleId ? -1 : 1)),
        expected,
      );
      assert.deepEqual(await ledger.overdue(NOW - 1000), []);
    });
  });
}
