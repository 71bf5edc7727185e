/** Jobs and what they count; checkpoints by prefix; who holds a name. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BugError } from "../../../src/core/assert.ts";
import { JOBS_KEPT_MAX } from "../../../src/ledger/ledger.ts";
import {
  claimOne,
  DONE,
  failedAttempt,
  inShort,
  job,
  listAll,
  NOW,
  type OpenLedger,
  request,
  subjectFor,
  task,
} from "./harness.ts";

export function testJobs(open: OpenLedger): void {
  describe("jobs", () => {
    const subject = subjectFor(open);

    async function countsOf(id: string): Promise<readonly (number | undefined)[]> {
      const row = await subject.ledger.job(id);
      return [row?.open, row?.completed, row?.failed];
    }

    it("are running when they are added, and outlive a restart", async () => {
      await subject.ledger.addJob(job());
      await subject.reopen?.();
      const expected = { ...job(), state: "running", open: 0, completed: 0, failed: 0, counts: {} };
      assert.deepEqual(await subject.ledger.job("job"), expected);
      assert.deepEqual(await subject.ledger.jobs(), [expected]);
      assert.equal(await subject.ledger.job("another"), undefined);
    });

    it("have ids of their own: a second one of the same id is a bug", async () => {
      await subject.ledger.addJob(job());
      await assert.rejects(subject.ledger.addJob(job({ kind: "scan" })), BugError);
      assert.equal((await subject.ledger.job("job"))?.kind, "resync");
    });

    it("come the youngest first; the oldest that have ended are dropped, those that go on are kept", async () => {
      const { ledger } = subject;
      await ledger.addJob(job({ id: "old but running", createdAtMs: 0 }));
      for (let index = 0; index <= JOBS_KEPT_MAX; index++) {
        await ledger.addJob(job({ id: `job${index}`, createdAtMs: NOW + index }));
        await ledger.changeJob(`job${index}`, { state: index % 2 === 0 ? "done" : "cancelled" });
      }
      assert.equal((await ledger.jobs()).length, JOBS_KEPT_MAX + 2);
      await ledger.addJob(job({ id: "last", createdAtMs: NOW + 1000 }));
      const ids = (await ledger.jobs()).map((one) => one.id);
      assert.equal(ids.length, JOBS_KEPT_MAX + 2);
      assert.deepEqual([ids[0], ids[1], ids.at(-2), ids.at(-1)], ["last", "job100", "job1", "old but running"]);
    });

    it("change by what is given, counts added to what is there", async () => {
      const { ledger } = subject;
      await ledger.addJob(job());
      assert.equal(await ledger.changeJob("job", { position: "k5", counts: { listed: 5, late: 1 } }), true);
      const change = { state: "broken", error: "no", endedAtMs: NOW + 9, counts: { listed: 2 } } as const;
      assert.equal(await ledger.changeJob("job", change), true);
      assert.deepEqual(await ledger.job("job"), {
        ...job(),
        state: "broken",
        position: "k5",
        error: "no",
        endedAtMs: NOW + 9,
        open: 0,
        completed: 0,
        failed: 0,
        counts: { listed: 7, late: 1 },
      });
    });

    it("change only in the state that is asked for, and only when they are there", async () => {
      const { ledger } = subject;
      await ledger.addJob(job());
      assert.equal(await ledger.changeJob("job", { state: "paused", counts: { a: 1 } }, "paused"), false);
      assert.deepEqual((await ledger.job("job"))?.counts, {});
      assert.equal(await ledger.changeJob("job", { state: "paused" }, "running"), true);
      assert.equal(await ledger.changeJob("job", { state: "done" }, "running"), false);
      assert.equal((await ledger.job("job"))?.state, "paused");
      assert.equal(await ledger.changeJob("another", { state: "done" }), false);
    });

    it("add up what many change at once", async () => {
      const { ledger } = subject;
      await ledger.addJob(job());
      await Promise.all(Array.from({ length: 20 }, () => ledger.changeJob("job", { counts: { listed: 3 } })));
      assert.deepEqual((await ledger.job("job"))?.counts, { listed: 60 });
    });

    it("count their tasks as these come, end and fail, and are redriven or dropped", async () => {
      const { ledger } = subject;
      await ledger.addJob(job());
      await ledger.add(["a", "b", "c", "d"].map((key) => task({ key, jobId: "job" })));
      await ledger.add([task({ key: "of nobody" })]);
      assert.deepEqual(await countsOf("job"), [4, 0, 0]);
      const [a, b, c, d, other] = await ledger.claim(request());
      assert.ok(a && b && c && d && other);
      assert.equal(a.task.jobId, "job");
      assert.equal(other.task.jobId, undefined);
      await ledger.complete(a, DONE);
      await ledger.park(b, failedAttempt());
      await ledger.retryLater(c, failedAttempt(), NOW);
      await ledger.release([d]);
      await ledger.complete(other, DONE);
      assert.deepEqual(await countsOf("job"), [2, 1, 1]);
      await ledger.redrive({}, NOW);
      assert.deepEqual(await countsOf("job"), [3, 1, 1]);
      assert.deepEqual(await ledger.discard({ jobId: "job" }), { discarded: 3 });
      assert.deepEqual(await countsOf("job"), [0, 1, 1]);
    });

    it("get the tasks that they ask for again, but no parked ones, and redriven ones if that is said", async () => {
      const { ledger } = subject;
      for (const id of ["one", "two"]) await ledger.addJob(job({ id }));
      await ledger.add([task({ key: "parked", jobId: "one" })]);
      await ledger.park(await claimOne(ledger), failedAttempt());
      await ledger.add([task({ key: "a", jobId: "one" }), task({ key: "leased", jobId: "one" }), task({ key: "b" })]);
      const [, leased] = await ledger.claim(request({ limit: 2 }));
      assert.ok(leased);
      await ledger.add(["a", "leased", "b", "parked"].map((key) => task({ key, jobId: "two" })));
      await ledger.add([task({ key: "a" })]);
      assert.deepEqual(
        [await countsOf("one"), await countsOf("two")],
        [
          [0, 0, 1],
          [3, 0, 0],
        ],
      );
      await ledger.complete(leased, DONE);
      await ledger.redrive({ jobId: "one" }, NOW, { jobId: "two", origin: "scan" });
      assert.deepEqual(
        [await countsOf("one"), await countsOf("two")],
        [
          [0, 0, 1],
          [3, 1, 0],
        ],
      );
      subject.leavesLeases();
    });

    it("find their tasks by their id, whatever else there is", async () => {
      const { ledger } = subject;
      await ledger.addJob(job());
      await ledger.add(Array.from({ length: 300 }, (_, index) => task({ key: `key${index}`, writtenAtMs: index })));
      await ledger.add([task({ key: "z", jobId: "job" }), task({ key: "y", jobId: "job", writtenAtMs: 1000 })]);
      const { tasks } = await ledger.list({ jobId: "job" }, { limit: 5 });
      assert.deepEqual(inShort(tasks), ["y v1 waiting", "z v1 waiting"]);
      assert.deepEqual(inShort(await listAll(ledger, { jobId: "job" }, 1)), inShort(tasks));
      assert.deepEqual(await listAll(ledger, { jobId: "job", state: "parked" }), []);
    });

    it("need not be there for their tasks to be worked off", async () => {
      const { ledger } = subject;
      await ledger.add([task({ jobId: "forgotten" })]);
      assert.equal(await ledger.complete(await claimOne(ledger), DONE), true);
      assert.equal(await ledger.job("forgotten"), undefined);
    });
  });

  describe("checkpoints by prefix", () => {
    const subject = subjectFor(open);

    it("come in the order of names, and go when they are set to undefined", async () => {
      const { ledger } = subject;
      const names = ["scan", "scan/", "scan/a", "scan/\u{e4}", "scan/\u{ffff}", "scan/\u{10ffff}", "scan0", "sc%n/"];
      for (const name of names.toReversed()) await ledger.setCheckpoint(name, `at ${name}`);
      const found = async (prefix: string) => (await ledger.checkpoints(prefix)).map((one) => one.name);
      assert.deepEqual(await found("scan/"), names.slice(1, 6));
      assert.deepEqual(await found("scan/\u{10ffff}"), ["scan/\u{10ffff}"]);
      assert.deepEqual(await found("nothing"), []);
      assert.equal((await found("")).length, names.length);
      assert.deepEqual(await ledger.checkpoints("scan/a"), [{ name: "scan/a", value: "at scan/a" }]);
      await ledger.setCheckpoint("scan/a", undefined);
      await ledger.setCheckpoint("scan/never", undefined);
      assert.equal(await ledger.checkpoint("scan/a"), undefined);
      assert.deepEqual(await found("scan/a"), []);
    });
  });

  describe("a hold", () => {
    const subject = subjectFor(open);

    it("is one holder's at a time, until it ends or is let go", async () => {
      const { ledger } = subject;
      const until = (nowMs: number, untilMs: number) => ({ nowMs, untilMs });
      assert.equal(await ledger.hold("scan", "a", until(NOW, NOW + 10)), true);
      assert.equal(await ledger.hold("scan", "b", until(NOW + 9, NOW + 20)), false);
      assert.equal(await ledger.hold("other", "b", until(NOW, NOW + 10)), true);
      assert.equal(await ledger.hold("scan", "a", until(NOW + 9, NOW + 30)), true);
      assert.equal(await ledger.hold("scan", "b", until(NOW + 29, NOW + 40)), false);
      assert.equal(await ledger.hold("scan", "b", until(NOW + 30, NOW + 40)), true);
      await ledger.letGo("scan", "a");
      assert.equal(await ledger.hold("scan", "a", until(NOW + 31, NOW + 50)), false);
      await ledger.letGo("scan", "b");
      assert.equal(await ledger.hold("scan", "a", until(NOW + 31, NOW + 50)), true);
    });
  });
}
