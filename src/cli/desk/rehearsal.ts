/** A rehearsal as the console shows it: today's rules, or those of a text beside them. */

import type { DeskRehearsal } from "../../console/desk.ts";
import type { DocumentValue } from "../../core/config/document.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { rehearsalOf } from "../rehearsal/rehearsing.ts";
import type { MatrixRow } from "../rehearsal/words.ts";

/** @param document the rules that are to be; undefined: those that there are, alone */
export async function deskRehearsalOf(
  setup: Setup,
  document: DocumentValue | undefined,
  context: { readonly clock: () => number },
): Promise<DeskRehearsal> {
  const change =
    document === undefined
      ? undefined
      : ({ source }: Setup) => [
          { id: "p-rules", target: "replication" as const, resource: source.arn, before: null, after: document },
        ];
  const { bucket, withChange, kinds } = await rehearsalOf(setup, change, context);
  return { bucket, withChange, kinds: kinds.map(kindOf) };
}

function kindOf(row: MatrixRow): DeskRehearsal["kinds"][number] {
  const { kind, underRule, fate, cells, change } = row;
  const told = change === "same" ? (fate === "replicates" ? "kept" : "apart") : change;
  return { name: kind, rule: underRule, fate, cells, ...(told === undefined ? {} : { change: told }) };
}
