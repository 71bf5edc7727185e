/** The console under a crowd: a thousand pages that are open at once, and a hundred thousand failures on record. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { FailurePage } from "../../src/console/failures.ts";
import type { Overview } from "../../src/console/overview.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { type Served, serve, temporaryDirectory } from "../e2e/binary.ts";
import { launch, open, overhang, seriousViolations } from "../page/browser.ts";

const BUCKET = "photos";
const DESTINATION = "arn:aws:s3:::photos-replica";
const PATIENCE_MS = 120_000;
const FAILURES = 100_000;
const AT_ONCE = 1000;
const LISTENERS = 1000;
/** Of them so many read nothing. */
const SLOW = 200;
const WORKS = 30;
/** A listener's sockets, buffers and streams, at both ends of what is handed over before it has to be read. */
const BYTES_EACH_MAX = 256 * 1024;

describe("the console under a crowd", () => {
  const directory = temporaryDirectory();
  const dataDir = `${directory.path}/data`;
  let served: Served;
  let token = "";
  before(async () => {
    served = await serve(dataDir, directory.path, ["--example"]);
    token = readFileSync(`${dataDir}/token`, "utf8").trim();
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  async function get<Answer>(path: string): Promise<Answer> {
    const answer = await fetch(`${served.consoleUrl}/api/v1/${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 200, path);
    return (await answer.json()) as Answer;
  }

  async function diagnose(): Promise<string> {
    const begun = await fetch(`${served.consoleUrl}/api/v1/works`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ kind: "diagnose", bucket: BUCKET }),
    });
    assert.equal(begun.status, 202);
    return ((await begun.json()) as { readonly id: string }).id;
  }

  test("a thousand open pages are all told, those that read nothing hold nobody up, and memory is bounded", async () => {
    const agent = new Agent({ maxSockets: LISTENERS });
    const listeners: Listener[] = [];
    try {
      const beforeBytes = residentBytes(served.pid);
      for (let at = 0; at < LISTENERS; at++) listeners.push(await Listener.open(served.consoleUrl, token, agent));
      const [slow, quick] = [listeners.slice(0, SLOW), listeners.slice(SLOW)];
      for (const one of slow) one.pause();
      let last = "";
      for (let at = 0; at < WORKS; at++) {
        last = await diagnose();
        await until(() => quick.every((one) => one.hasSeen(last)));
      }
      const moreBytes = residentBytes(served.pid) - beforeBytes;
      assert.ok(moreBytes < LISTENERS * BYTES_EACH_MAX, `${moreBytes} bytes more`);
      for (const one of slow) one.resume();
      await until(() => slow.every((one) => one.hasSeen(last)));
      assert.equal(listeners.filter((one) => one.hasEnded).length, 0);
      console.log(`# ${LISTENERS} listeners, ${WORKS} diagnoses: ${(moreBytes / 2 ** 20).toFixed(0)} MiB more`);
    } finally {
      for (const one of listeners) one.close();
      agent.destroy();
    }
  });

  test("a hundred thousand failures are counted, and listed page by page, each once", async () => {
    await served.stop();
    await recordFailures(`${dataDir}/ledger.db`);
    served = await serve(dataDir, directory.path);
    const { failed } = await get<Overview>("status");
    assert.ok(failed >= FAILURES, String(failed));
    const seen = new Set<string>();
    let after: string | undefined;
    do {
      const more = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
      const page: FailurePage = await get(`failures?bucket=${BUCKET}&prefix=crowd%2F&limit=1000${more}`);
      assert.ok(page.failures.length <= 1000);
      for (const { key } of page.failures) {
        assert.ok(!seen.has(key), key);
        seen.add(key);
      }
      after = page.next;
    } while (after !== undefined);
    assert.equal(seen.size, FAILURES);
  });

  test("every page is drawn with a hundred thousand failures behind it", async () => {
    const browser: Browser = await launch();
    try {
      const { page, complaints } = await open(browser, served.consoleUrl, `/#token=${token}`);
      await page.getByText("100K").first().waitFor();
      for (const place of [
        "causes?bucket=photos",
        "objects?bucket=photos",
        "rules?bucket=photos",
        "audits",
        "canaries",
        "alerts",
        "jobs",
        "changes",
        "lab",
      ]) {
        await page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
        await page.locator(".content .card").first().waitFor();
        assert.equal(await page.locator(".state.failed").count(), 0, place);
        assert.deepEqual(await seriousViolations(page), [], place);
        assert.equal(await overhang(page), 0, place);
        assert.ok(Number(await page.evaluate("document.querySelectorAll('*').length")) < 5000, place);
      }
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
    }
  });
});

/** A page that is open, as the server sees it: a connection that is told events. */
class Listener {
  hasEnded = false;
  readonly #answer: IncomingMessage;
  readonly #ended = new Set<string>();
  #rest = "";

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => this.#take(text));
    answer.on("close", () => {
      this.hasEnded = true;
    });
  }

  static async open(server: string, token: string, agent: Agent): Promise<Listener> {
    return await new Promise((opened, failed) => {
      const options = { agent, headers: { authorization: `Bearer ${token}` } };
      request(`${server}/api/v1/events`, options, (answer) => {
        if (answer.statusCode === 200) opened(new Listener(answer));
        else failed(new Error(`answered ${answer.statusCode}`));
      })
        .on("error", failed)
        .end();
    });
  }

  /** Whether it was told that a work is done. */
  hasSeen(id: string): boolean {
    return this.#ended.has(id);
  }

  pause(): void {
    this.#answer.pause();
  }

  resume(): void {
    this.#answer.resume();
  }

  close(): void {
    this.#answer.destroy();
  }

  #take(text: string): void {
    const events = (this.#rest + text).split("\n\n");
    this.#rest = events.pop() ?? "";
    for (const one of events) {
      if (!one.startsWith("event: work\n")) continue;
      const { id, state } = JSON.parse(one.slice(one.indexOf("data: ") + 6)) as { id: string; state: string };
      if (state === "done") this.#ended.add(id);
    }
  }
}

async function until(holds: () => boolean): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(Date.now() < untilMs, "it has not come about");
    await new Promise((turn) => setTimeout(turn, 50));
  }
}

function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? assert.fail("no VmRSS");
  return Number(kib) * 1024;
}

/** As an engine leaves them that was denied every write. */
async function recordFailures(path: string): Promise<void> {
  const ledger = openSqliteLedger({ path });
  const nowMs = Date.now();
  for (let from = 0; from < FAILURES; from += AT_ONCE) {
    await ledger.add(
      Array.from({ length: AT_ONCE }, (_, at) => ({
        version: { bucket: BUCKET, key: `crowd/${String(from + at).padStart(6, "0")}.jpg`, versionId: `v${from + at}` },
        operation: "put" as const,
        destinationArn: DESTINATION,
        ruleId: "everything",
        origin: "live" as const,
        sizeBytes: 1000,
        writtenAtMs: nowMs,
        dueAtMs: nowMs,
      })),
    );
    const claims = await ledger.claim({ worker: "crowd", limit: AT_ONCE, nowMs, leaseUntilMs: nowMs + 60_000 });
    assert.equal(claims.length, AT_ONCE);
    const failure = {
      code: "DstPutObjectNotPermitted",
      step: "putObject",
      httpStatus: 403,
      errorCode: "AccessDenied",
      message: "Access Denied",
    };
    const attempt = { startedAtMs: nowMs, endedAtMs: nowMs, failure };
    await Promise.all(claims.map((one) => ledger.park(one, attempt)));
  }
  await ledger.close();
}
