/**
 * Asks the console of a running engine, at the address and with the token that `lockstep env` prints.
 */

import type { KeyExplanation } from "../console/explain.ts";
import type { FailurePage } from "../console/failures.ts";
import type { Overview } from "../console/overview.ts";
import type { KnownReplication } from "../console/replications.ts";
import type { AlertsAnswer } from "../console/routes/alerts.ts";
import type { FailureRecord, FailureRecords } from "../doctor/ports.ts";
import type { ResyncProgress, ResyncRequest } from "../engine/resync/model.ts";
import type { Count } from "../ledger/ledger.ts";
import type { SinkTest } from "../monitor/alerts/alerting.ts";
import type { DocumentDigest } from "../monitor/alerts/drift.ts";
import type { Alert } from "../monitor/alerts/model.ts";
import type { OwnChanges } from "../monitor/alerts/own-changes.ts";
import type { WatchKind, WatchResult } from "../monitor/history.ts";
import type { ScheduleStanding } from "../monitor/schedules.ts";
import { AccessError, UsageError } from "./errors.ts";

const PAGE = 1000;

/** The engine answers, but there is nothing of that name, or it is not in a state for this. */
class RefusedError extends UsageError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** As the console answers. */
export interface KnownWatches {
  readonly results: readonly WatchResult[];
  readonly schedules: readonly ScheduleStanding[];
}

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

  /** How everything stands, or what is replicated from one bucket. */
  async overview(bucket?: string): Promise<Overview> {
    const query = bucket === undefined ? "" : `?${new URLSearchParams({ bucket }).toString()}`;
    return await this.#ask<Overview>("GET", `/api/v1/status${query}`);
  }

  /** Why the tasks of a key are where they are. */
  async explain(bucket: string, key: string): Promise<KeyExplanation> {
    return await this.#ask<KeyExplanation>("GET", `/api/v1/tasks?${new URLSearchParams({ bucket, key }).toString()}`);
  }

  /** By its name or its bucket's; undefined when the engine knows none. */
  async replication(name: string): Promise<KnownReplication | undefined> {
    return await this.#askIfThere<KnownReplication>("GET", `/api/v1/replications/${encodeURIComponent(name)}`);
  }

  async turnReplication(name: string, turn: "pause" | "resume"): Promise<KnownReplication> {
    return await this.#ask<KnownReplication>("POST", `/api/v1/replications/${encodeURIComponent(name)}/${turn}`);
  }

  async startResync(request: ResyncRequest): Promise<ResyncProgress> {
    return await this.#ask<ResyncProgress>("POST", "/api/v1/jobs", { kind: "resync", ...request });
  }

  /** The youngest first. */
  async jobs(): Promise<readonly ResyncProgress[]> {
    return (await this.#ask<{ jobs: readonly ResyncProgress[] }>("GET", "/api/v1/jobs")).jobs;
  }

  async job(id: string): Promise<ResyncProgress> {
    return await this.#ask<ResyncProgress>("GET", `/api/v1/jobs/${encodeURIComponent(id)}`);
  }

  async turnJob(id: string, turn: "pause" | "resume" | "cancel"): Promise<ResyncProgress> {
    return await this.#ask<ResyncProgress>("POST", `/api/v1/jobs/${encodeURIComponent(id)}/${turn}`);
  }

  /** What watches found, and when the next ones are. */
  async watches(asked: { readonly kind?: WatchKind; readonly subject?: string }): Promise<KnownWatches> {
    return await this.#ask<KnownWatches>("GET", `/api/v1/watches?${new URLSearchParams(asked).toString()}`);
  }

  /** Takes the tasks of canaries under a prefix off the engine's record, for their versions are gone. */
  async forgetCanaries(bucket: string, prefix: string): Promise<void> {
    await this.#ask("POST", "/api/v1/watches/canary/forget", { bucket, prefix });
  }

  async alerts(): Promise<AlertsAnswer> {
    return await this.#ask<AlertsAnswer>("GET", "/api/v1/alerts");
  }

  async silenceAlert(id: string, wish: { untilMs: number; by: string; why: string }): Promise<Alert> {
    return await this.#ask<Alert>("POST", `/api/v1/alerts/${encodeURIComponent(id)}/silence`, wish);
  }

  async unsilenceAlert(id: string): Promise<Alert> {
    return await this.#ask<Alert>("DELETE", `/api/v1/alerts/${encodeURIComponent(id)}/silence`);
  }

  /** Sends a test to one sink, or to all. */
  async testAlerts(sink?: string): Promise<readonly SinkTest[]> {
    const wish = sink === undefined ? {} : { sink };
    return (await this.#ask<{ tests: readonly SinkTest[] }>("POST", "/api/v1/alerts/test", wish)).tests;
  }

  /** Makes the documents that are there now the known good. @returns how many had changed */
  async acceptDrift(): Promise<number> {
    return (await this.#ask<{ accepted: number }>("POST", "/api/v1/alerts/accept")).accepted;
  }

  /** Where changes of documents are told of that a command makes. */
  readonly ownChanges: OwnChanges = {
    begin: async (change) => (await this.#ask<{ id: string }>("POST", "/api/v1/alerts/own-changes", change)).id,
    end: async (id) => {
      const path = `/api/v1/alerts/own-changes/${encodeURIComponent(id)}/end`;
      return (await this.#ask<{ accepted: readonly DocumentDigest[] }>("POST", path)).accepted;
    },
  };

  async #askIfThere<T>(method: "GET", path: string): Promise<T | undefined> {
    try {
      return await this.#ask<T>(method, path);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #ask<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
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
    // There is no such thing, or not in this state: that is about what was typed.
    if (answer.status === 404 || answer.status === 409) throw new RefusedError(said, answer.status);
    throw new AccessError(`the engine at ${this.#url} answers ${answer.status}: ${said}${hint}`);
  }
}
