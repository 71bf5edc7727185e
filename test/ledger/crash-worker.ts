/**
 * A process that works on a ledger until it is killed, for `crash.ts`. Before and after each change it says so
 * on stdout, in lines that are with the parent once they are said: `adding v1`, `added v1`, `completing v1`, …
 *
 * When the record cannot be reached it goes on as soon as it can.
 */
import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { DatabaseError } from "../../src/ledger/database-error.ts";
import type { Claim, Ledger } from "../../src/ledger/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { DONE, failedAttempt, task } from "../conformance/ledger/harness.ts";

const [url = "", from = "0", now = "0"] = process.argv.slice(2);
const nowMs = Number(now);
const KEYS = 40;
const VERSIONS_MAX = 20_000;
const RECONNECTS_MAX = 200;
const RECONNECT_MS = 50;

function say(what: string, versionId: string): void {
  writeSync(1, `${what} ${versionId}\n`);
}

async function addMany(ledger: Ledger, first: number): Promise<void> {
  for (let version = first; version < first + VERSIONS_MAX; version += 3) {
    const some = [version, version + 1, version + 2].map((one) =>
      task({ key: `key${one % KEYS}`, versionId: `v${one}`, sizeBytes: one, dueAtMs: 0 }),
    );
    for (const one of some) say("adding", one.version.versionId);
    // What was under way may be there or not; to add it again does no harm.
    await insist(() => ledger.add(some));
    for (const one of some) say("added", one.version.versionId);
  }
}

async function work(ledger: Ledger, worker: string): Promise<void> {
  for (let round = 0; round < VERSIONS_MAX; round++) {
    try {
      const claims = await ledger.claim({ worker, limit: 5, nowMs, leaseUntilMs: nowMs + 1000 });
      await Promise.all(claims.map((claim, index) => end(ledger, claim, round + index)));
      if (round % 50 === 0) await ledger.redrive({}, nowMs);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      await insist(() => ledger.expireLeases(worker));
    }
  }
}

async function insist(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < RECONNECTS_MAX; tries++) {
    try {
      return void (await work());
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      await setTimeout(RECONNECT_MS);
    }
  }
  throw new Error("the record is gone for too long");
}

async function end(ledger: Ledger, claim: Claim, choice: number): Promise<void> {
  const { versionId } = claim.task.version;
  if (choice % 7 === 0) {
    await ledger.park(claim, failedAttempt());
  } else if (choice % 5 === 0) {
    await ledger.retryLater(claim, failedAttempt("SlowDown"), nowMs);
  } else {
    say("completing", versionId);
    if (await ledger.complete(claim, DONE)) say("completed", versionId);
  }
}

const ledger = await openLedger(url);
const names = ["one", "two", "three"].map((name) => `${name} of ${process.pid}`);
await Promise.all([addMany(ledger, Number(from)), ...names.map((name) => work(ledger, name))]);
