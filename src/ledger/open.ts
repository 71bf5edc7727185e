/** From the setting `ledger:` to the ledger that it names. */
import type { Ledger } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

/** The setting names no ledger that there is. */
export class LedgerUrlError extends Error {
  override readonly name = "LedgerUrlError";
}

const SUPPORTED = "sqlite:PATH (a file, made when it is not there) or sqlite::memory: (gone with the process)";

/**
 * Opens the ledger that a URL names: `sqlite:./lockstep.db`, `sqlite:/var/lib/lockstep/ledger.db`, `sqlite::memory:`.
 *
 * What follows `sqlite:` is a path as it is, nothing in it is decoded; a relative one starts at the working directory.
 *
 * Rejects with a LedgerUrlError when the URL names none, and with a DatabaseError when the file cannot be used.
 */
export async function openLedger(url: string): Promise<Ledger> {
  const colon = url.indexOf(":");
  const scheme = url.slice(0, Math.max(colon, 0));
  // Only the scheme is repeated: the rest of a URL may hold a password.
  if (scheme === "") throw new LedgerUrlError(`the ledger's URL has no scheme: give ${SUPPORTED}`);
  if (scheme !== "sqlite") throw new LedgerUrlError(`a ledger of kind "${scheme}" is not known: give ${SUPPORTED}`);
  const path = url.slice(colon + 1);
  if (path === "") throw new LedgerUrlError(`the ledger's URL has no path: give ${SUPPORTED}`);
  return openSqliteLedger({ path });
}
