/** Lanes stay in order when a redrive takes several steps and workers claim in between. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOne, DONE, NOW, parkAll, request, task, totals } from "../conformance/ledger/harness.ts";

describe("a redrive in several steps", () => {
  it("neither takes a lease away nor forgets who is the oldest of a lane", async () => {
    let commit = (): void => {};
    let byHand = false;
    const ledger = openSqliteLedger({
      path: ":memory:",
      schedule: (next) => {
        if (byHand) commit = next;
        else setImmediate(next);
      },
    });
    const step = async (): Promise<void> => {
      commit();
      await new Promise(setImmediate);
    };
    try {
      // Rows are redriven the oldest write first: the lane's newer row is in the first step, its older one in the last.
      await ledger.add([task({ key: "lane", versionId: "older", writtenAtMs: NOW })]);
      await ledger.add([task({ key: "lane", versionId: "newer", writtenAtMs: 0 })]);
      await ledger.add(Array.from({ length: 600 }, (_, index) => task({ key: `key${index}`, writtenAtMs: 1 + index })));
      await parkAll(ledger);
      byHand = true;
      const redriving = ledger.redrive({}, NOW);
      await step();
      const claiming = claimOne(ledger, { limit: 1 });
      await step();
      const newer = await claiming;
      assert.equal(newer.task.version.versionId, "newer");
      byHand = false;
      await step();
      assert.deepEqual(await redriving, { redriven: 602 });
      assert.deepEqual(totals(await ledger.counts()), { waiting: 601, leased: 1 });
      await ledger.discard({ bucket: "source", prefix: "key" });
      assert.deepEqual(await ledger.claim(request()), []);
      await ledger.release([newer]);
      const older = await claimOne(ledger);
      assert.equal(older.task.version.versionId, "older");
      await ledger.complete(older, DONE);
      await ledger.complete(await claimOne(ledger), DONE);
      assert.deepEqual(totals(await ledger.counts()), { completed: 2 });
    } finally {
      await ledger.close();
    }
  });
});
