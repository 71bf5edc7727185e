/**
 * Processes that work on a ledger and are killed, for the tests of what survives: what they said before and after each
 * change, and whether the ledger agrees.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { DONE, listAll, NOW, request, totals } from "../conformance/ledger/harness.ts";

const WORKER = fileURLToPath(new URL("crash-worker.js", import.meta.url));

/** What was said before all the kills: word → versions. */
export type Said = Map<string, Set<string>>;

function saidOf(said: Said, word: string): ReadonlySet<string> {
  return said.get(word) ?? new Set();
}

/** A worker that runs, in a round of its own of versions and time. */
export interface KillableWorker {
  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves when it has been killed and all that it said is noted; fails when it ended by itself. */
  readonly gone: Promise<void>;
}

/** @param onLine called for each line that it says */
export function startWorker(url: string, round: number, said: Said, onLine: () => void): KillableWorker {
  const child = spawn(
    process.execPath,
    ["--no-warnings", WORKER, url, String(round * 100_000), String(NOW + round * 10_000)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  return { kill: (signal) => void child.kill(signal), gone: listen(child, said, onLine) };
}

async function listen(child: ChildProcess, said: Said, onLine: () => void): Promise<void> {
  const exited = once(child, "exit");
  assert.ok(child.stdout !== null);
  for await (const line of createInterface(child.stdout)) {
    const [word = "", version = ""] = line.split(" ");
    const versions = said.get(word) ?? new Set();
    said.set(word, versions.add(version));
    onLine();
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", "the worker ended by itself");
}

/** Fails unless the ledger holds all that was acknowledged, nothing else, and counts it exactly. */
export async function check(ledger: Ledger, said: Said): Promise<void> {
  const rows = await listAll(ledger, {}, 1000);
  const present = new Set(rows.map((row) => row.version.versionId));
  assert.equal(present.size, rows.length, "a task is there twice");
  const completing = saidOf(said, "completing");
  const completed = saidOf(said, "completed");
  for (const version of saidOf(said, "added")) {
    assert.ok(present.has(version) || completing.has(version), `${version} was added and is lost`);
  }
  for (const version of present) {
    assert.ok(saidOf(said, "adding").has(version), `${version} came from nowhere`);
    assert.ok(!completed.has(version), `${version} was completed and is back`);
  }
  const counts = await ledger.counts();
  const gone = [...completing].filter((version) => !present.has(version));
  const states: Record<string, number> = gone.length === 0 ? {} : { completed: gone.length };
  for (const row of rows) states[row.state] = (states[row.state] ?? 0) + 1;
  assert.deepEqual(totals(counts), states);
  const undone = counts.filter((count) => count.state !== "completed");
  const bytes = undone.reduce((sum, count) => sum + count.bytes, 0);
  assert.equal(
    bytes,
    rows.reduce((sum, row) => sum + row.sizeBytes, 0),
  );
}

/** Works off all that is left, and says how much there was in all. */
export async function workOff(ledger: Ledger): Promise<void> {
  const before = totals(await ledger.counts());
  const nowMs = Number.MAX_SAFE_INTEGER - 1;
  await ledger.redrive({}, 0);
  const all = Object.values(before).reduce((sum, tasks) => sum + tasks, 0);
  let claims = await ledger.claim(request({ nowMs, leaseUntilMs: nowMs + 1 }));
  for (let rounds = 0; claims.length > 0 && rounds < all; rounds++) {
    await Promise.all(claims.map((claim) => ledger.complete(claim, DONE)));
    claims = await ledger.claim(request({ nowMs, leaseUntilMs: nowMs + 1 }));
  }
  assert.deepEqual(totals(await ledger.counts()), { completed: all });
}
