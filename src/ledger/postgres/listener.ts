/**
 * LISTEN: one connection of its own, on which the server says that something may have become due.
 *
 * It is made when somebody listens, and made again when it is lost. What was said in between nobody heard: so all are
 * called once more when it is back.
 */
import pg from "pg";
import { Callbacks } from "../callbacks.ts";
import type { Place } from "./url.ts";

const RECONNECT_MS = 1000;

/** Calls those who listen. */
export class Listener {
  readonly #place: Place;
  readonly #callbacks = new Callbacks();
  #client: pg.Client | undefined;
  #again: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Returns what ends it. */
  add(callback: () => void): () => void {
    if (this.#client === undefined && this.#again === undefined && !this.#isClosed) this.#connect();
    return this.#callbacks.add(callback);
  }

  /** Nobody is called any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callbacks.clear();
    clearTimeout(this.#again);
    await this.#client?.end().catch(() => undefined);
  }

  #connect(): void {
    this.#again = undefined;
    const client = new pg.Client(this.#place.config);
    this.#client = client;
    const lose = () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      client.end().catch(() => undefined);
      if (this.#isClosed) return;
      this.#again = setTimeout(() => this.#connect(), RECONNECT_MS);
    };
    client.on("error", lose);
    client.on("end", lose);
    client.on("notification", () => this.#callbacks.callSoon());
    client
      .connect()
      .then(() => client.query(`LISTEN ${this.#place.schema}_due`))
      .then(() => this.#callbacks.callSoon(), lose);
  }
}
