/** From the setting `ledger:` to the ledger that it names. */
import type { Ledger } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

/** The setting names no ledger that there is. */
export class LedgerUrlError extends Error {
  override readonly name = "LedgerUrlError";
}

const SUPPORTED =
  "sqlite:PATH (a file, made when it is not there), sqlite::memory: (gone with the process) or " +
  "postgres://USER:PASSWORD@HOST/DATABASE (shared by machines; ?schema=NAME if it is not to be lockstep)";

/**
 * Opens the ledger that a URL names: `sqlite:./lockstep.db`, `sqlite:/var/lib/lockstep/ledger.db`, `sqlite::memory:`,
 * `postgres://lockstep@db.example/lockstep?schema=photos`.
 *
 * What follows `sqlite:` is a path as it is, nothing in it is decoded; a relative one starts at the working directory.
 * What a `postgres:` URL may hold is told in `postgres/url.ts`; the schema and its tables are made when they are not there.
 *
 * Rejects with a LedgerUrlError when the URL names none, and with a DatabaseError when the file or server cannot be used.
 */
export async function openLedger(url: string): Promise<Ledger> {
  const colon = url.indexOf(":");
  const scheme = url.slice(0, Math.max(colon, 0));
  // Only the scheme is repeated: the rest of a URL may hold a password.
  switch (scheme) {
    case "":
      throw new LedgerUrlError(`the ledger's URL has no scheme: give ${SUPPORTED}`);
    case "sqlite": {
      const path = url.slice(colon + 1);
      if (path === "") throw new LedgerUrlError(`the ledger's URL has no path: give ${SUPPORTED}`);
      return openSqliteLedger({ path });
    }
    case "postgres":
    case "postgresql":
      return await openPostgres(url);
    default:
      throw new LedgerUrlError(`a ledger of kind "${scheme}" is not known: give ${SUPPORTED}`);
  }
}

/** The library is loaded by those who need it only. */
async function openPostgres(url: string): Promise<Ledger> {
  const { parsePostgresUrl } = await import("./postgres/url.ts");
  const place = parsePostgresUrl(url);
  if (place === undefined) throw new LedgerUrlError(`the ledger's postgres URL cannot be read: give ${SUPPORTED}`);
  const { openPostgresLedger } = await import("./postgres.ts");
  return await openPostgresLedger(place);
}
