/** Asks a person before something is done that nothing takes back. */
import type { Context } from "./context.ts";
import { UsageError } from "./errors.ts";

/** @param what that somebody can be asked about, or has agreed to @throws UsageError when neither is so */
export function requireConsent({ ask }: Context, isAgreed: boolean, what: string): void {
  if (isAgreed || ask !== undefined) return;
  throw new UsageError(`nobody is at the terminal to be asked whether ${what}: --yes says so, --dry-run only shows it`);
}

/** Asks a question whose answer is no unless it is yes. @throws UsageError when nobody can be asked */
export async function confirm(context: Context, question: string, isAgreed: boolean): Promise<boolean> {
  requireConsent(context, isAgreed, "it is to be done");
  if (isAgreed || context.ask === undefined) return true;
  return /^y(?:es)?$/i.test((await context.ask(`${question} [y/N] `)).trim());
}
