/** The console of `lockstep run`: what its desk knows of plain stores over a real engine, over TLS, and where it refuses to listen. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { Agent, fetch } from "undici";
import type { DeskBucket, DeskDiagnosis, DeskKey, DeskRules, KeysPage } from "../../src/console/desk.ts";
import type { FailurePage } from "../../src/console/failures.ts";
import type { Overview } from "../../src/console/overview.ts";
import type { Work } from "../../src/console/works.ts";
import type { Verdict } from "../../src/core/eligibility.ts";
import { consoleOf, endEngine, replication, TwoStores } from "./two-stores.ts";

const CERTIFICATE = resolve("test/fixtures/tls/self-signed.pem");
const KEY = resolve("test/fixtures/tls/key.pem");
const TLS = `tls: {certificate: "${CERTIFICATE}", key: "${KEY}"}`;
const SOURCE = "album-here";
const PATIENCE_MS = 60_000;

describe("the console of run", () => {
  // Whoever shows this certificate has its key; its name is not what is tested here.
  const agent = new Agent({ connect: { ca: readFileSync(CERTIFICATE), checkServerIdentity: () => undefined } });
  let stores: TwoStores;
  let engine: ChildProcess;
  let server = "";
  let token = "";

  before(async () => {
    stores = await TwoStores.open();
    await stores.bucket("album");
    await stores.bucket("orphan");
    const [Effect, Principal] = ["Deny", "*"];
    const Statement = { Effect, Principal, Action: "s3:PutObject", Resource: "arn:aws:s3:::orphan/*" };
    await stores.there.putBucketPolicy("orphan", JSON.stringify({ Version: "2012-10-17", Statement }));
    const path = stores.configure(
      "console",
      `${replication("album")}${replication("orphan")}`,
      `intake: {scan: {every: 1s}}\nconsole: {port: 0, host: 127.0.0.1, ${TLS}}`,
    );
    for (const [bucket, key] of [
      ["album", "docs/a.txt"],
      ["album", "docs/b.txt"],
      ["orphan", "lost.txt"],
    ] as const) {
      const body = Buffer.from("hello");
      await stores.here.putObject({ bucket, key, body, contentHeaders: {}, userMetadata: {} });
    }
    engine = stores.spawn(path, "--json");
    server = await consoleOf(engine);
    token = readFileSync(`${stores.directory.path}/lockstep.token`, "utf8").trim();
    await until(async () => {
      const now = await get<Overview>("status");
      return now.completed === 2 && now.failed === 1;
    });
  });
  after(async () => {
    await endEngine(engine, "SIGTERM");
    await agent.close();
    await stores.close();
  });

  async function call(method: string, path: string, body?: unknown) {
    return await fetch(`${server}/api/v1/${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function get<Answer>(path: string): Promise<Answer> {
    const answer = await call("GET", path);
    assert.equal(answer.status, 200, path);
    return (await answer.json()) as Answer;
  }

  async function post<Answer>(path: string, body: unknown): Promise<Answer> {
    return (await (await call("POST", path, body)).json()) as Answer;
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const untilMs = Date.now() + PATIENCE_MS;
    while (!(await holds())) assert.ok(Date.now() < untilMs, "it has not come about");
  }

  async function work<Result>(order: Readonly<Record<string, string>>): Promise<Work<Result>> {
    let now = await post<Work<Result>>("works", order);
    await until(async () => {
      now = await get<Work<Result>>(`works/${now.id}`);
      return now.state !== "running";
    });
    return now;
  }

  it("shakes hands with the certificate of the configuration, and speaks nothing but TLS there", async () => {
    assert.match(server, /^https:/);
    const { hostname, port } = new URL(server);
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca: readFileSync(CERTIFICATE),
      checkServerIdentity: () => undefined,
    });
    await once(socket, "secureConnect");
    assert.equal(socket.authorized, true);
    assert.equal(
      socket.getPeerCertificate().fingerprint256,
      new X509Certificate(readFileSync(CERTIFICATE)).fingerprint256,
    );
    socket.destroy();
    await assert.rejects(fetch(`http://${hostname}:${port}/api/v1/openapi.json`));
    const answer = await call("POST", "session", { token });
    assert.match(answer.headers.get("set-cookie") ?? "", /; Secure/);
    assert.match(answer.headers.get("strict-transport-security") ?? "", /max-age=/);
  });

  it("says of every bucket what cannot be done between stores, and why", async () => {
    const { buckets } = await get<{ readonly buckets: readonly DeskBucket[] }>("buckets");
    const [album] = buckets;
    assert.deepEqual(
      buckets.map(({ bucket, rules }) => [bucket, rules]),
      [
        [SOURCE, 1],
        ["orphan-here", 1],
      ],
    );
    assert.match(album?.cannot.fix ?? "", /no patches/);
    assert.match(album?.cannot.editRules ?? "", /lockstep\.yaml: change them there/);
    for (const kind of ["prove", "apply"]) {
      const { state, error } = await work({ kind, bucket: SOURCE });
      assert.deepEqual([state, error?.includes("no patches")], ["failed", true], kind);
    }
    const saved = await call("PUT", "rules", { bucket: SOURCE, text: "{}", digest: "d" });
    assert.equal(saved.status, 409);
    assert.match(((await saved.json()) as { readonly error: string }).error, /lockstep\.yaml/);
  });

  it("diagnoses by what the engine has on record", async () => {
    const { result } = await work<DeskDiagnosis>({ kind: "diagnose", bucket: "orphan-here" });
    assert.deepEqual(
      result?.causes.map(({ code, affected }) => [code, affected.versions]),
      [["DstPutObjectNotPermitted", 1]],
    );
    const { failures } = await get<FailurePage>("failures?bucket=orphan-here");
    assert.deepEqual(failures.length, 1);
    const sound = await work<DeskDiagnosis>({ kind: "diagnose", bucket: SOURCE });
    assert.deepEqual(sound.result?.causes, []);
  });

  it("lists and explains objects of a store that knows no replication", async () => {
    const page = await get<KeysPage>(`objects?bucket=${SOURCE}&prefix=docs%2F&limit=1`);
    assert.deepEqual(
      page.keys.map(({ key }) => key),
      ["docs/a.txt"],
    );
    const next = await get<KeysPage>(`objects?bucket=${SOURCE}&after=${encodeURIComponent(page.next ?? "")}`);
    assert.deepEqual(
      next.keys.map(({ key }) => key),
      ["docs/b.txt"],
    );
    const { versions } = await get<DeskKey>(`objects/key?bucket=${SOURCE}&key=docs%2Fa.txt`);
    assert.equal(versions.length, 1);
    assert.equal((await call("GET", `objects/key?bucket=${SOURCE}&key=nothing`)).status, 404);
    assert.equal((await call("GET", "objects?bucket=somebody-elses")).status, 404);
  });

  it("shows, tries and lints rules that stand in a file", async () => {
    const rules = await get<DeskRules>(`rules?bucket=${SOURCE}`);
    assert.deepEqual(
      rules.rules.map(({ id }) => id),
      ["all"],
    );
    const object = { key: "docs/c.txt", isDeleteMarker: false, tags: [] };
    const { taken } = await post<Verdict>("rules/try", { bucket: SOURCE, object });
    assert.equal(taken.length, 1);
    const { findings } = await post<{ readonly findings: readonly unknown[] }>("rules/lint", {
      bucket: SOURCE,
      text: (rules.text ?? "").replace('"Status"', '"State"'),
    });
    assert.ok(findings.length > 0);
  });

  it("does not listen to others without TLS, and says what to do", async () => {
    const path = stores.configure("open", replication("album"), "console: {port: 0, host: 0.0.0.0}");
    const { status, stderr } = await stores.run(path);
    assert.equal(status, 2);
    assert.match(stderr, /the console does not listen there.*0\.0\.0\.0.*tls/s);
  });
});
