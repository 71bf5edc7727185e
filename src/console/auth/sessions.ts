/**
 * Sessions of browsers, in memory: whoever restarts the process logs everybody out.
 *
 * A session ends when nothing was asked under it for `IDLE_MS`, when it is `LIFE_MS` old, or when it is closed. Its id is
 * known to the browser alone: here is kept what it hashes to.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Role } from "./identity.ts";

export interface Session {
  readonly user: string;
  readonly role: Role;
  /** Shown with every change, so that no other site's page can make one. */
  readonly csrf: string;
  readonly createdAtMs: number;
}

export const IDLE_MS = 30 * 60_000;
export const LIFE_MS = 12 * 60 * 60_000;
/** More than these push out the one that was idle the longest. */
export const SESSIONS_MAX = 1000;
const ID_BYTES = 32;

interface Kept extends Session {
  seenAtMs: number;
}

export class Sessions {
  readonly #clock: () => number;
  /** By what the id hashes to, the one that was idle the longest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** @returns the id, which is told once and never again */
  open({ user, role }: Pick<Session, "user" | "role">): string {
    const id = randomBytes(ID_BYTES).toString("base64url");
    const nowMs = this.#clock();
    for (const [name, one] of this.#kept) if (endOf(one) <= nowMs) this.#kept.delete(name);
    for (const name of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - SESSIONS_MAX + 1))) {
      this.#kept.delete(name);
    }
    const csrf = randomBytes(ID_BYTES).toString("base64url");
    this.#kept.set(nameOf(id), { user, role, csrf, createdAtMs: nowMs, seenAtMs: nowMs });
    return id;
  }

  /** Finds a session that has not ended, and sets its idle time back. */
  use(id: string): Session | undefined {
    const name = nameOf(id);
    const found = this.#alive(name);
    if (found === undefined) return undefined;
    found.seenAtMs = this.#clock();
    this.#kept.delete(name);
    this.#kept.set(name, found);
    return found;
  }

  /** Finds a session that has not ended, and leaves its idle time as it is. */
  look(id: string): Session | undefined {
    return this.#alive(nameOf(id));
  }

  /** When it ends if nothing more is asked; undefined when it has ended. */
  expiresAtMs(id: string): number | undefined {
    const found = this.#alive(nameOf(id));
    return found === undefined ? undefined : endOf(found);
  }

  close(id: string): void {
    this.#kept.delete(nameOf(id));
  }

  #alive(name: string): Kept | undefined {
    const found = this.#kept.get(name);
    if (found === undefined || endOf(found) > this.#clock()) return found;
    this.#kept.delete(name);
    return undefined;
  }
}

function endOf({ seenAtMs, createdAtMs }: Kept): number {
  return Math.min(seenAtMs + IDLE_MS, createdAtMs + LIFE_MS);
}

function nameOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}
