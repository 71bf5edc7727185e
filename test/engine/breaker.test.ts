/** The breaker and the throttle by themselves: what they count, and when they change. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Breaker, FAILURES_TO_OPEN, TRIAL_AFTER_MS_MAX, TRIAL_AFTER_MS_MIN } from "../../src/engine/breaker.ts";
import { GROW_EVERY_MS, PAUSE_MS_MAX, Throttle } from "../../src/engine/throttle.ts";

/** With the longest trial interval of its kind. */
const JITTER = 1;

function told(atMs: number, isTrial = false) {
  return { isTrial, answer: { atMs }, jitter: JITTER };
}

function opened(atMs = 0): Breaker {
  const breaker = new Breaker(0);
  for (let failure = 0; failure < FAILURES_TO_OPEN; failure++) breaker.leave("away", told(atMs));
  return breaker;
}

describe("a breaker", () => {
  test("opens after so many tasks in a row that found nobody", () => {
    const breaker = new Breaker(0);
    for (let failure = 1; failure < FAILURES_TO_OPEN; failure++) {
      assert.equal(breaker.leave("away", told(failure)), "same");
      assert.equal(breaker.passing(), Number.POSITIVE_INFINITY);
    }
    assert.equal(breaker.leave("away", told(100)), "opened");
    assert.equal(breaker.passing(), 0);
    const { state, sinceMs, nextTrialAtMs } = breaker.state;
    assert.deepEqual([state, sinceMs, nextTrialAtMs], ["open", 100, 100 + TRIAL_AFTER_MS_MIN]);
  });

  for (const sign of ["there", "busy"] as const) {
    test(`counts anew after an answer that says ${sign}`, () => {
      const breaker = new Breaker(0);
      for (let round = 0; round < 3; round++) {
        for (let failure = 1; failure < FAILURES_TO_OPEN; failure++) breaker.leave("away", told(round));
        assert.equal(breaker.state.failures, FAILURES_TO_OPEN - 1);
        breaker.leave(sign, told(round));
        assert.deepEqual([breaker.state.state, breaker.state.failures], ["closed", 0]);
      }
    });
  }

  test("does not count what says nothing of its end", () => {
    const breaker = new Breaker(0);
    for (let task = 0; task < 2 * FAILURES_TO_OPEN; task++) breaker.leave("silent", told(task));
    assert.deepEqual([breaker.state.state, breaker.state.failures], ["closed", 0]);
  });

  test("lets one task pass when the time of the trial has come, and no second one", () => {
    const breaker = opened();
    assert.equal(breaker.tick(TRIAL_AFTER_MS_MIN - 1), false);
    assert.equal(breaker.passing(), 0);
    assert.equal(breaker.tick(TRIAL_AFTER_MS_MIN), true);
    assert.equal(breaker.passing(), 1);
    assert.equal(breaker.enter(), true);
    assert.equal(breaker.passing(), 0);
  });

  test("waits twice as long after every trial that finds nobody, up to a bound", () => {
    const breaker = opened();
    const waits: number[] = [];
    for (let trial = 0; trial < 8; trial++) {
      const atMs = breaker.state.nextTrialAtMs ?? Number.NaN;
      breaker.tick(atMs);
      breaker.enter();
      assert.equal(breaker.leave("away", told(atMs, true)), "opened");
      waits.push((breaker.state.nextTrialAtMs ?? Number.NaN) - atMs);
    }
    assert.deepEqual(waits.slice(0, 4), [2000, 4000, 8000, 16_000]);
    assert.equal(waits.at(-1), TRIAL_AFTER_MS_MAX);
    assert.equal(breaker.state.sinceMs, 0);
  });

  test("is not put off by what was under way when it opened", () => {
    const breaker = opened();
    const before = breaker.state.nextTrialAtMs;
    for (let straggler = 0; straggler < 30; straggler++) assert.equal(breaker.leave("away", told(900)), "same");
    assert.equal(breaker.state.nextTrialAtMs, before);
    breaker.tick(TRIAL_AFTER_MS_MIN);
    breaker.enter();
    assert.equal(breaker.leave("away", told(1500)), "same");
    assert.equal(breaker.passing(), 0);
  });

  test("closes at the first answer, a trial's or a straggler's, and begins with short trials again", () => {
    const breaker = opened();
    breaker.tick(TRIAL_AFTER_MS_MIN);
    breaker.enter();
    assert.equal(breaker.leave("there", told(5000, true)), "closed");
    assert.deepEqual([breaker.state.state, breaker.state.sinceMs, breaker.state.failures], ["closed", 5000, 0]);
    for (let failure = 0; failure < FAILURES_TO_OPEN; failure++) breaker.leave("away", told(6000));
    assert.equal(breaker.state.nextTrialAtMs, 6000 + TRIAL_AFTER_MS_MIN);
    assert.equal(breaker.leave("there", told(6100)), "closed");
  });

  test("tries another task when the trial ended without a word from its end", () => {
    const breaker = opened();
    breaker.tick(TRIAL_AFTER_MS_MIN);
    breaker.enter();
    assert.equal(breaker.leave("silent", told(2000, true)), "same");
    assert.equal(breaker.passing(), 1);
  });
});

describe("a throttle", () => {
  test("halves once for all tasks that were under way together", () => {
    const throttle = new Throttle(32);
    for (let task = 0; task < 32; task++) throttle.busy({ nowMs: 100 + task, startedAtMs: 50, held: 32 });
    assert.equal(throttle.state(200).places, 16);
    throttle.busy({ nowMs: 300, startedAtMs: 250, held: 16 });
    assert.equal(throttle.state(300).places, 8);
  });

  test("halves what is really under way, and leaves one place at least", () => {
    const throttle = new Throttle(32);
    throttle.busy({ nowMs: 1, startedAtMs: 0, held: 6 });
    assert.equal(throttle.state(1).places, 3);
    for (let round = 2; round < 10; round++) throttle.busy({ nowMs: round, startedAtMs: round, held: 3 });
    assert.equal(throttle.state(10).places, 1);
    assert.equal(throttle.free(0, 10), 1);
  });

  test("grows by one place in a second at most, and only by what was done", () => {
    const throttle = new Throttle(8);
    throttle.busy({ nowMs: 0, startedAtMs: 0, held: 8 });
    for (let task = 0; task < 1000; task++) throttle.done(GROW_EVERY_MS - 1);
    assert.equal(throttle.state(0).places, 4);
    assert.equal(throttle.done(GROW_EVERY_MS), false);
    assert.equal(throttle.state(0).places, 5);
    for (let task = 0; task < 4; task++) throttle.done(9 * GROW_EVERY_MS);
    assert.equal(throttle.state(0).places, 5);
    throttle.done(9 * GROW_EVERY_MS);
    assert.equal(throttle.state(0).places, 6);
  });

  test("is over when it has grown to where it began", () => {
    const throttle = new Throttle(2);
    throttle.busy({ nowMs: 0, startedAtMs: 0, held: 2 });
    assert.equal(throttle.done(GROW_EVERY_MS), true);
  });

  test("lets nothing begin until the store wants to be asked again, within a bound", () => {
    const throttle = new Throttle(4);
    throttle.busy({ nowMs: 0, startedAtMs: 0, held: 4, retryAfterMs: 3000 });
    assert.deepEqual([throttle.free(0, 2999), throttle.free(0, 3000)], [0, 2]);
    assert.equal(throttle.changesAtMs(10), 3000);
    throttle.busy({ nowMs: 4000, startedAtMs: 0, held: 2, retryAfterMs: 10 * PAUSE_MS_MAX });
    assert.equal(throttle.state(4000).pausedUntilMs, 4000 + PAUSE_MS_MAX);
  });
});
