/**
 * Webhooks: a destination of events that AWS does not have. One is made by the lab's admin API and named in a queue
 * configuration by `arn:lockstep:webhook:::NAME`.
 */
import type { Database } from "../../../ledger/database.ts";
import { ChangeLane, Records } from "../../records.ts";
import type { ServiceKey } from "../service.ts";
import { WEBHOOKS_TABLE } from "./schema.ts";

/** What is posted to where. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
}

const ARN = "arn:lockstep:webhook:::";
const POST_MS_MAX = 10_000;

export function isWebhook(arn: string): boolean {
  return arn.startsWith(ARN);
}

export function webhookArn(name: string): string {
  return `${ARN}${name}`;
}

/** As it is kept: the token is sealed. */
interface KeptWebhook {
  readonly name: string;
  readonly url: string;
  readonly sealedToken?: string;
}

export class Webhooks {
  readonly #records: Records<KeptWebhook>;
  readonly #lane: ChangeLane;
  readonly #key: ServiceKey;

  constructor(database: Database, key: ServiceKey) {
    this.#records = new Records({ database, table: WEBHOOKS_TABLE, idOf: ({ name }) => name });
    this.#lane = new ChangeLane(database);
    this.#key = key;
  }

  /** Without their tokens, in the order of their names. */
  all(): readonly Omit<Webhook, "token">[] {
    return [...this.#records.values()]
      .map(({ name, url }) => ({ name, url }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Adds it, or replaces the one of its name. */
  async put({ name, url, token }: Webhook): Promise<void> {
    const sealed = token === undefined ? undefined : this.#key.wrapServiceKey(Buffer.from(token), webhookArn(name));
    const kept = {
      name,
      url,
      ...(sealed === undefined ? {} : { sealedToken: Buffer.from(sealed).toString("base64") }),
    };
    await this.#lane.run(() => [undefined, this.#records.put(kept)]);
  }

  /** Idempotent. */
  async remove(name: string): Promise<void> {
    await this.#lane.run(() => {
      const found = this.#records.get(name);
      return found === undefined ? [undefined] : [undefined, this.#records.remove(found)];
    });
  }

  has(arn: string): boolean {
    return isWebhook(arn) && this.#records.get(arn.slice(ARN.length)) !== undefined;
  }

  /** Posts a document. @returns whether it was taken: an answer of 2xx */
  async post(arn: string, body: string, signal: AbortSignal): Promise<boolean> {
    const webhook = this.#records.get(arn.slice(ARN.length));
    if (webhook === undefined) return false;
    const { sealedToken, url } = webhook;
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (sealedToken !== undefined) {
      const token = this.#key.unwrapServiceKey(Buffer.from(sealedToken, "base64"), arn);
      headers["authorization"] = `Bearer ${Buffer.from(token).toString()}`;
    }
    const within = AbortSignal.timeout(POST_MS_MAX);
    try {
      const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.any([signal, within]) });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      // Nobody listens there, or not in time: it is tried again.
      return false;
    }
  }
}
