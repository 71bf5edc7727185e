/** Works: they run until they settle, write one at a time, end when they are told to, and are remembered. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Identity } from "./auth/identity.ts";
import { Changes } from "./changes.ts";
import type { Told } from "./desk.ts";
import { type WorkOrder, WorkRunner } from "./work-runner.ts";
import type { Work } from "./works.ts";

const WHO: Identity = { user: "olga", role: "operator", from: "127.0.0.1" };

function open() {
  const kept = new Map<string, string>();
  const ledger = {
    setCheckpoint: async (name: string, value: string | undefined) => {
      if (value === undefined) kept.delete(name);
      else kept.set(name, value);
    },
    checkpoints: async (prefix: string) =>
      [...kept].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => ({ name, value })),
  };
  const changes = new Changes({ ledger, clock: () => 1000 });
  const told: Work[] = [];
  const ended = new Map<string, (work: Work) => void>();
  const runner = new WorkRunner({
    clock: () => 1000,
    changes,
    onChange: (work) => {
      told.push(work);
      if (work.state !== "running") ended.get(work.id)?.(work);
    },
    onFault: (error) => assert.fail(String(error)),
  });
  const endOf = (id: string) => new Promise<Work>((done) => ended.set(id, done));
  return { runner, changes, told, endOf };
}

function order(run: WorkOrder["run"], more: Partial<WorkOrder> = {}): WorkOrder {
  return { kind: "diagnose", bucket: "b", who: WHO, run, ...more };
}

/** Settles when somebody tells it to end. */
function untilTold({ signal }: Told): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("told to end"))));
}

describe("works", () => {
  it("tell how far they are, and their result", async () => {
    const { runner, told, endOf } = open();
    const begun = await runner.begin(
      order(async ({ onProgress }) => {
        onProgress({ says: "half", done: 1, total: 2 });
        return { found: 3 };
      }),
    );
    assert.equal(begun.state, "running");
    assert.equal(begun.by, "olga");
    const work = await endOf(begun.id);
    assert.deepEqual([work.state, work.result, work.endedAtMs], ["done", { found: 3 }, 1000]);
    assert.ok(told.some((one) => one.progress.says === "half"));
    assert.deepEqual(runner.find(begun.id), work);
  });

  it("that write to one bucket run one at a time, and stand in the audit log with how they ended", async () => {
    const { runner, changes, endOf } = open();
    const apply = { kind: "apply", changes: "Applies patches" } as const;
    const first = await runner.begin(order(untilTold, apply));
    assert.equal((await changes.list(10))[0]?.outcome, "begun");
    await assert.rejects(runner.begin(order(untilTold, apply)), /apply of b is under way/);
    const elsewhere = await runner.begin(order(untilTold, { ...apply, bucket: "c" }));
    const ended = endOf(first.id);
    runner.cancel(first.id);
    assert.equal((await ended).state, "cancelled");
    const [, logged] = await changes.list(10);
    assert.deepEqual([logged?.subject, logged?.outcome, logged?.says], ["b", "failed", "told to end"]);
    const last = endOf(elsewhere.id);
    runner.cancelAll();
    await last;
  });

  it("that fail say why, and do not run in any number", async () => {
    const { runner, endOf } = open();
    const begun = await runner.begin(
      order(async () => {
        throw new Error("the bucket is gone");
      }),
    );
    const work = await endOf(begun.id);
    assert.deepEqual([work.state, work.error], ["failed", "the bucket is gone"]);
    const running = [];
    for (let count = 0; count < 8; count++) running.push(await runner.begin(order(untilTold)));
    await assert.rejects(runner.begin(order(untilTold)), /8 works run already/);
    const ends = running.map((one) => endOf(one.id));
    runner.cancelAll();
    await Promise.all(ends);
  });
});
