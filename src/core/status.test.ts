import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FAILURES, type FailureCode } from "./failures/catalogue.ts";
import { nextState, RETRY_WAIT_FIRST_MS, RETRY_WAIT_MAX_MS, shownStatus } from "./status.ts";

const CODES = Object.keys(FAILURES) as FailureCode[];

test("status: every outcome ends in exactly one of COMPLETED, PENDING with a time to come, FAILED", () => {
  const attempts = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(
      fc.constantFrom(...CODES),
      attempts,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (code, tries, jitter) => {
        const state = nextState({ done: false, code }, tries, { nowMs: 1000, jitter });
        if (FAILURES[code].retry === "never") assert.deepEqual(state, { status: "FAILED" });
        else {
          assert.equal(state.status, "PENDING");
          assert.ok(state.status === "PENDING" && state.nextTryAtMs > 1000);
          assert.ok(state.nextTryAtMs <= 1000 + RETRY_WAIT_MAX_MS * 1.25);
        }
      },
    ),
  );
  assert.deepEqual(nextState({ done: true }, 1, { nowMs: 0, jitter: 0 }), { status: "COMPLETED" });
});

test("status: an offline destination is never FAILED, however often it was tried", () => {
  const state = nextState({ done: false, code: "EndpointUnreachable" }, 1_000_000, { nowMs: 0, jitter: 0.5 });
  assert.deepEqual(state, { status: "PENDING", nextTryAtMs: RETRY_WAIT_MAX_MS });
});

test("status: each wait is twice the one before", () => {
  const waits = [1, 2, 3, 4].map((attempts) => {
    const state = nextState({ done: false, code: "StoreUnavailable" }, attempts, { nowMs: 0, jitter: 0.5 });
    return state.status === "PENDING" ? state.nextTryAtMs / RETRY_WAIT_FIRST_MS : 0;
  });
  assert.deepEqual(waits, [1, 2, 4, 8]);
});

test("status: a store that names a pause gets it", () => {
  const outcome = { done: false, code: "RequestThrottled", retryAfterMs: 30_000 } as const;
  assert.deepEqual(nextState(outcome, 1, { nowMs: 0, jitter: 0 }), { status: "PENDING", nextTryAtMs: 30_000 });
});

test("status: a version shows FAILED before PENDING before COMPLETED", () => {
  assert.equal(shownStatus([]), "COMPLETED");
  assert.equal(shownStatus(["PENDING"]), "PENDING");
  assert.equal(shownStatus(["PENDING", "FAILED"]), "FAILED");
});
