/**
 * Whether configurations and policies are as they were last known to be good. Only digests are kept: no document leaves
 * the place where it was read.
 *
 * What is seen for the first time is good. What differs later has drifted, until somebody accepts what is there now, or it is
 * as before again. What Lockstep changes itself is accepted as it is changed (`own-changes.ts`). A document that cannot be
 * read now is not judged.
 */
import type { Ledger } from "../../ledger/ledger.ts";
import type { Drifted } from "./conditions.ts";
import { type Acceptance, acceptThese, digestsIn, goodIn, keep, keepGood, nameOf } from "./known-good.ts";
import { openChangesIn } from "./own-changes.ts";

export interface DocumentDigest {
  readonly replication: string;
  /** `bucket policy of photos-replica` */
  readonly what: string;
  /** Hex SHA-256, or a word for a document that is not there. */
  readonly digest: string;
}

/** @throws anything where nothing is known now; a document that cannot be read is left out */
export type ReadDigests = () => Promise<readonly DocumentDigest[]>;

type Checkpoints = Pick<Ledger, "checkpoint" | "setCheckpoint" | "checkpoints">;

const PRESENT = "alerts present documents";
/** Documents are read no more often. */
export const DRIFT_EVERY_MS = 2 * 60_000;

/**
 * Compares what is there with what is good, and keeps both.
 *
 * @param readAtMs when it was begun to be read: what was accepted since is not judged by it
 */
export async function driftedNow(
  ledger: Checkpoints,
  present: readonly DocumentDigest[],
  { readAtMs, nowMs }: { readonly readAtMs: number; readonly nowMs: number },
): Promise<readonly Drifted[]> {
  const good = new Map((await goodIn(ledger)).map((one) => [nameOf(one), one]));
  await keep(ledger, PRESENT, present);
  const unseen = present.filter((one) => !good.has(nameOf(one)));
  if (unseen.length > 0) await keepGood(ledger, [...(await goodIn(ledger)), ...unseen]);
  const changing = new Set((await openChangesIn(ledger, nowMs)).flatMap((one) => one.good.map(nameOf)));
  return present
    .filter((one) => {
      const known = good.get(nameOf(one));
      if (known === undefined || changing.has(nameOf(one))) return false;
      return known.digest !== one.digest && (known.accepted?.atMs ?? -Infinity) < readAtMs;
    })
    .map(({ replication, what }) => ({ replication, what }));
}

/** Makes what was last seen the known good. @returns how many documents were another one before */
export async function accept(ledger: Checkpoints, acceptance: Acceptance): Promise<number> {
  return (await acceptThese(ledger, await digestsIn(ledger, PRESENT), acceptance)).length;
}
