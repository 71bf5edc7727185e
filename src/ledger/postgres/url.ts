/** From the URL of a distributed ledger to where it is and how it is reached. */
import type { ClientConfig } from "pg";

/** Where a ledger is. */
export interface Place {
  readonly config: ClientConfig;
  readonly schema: string;
  /** For messages: without user and password. */
  readonly label: string;
}

/** Names that need no quotes, and leave room for the channel's suffix. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,50}$/;

/** Beyond this a call is given up by the server, a little later by us: it may have hung on a network that is gone. */
const STATEMENT_MS_MAX = 30_000;
const ANSWER_MS_MAX = 35_000;
const CONNECT_MS_MAX = 10_000;
const LOCK_MS_MAX = 10_000;

/**
 * Tables that are empty now and hold a million rows in a minute have no statistics to plan by: rows are found by index
 * here, always. Whatever the server's defaults are, statements of one function must each see what was committed before.
 */
const SESSION = {
  default_transaction_isolation: "read\\ committed",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
  statement_timeout: `${STATEMENT_MS_MAX}`,
  lock_timeout: `${LOCK_MS_MAX}`,
};

/**
 * Reads `postgres://user:password@host:port/database?schema=name`; the schema is `lockstep` when none is named. Other
 * parameters are those of libpq that `pg` knows (`sslmode`, `host` for a socket's directory, …).
 *
 * @returns undefined when it is no such URL; what is wrong with it is not repeated, for it may hold a password
 */
export function parsePostgresUrl(text: string): Place | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const schema = url.searchParams.get("schema") ?? "lockstep";
  if (!SCHEMA_NAME.test(schema)) return undefined;
  url.searchParams.delete("schema");
  const given = url.searchParams.get("options");
  url.searchParams.delete("options");
  const settings = Object.entries({ ...SESSION, search_path: schema }).map(([name, value]) => `-c ${name}=${value}`);
  return {
    schema,
    label: `postgres://${url.searchParams.get("host") ?? url.host}${url.pathname} (schema ${schema})`,
    config: {
      connectionString: url.toString(),
      options: [...(given === null ? [] : [given]), ...settings].join(" "),
      application_name: url.searchParams.get("application_name") ?? "lockstep",
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
    },
  };
}
