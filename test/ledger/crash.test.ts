/** What the ledger has acknowledged is there after a kill -9, and its counts are exact. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { DONE, listAll, NOW, request, totals } from "../conformance/ledger/harness.ts";

const WORKER = fileURLToPath(new URL("crash-worker.js", import.meta.url));

/** After how many lines of its speech the process is killed, round by round. */
const KILLED_AFTER_LINES = [1, 30, 200, 500, 1100, 2300, 800];

/** What was said before all the kills: word → versions. */
type Said = Map<string, Set<string>>;

function saidOf(said: Said, word: string): ReadonlySet<string> {
  return said.get(word) ?? new Set();
}

async function runAndKill(path: string, round: number, said: Said): Promise<void> {
  const child = spawn(
    process.execPath,
    ["--no-warnings", WORKER, path, String(round * 100_000), String(NOW + round * 10_000)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  let lines = 0;
  for await (const line of createInterface(child.stdout)) {
    const [word = "", version = ""] = line.split(" ");
    said.set(word, new Set([...saidOf(said, word), version]));
    if (++lines === KILLED_AFTER_LINES[round]) child.kill("SIGKILL");
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", "the worker ended by itself");
}

async function check(ledger: Ledger, said: Said): Promise<void> {
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

describe("a ledger whose process is killed", () => {
  it("holds all that was acknowledged, counts it exactly, and its lanes go on", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-crash-"));
    try {
      const path = join(directory, "ledger.db");
      const said: Said = new Map();
      for (const round of KILLED_AFTER_LINES.keys()) {
        await runAndKill(path, round, said);
        const ledger = openSqliteLedger({ path });
        await check(ledger, said);
        await ledger.close();
      }
      const ledger = openSqliteLedger({ path });
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
      await ledger.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
