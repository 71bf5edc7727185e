/**
 * `lockstep run` between stores of which at least one is a gateway of Ceph: the real binary, a configuration file, and
 * somebody who writes.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsoleClient } from "../../src/cli/console-client.ts";
import type { Tag } from "../../src/core/model.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { UploadedPart } from "../../src/s3/store.ts";
import { BINARY } from "../e2e/binary.ts";
import { contents, type End, listed, openLabEnd, type StoreEnd, TwoStores } from "../e2e/two-stores.ts";
import type { Chance } from "../sim/chance.ts";
import { type Gateway, type Gateways, startGateways } from "./rgw.ts";

/** A task that met every outage may wait five minutes for its next try, and the versions behind it with it. */
const CONVERGE_MS_MAX = 360_000;
const PART_BYTES = 5 * 1024 * 1024;
/** A gateway that comes back is asked again so often, by those who write. */
const WRITE_TRIES_MAX = 200;

/** What `run --once --json` says. */
export interface OnceValue {
  readonly scans: readonly { readonly versions: number; readonly added: number; readonly late: number }[];
  readonly completed: number;
  readonly failed: number;
  readonly waiting: number;
  readonly byReason: readonly { readonly code: string; readonly state: string; readonly tasks: number }[];
}

/** What writes an object besides its place. */
export interface Written {
  readonly contentHeaders?: Readonly<Record<string, string>>;
  readonly userMetadata?: Readonly<Record<string, string>>;
  readonly tags?: readonly Tag[];
}

export class RunWorld {
  readonly gateways: Gateways;
  readonly stores: TwoStores;
  readonly #running = new Set<Running>();

  private constructor(gateways: Gateways, stores: TwoStores) {
    this.gateways = gateways;
    this.stores = stores;
  }

  /** Two gateways, each with a user of its own: `here` at a, `there` at b. */
  static async open(options: Parameters<typeof startGateways>[0] = {}): Promise<RunWorld> {
    const gateways = await startGateways(options);
    const [here, there] = await Promise.all([gatewayEnd(gateways.a, "here"), gatewayEnd(gateways.b, "there")]);
    return new RunWorld(gateways, new TwoStores({ here, there }));
  }

  /** A lab here, a gateway there. */
  static async withLab(): Promise<RunWorld> {
    const gateways = await startGateways();
    const [here, there] = await Promise.all([openLabEnd(), gatewayEnd(gateways.b, "there")]);
    return new RunWorld(gateways, new TwoStores({ here, there }));
  }

  async put(end: End, bucket: string, key: string, body: Uint8Array | string, more: Written = {}): Promise<void> {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    await this.stores[end].putObject({ bucket, key, body: bytes, contentHeaders: {}, userMetadata: {}, ...more });
  }

  /** In parts of 5 MiB, the last one shorter. */
  async upload(end: End, bucket: string, key: string, body: Uint8Array, more: Written = {}): Promise<void> {
    const { tags, contentHeaders = {}, userMetadata = {} } = more;
    const s3 = this.stores[end];
    const { uploadId } = await s3.createMultipartUpload({ bucket, key, contentHeaders, userMetadata });
    const parts: UploadedPart[] = [];
    for (let at = 0; at < body.length; at += PART_BYTES) {
      const bytes = body.subarray(at, at + PART_BYTES);
      parts.push(await s3.uploadPart({ bucket, key, uploadId, partNumber: parts.length + 1, body: bytes }));
    }
    await s3.completeMultipartUpload({ bucket, key, uploadId, parts });
    // The gateway loses tags that come with the beginning of an upload.
    if (tags !== undefined) await s3.putObjectTagging({ bucket, key, tags });
  }

  /** Entry by entry: order, bytes, size, metadata, tags, markers. */
  async same(bucket: string): Promise<void> {
    const [here, there] = await Promise.all([this.words("here", bucket), this.words("there", bucket)]);
    assert.deepEqual(there, here);
  }

  async words(end: End, bucket: string): Promise<string[]> {
    return await contents(this.stores[end], bucket, { ofBytes: true });
  }

  /** So many versions and markers as are at the source were replicated, no more and no less. */
  async replicatedOnce(console_: ConsoleClient, name: string, bucket: string): Promise<void> {
    const counts = await console_.counts(name);
    const undone = counts.filter((one) => one.state !== "completed");
    assert.deepEqual(undone, []);
    const completed = counts.reduce((sum, one) => sum + one.tasks, 0);
    assert.equal(completed, (await listed(this.stores.here, bucket)).length);
  }

  async once(path: string): Promise<OnceValue> {
    const { status, stdout, stderr } = await this.stores.run(path, "--once", "--json");
    assert.equal(stderr, "");
    assert.notEqual(stdout, "", `it ended with ${String(status)} and said nothing`);
    const value = JSON.parse(stdout) as OnceValue;
    assert.equal(status, value.failed + value.waiting > 0 ? 1 : 0, stdout);
    return value;
  }

  /** Starts `lockstep run` and returns at once. */
  start(path: string): Running {
    const { environment, directory } = this.stores;
    const child = spawn(process.execPath, [BINARY, "run", "-c", path, "--json"], {
      env: environment,
      cwd: directory.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(child, `${directory.path}/lockstep.token`, () => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((one) => one.kill()));
    await this.stores.close();
    await this.gateways.stop();
  }
}

async function gatewayEnd(gateway: Gateway, user: string): Promise<StoreEnd> {
  const credentials = await gateway.createUser(user);
  const client = gateway.client(credentials);
  return { endpoint: gateway.endpoint, credentials, client, close: () => client.close() };
}

/** One `lockstep run` until it ends. */
export class Running {
  readonly #child: ChildProcess;
  readonly #tokenFile: string;
  readonly #ended: Promise<number | null>;
  #said = "";
  #complained = "";

  constructor(child: ChildProcess, tokenFile: string, onEnd: () => void) {
    this.#child = child;
    this.#tokenFile = tokenFile;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#said += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#complained += chunk.toString();
    });
    this.#ended = once(child, "exit").then(([status]) => {
      onEnd();
      return status as number | null;
    });
  }

  /** Where its console and its webhooks listen, and the token for the console. Waits until it says so. */
  async console(): Promise<{ readonly url: string; readonly token: string; readonly webhookUrls: readonly string[] }> {
    const { stdout } = this.#child;
    while (!this.#said.includes("\n")) {
      const gone = this.#ended.then(() => Promise.reject(new Error(`it ended: ${this.#complained}`)));
      await Promise.race([once(stdout ?? this.#child, "data"), gone]);
    }
    const { consoleUrl, webhookUrls = [] } = JSON.parse(this.#said) as {
      readonly consoleUrl: string;
      readonly webhookUrls?: readonly string[];
    };
    return { url: consoleUrl, token: readFileSync(this.#tokenFile, "utf8").trim(), webhookUrls };
  }

  async consoleClient(): Promise<ConsoleClient> {
    const { url, token } = await this.console();
    return new ConsoleClient(url, token);
  }

  /** Waits until the check does not fail any more. An engine that has ended makes it fail at once. */
  async until(check: () => Promise<void>): Promise<void> {
    const endMs = performance.now() + CONVERGE_MS_MAX;
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (this.#child.exitCode !== null) throw new Error(`the engine ended: ${this.#complained}`, { cause: error });
        if (performance.now() > endMs) throw error;
      }
      await sleep(200);
    }
  }

  /** The peak of its resident memory so far. Linux only. */
  async memory(): Promise<{ readonly rssBytes: number }> {
    const text = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return { rssBytes: Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024 };
  }

  /** Resolves with the exit status. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return await this.#ended;
  }

  /** Stops the whole process where it is, until `thaw`. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** It has said where it listens. */
  get isReady(): boolean {
    return this.#said.includes("\n");
  }

  /** What it has complained of when it has ended. */
  get epitaph(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null ? undefined : `${exitCode ?? signalCode}: ${this.#complained}`;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

const SIZES = [0, 1, 4096, 70_000, 300_000];

/**
 * Does `count` things to `keys` of a bucket, one after the other: new objects, new versions, delete markers, and now and
 * then an upload. A gateway that is away is waited for.
 */
export async function writeSome(
  world: RunWorld,
  chance: Chance,
  { end, bucket, keys, count }: { end: End; bucket: string; keys: readonly string[]; count: number },
): Promise<void> {
  // The gateway makes no marker upon a marker; S3 does. What becomes of that is another test.
  const deleted = new Set(keys);
  for (let done = 0; done < count; done++) {
    const key = chance.pick(keys);
    const what = chance.random();
    const body = Buffer.alloc(
      what > 0.98 ? PART_BYTES + 1 + chance.below(1000) : chance.pick(SIZES),
      chance.below(256),
    );
    const userMetadata = { dice: String(chance.below(1000)) };
    const tags = chance.random() < 0.3 ? [{ key: "t", value: String(chance.below(10)) }] : [];
    const s3 = world.stores[end];
    const isDeleted = what > 0.85 && what <= 0.98 && !deleted.has(key);
    await patiently(async () => {
      if (what > 0.98) await world.upload(end, bucket, key, body, { userMetadata });
      else if (isDeleted) await s3.deleteObject({ bucket, key });
      else await world.put(end, bucket, key, body, tags.length === 0 ? { userMetadata } : { userMetadata, tags });
    });
    if (isDeleted) deleted.add(key);
    else deleted.delete(key);
  }
}

/** What got no answer is written again: the source has it twice then, maybe, and its replica too. */
async function patiently(write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof S3Error) || error.fields.network === undefined || tries === WRITE_TRIES_MAX) throw error;
      await sleep(100);
    }
  }
}
