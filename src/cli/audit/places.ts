/** Where the reports of audits are filed when nobody says where. */
import { dirname, join } from "node:path";
import type { RunSettings } from "../config/settings.ts";
import { ledgerFileOf } from "../run/open-ledger.ts";

/** Beside the state that they are of. */
export const AUDITS_DIRECTORY = "lockstep-audits";

/** Beside the ledger's file, or else in another directory: the configuration's. */
export function auditsBeside({ ledgerUrl }: Pick<RunSettings, "ledgerUrl">, directory: string): string {
  const ledger = ledgerFileOf(ledgerUrl);
  return join(ledger === undefined || ledger === ":memory:" ? directory : dirname(ledger), AUDITS_DIRECTORY);
}
