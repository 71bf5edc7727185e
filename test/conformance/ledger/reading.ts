/** What can be asked: counts, pages, versions, checkpoints; and the changes that are made by selection. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Count, Selection } from "../../../src/ledger/ledger.ts";
import {
  claimOne,
  DESTINATION,
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

/** Keys that a careless pattern, collation or terminator would confuse, in the order of their UTF-8. */
const STRANGE_KEYS = [
  "\0",
  "\0\0",
  "\u0001",
  " ",
  "%",
  "%a",
  "A",
  "_",
  "_a",
  "a",
  "a\0",
  "a\0b",
  "a%b",
  "a/",
  "a/b",
  "aB",
  "a_b",
  "ab",
  "a\u{e4}",
  "a\u{ffff}",
  "a\u{10000}",
  "a\u{10ffff}",
  "a\u{10ffff}z",
  "b",
  `k${"\u{e9}".repeat(511)}!`,
  "\u{10ffff}",
  "\u{10ffff}\u{10ffff}",
];

export function testReading(open: OpenLedger): void {
  describe("counts", () => {
    const subject = subjectFor(open);
    const words = { bucket: "source", ruleId: "rule", destinationArn: DESTINATION, operation: "put" } as const;

    it("tell tasks, bytes and the oldest write of each kind, state and failure", async () => {
      const { ledger } = subject;
      const add = async (key: string, sizeBytes: number, writtenAtMs: number): Promise<void> => {
        await ledger.add([task({ key, sizeBytes, writtenAtMs })]);
      };
      for (const [index, code] of ["A", "A", "B"].entries()) {
        await add(`parked${index}`, 10 ** index, 500 - index);
        await parkAll(ledger, code);
      }
      await add("retrying", 7, 300);
      await ledger.retryLater(await claimOne(ledger), failedAttempt("A"), NOW + 1000);
      await add("done", 9, 1);
      await ledger.complete(await claimOne(ledger), { ...DONE, bytes: 5 });
      await add("leased", 2, 200);
      const leased = await claimOne(ledger);
      await add("leased", 1, 100);
      await add("waiting", 3, 250);
      await add("waiting too", 4, 240);
      const expected: readonly Count[] = [
        { ...words, state: "waiting", tasks: 2, bytes: 7, oldestWrittenAtMs: 240 },
        { ...words, state: "leased", tasks: 1, bytes: 2, oldestWrittenAtMs: 200 },
        { ...words, state: "completed", tasks: 1, bytes: 5 },
        { ...words, state: "parked", failureCode: "A", tasks: 2, bytes: 11, oldestWrittenAtMs: 499 },
        { ...words, state: "parked", failureCode: "B", tasks: 1, bytes: 100, oldestWrittenAtMs: 498 },
        { ...words, state: "waiting", failureCode: "A", tasks: 1, bytes: 7, oldestWrittenAtMs: 300 },
      ];
      const inOrder = (counts: readonly Count[]): readonly object[] =>
        counts.toSorted((one, other) => one.bytes - other.bytes || one.tasks - other.tasks);
      const check = async (): Promise<void> => {
        assert.deepEqual(inOrder(await subject.ledger.counts()), inOrder(expected));
      };
      await check();
      await subject.reopen?.();
      await check();
      await subject.ledger.release([leased]);
    });

    it("are apart for every bucket, rule, destination and operation", async () => {
      const { ledger } = subject;
      await ledger.add([
        task(),
        task({ bucket: "source2" }),
        task({ key: "k2", ruleId: "rule2" }),
        task({ destinationArn: OTHER_DESTINATION }),
        task({ operation: "tags" }),
      ]);
      assert.equal((await ledger.counts()).length, 5);
      assert.equal((await ledger.counts("source")).length, 4);
      assert.deepEqual(
        (await ledger.counts("source2")).map((count) => count.bucket),
        ["source2"],
      );
      assert.deepEqual(await ledger.counts("elsewhere"), []);
    });

    it("keep the sum of completed bytes beyond what a number holds exactly", async () => {
      const { ledger } = subject;
      for (let round = 0; round < 3; round++) {
        await ledger.add([task()]);
        await ledger.complete(await claimOne(ledger), { ...DONE, bytes: 2 ** 53 - 1 });
      }
      const [count] = await ledger.counts();
      assert.equal(count?.bytes, 3 * (2 ** 53 - 1));
    });
  });

  describe("pages", () => {
    const subject = subjectFor(open);

    async function fill(): Promise<void> {
      const { ledger } = subject;
      const one = (index: number) => ({ key: `dir${index % 3}/key${index}`, writtenAtMs: NOW - ((index * 7) % 20) });
      await ledger.add(Array.from({ length: 20 }, (_, index) => task(one(index))));
      await ledger.add(
        Array.from({ length: 5 }, (_, index) => task({ ...one(index), ruleId: "rule2", versionId: "v2" })),
      );
      await ledger.add(Array.from({ length: 5 }, (_, index) => task({ ...one(index), bucket: "other" })));
      await ledger.add(
        Array.from({ length: 5 }, (_, index) =>
          task({ ...one(index), operation: "tags", destinationArn: OTHER_DESTINATION }),
        ),
      );
      const claims = await ledger.claim(request({ limit: 20 }));
      for (const [index, claim] of claims.entries()) {
        const attempt = failedAttempt(index % 2 === 0 ? "A" : "B");
        if (index < 12) await ledger.park(claim, attempt);
        else if (index < 16) await ledger.retryLater(claim, attempt, NOW + 1000);
      }
      subject.leavesLeases();
    }

    it("hold exactly the rows that a selection matches, once each, whatever the size of a page", async () => {
      await fill();
      const { ledger } = subject;
      const all = await listAll(ledger);
      assert.equal(all.length, 35);
      const ids = all.filter((row) => row.id % 3 === 0).map((row) => row.id);
      const selections: Selection[] = [
        {},
        { bucket: "source" },
        { bucket: "nowhere" },
        { bucket: "nowhere", prefix: "dir" },
        { prefix: "dir1/" },
        { bucket: "source", prefix: "dir1/" },
        { bucket: "source", prefix: "dir1/", state: "waiting" },
        { bucket: "source", prefix: "dir1/", state: "leased" },
        { bucket: "source", prefix: "dir1/", state: "parked", failureCodes: ["A"] },
        { bucket: "source", prefix: "" },
        { key: "dir1/key1" },
        { bucket: "source", key: "dir1/key1" },
        { bucket: "source", key: "dir1/key1", versionId: "v2" },
        { bucket: "source", key: "dir1/key1", prefix: "dir2" },
        { versionId: "v2" },
        { state: "waiting" },
        { state: "leased" },
        { state: "parked" },
        { state: "parked", ruleId: "rule2" },
        { ruleId: "rule2" },
        { destinationArn: OTHER_DESTINATION },
        { operation: "tags", destinationArn: DESTINATION },
        { operation: "tags" },
        { failureCodes: ["A"] },
        { failureCodes: ["A", "B", "C"], state: "waiting" },
        { failureCodes: [] },
        { ids },
        { ids: [...ids, ...ids, 999_999], state: "parked" },
        { ids: [], bucket: "source" },
      ];
      for (const selection of selections) {
        const matching = all.filter(
          (row) =>
            (selection.bucket ?? row.version.bucket) === row.version.bucket &&
            row.version.key.startsWith(selection.prefix ?? "") &&
            (selection.key ?? row.version.key) === row.version.key &&
            (selection.versionId ?? row.version.versionId) === row.version.versionId &&
            (selection.state ?? row.state) === row.state &&
            (selection.ruleId ?? row.ruleId) === row.ruleId &&
            (selection.destinationArn ?? row.destinationArn) === row.destinationArn &&
            (selection.operation ?? row.operation) === row.operation &&
            (selection.failureCodes?.includes(row.failure?.code ?? "") ?? true) &&
            (selection.ids?.includes(row.id) ?? true),
        );
        for (const limit of [1, 7, 1000]) {
          const rows = await listAll(ledger, selection, limit);
          const sorted = rows.toSorted(
            (one, other) => all.findIndex((row) => row.id === one.id) - all.findIndex((row) => row.id === other.id),
          );
          assert.deepEqual(sorted, matching, JSON.stringify({ selection, limit }));
        }
      }
    });

    it("are in the order of keys for a prefix, of ids for ids, and the oldest write first for all others", async () => {
      await fill();
      const { ledger } = subject;
      const keys = (await listAll(ledger, { bucket: "source", prefix: "dir" }, 3)).map((row) => row.version.key);
      assert.deepEqual(keys, keys.toSorted());
      const byId = (await listAll(ledger, { ids: [9, 3, 27, 4] }, 3)).map((row) => row.id);
      assert.deepEqual(byId, [3, 4, 9, 27]);
      for (const selection of [{}, { bucket: "source" }, { state: "parked" }, { state: "leased" }] as const) {
        const rows = await listAll(ledger, selection, 3);
        const byAge = rows.toSorted((one, other) => one.writtenAtMs - other.writtenAtMs || one.id - other.id);
        assert.deepEqual(rows, byAge);
      }
    });

    it("find every row that is there all the time, though others come and go and change their state", async () => {
      await fill();
      const { ledger } = subject;
      for (const selection of [{}, { bucket: "source", prefix: "dir" }]) {
        const before = (await listAll(ledger, selection)).map((row) => row.id);
        const seen: number[] = [];
        let page = await ledger.list(selection, { limit: 4 });
        for (let round = 0; page.next !== undefined; round++) {
          seen.push(...page.tasks.map((row) => row.id));
          await ledger.add([task({ key: `dir${round}`, writtenAtMs: NOW - round })]);
          if (round === 2) await ledger.redrive({}, NOW);
          if (round === 4) await parkAll(ledger, "C");
          page = await ledger.list(selection, { limit: 4, after: page.next });
        }
        seen.push(...page.tasks.map((row) => row.id));
        assert.equal(new Set(seen).size, seen.length);
        assert.deepEqual(
          before.filter((id) => !seen.includes(id)),
          [],
        );
      }
    });

    it("look at a limited number of rows when few match, and go on", async () => {
      const { ledger } = subject;
      await ledger.add(Array.from({ length: 300 }, (_, index) => task({ key: `key${index}`, writtenAtMs: index })));
      await ledger.add([task({ key: "last", versionId: "rare", writtenAtMs: 1000 })]);
      const first = await ledger.list({ versionId: "rare" }, { limit: 5 });
      assert.deepEqual(first.tasks, []);
      assert.ok(first.next !== undefined);
      assert.deepEqual(inShort(await listAll(ledger, { versionId: "rare" }, 5)), ["last rare waiting"]);
    });

    it("are refused from a position that is none", async () => {
      for (const after of ["", "x", "{}", "[null]"]) {
        await assert.rejects(subject.ledger.list({}, { after, limit: 1 }), RangeError);
      }
      await subject.ledger.add([task(), task({ key: "key2" })]);
      const { next: after } = await subject.ledger.list({ bucket: "source", prefix: "k" }, { limit: 1 });
      assert.ok(after !== undefined);
      await assert.rejects(subject.ledger.list({}, { after, limit: 1 }), RangeError);
    });

    it("take prefixes and keys of any characters literally, in the order of their bytes", async () => {
      const { ledger } = subject;
      await ledger.add(STRANGE_KEYS.toReversed().map((key) => task({ key })));
      const prefixes = [...STRANGE_KEYS, "a\u{ff}", "ab%", "\u{10fff}"];
      for (const state of ["waiting", "parked"] as const) {
        for (const prefix of prefixes) {
          const expected = STRANGE_KEYS.filter((key) => key.startsWith(prefix));
          for (const selection of [
            { bucket: "source", prefix },
            { bucket: "source", prefix, state },
          ]) {
            const rows = await listAll(ledger, selection, 2);
            assert.deepEqual(
              rows.map((row) => row.version.key),
              expected,
              JSON.stringify(prefix),
            );
          }
        }
        for (const key of STRANGE_KEYS) {
          const rows = await listAll(ledger, { bucket: "source", key });
          assert.deepEqual(
            rows.map((row) => row.version.key),
            [key],
          );
        }
        await parkAll(ledger);
      }
    });

    it("of one key hold all its versions and destinations, the null version too", async () => {
      const { ledger } = subject;
      const versionIds = ["null", "", "v1", "v2", "V1"];
      await ledger.add(
        versionIds.flatMap((versionId) => [
          task({ versionId }),
          task({ versionId, destinationArn: OTHER_DESTINATION }),
        ]),
      );
      await ledger.park((await ledger.claim(request({ limit: 1 })))[0] ?? assert.fail(), failedAttempt());
      const rows = await listAll(ledger, { bucket: "source", key: "key" }, 3);
      assert.equal(new Set(rows.map((row) => row.id)).size, 10);
    });
  });

  describe("rows of versions", () => {
    const subject = subjectFor(open);

    it("come in the order asked, within a version in the order of adding", async () => {
      const { ledger } = subject;
      await ledger.add([
        task({ destinationArn: OTHER_DESTINATION }),
        task({ versionId: "v2" }),
        task({ operation: "tags" }),
        task(),
        task({ bucket: "other" }),
      ]);
      await ledger.park(await claimOne(ledger, { limit: 1 }), failedAttempt());
      const [v2, none, v1, elsewhere] = await ledger.ofVersions([
        { bucket: "source", key: "key", versionId: "v2" },
        { bucket: "source", key: "ke", versionId: "v1" },
        { bucket: "source", key: "key", versionId: "v1" },
        { bucket: "nowhere", key: "key", versionId: "v1" },
      ]);
      assert.deepEqual(inShort(v2 ?? []), ["key v2 waiting"]);
      assert.deepEqual(none, []);
      assert.deepEqual(elsewhere, []);
      assert.deepEqual(
        v1?.map((row) => `${row.operation} ${row.destinationArn} ${row.state}`),
        [`put ${OTHER_DESTINATION} parked`, `tags ${DESTINATION} waiting`, `put ${DESTINATION} waiting`],
      );
      assert.deepEqual(await ledger.ofVersions([]), []);
    });
  });

  describe("taking a redrive back", () => {
    const subject = subjectFor(open);

    it("parks again what was parked before, with the failure that it has, and counts nothing", async () => {
      const { ledger } = subject;
      await ledger.addJob({ id: "j", kind: "test", bucket: "source", createdAtMs: NOW, request: "" });
      await ledger.add([task({ key: "a" }), task({ key: "b" })]);
      await parkAll(ledger);
      await ledger.redrive({}, NOW, { jobId: "j" });
      await ledger.add([task({ key: "new", jobId: "j", dueAtMs: NOW + 1 })]);
      const [a] = await ledger.claim(request({ limit: 1 }));
      assert.ok(a);
      assert.equal(await ledger.retryLater(a, failedAttempt("SlowDown"), NOW + 1000), true);
      assert.equal((await ledger.job("j"))?.open, 3);
      assert.deepEqual(await ledger.repark({ state: "parked" }), { reparked: 0 });
      assert.deepEqual(await ledger.repark({ jobId: "j" }), { reparked: 2 });
      const rows = await listAll(ledger);
      assert.deepEqual(rows.map((row) => `${row.version.key} ${row.state} ${row.failure?.code ?? "-"}`).sort(), [
        "a parked SlowDown",
        "b parked DstBucketUnversioned",
        "new waiting -",
      ]);
      const job = await ledger.job("j");
      assert.deepEqual([job?.open, job?.failed], [1, 0]);
      assert.deepEqual(totals(await ledger.counts()), { parked: 2, waiting: 1 });
      assert.deepEqual(await ledger.redrive({ jobId: "j" }, NOW + 5), { redriven: 2 });
    });

    it("leaves what a worker holds, and lets the next of its lane go", async () => {
      const { ledger } = subject;
      await ledger.add([task({ key: "held" }), task({ key: "lane" })]);
      await parkAll(ledger);
      await ledger.redrive({}, NOW);
      await ledger.add([task({ key: "lane", versionId: "v2" })]);
      const [held] = await ledger.claim(request({ limit: 1 }));
      assert.ok(held);
      assert.deepEqual(await ledger.repark({}), { reparked: 1 });
      const [next] = await ledger.claim(request({ limit: 5 }));
      assert.deepEqual([next?.task.version.key, next?.task.version.versionId], ["lane", "v2"]);
      for (const one of [held, next]) await ledger.complete(one ?? assert.fail(), DONE);
    });
  });

  describe("redriving", () => {
    const subject = subjectFor(open);

    it("makes parked tasks wait, due now, attempts counted anew, the last failure readable", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await ledger.retryLater(await claimOne(ledger), failedAttempt("SlowDown"), NOW);
      await parkAll(ledger);
      assert.deepEqual(
        await ledger.redrive({ failureCodes: ["DstBucketUnversioned"] }, NOW + 5, { origin: "resync" }),
        {
          redriven: 1,
        },
      );
      const [row] = await listAll(ledger);
      assert.ok(row);
      assert.deepEqual(row, {
        ...task({ origin: "resync" }),
        id: row.id,
        state: "waiting",
        nextTryAtMs: NOW + 5,
        attempts: 0,
        redrives: 1,
        failure: failedAttempt().failure,
      });
      assert.deepEqual(await ledger.claim(request({ nowMs: NOW + 4 })), []);
      await ledger.complete(await claimOne(ledger, { nowMs: NOW + 5 }), DONE);
      assert.deepEqual(totals(await ledger.counts()), { completed: 1 });
    });

    it("keeps the origin when none is given", async () => {
      const { ledger } = subject;
      await ledger.add([task({ origin: "scan" })]);
      await parkAll(ledger);
      await ledger.redrive({}, NOW);
      assert.equal((await listAll(ledger))[0]?.origin, "scan");
    });

    it("touches only parked tasks that match", async () => {
      const { ledger } = subject;
      await ledger.add(["a", "b", "c"].map((key) => task({ key })));
      await parkAll(ledger);
      await ledger.add(["d", "e"].map((key) => task({ key })));
      const [leased] = await ledger.claim(request({ limit: 1 }));
      assert.ok(leased);
      for (const state of ["waiting", "leased"] as const) {
        assert.deepEqual(await ledger.redrive({ state }, NOW), { redriven: 0 });
      }
      const ids = (await listAll(ledger)).filter((row) => row.version.key !== "b").map((row) => row.id);
      assert.deepEqual(await ledger.redrive({ ids, state: "parked" }, NOW), { redriven: 2 });
      assert.deepEqual(inShort(await listAll(ledger, { bucket: "source", prefix: "b" })), ["b v1 parked"]);
      assert.deepEqual(await ledger.redrive({}, NOW), { redriven: 1 });
      await ledger.release([leased]);
    });

    it("works off more rows than one step takes, each once", async () => {
      const { ledger } = subject;
      await ledger.add(
        Array.from({ length: 1100 }, (_, index) => task({ key: `key${index}`, writtenAtMs: index % 3 })),
      );
      await parkAll(ledger);
      assert.deepEqual(await ledger.redrive({ bucket: "source" }, NOW), { redriven: 1100 });
      assert.deepEqual(totals(await ledger.counts()), { waiting: 1100 });
      assert.deepEqual(await ledger.discard({ bucket: "source", prefix: "key1" }), { discarded: 211 });
      assert.deepEqual(await ledger.discard({}), { discarded: 889 });
      assert.deepEqual(await ledger.counts(), []);
    });
  });

  describe("discarding", () => {
    const subject = subjectFor(open);

    it("drops tasks that nobody holds, uncounted", async () => {
      const { ledger } = subject;
      await ledger.add([task({ key: "parked" })]);
      await parkAll(ledger);
      await ledger.add([task({ key: "leased" })]);
      const leased = await claimOne(ledger);
      await ledger.add([task({ key: "leased", versionId: "v2" }), task({ key: "waiting" })]);
      assert.deepEqual(await ledger.discard({ state: "leased" }), { discarded: 0 });
      assert.deepEqual(await ledger.discard({}), { discarded: 3 });
      assert.deepEqual(inShort(await listAll(ledger)), ["leased v1 leased"]);
      assert.equal(await ledger.complete(leased, DONE), true);
      assert.deepEqual(totals(await ledger.counts()), { completed: 1 });
    });

    it("lets the same task come in again", async () => {
      const { ledger } = subject;
      await ledger.add([task()]);
      await parkAll(ledger);
      await ledger.discard({ state: "parked" });
      await ledger.add([task()]);
      assert.deepEqual(keysOf([await claimOne(ledger)]), ["key"]);
      subject.leavesLeases();
    });
  });

  describe("the map of replicas", () => {
    const subject = subjectFor(open);
    const replica = (key: string, versionId: string, replicaVersionId: string, destinationArn = DESTINATION) => ({
      version: { bucket: "source", key, versionId },
      destinationArn,
      replicaVersionId,
    });

    it("takes in what was found at a destination that no task ever named, and outlives a restart", async () => {
      await subject.ledger.rememberReplicas([replica("k", "v1", "first"), replica("k", "v2", "other")]);
      await subject.ledger.rememberReplicas([replica("k", "v1", "later")]);
      await subject.reopen?.();
      const of = (versionId: string) =>
        subject.ledger.replicaOf({ bucket: "source", key: "k", versionId }, DESTINATION);
      assert.equal(await of("v1"), "later");
      assert.equal(await of("v2"), "other");
      assert.equal(await of("v3"), undefined);
      assert.deepEqual(await subject.ledger.counts(), []);
    });

    it("is told by ranges of keys, both ends included, in their order, one destination at a time", async () => {
      const { ledger } = subject;
      const range = { bucket: "source", destinationArn: DESTINATION };
      assert.deepEqual(await ledger.replicasBetween({ ...range, fromKey: "", toKey: "z" }), []);
      const all = STRANGE_KEYS.map((key) => replica(key, "v", "r"));
      await ledger.rememberReplicas([...all.toReversed(), replica("a", "v", "elsewhere", OTHER_DESTINATION)]);
      await ledger.add([task({ key: "a", versionId: "v2" })]);
      await ledger.complete(await claimOne(ledger), { ...DONE, replicaVersionId: "r2" });
      const between = async (fromKey: string, toKey: string) =>
        await ledger.replicasBetween({ ...range, fromKey, toKey });
      const whole = await between("", STRANGE_KEYS.at(-1) ?? "");
      assert.deepEqual([...new Set(whole.map((one) => one.version.key))], STRANGE_KEYS);
      assert.deepEqual(
        (await between("a", "a")).toSorted((one, other) => (one.version.versionId < other.version.versionId ? -1 : 1)),
        [replica("a", "v", "r"), replica("a", "v2", "r2")],
      );
      assert.deepEqual(
        (await between("\0\0", "\u0001")).map((one) => one.version.key),
        ["\0\0", "\u0001"],
      );
      assert.deepEqual(await ledger.replicasBetween({ ...range, bucket: "other", fromKey: "", toKey: "z" }), []);
    });
  });

  describe("checkpoints", () => {
    const subject = subjectFor(open);

    it("hold the last value by name, and outlive a restart", async () => {
      assert.equal(await subject.ledger.checkpoint("feed"), undefined);
      await subject.ledger.setCheckpoint("feed", "1");
      await subject.ledger.setCheckpoint("scan", "a");
      await subject.ledger.setCheckpoint("feed", "2");
      await subject.reopen?.();
      assert.equal(await subject.ledger.checkpoint("feed"), "2");
      assert.equal(await subject.ledger.checkpoint("scan"), "a");
    });
  });

  describe("a restart", () => {
    const subject = subjectFor(open);

    it("changes nothing that can be asked", async () => {
      if (subject.reopen === undefined) return;
      await subject.ledger.add(
        Array.from({ length: 30 }, (_, index) => task({ key: `key${index % 20}`, versionId: `v${index}` })),
      );
      const claims = await subject.ledger.claim(request({ limit: 9 }));
      for (const [index, claim] of claims.entries()) {
        if (index % 3 === 0) await subject.ledger.complete(claim, DONE);
        else if (index % 3 === 1) await subject.ledger.park(claim, failedAttempt());
        else await subject.ledger.retryLater(claim, failedAttempt("SlowDown"), NOW);
      }
      const view = async (): Promise<unknown> => [
        await listAll(subject.ledger),
        await subject.ledger.counts(),
        await subject.ledger.nextDueAtMs(),
      ];
      const before = await view();
      await subject.reopen();
      assert.deepEqual(await view(), before);
    });
  });

  describe("closing", () => {
    const subject = subjectFor(open);

    it("refuses whatever comes later", async () => {
      subject.leavesLeases();
      const { ledger } = subject;
      await ledger.add([task()]);
      await ledger.close();
      await assert.rejects(ledger.add([task({ key: "late" })]));
      await assert.rejects(ledger.claim(request()));
      await assert.rejects(ledger.list({}, { limit: 1 }));
    });
  });
}
