/** What the ledger has recorded of tries that failed, as a diagnosis takes it. */
import type { FailureRecord, FailureRecords } from "../doctor/ports.ts";
import type { Ledger, TaskRow } from "../ledger/ledger.ts";

export interface FailuresRequest {
  readonly bucket: string;
  readonly prefix?: string;
  readonly after?: string;
  /** 1..1000 */
  readonly limit: number;
}

/** One page of recorded failures. */
export interface FailurePage {
  readonly failures: readonly FailureRecord[];
  /** Where the next page starts; undefined on the last one. */
  readonly next?: string;
}

const PAGE = 1000;

export async function failuresIn(
  ledger: Pick<Ledger, "list">,
  { bucket, prefix, after, limit }: FailuresRequest,
): Promise<FailurePage> {
  const selection = { bucket, ...(prefix === undefined ? {} : { prefix }) };
  const page = await ledger.list(selection, { limit, ...(after === undefined ? {} : { after }) });
  const failures = page.tasks.flatMap(failureOf);
  return { failures, ...(page.next === undefined ? {} : { next: page.next }) };
}

/** The records of a ledger in this process, page by page. */
export function recordsOf(ledger: Pick<Ledger, "list">): FailureRecords {
  return {
    async *failures(bucket, prefix) {
      let after: string | undefined;
      do {
        const more = { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) };
        const page: FailurePage = await failuresIn(ledger, { bucket, limit: PAGE, ...more });
        yield page.failures;
        after = page.next;
      } while (after !== undefined);
    },
  };
}

/** What is recorded of a task's last try; nothing for a task that waits for its first. */
function failureOf(row: TaskRow): readonly FailureRecord[] {
  if (row.failure === undefined) return [];
  const { code, step, httpStatus, errorCode, message } = row.failure;
  const { firstAttemptAtMs, lastAttemptAtMs, nextTryAtMs, state } = row;
  return [
    {
      key: row.version.key,
      versionId: row.version.versionId,
      destinationArn: row.destinationArn,
      ruleId: row.ruleId,
      code,
      step,
      pending: state !== "parked",
      attempts: row.attempts,
      ...(firstAttemptAtMs === undefined ? {} : { firstAttemptAtMs }),
      ...(lastAttemptAtMs === undefined ? {} : { lastAttemptAtMs }),
      ...(state === "parked" ? {} : { nextTryAtMs }),
      ...(httpStatus === undefined ? {} : { httpStatus }),
      ...(errorCode === undefined ? {} : { errorCode }),
      message,
    },
  ];
}
