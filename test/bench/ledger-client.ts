/**
 * One client of a ledger, in a process of its own, for `ledger.ts`: adds tasks, claims what is there, or claims and completes
 * it.
 */
import { openLedger } from "../../src/ledger/open.ts";
import { DONE, request, task } from "../conformance/ledger/harness.ts";
import { cpuMsOf } from "./measure.ts";

const [url = "", name = "", count = "0"] = process.argv.slice(2);
const CLAIM_LIMIT = 100;
const ADD_AT_ONCE = 500;

const ledger = await openLedger(url);

async function add(): Promise<number> {
  for (let from = 0; from < Number(count); from += ADD_AT_ONCE) {
    await ledger.add(
      Array.from({ length: ADD_AT_ONCE }, (_, index) =>
        task({ key: `photos/2026/${name}/${String(from + index).padStart(8, "0")}.jpg`, dueAtMs: from + index }),
      ),
    );
  }
  return Number(count);
}

async function claim(): Promise<number> {
  let leased = 0;
  for (;;) {
    const claims = await ledger.claim(request({ worker: name, limit: CLAIM_LIMIT }));
    if (claims.length === 0) return leased;
    leased += claims.length;
  }
}

async function complete(): Promise<number> {
  let done = 0;
  for (;;) {
    const claims = await ledger.claim(request({ worker: name, limit: CLAIM_LIMIT }));
    if (claims.length === 0) return done;
    const answers = await Promise.all(claims.map((claim) => ledger.complete(claim, DONE)));
    done += answers.filter(Boolean).length;
  }
}

process.on("message", (message) => {
  const cpu = process.cpuUsage();
  const answer = (tasks: number) => process.send?.({ tasks, cpuMs: cpuMsOf(process.cpuUsage(cpu)) });
  if (message === "add") void add().then(answer);
  else if (message === "claim") void claim().then(answer);
  else if (message === "complete") void complete().then(answer);
  else void ledger.close().then(() => process.exit(0));
});
process.send?.("ready");
