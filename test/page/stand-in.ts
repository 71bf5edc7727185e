/**
 * Stands in for the console: serves the built page under the policy that the console sends, and answers with one scene. It
 * tells events when it is told to. No part of the product, and no proof of the API: that has tests of its own.
 */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Work } from "../../src/console/works.ts";
import { NOW_MS, type Scene } from "./scenes.ts";

export const TOKEN = "a-token-of-the-tests";
const SESSION = "lockstep_session=one";
const PAGE = fileURLToPath(new URL("../../src/console/page/", import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export class StandIn {
  scene: Scene;
  role: "viewer" | "operator" = "operator";
  /** What the page asked to be changed: `POST works {…}`. */
  readonly asked: { readonly call: string; readonly body: unknown; readonly csrf: string | undefined }[] = [];
  readonly works: Work[] = [];
  /** Answers to changes, by call: `PUT rules`. */
  readonly changes = new Map<string, (body: unknown) => { readonly status: number; readonly body: unknown }>();
  /** Answers with 503 to everything, as a proxy does when the console is gone. */
  isGone = false;
  /** Events do not come through. */
  holdsEvents = false;
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => void this.#take(request, response));

  constructor(scene: Scene) {
    this.scene = scene;
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise<unknown>((resolve) => {
      this.#server.close(resolve);
    });
  }

  tell(event: string, data: unknown): void {
    for (const one of this.#streams) one.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Ends every stream of events. */
  cut(): void {
    for (const one of this.#streams) one.destroy();
    this.#streams.clear();
  }

  /** Ends a piece of work, and tells it. */
  finish(work: Work, result: unknown): void {
    const done: Work = { ...work, state: "done", endedAtMs: work.startedAtMs + 1200, result };
    this.works.splice(
      this.works.findIndex((one) => one.id === work.id),
      1,
      done,
    );
    this.tell("work", done);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? "/", "http://stand-in");
    if (this.isGone) return answer(response, 503, { error: "gone" });
    const [, path] = /^\/api\/v1\/(.*)$/.exec(url.pathname) ?? [];
    if (path === undefined) return serve(url.pathname, response);
    const text = await bodyOf(request);
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const method = request.method ?? "GET";
    if (path === "session") return this.#session(request, response, body);
    if (!(request.headers.cookie ?? "").includes(SESSION)) return answer(response, 401, { error: "not logged in" });
    if (method !== "GET") {
      const csrf = request.headers["x-lockstep-csrf"];
      this.asked.push({ call: `${method} ${path}`, body, csrf: typeof csrf === "string" ? csrf : undefined });
      const own = this.changes.get(`${method} ${path}`)?.(body);
      return own === undefined ? this.#change(path, body, response) : answer(response, own.status, own.body);
    }
    if (path === "events") return this.#events(response);
    const found = this.#answers(path, url.searchParams);
    return found === undefined ? answer(response, 404, { error: `there is no ${path}` }) : answer(response, 200, found);
  }

  #session(request: IncomingMessage, response: ServerResponse, body: unknown): ServerResponse {
    const session = { role: this.role, user: "token", csrf: "csrf-1", expiresAtMs: NOW_MS + 3_600_000 };
    if (request.method === "DELETE") {
      response.setHeader("set-cookie", "lockstep_session=; Path=/; Max-Age=0");
      return response.writeHead(204).end();
    }
    if (request.method === "GET") {
      const isIn = (request.headers.cookie ?? "").includes(SESSION);
      return isIn ? answer(response, 200, session) : answer(response, 401, { error: "not logged in" });
    }
    const isRight = typeof body === "object" && body !== null && "token" in body && body.token === TOKEN;
    if (!isRight) return answer(response, 401, { error: "The token is wrong" });
    response.setHeader("set-cookie", `${SESSION}; Path=/; HttpOnly; SameSite=Strict`);
    return answer(response, 200, session);
  }

  #events(response: ServerResponse): ServerResponse {
    if (this.holdsEvents) return answer(response, 502, { error: "no events here" });
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 2000\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    this.tell("overview", this.scene.overview);
    this.tell("jobs", { jobs: this.scene.jobs });
    this.tell("alerts", { alerts: this.scene.alerts });
    for (const one of this.works) this.tell("work", one);
    return response;
  }

  #answers(path: string, query: URLSearchParams): unknown {
    const { overview, series, buckets, diagnosis, keys, key, tasks, jobs, alerts } = this.scene;
    const bucket = query.get("bucket");
    const more = this.scene.more?.[path];
    if (more !== undefined) return typeof more === "function" ? more(query) : more;
    switch (path) {
      case "about":
        return { version: "0.1.0", mode: "up", hasLab: true };
      case "status":
        return overview;
      case "series":
        return series;
      case "buckets":
        return { buckets };
      case "works":
        return { works: this.works };
      case "causes":
        return { diagnosis: bucket === diagnosis?.bucket ? diagnosis : null };
      case "applications":
        return { applications: [] };
      case "objects":
        return { keys: keys.keys.filter((one) => one.key.startsWith(query.get("prefix") ?? "")) };
      case "objects/key":
        return key?.key === query.get("key") ? key : undefined;
      case "tasks":
        return tasks;
      case "jobs":
        return { jobs };
      case "alerts":
        return { alerts, silences: [], outbox: [], accepted: [] };
      default:
        return undefined;
    }
  }

  #change(path: string, body: unknown, response: ServerResponse): ServerResponse {
    if (path === "jobs") return answer(response, 202, { ...this.scene.jobs[0], state: "running" });
    if (path !== "works") return answer(response, 200, {});
    const asked = body as Pick<Work, "kind" | "bucket" | "causeId">;
    const work: Work = {
      ...asked,
      id: `w${this.works.length + 1}`,
      state: "running",
      by: "token",
      startedAtMs: NOW_MS + this.works.length,
      progress: { says: "looking at versions", done: 40_000, total: 128_412 },
    };
    this.works.push(work);
    this.tell("work", work);
    return answer(response, 202, work);
  }
}

async function serve(path: string, response: ServerResponse): Promise<void> {
  const file = path === "/" ? "index.html" : normalize(path).replace(/^[/\\]+/, "");
  try {
    const content = await readFile(join(PAGE, file));
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

function answer(response: ServerResponse, status: number, body: unknown): ServerResponse {
  return response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
