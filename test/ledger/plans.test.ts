/** No statement of the embedded ledger walks the whole of a table that grows with the backlog. */
import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { SqliteConnection } from "../../src/ledger/connection.ts";
import { openDatabase } from "../../src/ledger/database.ts";
import type { Ledger, Selection } from "../../src/ledger/ledger.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/ledger/sqlite/schema.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { DESTINATION, DONE, failedAttempt, NOW, request, task } from "../conformance/ledger/harness.ts";

const SELECTIONS: readonly Selection[] = [
  {},
  { bucket: "source" },
  { bucket: "source", key: "key1" },
  { bucket: "source", prefix: "k" },
  { bucket: "source", prefix: "k", state: "waiting" },
  { bucket: "source", prefix: "k", state: "parked" },
  { state: "leased" },
  { state: "parked", failureCodes: ["A"] },
  { ruleId: "rule", destinationArn: DESTINATION, operation: "put" },
  { ids: [1, 2, 3] },
];

/** Every method, on every way that it has. */
async function doEverything(ledger: Ledger): Promise<void> {
  await ledger.add(Array.from({ length: 12 }, (_, index) => task({ key: `key${index % 6}`, versionId: `v${index}` })));
  await ledger.add([task({ key: "key1", versionId: "v1" })]);
  const [done, later, parked, released] = await ledger.claim(request({ limit: 4 }));
  assert.ok(done && later && parked && released);
  await ledger.claim(request({ limit: 1, sizeAtMostBytes: 2 ** 24 }));
  await ledger.complete(done, { ...DONE, replicaVersionId: "own" });
  await ledger.retryLater(later, failedAttempt("A"), NOW);
  await ledger.park(parked, failedAttempt("A"));
  await ledger.renew([released], NOW + 1);
  await ledger.release([released]);
  for (const selection of SELECTIONS) {
    const { next } = await ledger.list(selection, { limit: 1 });
    if (next !== undefined) await ledger.list(selection, { limit: 1, after: next });
  }
  await ledger.ofVersions([task().version]);
  await ledger.replicaOf(task().version, DESTINATION);
  await ledger.counts();
  await ledger.counts("source");
  await ledger.nextDueAtMs();
  await ledger.nextDueAtMs({ sizeOverBytes: 2 ** 24 });
  await ledger.redrive({}, NOW);
  await ledger.discard({});
  await ledger.setCheckpoint("feed", "1");
  await ledger.checkpoint("feed");
}

describe("the statements of the embedded ledger", () => {
  it("find rows by an index, all of them", async () => {
    const texts = new Set<string>();
    const prepare = SqliteConnection.prototype.prepare;
    const spy = mock.method(SqliteConnection.prototype, "prepare", function (this: SqliteConnection, sql: string) {
      texts.add(sql);
      return prepare.call(this, sql);
    });
    const ledger = openSqliteLedger({ path: ":memory:" });
    try {
      await doEverything(ledger);
    } finally {
      await ledger.close();
      spy.mock.restore();
    }
    const database = openDatabase({ path: ":memory:", applicationId: APPLICATION_ID, migrations: MIGRATIONS });
    const walked: string[] = [];
    let found = 0;
    for (const sql of [...texts].filter((text) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(text))) {
      for (const row of database.committed.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) {
        const detail = String(row["detail"]);
        if (/^SCAN (tasks|replicas|checkpoints)\b/.test(detail)) walked.push(`${detail}: ${sql}`);
        if (/^SEARCH tasks\b/.test(detail)) found++;
      }
    }
    await database.close();
    assert.deepEqual(walked, []);
    assert.ok(found > 30, `${found} searches`);
  });
});
