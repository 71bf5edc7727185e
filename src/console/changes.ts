/**
 * The audit log of the console: every change that somebody made in it, kept in the ledger, so that it survives a restart and
 * every engine's console shows the same. A change is written down before it is made and again when it has ended: one that
 * stays `begun` was cut off.
 */
import { randomBytes } from "node:crypto";
import type { Ledger } from "../ledger/ledger.ts";
import type { Identity, Role } from "./auth/identity.ts";

export interface Change {
  readonly atMs: number;
  /** The user, or `token`. */
  readonly by: string;
  readonly role: Role;
  /** The address that the call came from. */
  readonly from: string;
  /** What was asked for: `Pauses a job`. */
  readonly action: string;
  /** What it was about: a job's id, a bucket. */
  readonly subject: string;
  readonly outcome: "begun" | "done" | "refused" | "failed";
  /** Why it was refused or failed. */
  readonly says?: string;
}

/** Ends what was begun. */
export type EndChange = (outcome: Exclude<Change["outcome"], "begun">, says?: string) => Promise<void>;

/** Older ones are forgotten. */
export const CHANGES_KEPT = 2000;
const TRIM_EVERY = 100;
const PREFIX = "changed ";
/** Digits of a time in milliseconds, so that names sort by it until the year 2286. */
const TIME_DIGITS = 13;
const ORDER_DIGITS = 6;
const SAYS_MAX = 500;

export class Changes {
  readonly #ledger: Pick<Ledger, "checkpoints" | "setCheckpoint">;
  readonly #clock: () => number;
  #written = 0;

  constructor({
    ledger,
    clock,
  }: { readonly ledger: Pick<Ledger, "checkpoints" | "setCheckpoint">; readonly clock: () => number }) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** Writes down that it begins. What cannot be written down is not to be done. @throws DatabaseError */
  async begin(who: Identity, { action, subject }: Pick<Change, "action" | "subject">): Promise<EndChange> {
    const { user: by, role, from } = who;
    const begun: Change = { atMs: this.#clock(), by, role, from, action, subject, outcome: "begun" };
    const written = this.#written++;
    // Those of one millisecond keep their order, and other engines write under other names.
    const order = `${String(written % 10 ** ORDER_DIGITS).padStart(ORDER_DIGITS, "0")}-${randomBytes(4).toString("hex")}`;
    const name = `${PREFIX}${String(begun.atMs).padStart(TIME_DIGITS, "0")} ${order}`;
    await this.#ledger.setCheckpoint(name, JSON.stringify(begun));
    if (written % TRIM_EVERY === 0) await this.#trim();
    return async (outcome, says) => {
      const ended: Change = { ...begun, outcome, ...(says === undefined ? {} : { says: says.slice(0, SAYS_MAX) }) };
      await this.#ledger.setCheckpoint(name, JSON.stringify(ended));
    };
  }

  /** The youngest first. @throws DatabaseError */
  async list(limit: number): Promise<readonly Change[]> {
    const kept = await this.#ledger.checkpoints(PREFIX);
    return kept
      .slice(-limit)
      .toReversed()
      .map(({ value }) => JSON.parse(value) as Change);
  }

  async #trim(): Promise<void> {
    const kept = await this.#ledger.checkpoints(PREFIX);
    for (const { name } of kept.slice(0, Math.max(0, kept.length - CHANGES_KEPT))) {
      await this.#ledger.setCheckpoint(name, undefined);
    }
  }
}
