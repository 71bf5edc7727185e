/** Several engines that scan one bucket over one ledger: who walks what, and what becomes of what a dead one walked. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ReplicationConfiguration } from "../../src/core/model.ts";
import type { Clock, Sites } from "../../src/engine/ports.ts";
import { Scans } from "../../src/engine/scan.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import type { ListVersionsRequest, Store, VersionPage } from "../../src/s3/store.ts";
import { configurationTo } from "./minting-world.ts";

const BUCKET = "from";
const ARN = "arn:aws:s3:::into";
const KEYS = Array.from({ length: 1000 }, (_, index) => `photos/${String(index).padStart(6, "0")}`);
const PAGE = 20;

describe("engines that scan one bucket over one ledger", () => {
  let ledger: Ledger;
  let configuration: ReplicationConfiguration;
  let nowMs: number;
  const never = new AbortController().signal;
  const clock: { -readonly [member in keyof Clock]: Clock[member] } = {
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: async (ms) => {
      await turn();
      nowMs += ms;
    },
  };

  beforeEach(() => {
    ledger = openSqliteLedger({ path: ":memory:" });
    configuration = configurationTo("into");
    nowMs = Date.UTC(2026, 0, 1);
  });
  afterEach(() => ledger.close());

  /** @param onPage may hold an engine up before it gets a page of the source */
  function scans(name: string, onPage: (request: ListVersionsRequest) => Promise<void> = async () => undefined): Scans {
    const reader = (bucket: string) =>
      ({
        listObjectVersions: async (request: ListVersionsRequest): Promise<VersionPage> => {
          await turn();
          if (bucket !== BUCKET) return { versions: [] };
          if (request.maxKeys === undefined) await onPage(request);
          return listing(request);
        },
      }) as unknown as Store;
    const sites: Sites = {
      configuration: async () => configuration,
      traits: async () => ({}),
      session: () => Promise.reject(new Error("nothing is replicated here")),
      reader,
      publish: async () => undefined,
    };
    const everyMs = () => 600_000;
    return new Scans({ ledger, sites, clock, name, buckets: () => [BUCKET], everyMs, onAdded: () => undefined });
  }

  async function waiting(): Promise<number> {
    return (await ledger.counts()).reduce((sum, one) => sum + one.tasks, 0);
  }

  async function leftOver(): Promise<string[]> {
    return (await ledger.checkpoints(`scan ${BUCKET} ${ARN} `)).map((one) => one.name);
  }

  it("share a walk: each walks a part of it, and everything is found", async () => {
    const results = await Promise.all(["a", "b", "c"].map((name) => scans(name).once(never)));
    const versions = results.map(([share]) => share?.versions ?? 0);
    assert.ok(
      versions.every((one) => one > 100),
      `shares of ${versions.join(", ")}`,
    );
    assert.equal(
      versions.reduce((sum, one) => sum + one, 0),
      KEYS.length,
    );
    // Whoever joined walks once more: what was written after the beginning may be behind the others.
    for (const [share, again] of results) assert.equal(again !== undefined, share?.resumed);
    assert.equal(await waiting(), KEYS.length);
    assert.deepEqual(await leftOver(), []);
  });

  it("walk all of it when they are alone", async () => {
    const [result] = await scans("a").once(never);
    assert.deepEqual([result?.versions, result?.resumed], [KEYS.length, false]);
    assert.deepEqual(await leftOver(), []);
  });

  it("take over what one that froze was walking, and are not disturbed when it wakes", async () => {
    let thaw: () => void = () => undefined;
    let frozen: () => void = () => undefined;
    const isFrozen = new Promise<void>((resolve) => (frozen = resolve));
    const isThawed = new Promise<void>((resolve) => (thaw = resolve));
    let pages = 0;
    const first = scans("frozen", async () => {
      pages += 1;
      if (pages !== 10) return;
      frozen();
      await isThawed;
    }).once(never);
    await isFrozen;
    const [taken] = await scans("other").once(never);
    assert.equal(taken?.resumed, true);
    assert.ok((taken?.versions ?? 0) < KEYS.length, "it began anew");
    assert.equal(await waiting(), KEYS.length);
    thaw();
    await first;
    assert.equal(await waiting(), KEYS.length);
    const [again] = await scans("other").once(never);
    assert.equal(again?.versions, KEYS.length);
    assert.deepEqual(await leftOver(), []);
  });

  it("walk again what nobody remembers to have walked", async () => {
    let pages = 0;
    const stop = new AbortController();
    await scans("a", async () => {
      pages += 1;
      if (pages === 10) stop.abort();
    }).once(stop.signal);
    const [part] = await leftOver();
    assert.ok(part !== undefined);
    await ledger.setCheckpoint(part, undefined);
    const [rest] = await scans("b").once(never);
    assert.equal(rest?.versions, KEYS.length);
  });

  it("go on at once with what one left that was stopped, behind its watermark", async () => {
    let pages = 0;
    const stop = new AbortController();
    await scans("a", async () => {
      pages += 1;
      if (pages === 10) stop.abort();
    }).once(stop.signal);
    const before = nowMs;
    const [rest] = await scans("b").once(never);
    assert.ok((rest?.versions ?? 0) < KEYS.length, "it began anew");
    assert.ok(nowMs - before < 1000, "it waited");
    assert.equal(await waiting(), KEYS.length);
  });

  it("begin anew under other rules, whoever was walking", async () => {
    const stop = new AbortController();
    let pages = 0;
    await scans("a", async () => {
      pages += 1;
      if (pages === 10) stop.abort();
    }).once(stop.signal);
    configuration = configurationTo("into", { deleteMarkers: false });
    const [anew] = await scans("b").once(never);
    assert.deepEqual([anew?.versions, anew?.resumed], [KEYS.length, false]);
    assert.deepEqual(await leftOver(), []);
  });

  it("do not scan by the clock what another one has just scanned", async () => {
    await scans("a").once(never);
    const walked = await ledger.checkpoint(`scan ${BUCKET} ${ARN}`);
    const stop = new AbortController();
    let pages = 0;
    const other = scans("b", async () => {
      pages += 1;
    });
    const sleeping: Clock["sleep"] = clock.sleep;
    // Its first round is its own; the second one comes right after somebody else's.
    let rounds = 0;
    clock.sleep = async (ms, signal) => {
      await sleeping(ms, signal);
      if (ms < 600_000) return;
      rounds += 1;
      if (rounds === 1) await scans("a").once(never);
      else stop.abort();
    };
    await other.run(stop.signal);
    clock.sleep = sleeping;
    assert.equal(rounds, 2);
    assert.equal(pages, KEYS.length / PAGE);
    assert.notEqual(await ledger.checkpoint(`scan ${BUCKET} ${ARN}`), walked);
  });
});

/** One version of every key; a page ends behind a key. */
function listing({ prefix = "", keyMarker = "", maxKeys = PAGE }: ListVersionsRequest): VersionPage {
  const behind = KEYS.filter((key) => key.startsWith(prefix) && key > keyMarker);
  const versions = behind.slice(0, maxKeys).map((key) => ({
    key,
    versionId: "v1",
    isLatest: true,
    isDeleteMarker: false,
    sizeBytes: 1,
    etag: "e",
    storageClass: "STANDARD",
    lastModifiedMs: 0,
  }));
  const last = versions.at(-1)?.key;
  if (last === undefined || behind.length <= maxKeys) return { versions };
  return { versions, next: { keyMarker: last, versionIdMarker: "v1" } };
}
