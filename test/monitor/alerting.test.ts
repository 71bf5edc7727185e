/** The loop that judges and sends, on a real ledger under a virtual clock: killed between any two of its steps, and shared. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatabaseError } from "../../src/ledger/database-error.ts";
import type { Count, Ledger, TaskRow } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { Alerting, type AlertingOptions, type ConfiguredSink } from "../../src/monitor/alerts/alerting.ts";
import { readBook, silence } from "../../src/monitor/alerts/book.ts";
import { accept, type DocumentDigest } from "../../src/monitor/alerts/drift.ts";
import type { Message } from "../../src/monitor/alerts/model.ts";
import { CONDITION_DEFAULTS } from "../../src/monitor/alerts/settings.ts";
import { RedriveSweep } from "../../src/monitor/alerts/sweep.ts";
import { SinkError } from "../../src/monitor/sinks/sink.ts";

const SECOND = 1000;
const { newCause } = CONDITION_DEFAULTS;

class Killed extends Error {}

/** The world around an engine: it stays when the engine is killed. */
class World {
  nowMs = 1_000_000;
  readonly ledger = openSqliteLedger({ path: ":memory:" });
  readonly taken: Message[] = [];
  causes: Record<string, number> = {};
  documents: DocumentDigest[] | undefined = [];
  isDown = false;
  readonly troubles: string[] = [];

  /** @param killAt calls of the ledger that write, and of the sink, count; at this one the process is killed */
  engine(killAt = Infinity, more: Partial<AlertingOptions> = {}): { readonly alerting: Alerting; steps(): number } {
    let steps = 0;
    const step = async <T>(work: () => Promise<T>): Promise<T> => {
      steps += 1;
      if (steps === killAt) throw new Killed();
      // Dead: nothing is answered any more.
      if (steps > killAt) return await new Promise<T>(() => undefined);
      const done = await work();
      // Killed when it was done, before anybody heard of it.
      steps += 1;
      if (steps === killAt) throw new Killed();
      return done;
    };
    const ledger = new Proxy<Ledger>(this.ledger, {
      get: (target, name) => {
        const own = Reflect.get(target, name) as unknown;
        if (typeof own !== "function") return own;
        const bound = (own as (...words: unknown[]) => unknown).bind(target);
        if (name !== "setCheckpoint" && name !== "hold") return bound;
        return (...words: unknown[]) => step(async () => await bound(...words));
      },
    });
    const sink: ConfiguredSink = {
      name: "hook",
      severity: "info",
      sink: {
        send: (message) =>
          step(async () => {
            if (this.isDown) throw new SinkError("it is down", { isFinal: false });
            this.taken.push(message);
          }),
      },
    };
    const alerting = new Alerting({
      ledger,
      observe: async () => ({ atMs: this.nowMs, counts: this.#counts(), replications: [], engines: [], results: [] }),
      clock: { nowMs: () => this.nowMs, random: () => 0.5, sleep: async () => undefined },
      name: "run",
      settings: () => ({
        everyMs: SECOND,
        conditions: { newCause: { ...newCause, keepMs: 0 }, drift: CONDITION_DEFAULTS.drift },
      }),
      sinks: () => [sink],
      digests: async () => {
        if (this.documents === undefined) throw new Error("the store is away");
        return this.documents;
      },
      onTrouble: (says) => this.troubles.push(says),
      ...more,
    });
    return { alerting, steps: () => steps };
  }

  #counts(): Count[] {
    return Object.entries(this.causes).map(([bucket, tasks]) => {
      const where = { bucket, ruleId: "r", destinationArn: "arn:aws:s3:::dr", operation: "put" } as const;
      return { ...where, state: "parked", failureCode: "DstBucketNotFound", tasks, bytes: 0 };
    });
  }

  /** Goes on for a while; false when the engine was killed. */
  async go(alerting: Alerting, seconds: number): Promise<boolean> {
    for (let count = 0; count < seconds; count++) {
      this.nowMs += SECOND;
      try {
        await alerting.tick();
        await alerting.settled();
      } catch (error) {
        if (error instanceof Killed) return false;
        throw error;
      }
    }
    return true;
  }

  said(): string[] {
    return this.taken.map((one) => `${one.status} ${one.alerts.map(({ bucket }) => bucket).join(" ")}`.trim());
  }
}

describe("alerting", () => {
  it("killed between any two steps it loses no message, and one that comes twice has the same id", async () => {
    let killAt = 1;
    for (; killAt < 200; killAt++) {
      const world = new World();
      world.causes = { photos: 1 };
      const first = world.engine(killAt);
      const script = async (alerting: Alerting): Promise<boolean> => {
        if (!(await world.go(alerting, 2))) return false;
        world.causes = {};
        return await world.go(alerting, 2);
      };
      const over = new AbortController();
      const isThrough = await Promise.race([script(first.alerting), killed(first, killAt, over.signal)]);
      over.abort();
      // The next process finds what is written, and the world as it is.
      const second = world.engine();
      world.causes = { photos: 2 };
      await world.go(second.alerting, 2);
      world.causes = {};
      await world.go(second.alerting, 2);
      const book = await readBook(world.ledger);
      assert.deepEqual(book?.outbox, [], `killed at ${killAt}`);
      const ids = new Map(world.taken.map((one) => [one.id, one]));
      const unique = [...ids.values()].map((one) => one.status);
      // An end that was not sent yet when it began again is no news, so a beginning may follow a beginning.
      assert.equal(unique[0], "firing", `killed at ${killAt}`);
      unique.forEach((status, index) => {
        assert.ok(status === "firing" || unique[index - 1] === "firing", `killed at ${killAt}: ${unique.join()}`);
      });
      assert.equal(unique.at(-1), "resolved");
      assert.ok(world.taken.length - ids.size <= 1, "a crash repeats one message at most");
      await world.ledger.close();
      if (isThrough) break;
    }
    assert.ok(killAt > 20 && killAt < 200, `${killAt} steps`);
  });

  it("sends what a sink that was down did not take, in the order of its news", async () => {
    const world = new World();
    const { alerting } = world.engine();
    world.isDown = true;
    world.causes = { photos: 1 };
    await world.go(alerting, 20);
    world.causes = { photos: 1, music: 1 };
    await world.go(alerting, 400);
    assert.deepEqual(world.troubles, ["alerts: hook does not take messages: it is down"], "it is told once");
    world.isDown = false;
    await world.go(alerting, 400);
    assert.deepEqual(world.said(), ["firing photos", "firing music"]);
    assert.deepEqual((await readBook(world.ledger))?.troubles, {});
    await world.ledger.close();
  });

  it("of two engines on a ledger one judges, and the other takes over what it has written", async () => {
    const world = new World();
    const [one, other] = [world.engine(Infinity, { name: "one" }), world.engine(Infinity, { name: "other" })];
    world.causes = { photos: 1 };
    for (let count = 0; count < 10; count++) {
      await world.go(one.alerting, 1);
      await world.go(other.alerting, 1);
    }
    assert.deepEqual(world.said(), ["firing photos"]);
    // The first one is gone; its hold runs out after a minute.
    world.causes = {};
    await world.go(other.alerting, 70);
    assert.deepEqual(world.said(), ["firing photos", "resolved photos"]);
    await world.go(one.alerting, 5);
    assert.equal(world.taken.length, 2);
    await world.ledger.close();
  });

  it("a ledger that is away for a while costs nothing but time", async () => {
    const world = new World();
    const { alerting } = world.engine();
    world.ledger.setCheckpoint = async () => {
      throw new DatabaseError("full", "the disk is full");
    };
    world.causes = { photos: 1 };
    await world.go(alerting, 3);
    assert.deepEqual(world.said(), [], "what is not written is not sent");
    Reflect.deleteProperty(world.ledger, "setCheckpoint");
    await world.go(alerting, 3);
    assert.deepEqual(world.said(), ["firing photos"]);
    await world.ledger.close();
  });

  it("what is known to be good is what was seen first, or accepted; what cannot be read is not judged", async () => {
    const world = new World();
    const { alerting } = world.engine();
    const policy = (digest: string) => [{ replication: "photos", what: "bucket policy of dr", digest }];
    const state = async () => {
      await world.go(alerting, 130);
      return Object.values((await readBook(world.ledger))?.tracked ?? {}).map((one) => one.life.state);
    };
    world.documents = policy("1");
    assert.deepEqual(await state(), []);
    world.documents = policy("2");
    assert.deepEqual(await state(), ["firing"]);
    world.documents = undefined;
    assert.deepEqual(await state(), ["firing"]);
    assert.equal(world.troubles.length, 1);
    world.documents = policy("2");
    assert.deepEqual(await state(), ["firing"]);
    assert.equal(await accept(world.ledger, { atMs: world.nowMs, by: "alice", why: "alerts accept" }), 1);
    assert.deepEqual(await state(), ["resolved"]);
    world.documents = [...policy("2"), { replication: "music", what: "bucket policy of dr", digest: "9" }];
    assert.deepEqual(await state(), ["resolved"]);
    world.documents = policy("1");
    assert.deepEqual(await state(), ["firing"]);
    world.documents = policy("2");
    assert.deepEqual(await state(), ["resolved"]);
    await world.ledger.close();
  });

  it("forgets silences that have run out", async () => {
    const world = new World();
    const { alerting } = world.engine();
    await silence(world.ledger, { id: "a", untilMs: world.nowMs + 5000, by: "", why: "", atMs: 0 });
    await world.go(alerting, 3);
    assert.equal((await world.ledger.checkpoints("alerts silence")).length, 1);
    await world.go(alerting, 3);
    assert.equal((await world.ledger.checkpoints("alerts silence")).length, 0);
    await world.ledger.close();
  });

  it("finds versions that are redriven again and again among any number of rows, some at a time", async () => {
    const row = (index: number): TaskRow => ({
      id: index,
      version: { bucket: "photos", key: `key-${index}`, versionId: "v" },
      operation: "put",
      destinationArn: "arn:aws:s3:::dr",
      ruleId: "r",
      origin: "live",
      sizeBytes: 0,
      writtenAtMs: 0,
      dueAtMs: 0,
      state: "parked",
      nextTryAtMs: 0,
      attempts: 1,
      redrives: index % 1000 === 7 ? 4 + index / 1000 : 0,
      failure: { code: "DstBucketNotFound", step: "put", message: "" },
    });
    const causes = [{ bucket: "photos", ruleId: "r", destinationArn: "arn:aws:s3:::dr", code: "DstBucketNotFound" }];
    const all = Array.from({ length: 5000 }, (_, index) => row(index));
    let rows = 0;
    const sweep = new RedriveSweep({
      list: async (_, { after, limit }) => {
        const from = Number(after ?? 0);
        const tasks = all.slice(from, from + limit);
        rows += tasks.length;
        return { tasks, ...(from + limit < all.length ? { next: String(from + limit) } : {}) };
      },
    });
    assert.equal(await sweep.look(5, causes), undefined, "not all have been looked at");
    assert.equal(rows, 2000);
    assert.equal(await sweep.look(5, causes), undefined);
    const [found, ...others] = (await sweep.look(5, causes)) ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual([found?.versions, found?.most, found?.key], [4, 8.007, "key-4007"]);
    all.length = 0;
    assert.deepEqual(await sweep.look(5, []), []);
  });

  it("looks at one cause after the other, at so many at a time, however few versions each has", async () => {
    const causes = Array.from({ length: 120 }, (_, index) => {
      return { bucket: "photos", ruleId: `r${index}`, destinationArn: "arn:aws:s3:::dr", code: "DstBucketNotFound" };
    });
    const asked: string[] = [];
    const sweep = new RedriveSweep({
      list: async ({ ruleId = "", state, failureCodes }) => {
        asked.push(ruleId);
        assert.deepEqual([state, failureCodes], ["parked", ["DstBucketNotFound"]]);
        return { tasks: [] };
      },
    });
    assert.equal(await sweep.look(5, causes), undefined);
    assert.equal(asked.length, 50);
    assert.equal(await sweep.look(5, causes), undefined);
    assert.deepEqual(await sweep.look(5, causes), []);
    assert.deepEqual(
      asked,
      causes.map((one) => one.ruleId),
    );
  });
});

/** True never: resolves with false once the process is dead, or the watch over it is over. */
async function killed(engine: { readonly steps: () => number }, killAt: number, over: AbortSignal): Promise<false> {
  while (engine.steps() < killAt && !over.aborted) await new Promise(setImmediate);
  for (let turns = 0; turns < 20 && !over.aborted; turns++) await new Promise(setImmediate);
  return false;
}
