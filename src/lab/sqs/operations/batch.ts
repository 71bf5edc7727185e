/** What the batches of SQS have in common: entries with ids of their own, and an outcome for each. */
import { ServiceError } from "../../model.ts";
import { queryNameOf, sqsError } from "../errors.ts";
import type { Input } from "../input.ts";

export interface BatchEntry {
  readonly id: string;
  readonly input: Input;
}

const ENTRIES_MAX = 10;
const ID = /^[A-Za-z0-9_-]{1,80}$/;

/** @throws ServiceError EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct */
export function batchOf(input: Input, action: string): readonly BatchEntry[] {
  const entries = input.entries("Entries").map((one) => ({ id: one.text("Id"), input: one }));
  if (entries.length === 0) {
    throw sqsError("EmptyBatchRequest", `There should be at least one ${action}RequestEntry in the request.`);
  }
  if (entries.length > ENTRIES_MAX) {
    const message = `Maximum number of entries per request are ${ENTRIES_MAX}. You have sent ${entries.length}.`;
    throw sqsError("TooManyEntriesInBatchRequest", message);
  }
  const seen = new Set<string>();
  for (const { id } of entries) {
    if (!ID.test(id)) {
      const message =
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
      throw sqsError("InvalidBatchEntryId", message);
    }
    if (seen.has(id)) throw sqsError("BatchEntryIdsNotDistinct", `Id ${id} repeated.`);
    seen.add(id);
  }
  return entries;
}

export interface BatchOutcome {
  readonly id: string;
  readonly outcome: Readonly<Record<string, unknown>> | ServiceError;
}

/** What comes of one entry; its refusal is not that of the others. */
export function outcomeOf({ id }: BatchEntry, work: () => Readonly<Record<string, unknown>>): BatchOutcome {
  try {
    return { id, outcome: work() };
  } catch (error) {
    if (error instanceof ServiceError) return { id, outcome: error };
    throw error;
  }
}

export function batchAnswer(outcomes: readonly BatchOutcome[]): Readonly<Record<string, unknown>> {
  const successful = outcomes.flatMap(({ id, outcome }) =>
    outcome instanceof ServiceError ? [] : [{ Id: id, ...outcome }],
  );
  const failed = outcomes.flatMap(({ id, outcome }) =>
    outcome instanceof ServiceError
      ? [{ Id: id, SenderFault: true, Code: queryNameOf(outcome.code), Message: outcome.message }]
      : [],
  );
  return {
    ...(successful.length === 0 ? {} : { Successful: successful }),
    ...(failed.length === 0 ? {} : { Failed: failed }),
  };
}
