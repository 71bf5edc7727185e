/**
 * One case of the loop: the lab is broken by API calls, the failure occurs, `diagnose` names it, what it proposes is done,
 * what was lost is replicated again, and then everything is there and nothing is wrong any more.
 */
import assert from "node:assert/strict";
import type { NoteKind } from "../../src/core/diagnose/by-design.ts";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import type { SkipReason } from "../../src/core/eligibility.ts";
import { type FailureClass, type FailureCode, failureEntry } from "../../src/core/failures/catalogue.ts";
import type { ListedVersion } from "../../src/s3/store.ts";
import { codesOf } from "./codes.ts";
import { assertReplicated, type Kind, write } from "./objects.ts";
import { Standard, type StandardOptions } from "./standard.ts";
import { SOURCE } from "./world.ts";

export interface LoopCase {
  readonly name: string;
  /** Why its failure is only put on record: nothing here answers so. */
  readonly onRecord?: string;
  readonly set?: StandardOptions;
  /** What is written after it was broken. */
  readonly kinds: readonly Kind[];
  readonly breakIt: (set: Standard) => Promise<void>;
  /** Breaks it while the versions are PENDING, before anything is tried. */
  readonly late?: (set: Standard) => Promise<void>;
  /** Happens after the versions were tried. */
  readonly meanwhile?: (set: Standard) => Promise<void>;
  /** What `diagnose` says, or how it refuses to say anything. */
  readonly expect: Expectation | Refusal | Report | Explanation;
  readonly mend: Mend;
  /** Versions that stay as they are, by design or because a person has decided so. */
  readonly except?: (one: ListedVersion) => boolean;
  /** What is still said when everything was done: of versions that stay as they are. */
  readonly stillSaid?: readonly FailureCode[];
}

/** `diagnose` says only that it cannot. */
export interface Refusal {
  readonly refused: RegExp;
}

/**
 * Nothing is held back, so no cause is said: asked for the one object, `diagnose` says why a rule does not take it, or a
 * change of it; and no longer after the way out.
 */
export interface Explanation {
  readonly explained: {
    readonly bucket?: string;
    readonly key: string;
    readonly rule: string;
    readonly because: SkipReason["reason"];
    /** What is told besides. */
    readonly note?: NoteKind;
  };
  /** What is said of the bucket besides. */
  readonly said?: readonly FailureCode[];
}

/** The report of a Batch Replication job names the code; `diagnose` knows nothing of jobs. */
export interface Report {
  /** Runs the job; returns the outcomes of its tasks. */
  readonly reported: (set: Standard) => Promise<readonly string[]>;
  readonly said: readonly FailureCode[];
}

export interface Expectation {
  readonly class: FailureClass;
  readonly action?: string;
  /** How many versions the cause holds back. */
  readonly affected: number;
  readonly confidence: "proven" | "likely" | "possible";
  /** A word of the evidence. */
  readonly says?: RegExp;
  /** What the engine has recorded, where it is not the cause's own code alone. */
  readonly recorded?: readonly FailureCode[];
}

/** How the cause goes away. */
export type Mend =
  /** By the patches of `fix --apply`, which asks for the cause's name where they cannot be undone; then a resync. */
  | { readonly by: "patch"; readonly lasting?: true; readonly proof?: "unproven" }
  /** A person decides: there is no patch. Then a resync. */
  | { readonly by: "decision"; readonly person: (set: Standard) => Promise<void> }
  /** By itself, once the disturbance is over: the versions stay PENDING until then. */
  | { readonly by: "passing"; readonly end: (set: Standard) => Promise<void> }
  /** Never: it is meant to be so. What is documented as the way out is done instead. */
  | { readonly by: "design"; readonly wayOut: (set: Standard) => Promise<void> };

/** Plays a case to its end. @param code what `diagnose` has to call it */
export async function closeTheLoop(code: FailureCode, one: LoopCase, stateDir: string): Promise<void> {
  const set = await Standard.make(stateDir, one.set);
  try {
    await play(set, code, one);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${one.name} (${code}):\n${what}\n${await set.world.story()}`, { cause: error });
  } finally {
    await set.world.close();
  }
}

async function play(set: Standard, code: FailureCode, one: LoopCase): Promise<void> {
  const { world } = set;
  await one.breakIt(set);
  if (one.late !== undefined) world.sites.hold();
  await write(set, one.kinds);
  await one.late?.(set);
  world.sites.release();
  await world.settle();
  await one.meanwhile?.(set);
  await world.settle();
  const { expect } = one;
  if ("reported" in expect) {
    const outcomes = await expect.reported(set);
    assert.deepEqual([...new Set(outcomes.map((outcome) => outcome.split(",")[2]))], [code], outcomes.join("\n"));
    assert.deepEqual(codesOf(await world.diagnose()), expect.said);
  } else if ("explained" in expect) {
    assert.deepEqual(codesOf(await world.diagnose()), expect.said ?? []);
    const { because, note = because } = expect.explained;
    const reasons = await reasonsFor(set, expect);
    assert.ok(reasons.includes(because) && reasons.includes(note), `the object is explained: ${reasons.join()}`);
  } else {
    await assertRecorded(set, "recorded" in expect ? expect.recorded : [code]);
    if ("refused" in expect) return await forget(set, expect);
    assertSaid(await world.diagnose(), code, expect);
  }
  await mend(set, one);
  await assertHealed(set, one);
  if (!("explained" in expect)) return;
  const { because, note = because } = expect.explained;
  const reasons = await reasonsFor(set, expect);
  assert.ok(!reasons.includes(because) && !reasons.includes(note), `after the way out: ${reasons.join()}`);
}

/** Where there is no bucket there is nothing to mend: what is on record of it is forgotten, as by `resync --gone`. */
async function forget({ world }: Standard, { refused }: Refusal): Promise<void> {
  await assert.rejects(world.diagnose(), refused);
  const { gone } = await world.resync({ untried: false });
  assert.ok(gone > 0, "there is something to forget");
  assert.deepEqual((await world.ledger.list({}, { limit: 1 })).tasks, [], "nothing is left on record");
}

/** Why a rule does not take an object, or a change of it. */
async function reasonsFor({ world }: Standard, { explained }: Explanation): Promise<readonly string[]> {
  const { bucket = SOURCE, key, rule } = explained;
  const [found] = await world.explain(bucket, key);
  assert.ok(found !== undefined, `there is a version of ${key}`);
  const because = [...found.rules, ...found.changes].flatMap((one) => (one.rule === rule ? (one.because ?? []) : []));
  return [...because, ...found.notes.map((one) => one.kind)];
}

/** The case's cause is said, and no other one. */
function assertSaid(said: Diagnosis, code: FailureCode, expected: Expectation): void {
  assert.deepEqual(codesOf(said), [code], "exactly this cause is said");
  assert.deepEqual(said.unexplained, []);
  const [cause] = said.causes;
  assert.ok(cause !== undefined);
  assert.equal(cause.class, expected.class, "class");
  assert.equal(cause.class, failureEntry(code).class, "class, as the catalogue has it");
  assert.equal(cause.action, expected.action, "action");
  assert.equal(cause.affected.versions, expected.affected, "versions that it holds back");
  assert.equal(cause.confidence, expected.confidence, "confidence");
  assert.ok(cause.evidence.length > 0, "there is evidence");
  assert.ok(cause.fix.summary.length > 0, "it is said what to do");
  if (expected.says !== undefined) assert.match(cause.evidence.map((piece) => piece.says).join("\n"), expected.says);
}

async function assertRecorded({ world }: Standard, codes: readonly FailureCode[]): Promise<void> {
  const { tasks } = await world.ledger.list({}, { limit: 1000 });
  const recorded = [...new Set(tasks.map((task) => task.failure?.code ?? "untried"))];
  assert.deepEqual(recorded.sort(), [...codes].sort(), "what the engine has recorded");
}

async function mend(set: Standard, one: LoopCase): Promise<void> {
  const { world } = set;
  switch (one.mend.by) {
    case "patch": {
      if (one.mend.lasting === true) {
        assert.deepEqual(await world.fixAll(), [], "what cannot be undone is not done without its cause's name");
      }
      const cause = one.mend.lasting === true ? world.said?.causes[0]?.id : undefined;
      const proof = await world.prove(SOURCE, cause);
      assert.equal(proof.verdict, one.mend.proof ?? "proven", JSON.stringify(proof.rows, undefined, 1));
      assert.ok((await world.fixAll(SOURCE, cause)).length > 0, "there is a patch");
      const between = codesOf(await world.diagnose());
      assert.deepEqual(
        between.filter((code) => code !== "RetryNeeded" && code !== "NeverTried"),
        [],
        "after the patch only a resync is left to do",
      );
      await resync(set);
      return;
    }
    case "decision":
      assert.deepEqual(await world.fixAll(), [], "nothing is patched that a person has to decide");
      await one.mend.person(set);
      await world.settle();
      await resync(set);
      return;
    case "passing": {
      const said = await world.diagnose();
      assert.equal(said.scanned.failed, 0, "what passes by itself is never FAILED");
      assert.deepEqual(await world.fixAll(), []);
      await one.mend.end(set);
      await world.settleRetries();
      return;
    }
    case "design":
      assert.deepEqual(await world.fixAll(), []);
      await one.mend.wayOut(set);
      await world.settle();
      return;
  }
}

async function resync({ world }: Standard): Promise<void> {
  const progress = await world.resync();
  const { foundFailed, foundUntried, completed, failed } = progress;
  assert.ok(foundFailed + foundUntried > 0, "there is something to replicate again");
  assert.deepEqual({ completed, failed }, { completed: foundFailed + foundUntried, failed: 0 }, "the resync");
}

async function assertHealed(set: Standard, one: LoopCase): Promise<void> {
  const { world, except = () => false } = { ...one, world: set.world };
  await world.settle();
  const said = await world.diagnose();
  assert.deepEqual(codesOf(said), one.stillSaid ?? [], "what is said in the end");
  assert.deepEqual(said.unexplained, []);
  await assertReplicated(set, except);
  const { tasks } = await world.ledger.list({}, { limit: 1 });
  assert.deepEqual(tasks, [], "nothing is left to do");
}
