/**
 * What is kept of the scans of a bucket and one destination: which walk is under way, and whether one has come to its end
 * under the same rules. The parts of a walk are kept beside it (`scan-parts.ts`).
 */
import { createHash } from "node:crypto";
import type { ReplicationConfiguration } from "../core/model.ts";
import type { Ledger } from "../ledger/ledger.ts";

export interface ScanCheckpoint {
  /** Digest of the rules it was begun under. */
  readonly rules: string;
  /** The walk that is under way; undefined between walks. */
  readonly walk?: string;
  /** Keys up to this one need not be walked: a walk of one part was cut off behind it. */
  readonly afterKey?: string;
  /** When a walk under these rules has last come to its end. */
  readonly endedAtMs?: number;
}

export interface Scanned {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly configuration: ReplicationConfiguration;
}

/** The checkpoint of scans under today's rules; one of other rules counts for nothing. */
export async function readScanCheckpoint(ledger: Ledger, scanned: Scanned): Promise<ScanCheckpoint> {
  const rules = digestOf(scanned.configuration);
  const text = await ledger.checkpoint(scanName(scanned));
  const kept = text === undefined ? undefined : (JSON.parse(text) as Partial<ScanCheckpoint>);
  return kept?.rules === rules ? { ...kept, rules } : { rules };
}

export async function writeScanCheckpoint(ledger: Ledger, scanned: Scanned, checkpoint: ScanCheckpoint): Promise<void> {
  await ledger.setCheckpoint(scanName(scanned), JSON.stringify(checkpoint));
}

/** Whether everything that was there before is accounted for: it is in the map, under way, or not to be replicated. */
export async function wasScanned(ledger: Ledger, scanned: Scanned): Promise<boolean> {
  return (await readScanCheckpoint(ledger, scanned)).endedAtMs !== undefined;
}

/** What everything that is kept of these scans begins with. Neither buckets nor ARNs hold blanks. */
export function scanName({ bucket, destinationArn }: Pick<Scanned, "bucket" | "destinationArn">): string {
  return `scan ${bucket} ${destinationArn}`;
}

function digestOf({ rules }: ReplicationConfiguration): string {
  return createHash("sha256").update(JSON.stringify(rules)).digest("hex").slice(0, 16);
}
