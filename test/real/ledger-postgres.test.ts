/** The distributed ledger on a real PostgreSQL: the port's contract. Needs the package `postgresql`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { openLedger } from "../../src/ledger/open.ts";
import { NOW, task } from "../conformance/ledger/harness.ts";
import { ledgerConformance } from "../conformance/ledger.ts";
import { doEverything } from "../ledger/everything.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

describe("the distributed ledger", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    await server.stop();
  });

  /** How many rows and entries of indexes the server has read so far, of the tables that grow with the backlog. */
  async function rowsRead(url: string): Promise<number> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      // A connection that ends tells what it has read.
      const others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
      for (let tries = 0; tries < 1000; tries++) {
        if ((await client.query(`SELECT pg_sleep(0.01) ${others} LIMIT 1`)).rows.length === 0) break;
      }
      const { rows } = await client.query<{ read: number }>(
        `SELECT sum(seq_tup_read + i.read)::int AS read FROM pg_stat_user_tables t
         JOIN (SELECT relid, sum(idx_tup_read) AS read FROM pg_stat_user_indexes GROUP BY relid) i USING (relid)
         WHERE schemaname = $1 AND relname IN ('tasks', 'lanes')`,
        [new URL(url).searchParams.get("schema")],
      );
      return rows[0]?.read ?? assert.fail("no statistics");
    } finally {
      await client.end();
    }
  }

  it("reads no more rows for any call than it needs, whatever the backlog", async () => {
    const BACKLOG = 10_000;
    const url = server.freshUrl();
    let ledger = await openLedger(url);
    const backlog = Array.from({ length: BACKLOG }, (_, index) =>
      task({ key: `key${index % 9000}`, versionId: `old${index}`, dueAtMs: NOW - index, writtenAtMs: NOW - index }),
    );
    await ledger.add(backlog);
    await ledger.close();
    const before = await rowsRead(url);
    ledger = await openLedger(url);
    await doEverything(ledger, { bucket: "source", key: "key1" });
    await ledger.close();
    const read = (await rowsRead(url)) - before;
    assert.ok(read < BACKLOG / 4, `${read} rows were read`);
  });

  ledgerConformance("postgres:", async () => {
    const url = server.freshUrl();
    let ledger = await openLedger(url);
    return {
      ledger,
      reopen: async () => {
        await ledger.close();
        ledger = await openLedger(url);
        return ledger;
      },
      openAgain: async () => await openLedger(url),
      close: () => ledger.close(),
    };
  });
});
