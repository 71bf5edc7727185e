/** Documents that are known to be good, by their digests: kept in one checkpoint, each with who made it what it is. */
import type { Ledger } from "../../ledger/ledger.ts";
import type { DocumentDigest } from "./drift.ts";

/** Since when a document is good as it is, and by whom. */
export interface Acceptance {
  readonly atMs: number;
  readonly by: string;
  /** `fix u-0123456789`, `alerts accept` */
  readonly why: string;
}

/** A document that is known to be good; without acceptance since it was first seen. */
export interface Good extends DocumentDigest {
  readonly accepted?: Acceptance;
}

type KnownGood = Pick<Ledger, "checkpoint" | "setCheckpoint">;

const GOOD = "alerts known good";

/** Makes these the known good. @returns those that were another one before */
export async function acceptThese(
  ledger: KnownGood,
  documents: readonly DocumentDigest[],
  accepted: Acceptance,
): Promise<readonly DocumentDigest[]> {
  // What is not among them, for it could not be read the last time, stays as it was.
  const good = new Map((await goodIn(ledger)).map((one) => [nameOf(one), one]));
  const changed = documents.filter((one) => good.get(nameOf(one))?.digest !== one.digest);
  for (const one of changed) good.set(nameOf(one), { ...one, accepted });
  await keepGood(ledger, [...good.values()]);
  return changed;
}

/** Every document that is known to be good. */
export async function goodIn(ledger: Pick<Ledger, "checkpoint">): Promise<readonly Good[]> {
  return await digestsIn(ledger, GOOD);
}

export async function keepGood(ledger: KnownGood, good: readonly Good[]): Promise<void> {
  await keep(ledger, GOOD, good);
}

/** What is kept under a name; nothing where nothing was. */
export async function digestsIn(ledger: Pick<Ledger, "checkpoint">, name: string): Promise<readonly Good[]> {
  const text = await ledger.checkpoint(name);
  return text === undefined ? [] : (JSON.parse(text) as Good[]);
}

/** Written only where it is another one. */
export async function keep(ledger: KnownGood, name: string, digests: readonly Good[]): Promise<void> {
  const text = JSON.stringify(digests);
  if ((await ledger.checkpoint(name)) !== text) await ledger.setCheckpoint(name, text);
}

/** A document as one text. */
export function nameOf({ replication, what }: Pick<DocumentDigest, "replication" | "what">): string {
  return JSON.stringify([replication, what]);
}
