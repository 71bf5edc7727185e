/** What is to become of the patches that were planned: shown, proven, written, or handed to another tool. */
import { type CommandInput, type CommandResult, isGiven, textOption } from "../command.ts";
import type { Connection } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import * as fixing from "./fixing.ts";
import { checkedFormat, type Form, formatted } from "./formats.ts";

export interface Wish {
  readonly prove: boolean;
  readonly apply: boolean;
  readonly yes: boolean;
  readonly form?: Form;
}

/** @throws UsageError */
export function wishOf(input: CommandInput): Wish {
  const form = checkedFormat(textOption(input, "format"), textOption(input, "output"));
  const apply = isGiven(input, "apply");
  if (form !== undefined && (apply || isGiven(input, "history") || textOption(input, "undo") !== undefined)) {
    throw new UsageError("--format shows the changes: it goes with none of --apply, --undo and --history");
  }
  return { prove: isGiven(input, "prove"), apply, yes: isGiven(input, "yes"), ...(form === undefined ? {} : { form }) };
}

/** Where the patches are to be written, and who is asked only then. */
export interface Where {
  readonly endpoint: string;
  readonly connected: () => Promise<Connection>;
}

export async function carryOut(
  plan: fixing.FixPlan,
  { prove, apply, yes, form }: Wish,
  { endpoint, connected }: Where,
  context: Context,
): Promise<CommandResult> {
  const proof = prove && plan.patches.length > 0 ? await fixing.proofOf(plan, context) : undefined;
  const proven = proof === undefined ? {} : { proof };
  if (apply) return await fixing.apply(await connected(), plan, context, { ...proven, yes });
  if (form !== undefined) return await formatted(plan, form, { endpoint, ...proven }, context);
  return fixing.show(plan, { endpoint, ...proven }, styled);
}
