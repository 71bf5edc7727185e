/**
 * Whether configurations and policies are as they were last known to be good. Only digests are kept: no document leaves
 * the place where it was read.
 *
 * What is seen for the first time is good. What differs later has drifted, until somebody accepts what is there now, or it is
 * as before again. A document that cannot be read now is not judged.
 */
import type { Ledger } from "../../ledger/ledger.ts";
import type { Drifted } from "./conditions.ts";

export interface DocumentDigest {
  readonly replication: string;
  /** `bucket policy of photos-replica` */
  readonly what: string;
  /** Hex SHA-256, or a word for a document that is not there. */
  readonly digest: string;
}

/** @throws anything where nothing is known now; a document that cannot be read is left out */
export type ReadDigests = () => Promise<readonly DocumentDigest[]>;

const GOOD = "alerts known good";
const PRESENT = "alerts present documents";
/** Documents are read no more often. */
export const DRIFT_EVERY_MS = 2 * 60_000;

/** Compares what is there with what is good, and keeps both. */
export async function driftedNow(
  ledger: Pick<Ledger, "checkpoint" | "setCheckpoint">,
  present: readonly DocumentDigest[],
): Promise<readonly Drifted[]> {
  const good = new Map((await digestsIn(ledger, GOOD)).map((one) => [nameOf(one), one.digest]));
  await keep(ledger, PRESENT, present);
  const unseen = present.filter((one) => !good.has(nameOf(one)));
  if (unseen.length > 0) await keep(ledger, GOOD, [...(await digestsIn(ledger, GOOD)), ...unseen]);
  return present
    .filter((one) => (good.get(nameOf(one)) ?? one.digest) !== one.digest)
    .map(({ replication, what }) => ({ replication, what }));
}

/** Makes what was last seen the known good. @returns how many documents were another one before */
export async function accept(ledger: Pick<Ledger, "checkpoint" | "setCheckpoint">): Promise<number> {
  const present = await digestsIn(ledger, PRESENT);
  const good = new Map((await digestsIn(ledger, GOOD)).map((one) => [nameOf(one), one]));
  const changed = present.filter((one) => good.get(nameOf(one))?.digest !== one.digest).length;
  // What could not be read the last time stays as it was.
  for (const one of present) good.set(nameOf(one), one);
  await keep(ledger, GOOD, [...good.values()]);
  return changed;
}

async function digestsIn(ledger: Pick<Ledger, "checkpoint">, name: string): Promise<readonly DocumentDigest[]> {
  const text = await ledger.checkpoint(name);
  return text === undefined ? [] : (JSON.parse(text) as DocumentDigest[]);
}

async function keep(
  ledger: Pick<Ledger, "checkpoint" | "setCheckpoint">,
  name: string,
  digests: readonly DocumentDigest[],
): Promise<void> {
  const text = JSON.stringify(digests);
  if ((await ledger.checkpoint(name)) !== text) await ledger.setCheckpoint(name, text);
}

function nameOf({ replication, what }: DocumentDigest): string {
  return JSON.stringify([replication, what]);
}
