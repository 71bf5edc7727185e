/** A file that an older version has written opens, and its rows go on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DatabaseError, openDatabase } from "../../src/ledger/database.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/ledger/sqlite/schema.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import {
  claimOne,
  DESTINATION,
  DONE,
  failedAttempt,
  inShort,
  job,
  LEASE_END,
  listAll,
  NOW,
  request,
  task,
  totals,
} from "../conformance/ledger/harness.ts";

/** As version 1 left it: a leased row, one that waits behind it, one that waits for another try, and a parked one. */
const ROWS_OF_VERSION_1 = `
UPDATE ledger SET next_id = 5;
INSERT INTO names (id, name) VALUES (1, 'source'), (2, '${DESTINATION}');
INSERT INTO task_groups (id, bucket_id, destination_id, rule_id, operation, parked, failure_code, tasks, bytes,
  completed_tasks, completed_bytes)
VALUES (1, 1, 2, 'rule', 0, 0, '', 2, 200, 7, 700), (2, 1, 2, 'rule', 0, 0, 'A', 1, 100, 0, 0),
  (3, 1, 2, 'rule', 0, 1, 'A', 1, 100, 0, 0);
INSERT INTO tasks (id, group_id, bucket_id, destination_id, key, version_id, operation, place, origin, line, position,
  size_bytes, written_at_ms, due_at_ms, next_try_at_ms, fence, lease_until_ms, leased_to, attempts, first_attempt_at_ms,
  last_attempt_at_ms, failure)
VALUES
  (1, 1, 1, 2, x'61', 'v1', 0, 0, 0, 0, 0, 100, 1, 1, 1, 3, ${LEASE_END}, 'old', 0, NULL, NULL, NULL),
  (2, 1, 1, 2, x'61', 'v2', 0, 1, 0, 0, 0, 100, 2, 2, 2, 0, NULL, NULL, 0, NULL, NULL, NULL),
  (3, 2, 1, 2, x'62', 'v1', 0, 0, 0, 0, 0, 100, 3, 3, ${NOW + 500}, 1, NULL, NULL, 1, 5, 6,
    '${JSON.stringify(failedAttempt("A").failure)}'),
  (4, 3, 1, 2, x'63', 'v1', 0, 2, 0, 0, 0, 100, 4, 4, 4, 1, NULL, NULL, 1, 5, 6,
    '${JSON.stringify(failedAttempt("A").failure)}');
INSERT INTO checkpoints VALUES ('feed', '7');
`;

describe("a file of version 1", () => {
  async function withFile(test: (path: string) => Promise<void>): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-upgrade-"));
    try {
      const path = join(directory, "ledger.db");
      const [version1 = ""] = MIGRATIONS;
      const migrations = [version1 + ROWS_OF_VERSION_1];
      await openDatabase({ path, applicationId: APPLICATION_ID, migrations }).close();
      await test(path);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it("opens with all that is in it, and takes what is new", async () => {
    await withFile(async (path) => {
      const ledger = openSqliteLedger({ path });
      const rows = ["a v1 leased", "a v2 waiting", "b v1 waiting", "c v1 parked"];
      assert.deepEqual(inShort(await listAll(ledger)), rows);
      assert.deepEqual(totals(await ledger.counts()), { completed: 7, leased: 1, waiting: 2, parked: 1 });
      assert.equal(await ledger.checkpoint("feed"), "7");
      assert.deepEqual(await ledger.hurry({ bucket: "source", destinationArn: DESTINATION }, NOW), { hurried: 1 });
      await ledger.addJob(job());
      assert.deepEqual(await ledger.redrive({}, NOW, { jobId: "job" }), { redriven: 1 });
      await ledger.add([task({ key: "d", jobId: "job" })]);
      assert.deepEqual(await ledger.tallies(), { lags: [], failures: [] });
      for (let left = 4; left > 0; left--) {
        const claim = await claimOne(ledger, { limit: 1, nowMs: LEASE_END, leaseUntilMs: LEASE_END + 1 });
        assert.equal(await ledger.complete(claim, DONE), true);
      }
      await ledger.complete(await claimOne(ledger), DONE);
      assert.deepEqual(await ledger.claim(request()), []);
      assert.deepEqual(totals(await ledger.counts()), { completed: 12 });
      assert.equal((await ledger.job("job"))?.completed, 2);
      // From here on it is counted: the four old rows were written at the beginning of time.
      const [lag] = (await ledger.tallies()).lags;
      assert.deepEqual([lag?.tasks.at(-1), lag?.tasks.reduce((sum, one) => sum + one, 0)], [4, 5]);
      await ledger.close();
    });
  });

  it("is refused by version 1 once it is of version 2", async () => {
    await withFile(async (path) => {
      await openSqliteLedger({ path }).close();
      assert.throws(
        () => openDatabase({ path, applicationId: APPLICATION_ID, migrations: MIGRATIONS.slice(0, 1) }),
        (error) => error instanceof DatabaseError && error.reason === "newerVersion",
      );
    });
  });
});
