/** The embedded ledger passes the suite, in memory and on file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { ledgerConformance } from "./ledger.ts";

ledgerConformance("sqlite::memory:", async () => {
  const ledger = openSqliteLedger({ path: ":memory:" });
  return { ledger, close: () => ledger.close() };
});

ledgerConformance("sqlite:FILE", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-ledger-"));
  const path = join(directory, "ledger.db");
  let ledger = openSqliteLedger({ path });
  return {
    ledger,
    reopen: async () => {
      await ledger.close();
      ledger = openSqliteLedger({ path });
      return ledger;
    },
    close: async () => {
      await ledger.close();
      rmSync(directory, { recursive: true });
    },
  };
});
