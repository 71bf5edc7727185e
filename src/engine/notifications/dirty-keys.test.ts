/** Keys that wait to be looked at: what joins a look and what waits for the next one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DirtyKey, DirtyKeys, NotTakenError } from "./dirty-keys.ts";

/** Looks that end when the test says so. */
class Looks {
  readonly begun: DirtyKey[] = [];
  readonly #ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  readonly keys: DirtyKeys;

  constructor(limits: { atOnce?: number; keysMax?: number } = {}) {
    const look = async (dirty: DirtyKey) => {
      this.begun.push(dirty);
      await new Promise<void>((resolve, reject) => this.#ends.push({ resolve, reject }));
    };
    this.keys = new DirtyKeys({ look, atOnce: 4, keysMax: 100, ...limits });
  }

  async end(error?: Error): Promise<void> {
    const next = this.#ends.shift();
    if (error === undefined) next?.resolve();
    else next?.reject(error);
    await new Promise(setImmediate);
  }

  get words(): string[] {
    return this.begun.map((one) => `${one.bucket}/${one.key}`);
  }
}

describe("dirty keys", () => {
  it("are looked at twice in a burst: what comes during a look waits for the next one, together", async () => {
    const looks = new Looks();
    const marked = Array.from({ length: 300 }, () => looks.keys.mark("b", "k"));
    let first = false;
    void marked[0]?.then(() => {
      first = true;
    });
    assert.deepEqual(looks.words, ["b/k"]);
    await looks.end();
    assert.deepEqual([first, looks.words], [true, ["b/k", "b/k"]]);
    await looks.end();
    await Promise.all(marked);
    assert.deepEqual([looks.begun.length, looks.keys.size], [2, 0]);
  });

  it("bring each change of metadata once, also when it is told often", async () => {
    const looks = new Looks({ atOnce: 1 });
    const other = looks.keys.mark("b", "other");
    const marked = [
      looks.keys.mark("b", "k"),
      looks.keys.mark("b", "k", { operation: "tags", versionId: "1" }),
      looks.keys.mark("b", "k", { operation: "tags", versionId: "1" }),
      looks.keys.mark("b", "k", { operation: "tags", versionId: "2" }),
      looks.keys.mark("b", "k", { operation: "acl" }),
    ];
    await looks.end();
    await looks.end();
    await Promise.all([other, ...marked]);
    assert.deepEqual(looks.begun[1]?.metadata, [
      { operation: "tags", versionId: "1" },
      { operation: "tags", versionId: "2" },
      { operation: "acl" },
    ]);
  });

  it("are looked at side by side up to a limit, in the order in which they were marked, a key once at a time", async () => {
    const looks = new Looks({ atOnce: 2 });
    const marked = ["a", "b", "c", "a", "d"].map((key) => looks.keys.mark("x", key));
    assert.deepEqual(looks.words, ["x/a", "x/b"]);
    await looks.end();
    assert.deepEqual(looks.words, ["x/a", "x/b", "x/c"]);
    for (let left = 0; left < 4; left++) await looks.end();
    await Promise.all(marked);
    assert.deepEqual(looks.words, ["x/a", "x/b", "x/c", "x/d", "x/a"]);
  });

  it("tell those who wait for a look why it failed, and nobody else", async () => {
    const looks = new Looks();
    const failing = looks.keys.mark("b", "k");
    const next = looks.keys.mark("b", "k");
    const refused = assert.rejects(failing, /away/);
    await looks.end(new Error("away"));
    await refused;
    await looks.end();
    await next;
  });

  it("are not taken beyond a limit, nor after the end, and those that wait are told", async () => {
    const looks = new Looks({ atOnce: 1, keysMax: 2 });
    const first = looks.keys.mark("b", "1");
    const second = assert.rejects(looks.keys.mark("b", "2"), NotTakenError);
    await assert.rejects(looks.keys.mark("b", "3"), /2 keys wait/);
    looks.keys.close();
    await second;
    await assert.rejects(looks.keys.mark("b", "1"), /stopping/);
    await looks.end();
    await first;
    assert.equal(looks.begun.length, 1);
  });
});
