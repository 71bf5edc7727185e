/** Reports over HTTP: a result's file, or the page in its directory, and nothing else of the machine. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSqliteLedger } from "../../ledger/sqlite.ts";
import { remember } from "../../monitor/history.ts";
import { createApi } from "../api.ts";
import { API_ROOT } from "./route.ts";

const TOKEN = "a-token-that-nobody-guesses";

describe("reports of watches", () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-reports-"));
  const [audit, empty, file, gone] = ["audit", "empty", "probe.json", "gone.html"].map((one) => join(directory, one));
  const ledger = openSqliteLedger({ path: ":memory:" });
  const nobody = async (): Promise<never> => assert.fail("nobody asks for jobs");
  const resync = { list: nobody, start: nobody, progress: nobody, pause: nobody, resume: nobody, cancel: nobody };
  const api = createApi({
    engine: { resync: resync as never },
    ledger,
    replications: { list: async () => [], find: async () => undefined },
    clock: () => 1_700_000_000_000,
    token: TOKEN,
    about: { version: "1.2.3", mode: "run" },
  });
  before(async () => {
    for (const one of [audit, empty]) mkdirSync(one ?? "");
    writeFileSync(join(audit ?? "", "report.html"), "<h1>an audit</h1>");
    writeFileSync(file ?? "", "{}");
    const result = { kind: "audit", atMs: 1, tookMs: 1, verdict: "ok", says: "equal", counts: {} } as const;
    for (const [at, report] of [audit, empty, file, gone].entries()) {
      await remember(ledger, { ...result, subject: `of-${at}`, report: report ?? "" });
    }
  });
  after(async () => {
    api.close();
    await ledger.close();
    rmSync(directory, { recursive: true });
  });

  async function ask(path = ""): Promise<Response> {
    const url = `http://127.0.0.1${API_ROOT}/watches/report?path=${encodeURIComponent(path)}`;
    return await api.app.request(url, { headers: { host: "127.0.0.1", authorization: `Bearer ${TOKEN}` } });
  }

  it("that are directories are shown by their page, which may run nothing", async () => {
    const page = await ask(audit);
    assert.equal(page.status, 200);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(page.headers.get("content-security-policy") ?? "", /^sandbox; default-src 'none'; style-src/);
    assert.equal(await page.text(), "<h1>an audit</h1>");
  });

  it("that are files are told as what they are", async () => {
    const answer = await ask(file);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.equal(await answer.text(), "{}");
  });

  it("that are not there, or have no page, are named in the answer", async () => {
    for (const one of [empty, gone]) {
      const answer = await ask(one);
      assert.equal(answer.status, 404);
      assert.match(await answer.text(), new RegExp(`no report ${one}`));
    }
  });

  it("are told by the very path of a result, and no other file of the machine is", async () => {
    for (const one of [`${audit}/report.html`, `${audit}/`, `${audit}/../audit`, directory, "/etc/passwd", "report"]) {
      assert.equal((await ask(one)).status, 404, one);
    }
  });
});
