/** Replication failure events from a file or a queue, into the log of failures. */
import { createReadStream } from "node:fs";
import type { SqsQueue } from "../../aws/sqs.ts";
import { CsvError } from "../../core/csv.ts";
import { type ReadEvents, readReplicationEvents } from "../../core/evidence/replication-events.ts";
import { jsonIn } from "../../core/json.ts";
import { linesOf } from "../../s3/csv-lines.ts";
import { EvidenceError } from "./error.ts";
import type { FailureLog } from "./failure-log.ts";
import { readSmallFile, sizeOfFile } from "./files.ts";

/** What came of a source of events. */
export interface EventCount {
  /** Failures of versions of the bucket. */
  failures: number;
  /** Events of other kinds and of other buckets. */
  ignored: number;
  /** What could not be understood. */
  problems: number;
}

/** A message holds ten events at most, and SQS messages of 1 MiB. */
const LINE_LENGTH_MAX = 4 * 1024 * 1024;

/**
 * Reads a file with one JSON document, or with one in each line.
 *
 * @throws EvidenceError when there is no such file, or it holds neither
 */
export async function readEventFile(path: string, bucket: string, log: FailureLog): Promise<EventCount> {
  if ((await sizeOfFile(path)) === undefined) throw new EvidenceError(`there is no file ${path}`);
  const count: EventCount = { failures: 0, ignored: 0, problems: 0 };
  let isFirst = true;
  try {
    for await (const line of linesOf(createReadStream(path), LINE_LENGTH_MAX)) {
      if (isFirst && jsonIn(line) === undefined) return await readWhole(path, bucket, log);
      isFirst = false;
      add(readReplicationEvents(line), { bucket, log, count });
    }
  } catch (error) {
    if (error instanceof CsvError) return await readWhole(path, bucket, log);
    throw error;
  }
  return count;
}

async function readWhole(path: string, bucket: string, log: FailureLog): Promise<EventCount> {
  const text = (await readSmallFile(path)).toString();
  if (jsonIn(text) === undefined) throw new EvidenceError(`${path} holds no JSON, and no JSON in its lines`);
  const count: EventCount = { failures: 0, ignored: 0, problems: 0 };
  add(readReplicationEvents(text), { bucket, log, count });
  return count;
}

/** Messages that are read of a queue at most. */
const MESSAGES_MAX = 100_000;
const WAIT_SECONDS = 1;
/** Messages come again to others after this time, unless they are deleted. */
const VISIBILITY_SECONDS = 120;
const DELETED_AT_ONCE = 10;

/**
 * Reads what waits in a queue, until nothing comes any more. Deletes nothing.
 *
 * @returns the count, and how the messages that were understood are deleted
 * @throws AwsError
 */
export async function readEventQueue(
  queue: SqsQueue,
  into: { readonly bucket: string; readonly log: FailureLog },
  signal: AbortSignal,
): Promise<EventCount & { readonly drain: () => Promise<void> }> {
  const count: EventCount = { failures: 0, ignored: 0, problems: 0 };
  const seen = new Set<string>();
  const receipts: string[] = [];
  while (seen.size < MESSAGES_MAX && !signal.aborted) {
    const messages = await queue.receive({ waitSeconds: WAIT_SECONDS, visibilitySeconds: VISIBILITY_SECONDS }, signal);
    const fresh = messages.filter((one) => !seen.has(one.id));
    if (fresh.length === 0) break;
    for (const { id, body, receipt } of fresh) {
      seen.add(id);
      const read = readReplicationEvents(body);
      add(read, { ...into, count });
      // Events of other buckets are for somebody else.
      if (read.problems === 0 && read.failures.every((one) => one.bucket === into.bucket)) receipts.push(receipt);
    }
  }
  return {
    ...count,
    drain: async () => {
      for (let at = 0; at < receipts.length; at += DELETED_AT_ONCE)
        await queue.delete(receipts.slice(at, at + DELETED_AT_ONCE));
    },
  };
}

function add(
  read: ReadEvents,
  into: { readonly bucket: string; readonly log: FailureLog; readonly count: EventCount },
): void {
  const { count } = into;
  count.ignored += read.ignored;
  count.problems += read.problems;
  for (const { bucket, ...failure } of read.failures) {
    if (bucket !== undefined && bucket !== into.bucket) {
      count.ignored += 1;
      continue;
    }
    count.failures += 1;
    into.log.add(failure);
  }
}
