/** The distributed ledger on a real PostgreSQL: the port's contract. Needs the package `postgresql`. */
import { after, before, describe } from "node:test";
import { openLedger } from "../../src/ledger/open.ts";
import { ledgerConformance } from "../conformance/ledger.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

describe("the distributed ledger", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    await server.stop();
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
