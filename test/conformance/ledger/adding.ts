/** How tasks come in, and what a lane makes of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  claimOne,
  DONE,
  failedAttempt,
  inShort,
  keysOf,
  listAll,
  NOW,
  type OpenLedger,
  OTHER_DESTINATION,
  parkAll,
  request,
  subjectFor,
  task,
  totals,
} from "./harness.ts";

export function testAdding(open: OpenLedger): void {
  describe("adding", () => {
    const subject = subjectFor(open);

    it("makes a task wait, with all that it was given", async () => {
      const { ledger } = subject;
      const given = task({ key: "a/b", versionId: "null", operation: "acl", origin: "scan", sizeBytes: 5 * 2 ** 40 });
      assert.deepEqual(await ledger.add([given]), { added: 1 });
      const [row] = await listAll(ledger);
      assert.ok(row);
      assert.deepEqual(row, {
        ...given,
        id: row.id,
        state: "waiting",
        nextTryAtMs: given.dueAtMs,
        attempts: 0,
        redrives: 0,
      });
    });

    it("adds a task once, however often it is asked", async () => {
      const { ledger } = subject;
      assert.deepEqual(await ledger.add([task(), task(), task({ ruleId: "another rule" })]), { added: 1 });
      assert.deepEqual(await ledger.add([task({ sizeBytes: 7, dueAtMs: 0 })]), { added: 0 });
      const rows = await listAll(ledger);
      assert.equal(rows.length, 1);
      assert.equal(rows[0]?.sizeBytes, 100);
      assert.deepEqual(await ledger.add([]), { added: 0 });
    });

    it("takes every other bucket, key, version, destination and operation for another task", async () => {
      const { ledger } = subject;
      const others = [
        task(),
        task({ bucket: "source2" }),
        task({ key: "Key" }),
        task({ versionId: "null" }),
        task({ key: "Key", versionId: "null" }),
        task({ destinationArn: OTHER_DESTINATION }),
        task({ operation: "deleteMarker" }),
        task({ operation: "tags" }),
      ];
      assert.deepEqual(await ledger.add(others), { added: others.length });
    });

    it("numbers tasks in the order given, many in one call too", async () => {
      const { ledger } = subject;
      const many = Array.from({ length: 1234 }, (_, index) =>
        task({ key: `key${index % 1200}`, versionId: `v${index}` }),
      );
      assert.deepEqual(await ledger.add(many), { added: 1234 });
      const rows = (await listAll(ledger, {}, 1000)).toSorted((one, other) => one.id - other.id);
      assert.deepEqual(
        rows.map((row) => row.version.versionId),
        many.map((one) => one.version.versionId),
      );
      assert.equal(new Set(rows.map((row) => row.id)).size, 1234);
    });

    it("never gives a number twice", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      const first = await claimOne(ledger);
      await ledger.complete(first, DONE);
      await ledger.add([task()]);
      const second = await claimOne(ledger);
      assert.ok(second.task.id > first.task.id);
      assert.equal(await ledger.complete(first, DONE), false);
      await ledger.complete(second, DONE);
    });

    it("leaves a task that waits for its next try as it is", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await ledger.retryLater(await claimOne(ledger), failedAttempt(), NOW + 500);
      const before = await listAll(ledger);
      assert.deepEqual(await ledger.add([task({ origin: "scan" })]), { added: 0 });
      assert.deepEqual(await listAll(ledger), before);
    });

    it("leaves a parked task parked", async () => {
      const { ledger } = subject;
      for (const operation of ["put", "tags"] as const) {
        await ledger.add([task({ operation })]);
        await parkAll(ledger);
        assert.deepEqual(await ledger.add([task({ operation })]), { added: 0 });
      }
      assert.deepEqual(inShort(await listAll(ledger)), ["key v1 parked", "key v1 parked"]);
    });

    it("leaves a leased put or delete marker alone, for a version never changes", async () => {
      const { ledger } = subject;
      for (const operation of ["put", "deleteMarker"] as const) {
        await ledger.add([task({ operation })]);
        const claim = await claimOne(ledger);
        assert.deepEqual(await ledger.add([task({ operation })]), { added: 0 });
        await ledger.complete(claim, DONE);
      }
      assert.deepEqual(await listAll(ledger), []);
    });

    for (const operation of ["tags", "acl", "retention", "legalHold"] as const) {
      it(`adds one row behind a leased ${operation} task, for the source may have changed since it was read`, async () => {
        const { ledger } = subject;
        await ledger.add([task({ operation })]);
        const first = await claimOne(ledger);
        assert.deepEqual(await ledger.add([task({ operation }), task({ operation })]), { added: 1 });
        assert.deepEqual(await ledger.add([task({ operation })]), { added: 0 });
        assert.deepEqual(await ledger.claim(request()), []);
        await ledger.complete(first, DONE);
        const second = await claimOne(ledger);
        assert.notEqual(second.task.id, first.task.id);
        await ledger.complete(second, DONE);
        assert.deepEqual(totals(await ledger.counts()), { completed: 2 });
      });
    }

    it("gives a task that is there already the more urgent origin of the two", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "a", origin: "scan", dueAtMs: 0 }),
        task({ key: "b", origin: "scan", dueAtMs: 1 }),
      ]);
      await ledger.add([task({ key: "b", origin: "live" }), task({ key: "a", origin: "resync" })]);
      await ledger.add([task({ key: "b", origin: "scan" })]);
      const claims = await ledger.claim(request());
      assert.deepEqual(
        claims.map((claim) => `${claim.task.version.key} ${claim.task.origin}`),
        ["b live", "a resync"],
      );
      await ledger.release(claims);
    });
  });

  describe("lanes", () => {
    const subject = subjectFor(open);

    it("lease one row of a key at a time, in the order of adding", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ versionId: "v2", dueAtMs: 5 }),
        task({ versionId: "v1", dueAtMs: 1 }),
        task({ versionId: "v2", operation: "tags", dueAtMs: 3 }),
      ]);
      for (const expected of ["v2 put", "v1 put", "v2 tags"]) {
        const claim = await claimOne(ledger);
        assert.equal(`${claim.task.version.versionId} ${claim.task.operation}`, expected);
        assert.deepEqual(await ledger.claim(request()), []);
        await ledger.complete(claim, DONE);
      }
    });

    it("are apart for every bucket, key and destination", async () => {
      const { ledger } = subject;
      await ledger.add([
        task(),
        task({ bucket: "source2" }),
        task({ key: "key2" }),
        task({ destinationArn: OTHER_DESTINATION }),
      ]);
      const claims = await ledger.claim(request());
      assert.equal(claims.length, 4);
      await ledger.release(claims);
    });

    it("wait whole behind a row that waits for its next try", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ versionId: "v2" }), task({ key: "other" })]);
      const claims = await ledger.claim(request());
      assert.deepEqual(keysOf(claims), ["key", "other"]);
      for (const claim of claims) await ledger.retryLater(claim, failedAttempt(), NOW + 500);
      assert.deepEqual(await ledger.claim(request({ nowMs: NOW + 499 })), []);
      const again = await ledger.claim(request({ nowMs: NOW + 500 }));
      assert.deepEqual(
        again.map((claim) => claim.task.version.versionId),
        ["v1", "v1"],
      );
      await ledger.release(again);
    });

    it("wait whole behind a row that is not due yet", async () => {
      const { ledger } = subject;
      await ledger.add([task({ dueAtMs: NOW + 500 }), task({ versionId: "v2", dueAtMs: 0 })]);
      assert.deepEqual(await ledger.claim(request()), []);
    });

    it("are not held back by parked rows", async () => {
      const { ledger } = subject;
      await ledger.add([task(), task({ versionId: "v2" }), task({ versionId: "v3" })]);
      await ledger.park(await claimOne(ledger), failedAttempt());
      const claim = await claimOne(ledger);
      assert.equal(claim.task.version.versionId, "v2");
      await ledger.complete(claim, DONE);
      await ledger.complete(await claimOne(ledger), DONE);
      assert.deepEqual(inShort(await listAll(ledger)), ["key v1 parked"]);
    });

    it("take a redriven row at their end, behind newer ones that wait", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await parkAll(ledger);
      await ledger.add([task({ versionId: "v2" }), task({ versionId: "v3" })]);
      await ledger.redrive({}, NOW);
      await ledger.add([task({ versionId: "v4" })]);
      for (const expected of ["v2", "v3", "v1", "v4"]) {
        const claim = await claimOne(ledger);
        assert.equal(claim.task.version.versionId, expected);
        await ledger.complete(claim, DONE);
      }
    });

    it("take several redriven rows in the order in which they were added", async () => {
      const { ledger } = subject;
      const added = ["z", "m", "a", "n"];
      await ledger.add(added.map((versionId, index) => task({ versionId, writtenAtMs: NOW - index })));
      await parkAll(ledger);
      for (const selection of [{ bucket: "source", prefix: "k" }, {}]) {
        assert.deepEqual(await ledger.redrive(selection, NOW), { redriven: 4 });
        for (const expected of added) {
          const claim = await claimOne(ledger);
          assert.equal(claim.task.version.versionId, expected);
          await ledger.park(claim, failedAttempt());
        }
      }
    });

    it("go on with the next row when the first is discarded", async () => {
      const { ledger } = subject;
      await ledger.add([task({ dueAtMs: NOW + 500 }), task({ versionId: "v2" }), task({ versionId: "v3" })]);
      await ledger.discard({ versionId: "v1" });
      await ledger.discard({ versionId: "v3" });
      const claim = await claimOne(ledger);
      assert.equal(claim.task.version.versionId, "v2");
      await ledger.complete(claim, DONE);
      assert.deepEqual(await listAll(ledger), []);
    });

    it("hold back a small row behind a large one from those who want small ones", async () => {
      const { ledger } = subject;
      await ledger.add([task({ sizeBytes: 2 ** 30 }), task({ versionId: "v2", sizeBytes: 1 })]);
      assert.deepEqual(await ledger.claim(request({ sizeAtMostBytes: 2 ** 20 })), []);
      await ledger.complete(await claimOne(ledger, { sizeOverBytes: 2 ** 20 }), DONE);
      await ledger.complete(await claimOne(ledger, { sizeAtMostBytes: 2 ** 20 }), DONE);
    });

    it("are as urgent as the most urgent row in them, as long as it is there", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "scanned", origin: "scan", dueAtMs: 0 }),
        task({ key: "written", origin: "scan", dueAtMs: 1 }),
        task({ key: "written", versionId: "v2", origin: "scan", dueAtMs: 1 }),
        task({ key: "resynced", origin: "resync", dueAtMs: 2 }),
        task({ key: "written", versionId: "v3", origin: "live", dueAtMs: 3 }),
      ]);
      for (const expected of ["v1", "v2"]) {
        const claim = await claimOne(ledger, { limit: 1 });
        assert.equal(`${claim.task.version.key} ${claim.task.version.versionId}`, `written ${expected}`);
        assert.equal(claim.task.origin, "scan");
        if (expected === "v1") await ledger.complete(claim, DONE);
        else await ledger.release([claim]);
      }
      await ledger.discard({ versionId: "v3" });
      const claims = await ledger.claim(request());
      assert.deepEqual(keysOf(claims), ["resynced", "scanned", "written"]);
      await ledger.release(claims);
    });

    it("become urgent while their first row is leased or waits for its next try", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ key: "a", origin: "scan", dueAtMs: 0 }),
        task({ key: "b", origin: "scan", dueAtMs: 1 }),
      ]);
      const claims = await ledger.claim(request());
      await ledger.add([task({ key: "b", versionId: "v2" })]);
      for (const claim of claims) await ledger.retryLater(claim, failedAttempt(), NOW);
      const again = await ledger.claim(request());
      assert.deepEqual(keysOf(again), ["b", "a"]);
      await ledger.release(again);
    });
  });
}
