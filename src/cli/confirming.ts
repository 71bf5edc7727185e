/** Asks a person before something is done that nothing takes back. */
import { createInterface } from "node:readline/promises";
import type { Context } from "./context.ts";
import { UsageError } from "./errors.ts";

/** Whether somebody can be asked, or has said yes beforehand. @throws UsageError when neither is so */
export function requireConsent({ stdin, stderr }: Context, isAgreed: boolean, what: string): void {
  if (isAgreed || (stdin.isTTY === true && stderr.isTTY === true)) return;
  throw new UsageError(`nobody can be asked here whether ${what}: --yes says so, --dry-run only shows it`);
}

/** Asks a question whose answer is no unless it is yes; ctrl-C is no. */
export async function confirm(context: Context, question: string, isAgreed: boolean): Promise<boolean> {
  requireConsent(context, isAgreed, "it is to be done");
  if (isAgreed) return true;
  const lines = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: context.interrupted });
    return /^y(?:es)?$/i.test(answer.trim());
  } catch (error) {
    if (context.interrupted.aborted) return false;
    throw error;
  } finally {
    lines.close();
  }
}
