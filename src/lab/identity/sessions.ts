/** Temporary credentials of roles: made, kept across restarts, and swept some time after they have expired. */
import type { Credentials } from "../../core/model.ts";
import type { Secrets } from "../secrets.ts";
import { type Callers, wrapSecret } from "./callers.ts";
import type { Directory } from "./directory.ts";
import { secretAccessKey, sessionToken, uniqueId } from "./ids.ts";
import type { Role, Session } from "./model.ts";

/** How long expired credentials are still answered "expired" and not "unknown". */
const KEPT_AFTER_EXPIRY_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 15 * 60_000;

export type SessionRequest = Pick<Session, "sessionName" | "policies" | "tags" | "sourceIdentity" | "invokedBy"> & {
  readonly durationSeconds: number;
  readonly nowMs: number;
};

export class Sessions {
  readonly #directory: Directory;
  readonly #callers: Callers;
  readonly #secrets: Secrets;
  #nextSweepAtMs = 0;

  constructor(directory: Directory, callers: Callers, secrets: Secrets) {
    this.#directory = directory;
    this.#callers = callers;
    this.#secrets = secrets;
  }

  /** Makes a session of the role; nobody is asked. */
  async open(role: Role, request: SessionRequest): Promise<Required<Credentials>> {
    const { durationSeconds, nowMs, ...rest } = request;
    const accessKeyId = uniqueId("ASIA");
    const secret = secretAccessKey();
    const session: Session = {
      ...rest,
      accessKeyId,
      wrappedSecret: wrapSecret(this.#secrets, accessKeyId, secret),
      token: sessionToken(),
      roleId: role.id,
      issuedAtMs: nowMs,
      // Whole seconds: what the caller is told is what holds.
      expiresAtMs: Math.floor(nowMs / 1000) * 1000 + durationSeconds * 1000,
    };
    const { sessions } = this.#directory;
    const stale = this.#stale(nowMs);
    await this.#directory.changeSessions([sessions.put(session), ...stale.map((one) => sessions.remove(one))]);
    this.#callers.forget(stale.map((one) => one.accessKeyId));
    return { accessKeyId, secretAccessKey: secret, sessionToken: session.token, expiresAtMs: session.expiresAtMs };
  }

  #stale(nowMs: number): Session[] {
    if (nowMs < this.#nextSweepAtMs) return [];
    this.#nextSweepAtMs = nowMs + SWEEP_EVERY_MS;
    return [...this.#directory.sessions.values()].filter((one) => one.expiresAtMs + KEPT_AFTER_EXPIRY_MS <= nowMs);
  }
}
