/** What came of a proof: every kind of version, before and after. */
import type { Proof, ProofRow, RowVerdict, Seen } from "../../../../doctor/prove.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { countWords, plural } from "../../words.ts";

const VERDICTS: Readonly<Record<Proof["verdict"], { readonly tone: Tone; readonly says: string }>> = {
  proven: { tone: "good", says: "What is held back fails in the lab without the patch, and is replicated with it." },
  refused: { tone: "bad", says: "The patch does not heal what it should, or breaks what went before." },
  unproven: { tone: "warn", says: "Nothing speaks against the patch, and the lab does not show what it is for." },
};

const ROWS: Readonly<Record<RowVerdict, { readonly tone: Tone; readonly says: string }>> = {
  healed: { tone: "good", says: "healed" },
  kept: { tone: "dim", says: "as before" },
  broken: { tone: "bad", says: "broken" },
  unhealed: { tone: "bad", says: "not healed" },
  othersLeft: { tone: "warn", says: "another cause is left" },
  unshown: { tone: "warn", says: "does not show" },
  apart: { tone: "dim", says: "not concerned" },
};

const COLUMNS: readonly Column<ProofRow>[] = [
  { id: "name", title: "Kind", cell: (one) => one.name },
  {
    id: "versions",
    title: "Versions",
    cell: (one) => (one.versions === 0 ? "none yet" : countWords(one.versions)),
    isFigure: true,
    sort: (one) => one.versions,
  },
  { id: "before", title: "Before", cell: (one) => seenWords(one.before) },
  { id: "after", title: "After", cell: (one) => seenWords(one.after) },
  {
    id: "verdict",
    title: "So it is",
    cell: (one) => (
      <span title={one.says}>
        <Badge tone={ROWS[one.verdict].tone}>{ROWS[one.verdict].says}</Badge>
      </span>
    ),
    sort: (one) => one.verdict,
  },
];

export function ProofShown({ proof }: { readonly proof: Proof }) {
  const { verdict, rows, untried, assumed } = proof;
  const { tone, says } = VERDICTS[verdict];
  return (
    <section class="proof" aria-label="What came of the proof">
      <p class="row">
        <Badge tone={tone}>{verdict}</Badge>
        {says}
      </p>
      <Table
        caption="Kinds of versions, before and after"
        columns={COLUMNS}
        rows={rows}
        keyOf={(one) => `${one.of} ${one.name} ${one.key}`}
      />
      {untried === 0 ? null : <p class="dim">{plural(untried, "further signature")} could not be tried in the lab.</p>}
      {assumed.length === 0 ? null : (
        <div>
          <p>Less certain, for it could not be read and is taken to stand in nobody's way:</p>
          <ul class="said">
            {assumed.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function seenWords({ fate, codes }: Seen): string {
  const because = codes.length === 0 ? "" : ` ${codes.join(", ")}`;
  switch (fate) {
    case "replicates":
      return "COMPLETED";
    case "fails":
      return `FAILED${because}`;
    case "pending":
      return `PENDING${because}`;
    case "untaken":
      return `no status${because}`;
    case "refused":
      return "cannot be written";
  }
}
