/** For `backlog.ts`: opens a ledger, adds so many tasks or claims some, tells what that took, and ends. */
import { openLedger } from "../../../src/ledger/open.ts";
import { DONE, request, task } from "../../conformance/ledger/harness.ts";

const [path = "", add = "0"] = process.argv.slice(2);
const ADD_AT_ONCE = 500;
const CLAIMS = 10;
const CLAIM_LIMIT = 100;

const openedAtMs = performance.now();
const ledger = await openLedger(`sqlite:${path}`);
await ledger.counts();
const openMs = performance.now() - openedAtMs;

const addedAtMs = performance.now();
for (let from = 0; from < Number(add); from += ADD_AT_ONCE) {
  await ledger.add(
    Array.from({ length: ADD_AT_ONCE }, (_, index) =>
      task({ key: `photos/2026/${String(from + index).padStart(8, "0")}.jpg`, dueAtMs: from + index }),
    ),
  );
}
const addMs = performance.now() - addedAtMs;

const claimedAtMs = performance.now();
if (Number(add) === 0) {
  for (let count = 0; count < CLAIMS; count++) {
    const claims = await ledger.claim(request({ limit: CLAIM_LIMIT }));
    await Promise.all(claims.map((claim) => ledger.complete(claim, DONE)));
  }
}
const claimMs = (performance.now() - claimedAtMs) / CLAIMS;

globalThis.gc?.();
const { rss: rssBytes } = process.memoryUsage();
await ledger.close();
process.send?.({ openMs, addMs, claimMs, rssBytes });
process.disconnect?.();
