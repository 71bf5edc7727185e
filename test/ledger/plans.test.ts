/** No statement of the embedded ledger walks the whole of a table that grows with the backlog. */
import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { SqliteConnection } from "../../src/ledger/connection.ts";
import { openDatabase } from "../../src/ledger/database.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/ledger/sqlite/schema.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { doEverything } from "./everything.ts";

describe("the statements of the embedded ledger", () => {
  it("find rows by an index, all of them", async () => {
    const prepare = mock.method(SqliteConnection.prototype, "prepare");
    const ledger = openSqliteLedger({ path: ":memory:" });
    try {
      await doEverything(ledger);
    } finally {
      await ledger.close();
      prepare.mock.restore();
    }
    const texts = new Set(prepare.mock.calls.map((call) => call.arguments[0]));
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
