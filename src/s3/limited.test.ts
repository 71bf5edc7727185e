import assert from "node:assert/strict";
import { test } from "node:test";
import { S3Error } from "./errors.ts";
import { renamed } from "./intercepted.ts";
import { Limiter } from "./limited.ts";
import type { Store } from "./store.ts";

/** A store that answers when it is told to. */
function storeOf(head: () => Promise<void>, seen: string[] = []): Store {
  const answer = (name: unknown) => async (request: { readonly bucket: string }) => {
    seen.push(request.bucket);
    await head();
    return name === "getObject" ? { body: { sizeBytes: 500 } } : {};
  };
  return new Proxy({}, { get: (_, name) => answer(name) }) as Store;
}

/** Time that passes only for those who sleep. */
function clockOf() {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
}

const HEAD = { bucket: "b", key: "k" };

test("a limit of requests lets a second's worth go at once, and the others one by one", async () => {
  const clock = clockOf();
  const store = new Limiter({ requestsPerSecond: 10 }, clock).limit(storeOf(async () => undefined));
  for (let count = 0; count < 10; count++) await store.headObject(HEAD);
  assert.equal(clock.nowMs(), 0);
  for (let count = 0; count < 5; count++) await store.headObject(HEAD);
  assert.equal(clock.nowMs(), 500);
});

test("a limit of bytes counts what is sent before it goes, and what was read before the next", async () => {
  const clock = clockOf();
  const store = new Limiter({ bytesPerSecond: 1000 }, clock).limit(storeOf(async () => undefined));
  await store.putObject({ ...HEAD, body: new Uint8Array(1500), contentHeaders: {}, userMetadata: {} });
  assert.equal(clock.nowMs(), 500);
  await store.getObject(HEAD);
  await store.getObject(HEAD);
  assert.equal(clock.nowMs(), 1000);
});

test("a limit of requests in flight holds the others back, in their order", async () => {
  const waiting: (() => void)[] = [];
  const seen: string[] = [];
  const store = new Limiter({ inFlight: 2 }, clockOf()).limit(
    storeOf(() => new Promise((done) => waiting.push(done)), seen),
  );
  const calls = ["1", "2", "3", "4"].map((bucket) => store.headObject({ ...HEAD, bucket }));
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(seen, ["1", "2"]);
  for (let count = 0; count < 4; count++) {
    waiting[count]?.();
    await calls[count];
    await new Promise((done) => setImmediate(done));
  }
  assert.deepEqual(seen, ["1", "2", "3", "4"]);
});

test("a call that is cut short while it waits does not go, and gives its place back", async () => {
  const cut = new AbortController();
  const seen: string[] = [];
  const clock = { nowMs: () => 0, sleep: async () => cut.abort() };
  const store = new Limiter({ requestsPerSecond: 1, inFlight: 1 }, clock).limit(storeOf(async () => undefined, seen));
  await store.headObject(HEAD);
  await assert.rejects(
    store.headObject(HEAD, { signal: cut.signal }),
    (error) => error instanceof S3Error && error.fields.network === "aborted",
  );
  assert.equal(seen.length, 1);
  await store.headObject(HEAD);
});

test("without limits a store stays as it is", () => {
  const store = storeOf(async () => undefined);
  assert.equal(new Limiter({}, clockOf()).limit(store), store);
});

test("a renamed store asks for its own bucket, whatever the caller calls it", async () => {
  const seen: string[] = [];
  const store = renamed(
    storeOf(async () => undefined, seen),
    "real",
  );
  await store.headObject({ ...HEAD, bucket: "called" });
  await store.listObjectVersions({ bucket: "called" });
  assert.deepEqual(seen, ["real", "real"]);
});
