/**
 * What a cancelled job gives back: its tasks that wait are FAILED again where they were FAILED before, and forgotten where
 * they had never been tried. What a worker holds at that moment ends as it ends.
 */
import type { JobRow, Ledger, TaskRow } from "../../ledger/ledger.ts";
import type { Sites } from "../ports.ts";
import type { StepOutcome } from "./feeder.ts";
import { CHUNK_TASKS } from "./walk.ts";

export async function giveBack(
  job: JobRow,
  { ledger, sites }: { readonly ledger: Ledger; readonly sites: Sites },
): Promise<StepOutcome> {
  if (job.open === 0) return "over";
  const selection = { jobId: job.id, state: "waiting" } as const;
  let after: string | undefined;
  do {
    const page = await ledger.list(selection, { limit: CHUNK_TASKS, ...(after === undefined ? {} : { after }) });
    after = page.next;
    const ids = page.tasks.map((one) => one.id);
    if (ids.length === 0) continue;
    await ledger.repark({ ids, state: "waiting" });
    await ledger.discard({ ids, state: "waiting" });
    await showFailed(ids, { ledger, sites });
  } while (after !== undefined);
  return "waits";
}

/** Shown behind the parking: a worker may have taken the task, and what it shows is right. */
async function showFailed(
  ids: readonly number[],
  { ledger, sites }: { readonly ledger: Ledger; readonly sites: Sites },
): Promise<void> {
  if (sites.showsNoStatus === true) return;
  const { tasks } = await ledger.list({ ids, state: "parked" }, { limit: CHUNK_TASKS });
  await Promise.all(tasks.map((one: TaskRow) => sites.publish(one.version, one.destinationArn, "FAILED")));
}
