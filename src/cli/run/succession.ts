/**
 * One engine after another on one ledger: the next takes over what dead ones held, without waiting for their leases.
 *
 * Every engine has a name of its own, by number. What a dead one has sent may still be on its way into a store, and would
 * be written a second time by a successor that looks too soon: so it is taken over after a while only.
 */
import { z } from "zod";
import type { Engine } from "../../engine/engine.ts";
import { Outage } from "../../engine/outage.ts";
import type { Clock } from "../../engine/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";

/** The longest that a request may go on in a store when its client is gone, by all likelihood. */
const SETTLE_MS = 3000;
/** After so many engines that died at once the leases of older ones have run out. */
const PREDECESSORS_MAX = 100;

const CHECKPOINT = "run generations";
const generations = z.object({ last: z.number().int(), takenOver: z.number().int() });

export interface Succession {
  /** Takes over in the background; returns how to end that. */
  begin(parts: {
    readonly engine: Engine;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly onBroken: (error: unknown) => void;
  }): () => Promise<void>;
}

/** Gives this engine its name. The caller vouches that all earlier ones on this ledger are dead. */
export async function succeed(ledger: Ledger): Promise<{ readonly name: string; readonly succession?: Succession }> {
  const kept = await ledger.checkpoint(CHECKPOINT);
  const { last, takenOver } = kept === undefined ? { last: 0, takenOver: 0 } : generations.parse(JSON.parse(kept));
  const own = last + 1;
  await ledger.setCheckpoint(CHECKPOINT, JSON.stringify({ last: own, takenOver }));
  const name = nameOf(own);
  if (takenOver === last) return { name };
  const first = Math.max(takenOver + 1, own - PREDECESSORS_MAX);
  const predecessors = Array.from({ length: own - first }, (_, index) => nameOf(first + index));
  return {
    name,
    succession: {
      begin: ({ engine, ledger: same, clock, onBroken }) => {
        const over = new AbortController();
        const takeOver = async () => {
          await clock.sleep(SETTLE_MS, over.signal);
          for (const one of predecessors) {
            if (over.signal.aborted) return;
            await engine.takeOver(one);
          }
          await same.setCheckpoint(CHECKPOINT, JSON.stringify({ last: own, takenOver: last }));
        };
        const done = new Outage(clock).outlast(takeOver, over.signal).catch(onBroken);
        return async () => {
          over.abort();
          await done;
        };
      },
    },
  };
}

function nameOf(generation: number): string {
  return `run ${generation}`;
}
