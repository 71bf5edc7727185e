/** The rows of an inventory as they are asked for, whatever reads them: DuckDB, or the reader of CSV that needs none. */
import type { FailureLog } from "./failure-log.ts";
import type { InventoryGroup } from "./inventory-rows.ts";
import type { KeyCondition } from "./key-conditions.ts";

export interface InventoryTable {
  /** @throws EvidenceError when the files are not what the manifest says, or hold too many kinds of rows */
  groups(request: GroupRequest): Promise<InventoryGroup[]>;
  /** Versions of which a failure is recorded and that are in no row; at most so many of them. */
  unseen(log: FailureLog, limit: number): Promise<{ readonly key: string; readonly versionId: string }[]>;
  close(): Promise<void>;
}

export interface GroupRequest {
  readonly conditions: readonly KeyCondition[];
  /** Whether owners and access control lists decide. */
  readonly byOwner: boolean;
  readonly log: FailureLog;
  /** Delete markers only, those written from then on told from the others. */
  readonly markersFromMs?: number;
}

/** Kinds of rows beyond which a diagnosis would say nothing that a person can read. */
export const GROUPS_MAX = 50_000;
