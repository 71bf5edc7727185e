/** The ledger that a configuration names: opened to work with it, or only to read what is there. */
import { existsSync } from "node:fs";
import type { Ledger } from "../../ledger/ledger.ts";
import { LedgerUrlError, openLedger } from "../../ledger/open.ts";
import { UsageError } from "../errors.ts";

/** @throws UsageError, DatabaseError */
export async function openRunLedger(url: string): Promise<Ledger> {
  try {
    return await openLedger(url);
  } catch (cause) {
    if (cause instanceof LedgerUrlError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

/** Undefined where the ledger has not been made yet: to look makes none. A database's tables are made all the same. */
export async function openRunLedgerIfThere(url: string): Promise<Ledger | undefined> {
  const file = ledgerFileOf(url);
  if (file !== undefined && !existsSync(file)) return undefined;
  return await openRunLedger(url);
}

/** The file of an SQLite ledger, `:memory:` included; undefined for a database. */
export function ledgerFileOf(url: string): string | undefined {
  return /^sqlite:(.+)$/s.exec(url)?.[1];
}
