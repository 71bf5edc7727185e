/**
 * Asks the console of a running engine, at the address and with the token that `lockstep env` prints.
 */

import type { FailureRecord, FailureRecords } from "../doctor/ports.ts";
import type { ResyncProgress, ResyncRequest } from "../engine/resync.ts";
import type { Count } from "../ledger/ledger.ts";
import { AccessError } from "./errors.ts";

/** One page of recorded failures, as the console answers. */
export interface FailurePage {
  readonly failures: readonly FailureRecord[];
  /** Where the next page starts; undefined on the last one. */
  readonly next?: string;
}

const PAGE = 1000;

export class ConsoleClient implements FailureRecords {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  async counts(bucket: string): Promise<readonly Count[]> {
    const query = new URLSearchParams({ bucket });
    return (await this.#ask<{ counts: readonly Count[] }>("GET", `/api/v1/counts?${query.toString()}`)).counts;
  }

  async *failures(bucket: string, prefix: string | undefined): AsyncGenerator<readonly FailureRecord[]> {
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ bucket, limit: String(PAGE) });
      if (prefix !== undefined) query.set("prefix", prefix);
      if (after !== undefined) query.set("after", after);
      const page: FailurePage = await this.#ask<FailurePage>("GET", `/api/v1/failures?${query.toString()}`);
      yield page.failures;
      after = page.next;
    } while (after !== undefined);
  }

  async startResync(request: ResyncRequest): Promise<ResyncProgress> {
    return await this.#ask<ResyncProgress>("POST", "/api/v1/resync", request);
  }

  async resync(id: string): Promise<ResyncProgress> {
    return await this.#ask<ResyncProgress>("GET", `/api/v1/resync/${encodeURIComponent(id)}`);
  }

  async #ask<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(`${this.#url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      const hint = "start it with `lockstep up`, or correct LOCKSTEP_CONSOLE_URL";
      throw new AccessError(`no engine answers at ${this.#url}: ${hint}`, { cause });
    }
    if (answer.ok) return (await answer.json()) as T;
    const said = ((await answer.json().catch(() => ({}))) as { readonly error?: string }).error ?? answer.statusText;
    const hint = answer.status === 401 ? `; run \`eval "$(lockstep env)"\` again` : "";
    throw new AccessError(`the engine at ${this.#url} answers ${answer.status}: ${said}${hint}`);
  }
}
