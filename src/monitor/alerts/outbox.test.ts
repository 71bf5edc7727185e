/** Lines of messages: their order, their limits, and what takes whose place. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Alert, Message } from "./model.ts";
import { arrived, dueOf, nextDueAtMs, posted, refused, WAITING_MAX, type Waiting } from "./outbox.ts";

const HOOK = [{ name: "hook", severity: "info" }] as const;

function alert(id: string, state: Alert["state"]): Alert {
  return {
    id,
    condition: "newCause",
    conditions: ["newCause"],
    state,
    severity: "warning",
    title: id,
    says: "",
    counts: {},
    command: "",
    subject: "",
    sinceMs: 0,
  };
}

let made = 0;
function message(thread: string, status: Message["status"] = "firing", atMs = 0): Message {
  const state = status === "firing" ? "firing" : "resolved";
  made += 1;
  return {
    id: `m-${made}`,
    status,
    kind: "alert",
    thread,
    severity: "warning",
    atMs,
    alerts: [alert(thread, state)],
    more: 0,
  };
}

const line = (outbox: readonly Waiting[], sink = "hook") =>
  outbox.filter((one) => one.sink === sink).map(({ message: one }) => `${one.status} ${one.thread}`);

describe("the outbox", () => {
  it("keeps one message of a thread, the latest, and those of others in their order", () => {
    let outbox = posted([], message("a"), HOOK);
    outbox = posted(outbox, message("b"), HOOK);
    outbox = posted(outbox, message("a", "resolved"), HOOK);
    assert.deepEqual(line(outbox), ["firing b", "resolved a"]);
  });

  it("what ends together takes the place of what began one by one", () => {
    let outbox = ["a", "b", "c"].reduce((before, one) => posted(before, message(one), HOOK), [] as readonly Waiting[]);
    const together = { ...message("resolved 7", "resolved"), alerts: [alert("a", "resolved"), alert("b", "resolved")] };
    outbox = posted(outbox, together, HOOK);
    assert.deepEqual(line(outbox), ["firing c", "resolved resolved 7"]);
  });

  it("a sink that wants severe messages only gets no others", () => {
    const outbox = posted([], message("a"), [...HOOK, { name: "pager", severity: "critical" }]);
    assert.deepEqual([line(outbox), line(outbox, "pager")], [["firing a"], []]);
  });

  it("a sink that is down holds up nobody else, and its retries wait longer and longer", () => {
    let outbox = posted([], message("a"), [...HOOK, { name: "mail", severity: "info" }]);
    let nowMs = 0;
    const waits: number[] = [];
    for (let tries = 0; tries < 15; tries++) {
      const due = dueOf(outbox, "hook", nowMs);
      assert.ok(due);
      outbox = refused(outbox, due, { isFinal: false }, { nowMs, random: 0.5 }).outbox;
      const nextMs = outbox.find((one) => one.sink === "hook")?.nextTryAtMs ?? 0;
      waits.push((nextMs - nowMs) / 1000);
      assert.equal(dueOf(outbox, "hook", nextMs - 1), undefined);
      assert.ok(dueOf(outbox, "mail", nowMs));
      nowMs = nextMs;
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300, 300]);
    assert.equal(nextDueAtMs(outbox), 0);
  });

  it("waits as long as the receiver asks", () => {
    const outbox = posted([], message("a"), HOOK);
    const due = dueOf(outbox, "hook", 0);
    assert.ok(due);
    const later = refused(outbox, due, { isFinal: false, retryAfterMs: 90_000 }, { nowMs: 0, random: 0 }).outbox;
    assert.equal(later[0]?.nextTryAtMs, 90_000);
  });

  it("what a sink refuses for good holds up nothing, and is given up after five tries", () => {
    let outbox = posted(posted([], message("a"), HOOK), message("b"), HOOK);
    let isGivenUp = false;
    for (let tries = 0; tries < 5; tries++) {
      const waiting = outbox.find((one) => one.message.thread === "a");
      assert.ok(waiting && !isGivenUp);
      ({ outbox, isGivenUp } = refused(outbox, waiting, { isFinal: true }, { nowMs: 0, random: 0 }));
      assert.equal(outbox[0]?.message.thread, "b");
    }
    assert.ok(isGivenUp);
    assert.deepEqual(line(outbox), ["firing b"]);
  });

  it("the successor of a message that is just being sent stays", () => {
    const before = posted([], message("a"), HOOK);
    const sending = dueOf(before, "hook", 0);
    assert.ok(sending);
    const after = posted(before, message("a", "resolved"), HOOK);
    assert.deepEqual(line(arrived(after, sending)), ["resolved a"]);
    assert.deepEqual(line(refused(after, sending, { isFinal: false }, { nowMs: 0, random: 0 }).outbox), ["resolved a"]);
  });

  it("is bounded, and forgets nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), fc.boolean()), { maxLength: 800 }), (given) => {
        let outbox: readonly Waiting[] = [];
        const last = new Map<string, Message["status"]>();
        for (const [thread, isOver] of given) {
          const status = isOver ? "resolved" : "firing";
          last.set(`t${thread}`, status);
          outbox = posted(outbox, message(`t${thread}`, status), HOOK);
        }
        assert.ok(outbox.length <= WAITING_MAX);
        const more = outbox.reduce((sum, one) => sum + one.message.more, 0);
        const said = new Map(outbox.flatMap((one) => one.message.alerts.map((it) => [it.id, it.state] as const)));
        if (more === 0) for (const [thread, status] of last) assert.equal(said.get(thread), status);
        assert.ok(said.size + more >= last.size);
        for (const one of outbox.filter((it) => it.message.thread !== "joined")) {
          assert.equal(one.message.status, last.get(one.message.thread), "the latest of a thread is what is said");
        }
      }),
      { numRuns: 50 },
    );
  });
});
