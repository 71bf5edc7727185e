/** What `rehearse` does: reads the facts, tries every kind in a lab in memory, and words the matrix. */

import type { Setup } from "../../core/diagnose/facts.ts";
import { patchedSetup } from "../../core/diagnose/patched.ts";
import { type Kind, kindsOf } from "../../doctor/kinds.ts";
import { fateOf, type Rehearsed } from "../../doctor/rehearsal.ts";
import type { CommandResult } from "../command.ts";
import type { Connection } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { scan } from "../diagnosis/scan.ts";
import type { Change } from "./change.ts";
import { rehearsals } from "./rehearse.ts";
import { type Matrix, type MatrixRow, matrixMarkdown, matrixWords } from "./words.ts";

export interface RehearsalRequest {
  readonly bucket: string;
  readonly change?: Change;
}

export async function rehearseBucket(
  connection: Connection,
  { bucket, change }: RehearsalRequest,
  context: Pick<Context, "clock" | "stderr">,
  print: { readonly markdown: boolean },
): Promise<CommandResult> {
  const { setup } = await scan(connection, { bucket }, context);
  return await rehearseSetup(setup, change, context, print);
}

/** The same of what was read before. */
export async function rehearseSetup(
  setup: Setup,
  change: Change | undefined,
  context: Pick<Context, "clock">,
  { markdown }: { readonly markdown: boolean },
): Promise<CommandResult> {
  const value = await rehearsalOf(setup, change, context);
  const isBad = value.kinds.some(({ change, fate }) => change === "broken" || fate === "fails" || fate === "pending");
  return {
    status: isBad ? 1 : 0,
    value,
    words: () => (markdown ? matrixMarkdown(value) : matrixWords(value, styled)),
  };
}

/** The rehearsal alone: every kind, under the setup and, where there is a change, with it. */
export async function rehearsalOf(
  setup: Setup,
  change: Change | undefined,
  { clock }: Pick<Context, "clock">,
): Promise<Matrix> {
  const patched = change === undefined ? undefined : patchedSetup(setup, change(setup));
  const now = kindsOf(setup);
  const kinds = patched === undefined ? now.kinds : allKinds(now.kinds, kindsOf(patched).kinds);
  const samples = kinds.map((one) => one.sample);
  const rehearse = rehearsals(clock);
  const before = await rehearse(setup, samples);
  const after = patched === undefined ? undefined : await rehearse(patched, samples);
  const rows = kinds.map((kind, at) => rowOf(kind, before[at], after?.[at]));
  const { rulesLeftOut } = now;
  return { bucket: setup.source.name, withChange: patched !== undefined, kinds: rows, rulesLeftOut };
}

/** Those of today, and those of rules that the change brings. */
function allKinds(of: readonly Kind[], andOf: readonly Kind[]): readonly Kind[] {
  const known = new Set(of.map((one) => JSON.stringify(one.sample)));
  return [...of, ...andOf.filter((one) => !known.has(JSON.stringify(one.sample)))];
}

function rowOf({ name, rule, sample }: Kind, before: Rehearsed | undefined, after: Rehearsed | undefined): MatrixRow {
  const last = after ?? before ?? { sample, cells: [], refused: "it was not tried" };
  const row = {
    kind: name,
    underRule: rule,
    key: sample.key,
    fate: fateOf(last),
    cells: last.cells,
    ...(last.refused === undefined ? {} : { refused: last.refused }),
  };
  if (before === undefined || after === undefined) return row;
  const [was, is] = [fateOf(before) === "replicates", fateOf(after) === "replicates"];
  const change = was === is ? ("same" as const) : is ? ("healed" as const) : ("broken" as const);
  return { ...row, change, before: before.cells };
}
