/**
 * What the stores themselves can do: bare loops of signed GET and PUT, with our client and with undici alone. Nobody who
 * copies from outside can be faster, but for the number of requests at once.
 */
import { Pool } from "undici";
import type { Credentials } from "../../../src/core/model.ts";
import { sideBySide } from "../../../src/s3/side-by-side.ts";
import { EMPTY_PAYLOAD_HASH, encodeUri, hashPayload, signHeaders, UNSIGNED_PAYLOAD } from "../../../src/s3/sigv4.ts";
import type { RunWorld } from "../../real/run-world.ts";
import { cpuMsOf } from "../measure.ts";
import type { Objects } from "./objects.ts";
import type { Taken } from "./process.ts";

const METADATA = { contentHeaders: {}, userMetadata: {} };
/** Larger bodies pass through. */
const HELD_BYTES_MAX = 8 * 2 ** 20;

/** Copies every object once, with our own client. */
export async function clientCeiling(world: RunWorld, objects: Objects, into: string): Promise<Taken> {
  const { here, there } = world.stores;
  const { bucket, keys, sizeBytes, atOnce } = objects;
  return await taken(() =>
    sideBySide(keys, atOnce, async (key) => {
      const { body } = await here.getObject({ bucket, key });
      const payload = sizeBytes > HELD_BYTES_MAX ? { sizeBytes, stream: body.stream() } : await body.bytes();
      await there.putObject({ bucket: into, key, body: payload, ...METADATA });
    }),
  );
}

/** Likewise with undici and the least that a request needs. */
export async function undiciCeiling(world: RunWorld, objects: Objects, into: string): Promise<Taken> {
  const {
    HERE = "",
    HERE_KEY = "",
    HERE_SECRET = "",
    THERE = "",
    THERE_KEY = "",
    THERE_SECRET = "",
  } = world.stores.environment;
  const here = new Bare(HERE, { accessKeyId: HERE_KEY, secretAccessKey: HERE_SECRET });
  const there = new Bare(THERE, { accessKeyId: THERE_KEY, secretAccessKey: THERE_SECRET });
  const { bucket, keys, sizeBytes, atOnce } = objects;
  try {
    return await taken(() =>
      sideBySide(keys, atOnce, async (key) => {
        const { body } = await here.send("GET", bucket, key);
        if (sizeBytes > HELD_BYTES_MAX) {
          await there.send("PUT", into, key, { body, sizeBytes, hash: UNSIGNED_PAYLOAD });
          return;
        }
        const bytes = new Uint8Array(await body.arrayBuffer());
        const answer = await there.send("PUT", into, key, { body: bytes, sizeBytes, hash: hashPayload(bytes) });
        await answer.body.dump();
      }),
    );
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
}

type Response = Awaited<ReturnType<Pool["request"]>>;

interface Sent {
  readonly body: Uint8Array | Response["body"];
  readonly sizeBytes: number;
  readonly hash: string;
}

class Bare {
  readonly #pool: Pool;
  readonly #host: string;
  readonly #credentials: Credentials;

  constructor(endpoint: string, credentials: Credentials) {
    this.#pool = new Pool(endpoint, { connections: 64 });
    this.#host = new URL(endpoint).host;
    this.#credentials = credentials;
  }

  async send(method: "GET" | "PUT", bucket: string, key: string, sent?: Sent): Promise<Response> {
    const rawPath = `/${bucket}/${encodeUri(key, true)}`;
    const length: Record<string, string> = sent === undefined ? {} : { "content-length": String(sent.sizeBytes) };
    const headers = { host: this.#host, ...length };
    const context = { credentials: this.#credentials, region: "us-east-1", service: "s3", nowMs: Date.now() };
    const signed = signHeaders({ method, rawPath, rawQuery: "", headers }, sent?.hash ?? EMPTY_PAYLOAD_HASH, context);
    const body = sent === undefined ? null : sent.body;
    const answer = await this.#pool.request({ method, path: rawPath, headers: { ...headers, ...signed }, body });
    if (answer.statusCode !== 200) throw new Error(`${method} of ${rawPath} was answered ${answer.statusCode}`);
    return answer;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

async function taken(work: () => Promise<unknown>): Promise<Taken> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const wallMs = performance.now() - startMs;
  return { wallMs, cpuMs: cpuMsOf(process.cpuUsage(before)), rssBytes: 0 };
}
