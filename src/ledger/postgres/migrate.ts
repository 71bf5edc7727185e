/** The schema's format: found out on every connection, made and brought up to date by whoever comes first. */
import type { ClientBase } from "pg";
import { DatabaseError } from "../database-error.ts";
import { FUNCTIONS } from "./functions.ts";
import { MIGRATIONS, SCHEMA_MARK } from "./schema.ts";
import type { Place } from "./url.ts";

const SERVER_VERSION_MIN = 150_000;

/**
 * Makes the schema, or runs the scripts that it lacks, in one transaction; others who try the same wait for it.
 *
 * Nothing is written unless the schema is ours or empty, and nothing is needed but to read it when it is up to date.
 *
 * @throws DatabaseError when it is of a newer version or holds something else, or the server is too old
 */
export async function migrate(client: ClientBase, place: Place): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding",
  );
  const [server] = rows;
  if (server === undefined || server.version < SERVER_VERSION_MIN) {
    throw new DatabaseError("io", `${place.label} is on a PostgreSQL older than 15: upgrade it`);
  }
  if (server.encoding !== "UTF8") {
    throw new DatabaseError("io", `${place.label} is encoded in ${server.encoding}: create a database in UTF8`);
  }
  if ((await knownFormat(client, place)) === MIGRATIONS.length) return;
  // Making an index may take longer than any call may.
  await client.query("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
  try {
    await client.query("SELECT pg_advisory_xact_lock(hashtext('lockstep'), hashtext($1))", [place.schema]);
    // Again, for somebody else may have been faster.
    const format = await knownFormat(client, place);
    if (format === 0) await client.query(`CREATE SCHEMA IF NOT EXISTS ${place.schema}`);
    for (const script of MIGRATIONS.slice(format)) await client.query(script);
    if (format < MIGRATIONS.length) await client.query(FUNCTIONS);
    await client.query("UPDATE ledger SET format = $1", [MIGRATIONS.length]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/**
 * Asks on a new connection whether the schema is still of the format that this program knows; durability is asked for
 * where the server's default is to do without.
 */
export async function refuseOtherFormat(client: ClientBase, place: Place): Promise<void> {
  if ((await knownFormat(client, place)) !== MIGRATIONS.length) {
    throw new DatabaseError("io", `${place.label} is no ledger any more: restart Lockstep`);
  }
  await client.query(
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  );
}

/** The format of the schema; 0 when it is empty or not there. */
async function knownFormat(client: ClientBase, { schema, label }: Place): Promise<number> {
  const { rows } = await client.query<{ tables: number; is_ours: boolean | null }>(
    `SELECT count(*)::int AS tables, bool_or(relname = 'ledger' AND obj_description(c.oid, 'pg_class') = $2) AS is_ours
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1`,
    [schema, SCHEMA_MARK],
  );
  const [found] = rows;
  if (found === undefined || found.tables === 0) return 0;
  if (found.is_ours !== true) {
    throw new DatabaseError("foreign", `${label} holds something else: name another schema with ?schema=NAME`);
  }
  const { rows: formats } = await client.query<{ format: number }>("SELECT format FROM ledger");
  const format = formats[0]?.format ?? 0;
  if (format > MIGRATIONS.length) {
    throw new DatabaseError(
      "newerVersion",
      `${label} was upgraded by a newer version of Lockstep (format ${format}, this one knows up to ` +
        `${MIGRATIONS.length}): upgrade Lockstep on this machine`,
    );
  }
  return format;
}
