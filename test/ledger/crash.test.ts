/** What the embedded ledger has acknowledged is there after a kill -9, and its counts are exact. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { check, type Said, startWorker, workOff } from "./crash.ts";

/** After how many lines of its speech the process is killed, round by round. */
const KILLED_AFTER_LINES = [1, 30, 200, 500, 1100, 2300, 800];

describe("a ledger whose process is killed", () => {
  it("holds all that was acknowledged, counts it exactly, and its lanes go on", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-crash-"));
    try {
      const path = join(directory, "ledger.db");
      const said: Said = new Map();
      for (const [round, killedAfter] of KILLED_AFTER_LINES.entries()) {
        let lines = 0;
        const worker = startWorker(`sqlite:${path}`, round, said, () => {
          if (++lines === killedAfter) worker.kill("SIGKILL");
        });
        await worker.gone;
        const ledger = openSqliteLedger({ path });
        await check(ledger, said);
        await ledger.close();
      }
      const ledger = openSqliteLedger({ path });
      await workOff(ledger);
      await ledger.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
