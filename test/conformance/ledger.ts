/**
 * What every implementation of the Ledger port must do, sentence by sentence.
 *
 * `src/ledger/ledger.ts` states the contract; this suite makes each sentence of it something that can fail. It knows
 * nothing of any implementation but how to open one.
 */
import { describe } from "node:test";
import { testAdding } from "./ledger/adding.ts";
import { testClaiming } from "./ledger/claiming.ts";
import type { OpenLedger } from "./ledger/harness.ts";
import { testJobs } from "./ledger/jobs.ts";
import { testAgainstModel } from "./ledger/model.ts";
import { testReading } from "./ledger/reading.ts";
import { testStreams } from "./ledger/streams.ts";
import { testTallies } from "./ledger/tallies.ts";

export type { OpenedLedger, OpenLedger } from "./ledger/harness.ts";

/** @param open gives every test an empty ledger of its own */
export function ledgerConformance(name: string, open: OpenLedger): void {
  describe(`the ledger (${name})`, () => {
    testAdding(open);
    testClaiming(open);
    testReading(open);
    testStreams(open);
    testJobs(open);
    testTallies(open);
    testAgainstModel(open);
  });
}
