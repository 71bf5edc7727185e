/**
 * What an inventory shows of all the versions of a job, which a look at some of them cannot tell. It counts only when it was
 * begun after the job had ended: an older one shows what was there before.
 *
 * Tasks that failed are no part of it: the job's report says why. What is PENDING, or not in it, is for the next inventory.
 *
 * @source aws-replication.md §6.5, §8.3
 */
import type { JobDescription } from "../../aws/s3-control.ts";
import { replicationStatusOf } from "../../core/status.ts";
import { requireColumns } from "../evidence/inventory-columns.ts";
import { findInventory, withInventory } from "../evidence/inventory-files.ts";
import { openTaskTable, type TaskRows } from "../evidence/inventory-tasks.ts";
import type { Surroundings } from "../ports.ts";
import { readJobReport } from "./report.ts";

export type ByInventory = Compared | TooOld | Unlisted;

export interface Compared {
  readonly state: "compared";
  readonly name: string;
  readonly takenAt: string;
  /** Versions whose tasks succeeded, each once. */
  readonly versions: number;
  /** COMPLETED, or REPLICA, which a source that is a replica itself keeps. */
  readonly completed: number;
  readonly failed: number;
  readonly pending: number;
  /** No status: nothing was begun. */
  readonly none: number;
  /** Delete markers without a status. */
  readonly markers: number;
  /** Not in the inventory: removed since, or it covers another prefix. */
  readonly missing: number;
  /** Some of those that have not arrived. */
  readonly open: readonly { readonly key: string; readonly versionId: string; readonly shows: Open }[];
}

export type Open = "failed" | "pending" | "none" | "missing";

/** It was begun before the job was over. */
export interface TooOld {
  readonly state: "older";
  readonly name: string;
  readonly takenAt: string;
  readonly endedAt: string;
}

/** Nobody knows the versions of a job without a completion report. */
export interface Unlisted {
  readonly state: "noReport";
}

/**
 * @param where as for `withInventory`
 * @throws EvidenceError when it is of another bucket, lacks columns, or cannot be read; S3Error
 */
export async function verifyByInventory(
  surroundings: Surroundings,
  bucket: string,
  job: Pick<JobDescription, "id" | "output" | "endedAtMs">,
  where: string,
): Promise<ByInventory> {
  const found = await findInventory(surroundings, bucket, where);
  requireColumns(found, bucket, ["Key", "VersionId", "ReplicationStatus"]);
  const { name } = found;
  const takenAt = new Date(found.manifest.takenAtMs).toISOString();
  if (job.endedAtMs !== undefined && found.manifest.takenAtMs < job.endedAtMs)
    return { state: "older", name, takenAt, endedAt: new Date(job.endedAtMs).toISOString() };
  return await withInventory(surroundings, bucket, name, async (inventory) => {
    const table = await openTaskTable(inventory);
    try {
      const report = await readJobReport(surroundings, job, (row) => {
        if (row.succeeded && row.bucket === bucket) table.add(row);
      });
      if (report.state !== "read") return { state: "noReport" };
      return { state: "compared", name, takenAt, ...countsOf(await table.rows()) };
    } finally {
      await table.close();
    }
  });
}

type Shown = Exclude<keyof Compared, "state" | "name" | "takenAt" | "versions" | "open">;

function countsOf(rows: readonly TaskRows[]): Omit<Compared, "state" | "name" | "takenAt"> {
  const counts = { completed: 0, failed: 0, pending: 0, none: 0, markers: 0, missing: 0 };
  const open: Compared["open"][number][] = [];
  let versions = 0;
  for (const row of rows) {
    const shown = shownBy(row);
    counts[shown] += row.versions;
    versions += row.versions;
    if (shown === "completed" || shown === "markers") continue;
    open.push(...row.samples.map((one) => ({ ...one, shows: shown })));
  }
  return { versions, ...counts, open };
}

function shownBy({ isThere, isMarker, status }: TaskRows): Shown {
  if (!isThere) return "missing";
  switch (replicationStatusOf(status)) {
    case "COMPLETED":
    case "REPLICA":
      return "completed";
    case "FAILED":
      return "failed";
    case "PENDING":
      return "pending";
    case undefined:
      return isMarker ? "markers" : "none";
  }
}
