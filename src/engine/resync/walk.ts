/**
 * What a resync has to feed, chunk by chunk: FAILED tasks from the ledger first, then versions from the bucket.
 *
 * A walk changes nothing. Behind the last chunk of a page stands the cursor to go on with when all of it has been fed.
 */
import { isCanaryKey } from "../../core/canary-key.ts";
import type { Ledger, NewTask, Selection, TaskRow } from "../../ledger/ledger.ts";
import type { Clock, Sites } from "../ports.ts";
import { untriedTasks } from "../untried.ts";
import { type Cursor, isUntriedAsked, type ResyncRequest } from "./model.ts";

export interface WalkOptions {
  readonly jobId: string;
  readonly request: ResyncRequest;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
}

/** Some tasks of one page. */
export type Chunk = {
  /** Versions that were passed over, with the page's last chunk. */
  readonly unreadable: number;
  /** Behind the page; undefined when more of it follows. */
  readonly upTo?: Cursor;
} & (
  | { readonly of: "failed"; readonly tasks: readonly TaskRow[] }
  | { readonly of: "untried"; readonly tasks: readonly NewTask[] }
);

/** Tasks that are fed at a time. */
export const CHUNK_TASKS = 500;

export async function* chunksFrom(cursor: Cursor, options: WalkOptions, signal: AbortSignal): AsyncGenerator<Chunk> {
  if (cursor.of === "failed") yield* failedChunks(cursor.after, options, signal);
  if (cursor.of === "nothing" || !isUntriedAsked(options.request) || signal.aborted) return;
  yield* untriedChunks(cursor.of === "untried" ? cursor : { of: "untried" }, options, signal);
}

async function* failedChunks(
  from: string | undefined,
  { ledger, request, jobId }: WalkOptions,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  const { bucket, prefix, failureCodes } = request;
  const selection: Selection = {
    bucket,
    state: "parked",
    ...(prefix === undefined ? {} : { prefix }),
    ...(failureCodes === undefined ? {} : { failureCodes }),
  };
  let after = from;
  do {
    const page = await ledger.list(selection, { limit: CHUNK_TASKS, ...(after === undefined ? {} : { after }) });
    after = page.next;
    // What this job has fed and has FAILED again is not fed a second time.
    const tasks = page.tasks.filter((one) => one.jobId !== jobId && isAsked(request, one, failedAtMs(one)));
    const end: Cursor = isUntriedAsked(request) ? { of: "untried" } : { of: "nothing" };
    yield { of: "failed", tasks, unreadable: 0, upTo: after === undefined ? end : { of: "failed", after } };
  } while (after !== undefined && !signal.aborted);
}

async function* untriedChunks(
  { from }: Extract<Cursor, { readonly of: "untried" }>,
  { ledger, sites, clock, request }: WalkOptions,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  const { bucket, prefix, failed, untried, arrived = [], metadata = false } = request;
  const configuration = await sites.configuration(bucket);
  if (configuration === undefined) return;
  // PENDING that the ledger knows nothing of is nobody's work, FAILED likewise.
  const lost = untried ? (["NONE", "PENDING", ...(failed ? (["FAILED"] as const) : [])] as const) : [];
  const pages = untriedTasks(
    {
      bucket,
      statuses: new Set([...lost, ...arrived]),
      metadata,
      configuration,
      ledger,
      sites,
      clock,
      ...(prefix === undefined ? {} : { prefix }),
      ...(from === undefined ? {} : { from }),
    },
    signal,
  );
  for await (const { tasks, unreadable, upTo } of pages) {
    const wanted = tasks.filter((one) => isAsked(request, one, one.writtenAtMs));
    for (let first = 0; first === 0 || first < wanted.length; first += CHUNK_TASKS) {
      const chunk = wanted.slice(first, first + CHUNK_TASKS);
      const isLast = first + CHUNK_TASKS >= wanted.length;
      const end = isLast ? { unreadable, upTo: { of: "untried", from: upTo } as const } : { unreadable: 0 };
      yield { of: "untried", tasks: chunk, ...end };
    }
  }
}

/** A FAILED task is looked for by when it failed, not by when its version was written. */
function failedAtMs({ lastAttemptAtMs, writtenAtMs }: TaskRow): number {
  return lastAttemptAtMs ?? writtenAtMs;
}

/** Canaries come and go by themselves: whoever wrote them follows and removes them. */
function isAsked({ sinceMs, untilMs }: ResyncRequest, { version }: NewTask, atMs: number): boolean {
  if (isCanaryKey(version.key)) return false;
  return atMs >= (sinceMs ?? Number.NEGATIVE_INFINITY) && atMs < (untilMs ?? Number.POSITIVE_INFINITY);
}
