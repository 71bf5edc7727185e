/**
 * Changes of configurations and policies that Lockstep makes itself, so that nobody is alarmed about them: told before the
 * first document is written and again after the last. What was good before is good as it is afterwards, with who did it.
 *
 * A document that somebody else had changed before, and not been accepted, stays drifted: who applied a patch has seen the
 * patch and not the other change. What is changed after the end drifts, also in the same document. Between both nothing is said
 * of these documents, for so long at most; who died in between leaves a change that has to be accepted by hand.
 */
import { randomBytes } from "node:crypto";
import type { Ledger } from "../../ledger/ledger.ts";
import type { DocumentDigest, ReadDigests } from "./drift.ts";
import { type Acceptance, acceptThese, type Good, goodIn, nameOf } from "./known-good.ts";

export interface OwnChange {
  /** What is going to be written, as `DocumentDigest.what` has it. Names that nobody watches do no harm. */
  readonly documents: readonly string[];
  readonly by: string;
  /** `fix u-0123456789` */
  readonly why: string;
}

export interface OwnChanges {
  /** @returns what `end` takes */
  begin(change: OwnChange): Promise<string>;
  /** @returns documents that are good now and were another one before; none when it was not begun, or too long ago */
  end(id: string): Promise<readonly DocumentDigest[]>;
}

/** One that was begun and has not ended. */
export interface OpenChange extends Acceptance {
  readonly id: string;
  /** As they were, of what is going to be written. */
  readonly good: readonly Good[];
}

type Checkpoints = Pick<Ledger, "checkpoint" | "setCheckpoint" | "checkpoints">;

const PREFIX = "alerts own change ";
/** Longer than any write takes to show, as IAM's do. */
const OPEN_MS_MAX = 10 * 60_000;

export function ownChanges(parts: {
  readonly ledger: Checkpoints;
  readonly digests: ReadDigests;
  readonly clock: () => number;
}): OwnChanges {
  const { ledger, digests, clock } = parts;
  return {
    begin: async ({ documents, by, why }) => {
      const known = new Map((await goodIn(ledger)).map((one) => [nameOf(one), one.digest]));
      const present = (await digests()).filter((one) => documents.includes(one.what));
      // What nobody has seen yet is good.
      const good = present.filter((one) => (known.get(nameOf(one)) ?? one.digest) === one.digest);
      const change: OpenChange = { id: randomBytes(8).toString("hex"), atMs: clock(), by, why, good };
      await ledger.setCheckpoint(`${PREFIX}${change.id}`, JSON.stringify(change));
      return change.id;
    },
    end: async (id) => {
      const change = (await openChangesIn(ledger, clock())).find((one) => one.id === id);
      if (change === undefined) return [];
      const before = new Map(change.good.map((one) => [nameOf(one), one.digest]));
      const after = (await digests()).filter((one) => (before.get(nameOf(one)) ?? one.digest) !== one.digest);
      const { by, why } = change;
      // By the clock after the last read: what was read earlier is judged no more.
      const accepted = after.length === 0 ? [] : await acceptThese(ledger, after, { atMs: clock(), by, why });
      await ledger.setCheckpoint(`${PREFIX}${id}`, undefined);
      return accepted;
    },
  };
}

/** Those that may still be ended; takes away all others. */
export async function openChangesIn(ledger: Checkpoints, nowMs: number): Promise<readonly OpenChange[]> {
  const kept = (await ledger.checkpoints(PREFIX)).map(({ value }) => JSON.parse(value) as OpenChange);
  const isOpen = (one: OpenChange) => nowMs - one.atMs <= OPEN_MS_MAX;
  for (const { id } of kept.filter((one) => !isOpen(one))) await ledger.setCheckpoint(`${PREFIX}${id}`, undefined);
  return kept.filter(isOpen);
}
