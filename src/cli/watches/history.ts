/** Where `history` reads: the console of a running engine, or the ledger of a configuration. */
import { remembered, type WatchKind } from "../../monitor/history.ts";
import type { CommandInput, CommandResult } from "../command.ts";
import { settingsIn } from "../config/reading.ts";
import type { KnownWatches } from "../console-client.ts";
import { neededConsole } from "../console-options.ts";
import type { Context } from "../context.ts";
import { openRunLedgerIfThere } from "../run/open-ledger.ts";

/** @throws UsageError, AccessError, DatabaseError */
export async function readHistory(
  asked: { readonly kind?: WatchKind; readonly subject?: string },
  file: string | undefined,
  input: CommandInput,
  context: Context,
): Promise<KnownWatches | { readonly refused: CommandResult }> {
  if (file === undefined) return await neededConsole(input, context).watches(asked);
  const read = settingsIn(file, context);
  if ("refused" in read) return read;
  const ledger = await openRunLedgerIfThere(read.settings.ledgerUrl);
  try {
    const results = ledger === undefined ? [] : await remembered(ledger, asked.kind, asked.subject);
    return { results, schedules: [] };
  } finally {
    await ledger?.close();
  }
}
