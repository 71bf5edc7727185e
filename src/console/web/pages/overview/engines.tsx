/** Who does the work. */
import type { EngineStanding, Overview } from "../../../overview.ts";
import { Badge } from "../../parts/badge.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { countWords, rateWords, spanWords } from "../../words.ts";

export function Engines({ overview: { engines, atMs } }: { readonly overview: Overview }) {
  if (engines.length === 0) return null;
  const columns: readonly Column<EngineStanding>[] = [
    { id: "name", title: "Engine", cell: (one) => <code>{one.name}</code>, sort: (one) => one.name },
    {
      id: "state",
      title: "State",
      cell: (one) => (one.isAway ? <Badge tone="bad">silent</Badge> : <Badge tone="good">working</Badge>),
    },
    { id: "told", title: "Last told", cell: (one) => <Ago atMs={one.atMs} /> },
    { id: "up", title: "Up for", cell: (one) => spanWords(atMs - one.startedAtMs), isFigure: true },
    { id: "in-flight", title: "Under way", cell: (one) => countWords(one.inFlight), isFigure: true },
    { id: "rate", title: "Flow", cell: (one) => rateWords(one.tasksPerSecond), isFigure: true },
    { id: "version", title: "Version", cell: (one) => one.version },
  ];
  return (
    <section class="card" aria-labelledby="engines">
      <header class="card-head">
        <h2 id="engines">Engines</h2>
      </header>
      <Table caption="Engines" columns={columns} rows={engines} keyOf={(one) => one.name} />
    </section>
  );
}
