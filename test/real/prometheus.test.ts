/**
 * Prometheus itself: `promtool` reads the rules, runs their tests and finds nothing wrong with the names of the metrics; a
 * server scrapes a running engine and fires what is to be fired.
 *
 * Needs the package `prometheus`.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { serve, temporaryDirectory } from "../e2e/binary.ts";

const PROMTOOL = "/usr/bin/promtool";
const PROMETHEUS = "/usr/bin/prometheus";
const PATIENCE_MS = 60_000;

async function promtool(
  words: readonly string[],
  input = "",
): Promise<{ readonly ok: boolean; readonly text: string }> {
  return await new Promise((done) => {
    const child = execFile(PROMTOOL, [...words], (error, stdout, stderr) => {
      done({ ok: error === null, text: `${stdout}${stderr}` });
    });
    child.stdin?.end(input);
  });
}

/** Serves on a free port of the loopback interface; resolves with its address. */
async function startPrometheus(
  directory: string,
  configuration: string,
): Promise<{ child: ChildProcess; url: string }> {
  writeFileSync(`${directory}/prometheus.yml`, configuration);
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/tsdb`,
      "--web.listen-address=127.0.0.1:0",
      "--log.level=info",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return await new Promise((done, failed) => {
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const port = /Listening on" address=127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) done({ child, url: `http://127.0.0.1:${port}` });
    });
    child.once("exit", (status) => failed(new Error(`prometheus ended with ${status}: ${text}`)));
  });
}

/** Sums what a query finds; undefined for nothing. */
async function ask(url: string, query: string): Promise<number | undefined> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
  // It listens before it is ready.
  if (response.status === 503) return undefined;
  const { data } = (await response.json()) as { data?: { result: readonly { value: [number, string] }[] } };
  const [first] = data?.result ?? [];
  return first === undefined ? undefined : Number(first.value[1]);
}

async function until(url: string, query: string, wanted: number): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  let found: number | undefined;
  while (Date.now() < endMs) {
    found = await ask(url, query);
    if (found === wanted) return;
    await sleep(500);
  }
  assert.fail(`${query} is ${String(found)} and not ${wanted}`);
}

describe("Prometheus", () => {
  before(() => assert.ok(existsSync(PROMTOOL), "install Debian's package prometheus: apt-get install prometheus"));

  it("reads the alert rules, and their tests pass", async () => {
    const checked = await promtool(["check", "rules", "monitoring/prometheus-rules.yml"]);
    assert.ok(checked.ok, checked.text);
    const tested = await promtool(["test", "rules", "monitoring/prometheus-rules.test.yml"]);
    assert.ok(tested.ok, tested.text);
  });

  it("scrapes a running engine, shows what the example comes to, and finds the alert that it deserves", async () => {
    const directory = temporaryDirectory();
    const served = await serve(`${directory.path}/data`, directory.path, ["--example"]);
    try {
      const tokenFile = `${directory.path}/data/token`;
      const headers = { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` };
      const text = await (await fetch(`${served.consoleUrl}/metrics`, { headers })).text();
      // Those of the process are named by prom-client.
      const own = text.split("\n").filter((line) => /^(?:# \w+ )?lockstep_/.test(line));
      const linted = await promtool(["check", "metrics"], `${own.join("\n")}\n`);
      assert.ok(linted.ok, linted.text);
      const { child, url } = await startPrometheus(
        directory.path,
        `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [${JSON.stringify(resolve("monitoring/prometheus-rules.yml"))}]
scrape_configs:
  - job_name: lockstep
    authorization: {credentials_file: ${JSON.stringify(tokenFile)}}
    static_configs: [{targets: [${JSON.stringify(new URL(served.consoleUrl).host)}]}]
`,
      );
      try {
        await until(url, 'sum(lockstep_versions{status="FAILED",replication="photos"})', 30);
        await until(url, 'up{job="lockstep"}', 1);
        await until(url, "sum(lockstep_replication_lag_seconds_count)", 240);
        await until(url, 'count(ALERTS{alertname="LockstepVersionsFailed"})', 1);
        assert.equal(await ask(url, 'ALERTS{alertname="LockstepNoEngine"}'), undefined);
      } finally {
        const ended = new Promise((done) => child.once("exit", done));
        child.kill("SIGTERM");
        await ended;
      }
    } finally {
      await served.stop();
      directory.remove();
    }
  });
});
