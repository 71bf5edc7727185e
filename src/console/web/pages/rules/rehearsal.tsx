/** What a rehearsal found: kinds of objects × rules, with what a changed text would do to each. */
import type { Cell, Fate } from "../../../../doctor/rehearsal.ts";
import type { DeskRehearsal } from "../../../desk.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Empty } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { bucketName } from "../../words.ts";

type Kind = DeskRehearsal["kinds"][number];

const FATES: Readonly<Record<Fate, { readonly tone: Tone; readonly says: string }>> = {
  replicates: { tone: "good", says: "replicated" },
  fails: { tone: "bad", says: "FAILED" },
  pending: { tone: "warn", says: "stays PENDING" },
  untaken: { tone: "dim", says: "no rule takes it" },
  refused: { tone: "dim", says: "cannot be written" },
};

const CHANGES: Readonly<
  Record<NonNullable<Kind["change"]>, { readonly tone: Tone; readonly says: string } | undefined>
> = {
  healed: { tone: "good", says: "healed by the change" },
  broken: { tone: "bad", says: "broken by the change" },
  apart: { tone: "info", says: "otherwise than before" },
  kept: undefined,
};

/** Those that need a person first. */
const ORDER: readonly Fate[] = ["fails", "pending", "refused", "untaken", "replicates"];

export function Rehearsal({ rehearsal: { bucket, withChange, kinds } }: { readonly rehearsal: DeskRehearsal }) {
  const broken = kinds.filter((one) => one.change === "broken").length;
  const healed = kinds.filter((one) => one.change === "healed").length;
  const columns: readonly Column<Kind>[] = [
    { id: "kind", title: "Kind of object", isName: true, sort: (one) => one.name, cell: (one) => one.name },
    { id: "rule", title: "Under rule", sort: (one) => one.rule, cell: (one) => one.rule },
    {
      id: "fate",
      title: "What becomes of it",
      sort: (one) => ORDER.indexOf(one.fate),
      cell: (one) => (
        <span class="row">
          <Badge tone={FATES[one.fate].tone}>{FATES[one.fate].says}</Badge>
          <Changed kind={one} />
        </span>
      ),
    },
    { id: "why", title: "Why", isWide: true, cell: (one) => <Why cells={one.cells} /> },
  ];
  const sorted = kinds.toSorted(
    (one, other) => rankOf(one) - rankOf(other) || ORDER.indexOf(one.fate) - ORDER.indexOf(other.fate),
  );
  return (
    <>
      <p class="rehearsal-says">
        {withChange
          ? broken === 0
            ? `The change breaks nothing that works now${healed === 0 ? "." : `, and heals ${healed} of ${kinds.length} kinds.`}`
            : `The change breaks ${broken} of ${kinds.length} kinds that work now.`
          : `${kinds.filter((one) => one.fate === "replicates").length} of ${kinds.length} kinds are replicated.`}
      </p>
      <Table
        caption={`Kinds of objects in ${bucket}`}
        columns={columns}
        rows={sorted}
        keyOf={(one) => `${one.rule} ${one.name}`}
        empty={<Empty title="There is no rule under which anything could be tried" icon="rules" />}
      />
    </>
  );
}

function rankOf({ change }: Kind): number {
  return change === "broken" ? 0 : change === "healed" ? 1 : 2;
}

function Changed({ kind: { change } }: { readonly kind: Kind }) {
  const shown = change === undefined ? undefined : CHANGES[change];
  return shown === undefined ? null : <Badge tone={shown.tone}>{shown.says}</Badge>;
}

/** What a filter keeps apart is of no interest where another rule takes the object. */
function Why({ cells }: { readonly cells: readonly Cell[] }) {
  const told = cells.filter((one) => one.outcome !== "skipped");
  const shown = told.length > 0 ? told : cells.slice(0, 1);
  return (
    <ul class="why">
      {shown.map((cell) => (
        <li key={`${cell.rule} ${cell.destination}`}>
          {cell.outcome === "completed" ? `arrives in ${bucketName(cell.destination)} by ${cell.rule}` : cell.says}
          {cell.assumed.length === 0 ? null : (
            <span class="dim"> (less certain: {cell.assumed.join(", ")} could not be read)</span>
          )}
        </li>
      ))}
    </ul>
  );
}
