/**
 * S3 Inventory at work: which configurations are due, by the lab's clock, and the reports that are asked for at once.
 *
 * A daily report is due at midnight UTC, a weekly one at the beginning of Sunday. AWS may take two days to the first one.
 */
import { ServiceError } from "../model.ts";
import { requireBucket } from "../s3/access.ts";
import { type InventoryConfiguration, markInventory, requireInventory, type StoredInventory } from "../s3/inventory.ts";
import type { S3Service } from "../s3/service.ts";
import { type InventoryReport, writeReport } from "./report.ts";

export interface Inventories {
  /** Makes a report now. @throws ServiceError */
  run(bucketName: string, id: string): Promise<InventoryReport>;
  /** Makes the reports that are due. What a destination refuses waits for the next date. */
  runDue(): Promise<void>;
}

export function createInventories(s3: S3Service, clock: () => number): Inventories {
  async function run(bucketName: string, id: string): Promise<InventoryReport> {
    const bucket = requireBucket(s3, bucketName);
    return await writeReport(s3, bucket, requireInventory(bucket, id).configuration, clock());
  }

  return {
    run,

    async runDue() {
      for (const bucket of s3.buckets.all()) {
        for (const stored of bucket.settings.inventories ?? []) {
          if (!isDue(stored, clock())) continue;
          await markInventory(s3, bucket, stored.configuration.id, clock());
          try {
            await run(bucket.name, stored.configuration.id);
          } catch (error) {
            if (!(error instanceof ServiceError)) throw error;
          }
        }
      }
    },
  };
}

const DAY_MS = 86_400_000;
/** The day of the epoch was a Thursday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS;

function isDue({ configuration, setMs, lastMs = 0 }: StoredInventory, nowMs: number): boolean {
  return configuration.isEnabled && latestDate(configuration, nowMs) > Math.max(setMs, lastMs);
}

/** The last date on which such a report was due. */
function latestDate({ frequency }: InventoryConfiguration, nowMs: number): number {
  if (frequency === "Daily") return nowMs - (nowMs % DAY_MS);
  return nowMs - ((nowMs - FIRST_SUNDAY_MS) % (7 * DAY_MS));
}
