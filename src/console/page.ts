/**
 * The page's files, read once and served from memory: whole and, for whoever takes it, compressed. Names that carry a hash
 * of their content may be kept for ever; the others are asked for again.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Context } from "hono";
import { isKnownHost } from "./auth/origins.ts";

/** Where the build puts them. */
export const PAGE_DIRECTORY = fileURLToPath(new URL("page/", import.meta.url));

interface PageFile {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Missing where it would not be shorter. */
  readonly compressed?: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** The build puts what it has named after its content there. */
const HASHED = /^assets\/.+-[A-Za-z0-9_-]{8,}\.\w+$/;
const FILES_MAX = 200;

export class Page {
  readonly #directory: string;
  readonly #names: readonly string[];
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** @param names that the console is known by; see `isKnownHost` */
  constructor(directory: string, names: readonly string[]) {
    this.#directory = directory;
    this.#names = names;
  }

  /** Answers with a file, or undefined when there is none at the path. */
  async answer(c: Context): Promise<Response | undefined> {
    if (!isKnownHost(c.req.header("host"), this.#names)) return c.text("this console is not known by that name\n", 403);
    this.#files ??= readAll(this.#directory);
    const files = await this.#files;
    if (c.req.path === "/" && files.size === 0) return c.text("the console's page is not built: npm run build\n", 404);
    const file = files.get(c.req.path === "/" ? "index.html" : c.req.path.slice(1));
    if (file === undefined) return undefined;
    const { type, body, compressed, etag, isImmutable } = file;
    const headers = {
      "content-type": type,
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      etag,
      vary: "accept-encoding",
    };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
    const takesGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(c.req.header("accept-encoding") ?? "");
    if (compressed === undefined || !takesGzip) return c.body(body, 200, headers);
    return c.body(compressed, 200, { ...headers, "content-encoding": "gzip" });
  }
}

async function readAll(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const files = await Promise.all(
    paths.slice(0, FILES_MAX).map(async (path): Promise<[string, PageFile]> => {
      const name = path
        .slice(directory.length)
        .replace(/^[\\/]+/, "")
        .replaceAll("\\", "/");
      return [name, await fileOf(name, new Uint8Array(await readFile(path)))];
    }),
  );
  return new Map(files);
}

async function fileOf(name: string, body: Uint8Array<ArrayBuffer>): Promise<PageFile> {
  const compressed = new Uint8Array(await promisify(gzip)(body, { level: 9 }));
  return {
    type: TYPES[extname(name)] ?? "application/octet-stream",
    body,
    ...(compressed.length < body.length ? { compressed } : {}),
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
    isImmutable: HASHED.test(name),
  };
}
