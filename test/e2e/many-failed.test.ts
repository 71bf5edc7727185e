/**
 * Many FAILED versions in 50 causes: what is told of them stays as small as the causes are few. `VERSIONS=100000` for as many as
 * that, which takes a minute to make.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AlertsAnswer } from "../../src/console/routes/alerts.ts";
import { FAILURES, type FailureCode } from "../../src/core/failures/catalogue.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { BINARY } from "./binary.ts";
import { replication, TwoStores } from "./two-stores.ts";

const VERSIONS = Number(process.env["VERSIONS"] ?? 10_000);
const RULES = 5;
const CODES = (Object.keys(FAILURES) as FailureCode[]).filter((one) => FAILURES[one].retry === "never").slice(0, 10);
const CAUSES = RULES * CODES.length;
const BUCKET = "many-here";
const BATCH = 1000;
const PATIENCE_MS = 60_000;
/** As `docs/alerts.md` says: five have messages of their own, the others are one digest. */
const MESSAGES = 6;

async function fill(path: string): Promise<void> {
  const ledger = openSqliteLedger({ path });
  const nowMs = Date.now();
  const times = { startedAtMs: nowMs, endedAtMs: nowMs };
  for (let from = 0; from < VERSIONS; from += BATCH) {
    const tasks = Array.from({ length: BATCH }, (_, index) => ({
      version: { bucket: BUCKET, key: `k/${from + index}`, versionId: "v" },
      operation: "put" as const,
      destinationArn: `arn:aws:s3:::${BUCKET}`,
      ruleId: `r${(from + index) % RULES}`,
      origin: "live" as const,
      sizeBytes: 10,
      writtenAtMs: nowMs - 60_000,
      dueAtMs: nowMs,
    }));
    await ledger.add(tasks);
    const claims = await ledger.claim({ worker: "w", limit: BATCH, nowMs, leaseUntilMs: nowMs + 60_000 });
    await Promise.all(
      claims.map((one) => {
        const code = CODES[Math.floor(Number(one.task.version.key.slice(2)) / RULES) % CODES.length] ?? "";
        return ledger.park(one, { ...times, failure: { code, step: "putObject", message: "denied" } });
      }),
    );
  }
  await ledger.close();
}

describe("many FAILED versions in 50 causes", () => {
  const messages: { readonly alerts: readonly unknown[] }[] = [];
  let bytes = 0;
  let receiver: Server;
  let stores: TwoStores;
  let child: ChildProcess | undefined;
  let consoleUrl = "";
  let headers: Record<string, string> = {};

  before(async () => {
    stores = await TwoStores.open();
    await stores.bucket("many");
    receiver = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        bytes += text.length;
        messages.push(JSON.parse(text) as { alerts: unknown[] });
        response.end();
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    stores.environment["HOOK"] = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const path = stores.configure(
      "many",
      replication("many"),
      `console: {port: 0}
intake: {scan: {every: 1d}}
alerts: {every: 1s, conditions: {failed: {for: 0s}}, sinks: {hook: {webhook: "\${HOOK}"}}}`,
    );
    await fill(`${stores.directory.path}/many.db`);
    child = spawn(process.execPath, [BINARY, "run", "-c", path, "--json"], {
      env: stores.environment,
      cwd: stores.directory.path,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = (await once(child.stdout ?? process, "data")) as [Buffer];
    consoleUrl = (JSON.parse(line.toString()) as { consoleUrl: string }).consoleUrl;
    headers = { authorization: `Bearer ${readFileSync(`${stores.directory.path}/lockstep.token`, "utf8").trim()}` };
  });
  after(async () => {
    child?.kill("SIGKILL");
    receiver.closeAllConnections();
    receiver.close();
    await stores.close();
  });

  it("are 50 alerts, five messages of their own and a digest, however often they are looked at", async () => {
    const endMs = Date.now() + PATIENCE_MS;
    const alerts = async () =>
      ((await (await fetch(`${consoleUrl}/api/v1/alerts`, { headers })).json()) as AlertsAnswer).alerts;
    while ((await alerts()).length < CAUSES || messages.length < MESSAGES) {
      assert.ok(Date.now() < endMs, `${(await alerts()).length} alerts, ${messages.length} messages`);
      await sleep(200);
    }
    // The looks of a while change nothing.
    await sleep(3000);
    const told = await alerts();
    assert.equal(told.length, CAUSES);
    assert.equal(
      told.reduce((sum, one) => sum + (one.counts["failed"] ?? 0), 0),
      VERSIONS,
    );
    assert.equal(messages.length, MESSAGES);
    assert.ok(bytes < 64 * 1024, String(bytes));
  });

  it("are 50 series of FAILED versions, and the whole of the metrics is small", async () => {
    const text = await (await fetch(`${consoleUrl}/metrics`, { headers })).text();
    const failed = text.split("\n").filter((line) => /^lockstep_versions\{.*status="FAILED"/.test(line));
    assert.equal(failed.length, CAUSES);
    assert.equal(
      failed.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0),
      VERSIONS,
    );
    assert.ok(text.split("\n").length < 1000, String(text.split("\n").length));
  });
});
