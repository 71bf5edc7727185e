/** The console of the real binary on a port: who gets in, what is refused at the start, what a page hears. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import type { Work } from "../../src/console/works.ts";
import { cleanEnvironment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";

/** Events, reports of others, and this document itself are no JSON of ours. */
const UNCHECKED = new Set(["/events", "/watches/report", "/openapi.json"]);

interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

interface Named {
  readonly id: string;
}

const PATIENCE_MS = 60_000;

describe("the console on a port", () => {
  const directory = temporaryDirectory();
  const data = `${directory.path}/data`;
  let served: Served;
  let token = "";
  before(async () => {
    served = await serve(data, directory.path, ["--example"]);
    token = readFileSync(`${data}/token`, "utf8").trim();
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  async function call(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
    const json = { "content-type": "application/json", ...headers };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return await fetch(`${served.consoleUrl}/api/v1/${path}`, { method, headers: json, ...sent });
  }

  async function logIn(): Promise<Record<string, string>> {
    const answer = await call("POST", "session", {}, { token });
    const { csrf } = (await answer.json()) as { readonly csrf: string };
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { cookie, origin: served.consoleUrl, "x-lockstep-csrf": csrf };
  }

  it("a browser logs in, finds the causes, and hears of it as it happens", async () => {
    const page = await logIn();
    const cut = new AbortController();
    const stream = await fetch(`${served.consoleUrl}/api/v1/events`, { headers: page, signal: cut.signal });
    assert.equal(stream.headers.get("content-type"), "text/event-stream");
    const begun = (await (await call("POST", "works", page, { kind: "diagnose", bucket: "photos" })).json()) as Work;
    const reader = (stream.body ?? assert.fail("a stream")).getReader();
    const untilMs = Date.now() + PATIENCE_MS;
    let heard = "";
    while (!heard.includes('"state":"done"')) {
      assert.ok(Date.now() < untilMs, heard.slice(-1000));
      heard += Buffer.from((await reader.read()).value ?? new Uint8Array()).toString();
    }
    cut.abort();
    assert.ok(heard.startsWith("retry: 2000\n"));
    assert.ok(heard.includes("event: overview\n"));
    const { result } = (await (await call("GET", `works/${begun.id}`, page)).json()) as Work<{
      readonly causes: readonly { readonly code: string }[];
    }>;
    assert.deepEqual(result?.causes.map((one) => one.code).toSorted(), ["DstDelObjNotPermitted", "KmsNotSelected"]);
    const kept = (await (await call("GET", "causes?bucket=photos", page)).json()) as { readonly diagnosis: unknown };
    assert.deepEqual(kept.diagnosis, result);
  });

  it("a name that somebody else lets point here is refused", async () => {
    const { port } = new URL(served.consoleUrl);
    const options = { host: "127.0.0.1", port, path: "/api/v1/about", headers: { host: `rebound.example:${port}` } };
    const status = await new Promise((done, failed) => {
      const asked = request({ ...options, agent: false }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      });
      asked.on("error", failed).end();
    });
    assert.equal(status, 403);
  });

  it("rules are saved only over those that were read, and can be taken back like any other change", async () => {
    const page = await logIn();
    const read = await (await call("GET", "rules?bucket=photos", page)).json();
    const { text, digest } = read as { readonly text: string; readonly digest: string };
    const changed = text.replace('"Priority": 1', '"Priority": 7');
    const save = async () => (await call("PUT", "rules", page, { bucket: "photos", text: changed, digest })).status;
    assert.equal(await save(), 200);
    assert.equal(await save(), 409);
    const { applications } = (await (await call("GET", "applications?bucket=photos", page)).json()) as {
      readonly applications: readonly { readonly id: string }[];
    };
    const id = applications[0]?.id;
    let work = (await (await call("POST", "works", page, { kind: "undo", bucket: "photos", id })).json()) as Work;
    const untilMs = Date.now() + PATIENCE_MS;
    while (work.state === "running" && Date.now() < untilMs) {
      work = (await (await call("GET", `works/${work.id}`, page)).json()) as Work;
    }
    assert.equal(work.state, "done", work.error);
    const again = (await (await call("GET", "rules?bucket=photos", page)).json()) as { readonly text: string };
    assert.equal(again.text, text);
  });

  it("what was changed is on record after kill -9, and nobody is logged out", async () => {
    const page = await logIn();
    const added = await call("POST", "lab/accounts", page, { id: "999900001111" });
    assert.equal(added.status, 200);
    await served.kill();
    served = await serve(data, directory.path);
    const again = { ...page, origin: served.consoleUrl };
    assert.equal((await call("POST", "lab/accounts", again, { id: "999900002222" })).status, 200);
    const { changes } = (await (await call("GET", "changes", again)).json()) as {
      readonly changes: readonly { readonly action: string; readonly subject: string; readonly outcome: string }[];
    };
    const made = changes.find((one) => one.subject === "999900001111");
    assert.deepEqual([made?.action, made?.outcome], ["Makes an account of the lab", "done"]);
  });

  it("every answer is as the OpenAPI document says", async () => {
    const page = await logIn();
    const document = (await (await call("GET", "openapi.json")).json()) as {
      readonly paths: Readonly<Record<string, { readonly get?: Described; readonly post?: Described }>>;
    };
    const checked: string[] = [];
    const check = async (described: Described | undefined, answer: Response, what: string) => {
      const [status, told] = Object.entries(described?.responses ?? {})[0] ?? assert.fail(what);
      assert.equal(String(answer.status), status, what);
      const schema = told.content?.["application/json"]?.schema ?? assert.fail(what);
      assert.notDeepEqual(schema, { type: "object" }, what);
      const { success, error } = z.fromJSONSchema(schema as never).safeParse(await answer.json());
      assert.ok(success, `${what}: ${error?.message}`);
      checked.push(what);
    };
    const job = { kind: "resync", bucket: "photos", failed: true, untried: false, dryRun: true };
    await check(document.paths["/jobs"]?.post, await call("POST", "jobs", page, job), "POST /jobs");
    const order = { kind: "diagnose", bucket: "photos" };
    await check(document.paths["/works"]?.post, await call("POST", "works", page, order), "POST /works");
    const tried = { bucket: "photos", object: { key: "a" } };
    await check(document.paths["/rules/try"]?.post, await call("POST", "rules/try", page, tried), "POST /rules/try");
    const reads = Object.entries(document.paths).filter(([path, { get }]) => get !== undefined && !UNCHECKED.has(path));
    for (const [path, { get }] of reads) {
      const { jobs } = (await (await call("GET", "jobs", page)).json()) as { readonly jobs: readonly Named[] };
      const { works } = (await (await call("GET", "works", page)).json()) as { readonly works: readonly Named[] };
      const [id, query] = [
        path.startsWith("/jobs") ? jobs[0]?.id : works[0]?.id,
        "bucket=photos&key=private%2F0001.jpg",
      ];
      const url = path
        .slice(1)
        .replace("{id}", id ?? "")
        .replace("{name}", "photos");
      await check(
        get,
        await call("GET", `${url}?${path === "/watches" || path === "/series" ? "" : query}`, page),
        path,
      );
    }
    assert.ok(checked.length > 20, checked.join(" "));
  });

  it("it listens to others only with TLS, or when told that this is not safe", async () => {
    const other = `${directory.path}/other`;
    const words = ["up", "--data", other, "--port", "0", "--console-port", "0", "--console-host", "0.0.0.0"];
    const refused = await lockstep(words, cleanEnvironment(directory.path));
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /the console does not listen there.*--console-tls-cert and --console-tls-key/);
    const allowed = await serve(other, directory.path, ["--console-host", "0.0.0.0", "--console-insecure"]);
    assert.equal(await allowed.stop(), 0);
  });
});
