/**
 * The connections of one distributed ledger: calls go out on any of a few, each by itself a transaction.
 *
 * A connection that is lost takes down only the call that is under way on it, with a DatabaseError; the next call makes
 * a new one. Nothing is sent twice: whoever called knows whether that would do harm.
 */
import pg from "pg";
import { assert } from "../../core/assert.ts";
import { DatabaseError } from "../database-error.ts";
import { migrate, refuseOtherFormat } from "./migrate.ts";
import type { Place } from "./url.ts";

/** Values that are sent. Bytes go as Buffer. */
export type Parameter =
  | null
  | number
  | string
  | boolean
  | Buffer
  | readonly number[]
  | readonly Buffer[]
  | readonly string[]
  | readonly boolean[];

/** A row by column name: whole numbers are numbers, and so are lists of them; bytes are a Buffer. */
export type Row = Readonly<Record<string, null | number | string | boolean | Buffer | readonly number[]>>;

/** One for adding, one for ending, two to claim, two for the rest: what comes while they are busy waits for its turn. */
const CONNECTIONS_MAX = 6;
const IDLE_MS_MAX = 60_000;

const INT8 = 20;
const INT8_ARRAY = 1016;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (oid === INT8) return Number;
    if (oid === INT8_ARRAY) return (text: string) => (text === "{}" ? [] : text.slice(1, -1).split(",").map(Number));
    return format === "binary" ? pg.types.getTypeParser(oid, format) : pg.types.getTypeParser(oid);
  }) as typeof pg.types.getTypeParser,
};

/** Connections to one schema, whose tables are up to date. */
export class Server {
  readonly #place: Place;
  readonly #pool: pg.Pool;
  readonly #names = new Map<string, string>();

  private constructor(place: Place) {
    this.#place = place;
    this.#pool = new pg.Pool({
      ...place.config,
      types,
      max: CONNECTIONS_MAX,
      idleTimeoutMillis: IDLE_MS_MAX,
      // It is awaited, so nothing is sent to a schema that somebody has upgraded while the connection was away.
      onConnect: (client) => refuseOtherFormat(client, place) as unknown as undefined,
    });
    // The connection is gone from the pool already.
    this.#pool.on("error", () => undefined);
  }

  /**
   * Reaches the server, and makes the schema or brings it up to date.
   *
   * @throws DatabaseError when it cannot be reached, is of a newer version, or holds something else
   */
  static async open(place: Place): Promise<Server> {
    const client = new pg.Client({ ...place.config, types });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await migrate(client, place);
    } catch (error) {
      throw databaseError(place, error) ?? error;
    } finally {
      await client.end().catch(() => undefined);
    }
    return new Server(place);
  }

  /** Sends one statement; the same text is prepared once for each connection. */
  async query(text: string, parameters: readonly Parameter[] = []): Promise<readonly Row[]> {
    for (const parameter of parameters) {
      assert(typeof parameter !== "string" || !parameter.includes("\0"), "a text with U+0000: PostgreSQL has none");
    }
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `lockstep${this.#names.size}`;
      this.#names.set(text, name);
    }
    try {
      const { rows } = await this.#pool.query<Record<string, Row[string]>>({ name, text, values: [...parameters] });
      return rows;
    } catch (error) {
      throw databaseError(this.#place, error) ?? error;
    }
  }

  /** Waits for what is under way; later calls reject. */
  async close(): Promise<void> {
    if (!this.#pool.ended && !this.#pool.ending) await this.#pool.end();
  }
}

/** What the server or the network said, in words for the person who runs it; undefined for a bug of ours. */
export function databaseError({ label }: Place, cause: unknown): DatabaseError | undefined {
  if (cause instanceof DatabaseError) return cause;
  if (!(cause instanceof Error)) return undefined;
  const options = { cause };
  const said = cause.message === "" && "code" in cause ? String(cause.code) : cause.message;
  // Whatever comes without a SQLSTATE was said by the network, or by `pg` about it.
  const state = cause instanceof pg.DatabaseError ? (cause.code ?? "") : "";
  switch (state) {
    case "53100":
      return new DatabaseError("full", `${label} cannot grow: free space on its disk`, options);
    case "55P03":
    case "57014":
      return new DatabaseError("locked", `${label} did not answer in time: ${said}`, options);
    case "25006":
      return new DatabaseError("io", `${label} is a standby that cannot be written: name the primary`, options);
    case "42501":
      return new DatabaseError("io", `${label} may not be used: ${said}; grant CREATE on the database`, options);
    case "3D000":
      return new DatabaseError("io", `${label} is not there: create the database`, options);
    case "42883":
    case "42P01":
      return new DatabaseError(
        "newerVersion",
        `${label} has been changed by another version of Lockstep (${said}): upgrade and restart this one`,
        options,
      );
  }
  if (/^(?:22|23|26|34|42)/.test(state)) return undefined;
  return new DatabaseError("io", `${label} cannot be used: ${said}`, options);
}
