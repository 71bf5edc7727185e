/**
 * Sessions of browsers: in memory, and in the ledger, so that a restart logs nobody out and every engine's console knows them.
 *
 * A session ends when nothing was asked under it for `IDLE_MS`, when it is `LIFE_MS` old, when it is closed, and when what it
 * was opened with (the token, a user's password) does not hold any more. Its id is known to the browser alone. The ledger keeps
 * what the id hashes to, who it is and a proof of what it was opened with that only the id can check: whoever reads the ledger
 * can neither take a session over nor try passwords on it. While the ledger is away, memory decides.
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { DatabaseError } from "../../ledger/database-error.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Role } from "./identity.ts";
import { sameSecret } from "./secrets.ts";

export interface Session {
  readonly user: string;
  readonly role: Role;
  /** Shown with every change, so that no other site's page can make one. */
  readonly csrf: string;
  readonly createdAtMs: number;
}

/** What somebody may, and what shows that it is he. */
export interface Standing {
  readonly role: Role;
  /** The token, or the hash of the password: as it is configured. */
  readonly secret: string;
}

export interface SessionsOptions {
  readonly clock: () => number;
  readonly ledger: Pick<Ledger, "checkpoint" | "checkpoints" | "setCheckpoint">;
  /** Undefined: he may not log in. */
  readonly standingOf: (user: string) => Standing | undefined;
}

export const IDLE_MS = 30 * 60_000;
export const LIFE_MS = 12 * 60 * 60_000;
/** More than these push out the one that was idle the longest. */
export const SESSIONS_MAX = 1000;
/** How old what memory knows of a session may become: so late, at most, is a logout at another engine heeded. */
export const TOUCH_MS = 60_000;
const ID_BYTES = 32;
const PREFIX = "session ";

/** As it stands in the ledger, under what its id hashes to. */
interface Written {
  readonly user: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly proof: string;
}

interface Kept extends Session {
  readonly proof: string;
  seenAtMs: number;
  /** When the ledger was asked for it last. */
  askedAtMs: number;
  /** The time of its use that the ledger knows; undefined where it does not know it at all. */
  writtenAtMs: number | undefined;
}

type Times = Pick<Kept, "createdAtMs" | "seenAtMs">;

export class Sessions {
  readonly #options: SessionsOptions;
  /** By name, the one that was idle the longest first. */
  readonly #kept = new Map<string, Kept>();
  /** Names of those that are closed, and that the ledger has yet to forget. */
  readonly #closed = new Set<string>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /**
   * @returns the id, which is told once and never again
   * @throws RangeError for somebody who may not log in
   */
  async open(user: string): Promise<string> {
    const standing = this.#options.standingOf(user);
    if (standing === undefined) throw new RangeError(`${user} may not log in`);
    const id = randomBytes(ID_BYTES).toString("base64url");
    const nowMs = this.#options.clock();
    await this.#trim();
    const times = { createdAtMs: nowMs, seenAtMs: nowMs, askedAtMs: nowMs, writtenAtMs: undefined };
    const kept: Kept = { user, role: standing.role, csrf: csrfOf(id), proof: proofOf(id, standing), ...times };
    this.#kept.set(nameOf(id), kept);
    await this.#write(nameOf(id), kept);
    return id;
  }

  /** Finds a session that has not ended, and sets its idle time back. */
  async use(id: string): Promise<Session | undefined> {
    const name = nameOf(id);
    const found = await this.#find(id);
    if (found === undefined) return undefined;
    const nowMs = this.#options.clock();
    found.seenAtMs = nowMs;
    this.#kept.delete(name);
    this.#kept.set(name, found);
    if (found.writtenAtMs === undefined || nowMs - found.writtenAtMs >= TOUCH_MS) await this.#write(name, found);
    return found;
  }

  /** Finds a session that has not ended, and leaves its idle time as it is. */
  async look(id: string): Promise<Session | undefined> {
    return await this.#find(id);
  }

  /** When it ends if nothing more is asked, as far as memory knows; undefined when it has ended. */
  expiresAtMs(id: string): number | undefined {
    const found = this.#alive(nameOf(id));
    return found === undefined ? undefined : endOf(found);
  }

  /** Here at once; at other engines when they look at the ledger. */
  async close(id: string): Promise<void> {
    this.#kept.delete(nameOf(id));
    this.#closed.add(nameOf(id));
    await this.#forgetClosed();
  }

  /** From memory while that is fresh, from the ledger where it is not. */
  async #find(id: string): Promise<Kept | undefined> {
    const name = nameOf(id);
    if (this.#closed.has(name)) return undefined;
    const nowMs = this.#options.clock();
    const known = this.#alive(name);
    if (known !== undefined && (nowMs - known.askedAtMs < TOUCH_MS || known.writtenAtMs === undefined)) return known;
    const written = await this.#read(name);
    if (written === "away") return known;
    const found = written === undefined ? undefined : this.#judge(id, written);
    // It may have been used at another engine, or here since it was written.
    if (found !== undefined) found.seenAtMs = Math.max(found.seenAtMs, known?.seenAtMs ?? 0);
    if (found === undefined || endOf(found) <= nowMs || this.#closed.has(name)) {
      this.#kept.delete(name);
      return undefined;
    }
    this.#kept.set(name, found);
    return found;
  }

  /** A session that was read, if it still holds. */
  #judge(id: string, { user, createdAtMs, seenAtMs, proof }: Written): Kept | undefined {
    const standing = this.#options.standingOf(user);
    if (standing === undefined || !sameSecret(proof, proofOf(id, standing))) return undefined;
    const times = { createdAtMs, seenAtMs, askedAtMs: this.#options.clock(), writtenAtMs: seenAtMs };
    return { user, role: standing.role, csrf: csrfOf(id), proof, ...times };
  }

  #alive(name: string): Kept | undefined {
    const found = this.#kept.get(name);
    if (found === undefined || endOf(found) > this.#options.clock()) return found;
    this.#kept.delete(name);
    return undefined;
  }

  async #read(name: string): Promise<Written | "away" | undefined> {
    try {
      const text = await this.#options.ledger.checkpoint(`${PREFIX}${name}`);
      return text === undefined ? undefined : (JSON.parse(text) as Written);
    } catch (error) {
      if (error instanceof DatabaseError) return "away";
      throw error;
    }
  }

  /** Whoever looks why the ledger is away stays logged in while it is. */
  async #write(name: string, kept: Kept): Promise<void> {
    const { user, createdAtMs, seenAtMs, proof } = kept;
    const text = JSON.stringify({ user, createdAtMs, seenAtMs, proof } satisfies Written);
    const isDone = await this.#isDone(() => this.#options.ledger.setCheckpoint(`${PREFIX}${name}`, text));
    if (isDone) kept.writtenAtMs = seenAtMs;
  }

  /** Forgets those that have ended, and those that were idle the longest where there are too many. */
  async #trim(): Promise<void> {
    const nowMs = this.#options.clock();
    for (const [name, one] of this.#kept) if (endOf(one) <= nowMs) this.#kept.delete(name);
    await this.#forgetClosed();
    await this.#isDone(async () => {
      const all = (await this.#options.ledger.checkpoints(PREFIX)).map(({ name, value }) => {
        const told = JSON.parse(value) as Written;
        const seenAtMs = Math.max(told.seenAtMs, this.#kept.get(name.slice(PREFIX.length))?.seenAtMs ?? 0);
        return { name, seenAtMs, createdAtMs: told.createdAtMs };
      });
      const live = all.filter((one) => endOf(one) > nowMs).toSorted((one, other) => other.seenAtMs - one.seenAtMs);
      const stay = new Set(live.slice(0, SESSIONS_MAX - 1));
      for (const one of all) if (!stay.has(one)) await this.#drop(one.name.slice(PREFIX.length));
    });
    for (const name of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - SESSIONS_MAX + 1))) {
      this.#kept.delete(name);
    }
  }

  async #forgetClosed(): Promise<void> {
    await this.#isDone(async () => {
      for (const name of this.#closed) await this.#drop(name);
    });
  }

  /** @throws DatabaseError */
  async #drop(name: string): Promise<void> {
    await this.#options.ledger.setCheckpoint(`${PREFIX}${name}`, undefined);
    this.#kept.delete(name);
    this.#closed.delete(name);
  }

  /** False while the ledger is away. */
  async #isDone(run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      if (error instanceof DatabaseError) return false;
      throw error;
    }
  }
}

function endOf({ seenAtMs, createdAtMs }: Times): number {
  return Math.min(seenAtMs + IDLE_MS, createdAtMs + LIFE_MS);
}

function nameOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}

/** Made of the id, so that nothing has to be kept of it. */
function csrfOf(id: string): string {
  return createHmac("sha256", id).update("csrf").digest("base64url");
}

function proofOf(id: string, { secret }: Standing): string {
  return createHmac("sha256", id).update(`opened with ${secret}`).digest("base64url");
}
