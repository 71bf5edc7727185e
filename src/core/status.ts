/**
 * The state machine of a replication task, and the status that a version shows.
 *
 * A task is PENDING from the moment it is made. An attempt ends it in one of three ways:
 * - done: COMPLETED, for good; a later change of the version is another task.
 * - failed for a reason that passes by itself (`retry: "later"`): it stays PENDING and has a time for its next try.
 *   There is no number of tries after which it is given up: an offline destination is never FAILED.
 * - failed for a reason that somebody has to remove (`retry: "never"`): FAILED, with a code. It is tried again only
 *   when it is re-driven, and is PENDING then.
 *
 * A version shows FAILED when any of its tasks is FAILED, else PENDING when any is, else COMPLETED.
 *
 * @source aws-replication.md §3.2
 */

import type { FailureCode } from "./failures/catalogue.ts";
import { isTransient } from "./failures/classify.ts";
import type { ReplicationStatus } from "./model.ts";

export type Outcome =
  | { readonly done: true }
  | { readonly done: false; readonly code: FailureCode; readonly retryAfterMs?: number };

export type NextState =
  | { readonly status: "COMPLETED" }
  | { readonly status: "PENDING"; readonly nextTryAtMs: number }
  | { readonly status: "FAILED" };

/** The first wait is about a second, every next one twice as long, up to five minutes. */
export const RETRY_WAIT_FIRST_MS = 1000;
export const RETRY_WAIT_MAX_MS = 5 * 60_000;
/** A store that asks for a longer pause gets it, up to an hour. */
const RETRY_AFTER_MAX_MS = 60 * 60_000;

/**
 * The state after an attempt.
 *
 * @param attempts how many attempts there were, this one included; at least 1
 * @param jitter   0..1, from the caller's source of randomness: spreads tries that failed together
 */
export function nextState(
  outcome: Outcome,
  attempts: number,
  options: { readonly nowMs: number; readonly jitter: number },
): NextState {
  if (outcome.done) return { status: "COMPLETED" };
  if (!isTransient(outcome.code)) return { status: "FAILED" };
  const doubled = RETRY_WAIT_FIRST_MS * 2 ** Math.min(attempts - 1, 30);
  const waitMs = Math.min(doubled, RETRY_WAIT_MAX_MS) * (0.75 + options.jitter / 2);
  const askedMs = Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  return { status: "PENDING", nextTryAtMs: options.nowMs + Math.round(Math.max(waitMs, askedMs)) };
}

/**
 * What a version shows, from the states of the tasks that are not done.
 *
 * That FAILED wins over another destination's PENDING is a guess (unconfirmed, A9).
 */
export function shownStatus(undone: readonly ("PENDING" | "FAILED")[]): ReplicationStatus {
  if (undone.includes("FAILED")) return "FAILED";
  return undone.length > 0 ? "PENDING" : "COMPLETED";
}

/** Reads a store's spelling of a status; `COMPLETE` is an old one. Undefined for none, and for words that mean nothing. */
export function replicationStatusOf(text: string | undefined): ReplicationStatus | undefined {
  if (text === "COMPLETE") return "COMPLETED";
  return text === "PENDING" || text === "COMPLETED" || text === "FAILED" || text === "REPLICA" ? text : undefined;
}
