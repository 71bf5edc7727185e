/** What is said, and how often: once, and never a storm. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Count } from "../../ledger/ledger.ts";
import type { Observation } from "../observation.ts";
import { type Book, idOf, newBook } from "./book.ts";
import { judged } from "./judge.ts";
import type { Message, Silence } from "./model.ts";
import { CONDITION_DEFAULTS, type ConditionSettings } from "./settings.ts";
import { OWN_MAX, told } from "./tell.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const QUICK = { forMs: 0, keepMs: 0 };
const SETTINGS = {
  everyMs: 1,
  conditions: {
    newCause: { ...CONDITION_DEFAULTS.newCause, ...QUICK },
    failed: { ...CONDITION_DEFAULTS.failed, ...QUICK },
  } as Record<string, ConditionSettings>,
};
const SINKS = [{ name: "hook", severity: "info" }] as const;

/** Looks with so many FAILED versions of each cause; what it says is taken off at once. */
class World {
  book: Book = newBook();
  nowMs = 1_000_000;
  silences: Silence[] = [];

  look(causes: Readonly<Record<string, number>>): readonly Message[] {
    const counts: Count[] = Object.entries(causes).map(([bucket, tasks]) => ({
      bucket,
      ruleId: "r",
      destinationArn: "arn:aws:s3:::dr",
      operation: "put",
      state: "parked",
      failureCode: "DstPutObjectNotPermitted",
      tasks,
      bytes: 0,
    }));
    const observation: Observation = { atMs: this.nowMs, counts, replications: [], engines: [], results: [] };
    const known = { observation, redriven: [], drifted: [] };
    const silences = this.silences.filter((one) => one.untilMs > this.nowMs);
    const options = { silences, settings: SETTINGS, sinks: SINKS, nowMs: this.nowMs };
    const said = told(judged({ ...this.book, outbox: [] }, known, SETTINGS), options);
    this.book = said;
    return said.outbox.map((one) => one.message);
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }
}

const words = (messages: readonly Message[]) =>
  messages.map((one) => `${one.status} ${one.alerts.map(({ bucket }) => bucket).join(" ")}`.trim());

function many(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`bucket-${index}`, index + 1]));
}

describe("what is told", () => {
  it("a new cause once, and its end once", () => {
    const world = new World();
    assert.deepEqual(words(world.look({ photos: 1 })), ["firing photos"]);
    for (let hours = 0; hours < 100; hours++) assert.deepEqual(world.after(HOUR).look({ photos: 5 + hours }), []);
    assert.deepEqual(words(world.after(1).look({})), ["resolved photos"]);
    assert.deepEqual(world.after(1).look({}), []);
    assert.deepEqual(words(world.after(1).look({ photos: 1 })), ["firing photos"], "it is new again");
  });

  it("one message for all signs of a cause; a further sign is told a while later, with the highest severity", () => {
    const world = new World();
    const [first] = world.look({ photos: 2000 });
    assert.deepEqual([first?.alerts[0]?.conditions, first?.severity], [["failed", "newCause"], "critical"]);
    assert.equal(first?.alerts[0]?.says.match(/FAILED/g)?.length, 1, "what both say is said once");
    const other = new World();
    assert.equal(other.look({ photos: 1 })[0]?.severity, "warning");
    assert.deepEqual(other.after(1000).look({ photos: 2000 }), []);
    const [update] = other.after(MINUTE).look({ photos: 2000 });
    assert.equal(update?.severity, "critical");
    assert.equal(update?.thread, first?.thread);
  });

  it("a condition that repeats is told again, and one that does not is not", () => {
    const world = new World();
    world.look({ photos: 2000, music: 1 });
    assert.deepEqual(world.after(4 * HOUR - 1).look({ photos: 2000, music: 1 }), []);
    assert.deepEqual(words(world.after(1).look({ photos: 2000, music: 1 })), ["firing photos"]);
  });

  it("500 causes at once are a handful of messages, which name the worst and count the rest", () => {
    const world = new World();
    const messages = world.look(many(500));
    assert.equal(messages.length, OWN_MAX + 1);
    assert.deepEqual(words(messages.slice(0, 2)), ["firing bucket-499", "firing bucket-498"]);
    const digest = messages.at(-1);
    assert.deepEqual([digest?.kind, digest?.alerts.length, digest?.more], ["digest", 10, 485]);
    assert.equal(digest?.alerts[0]?.bucket, "bucket-494");
    for (let minutes = 0; minutes < 60; minutes++) assert.deepEqual(world.after(MINUTE).look(many(500)), []);
    const ends = world.after(MINUTE).look({});
    assert.equal(ends.length, OWN_MAX + 1);
    assert.deepEqual(new Set(ends.map((one) => one.status)), new Set(["resolved"]));
    assert.equal(ends.at(-1)?.thread, digest?.thread);
    assert.deepEqual(world.book.told, {});
  });

  it("causes that keep coming renew the digest every ten minutes at most", () => {
    const world = new World();
    let messages = 0;
    for (let minute = 0; minute < 60; minute++) messages += world.after(MINUTE).look(many((minute + 1) * 10)).length;
    assert.ok(messages <= 60 + 6, `${messages} messages in an hour`);
    assert.ok(messages >= 6);
  });

  it("many that end at once are told of together", () => {
    const world = new World();
    const causes: Record<string, number> = {};
    for (let index = 0; index < 20; index++) {
      causes[`bucket-${index}`] = 1;
      assert.equal(world.after(2 * MINUTE).look(causes).length, 1);
    }
    const [message, ...others] = world.after(MINUTE).look({});
    assert.deepEqual([message?.alerts.length, message?.status, others], [20, "resolved", []]);
    assert.ok(message?.alerts.every((one) => one.state === "resolved"));
  });

  it("a silenced cause is told when the silence ends, and the end of one that was told is told all the same", () => {
    const world = new World();
    const id = world.look({ photos: 1 })[0]?.alerts[0]?.id ?? "";
    world.silences.push({ id, untilMs: world.nowMs + HOUR, by: "", why: "", atMs: 0 });
    assert.deepEqual(world.after(2 * MINUTE).look({ photos: 2000 }), []);
    assert.deepEqual(words(world.after(1).look({})), ["resolved photos"]);
    assert.deepEqual(world.after(1).look({ photos: 1 }), []);
    assert.deepEqual(words(world.after(HOUR).look({ photos: 1 })), ["firing photos"]);
  });

  it("a silenced cause that comes and goes is never told", () => {
    const world = new World();
    world.look({ photos: 1 });
    const id = Object.keys(world.book.told).map(idOf)[0] ?? "";
    world.after(1).look({});
    world.silences.push({ id, untilMs: world.nowMs + HOUR, by: "", why: "", atMs: 0 });
    assert.deepEqual(world.after(1).look({ photos: 1 }), []);
    assert.deepEqual(world.after(1).look({}), []);
  });

  it("whatever happens: no end without a beginning, and no beginning twice without a change", () => {
    const look = fc.record({
      afterMs: fc.constantFrom(1, 30_000, MINUTE, 11 * MINUTE),
      causes: fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i"), fc.constantFrom(1, 2000)),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        const world = new World();
        const open = new Map<string, number>();
        let own: number[] = [];
        for (const { afterMs, causes } of looks) {
          const messages = world.after(afterMs).look(causes);
          own = own.filter((one) => world.nowMs - one < 5 * MINUTE);
          for (const message of messages.filter((one) => one.kind === "alert")) {
            for (const { id, bucket = "" } of message.alerts) {
              if (message.status === "resolved") {
                assert.ok(open.delete(id), "an end of what nobody heard of");
                assert.ok(!Object.hasOwn(causes, bucket));
              } else {
                const lastMs = open.get(id);
                assert.ok(lastMs === undefined || world.nowMs - lastMs >= MINUTE);
                open.set(id, world.nowMs);
                own.push(world.nowMs);
              }
            }
          }
          assert.ok(own.length <= OWN_MAX);
          // Who heard of it and of no end: it goes on.
          for (const id of open.keys()) assert.ok(Object.keys(world.book.told).some((one) => idOf(one) === id));
          const firing = Object.keys(causes).length;
          assert.equal(Object.keys(world.book.told).length, firing, "everything that fires is told or counted");
        }
      }),
      { numRuns: 200 },
    );
  });
});
