/** Audits: whether both ends hold the same; the latest of each, their course, and the reports. */
import type { AuditVerdict } from "../../../../core/audit/verdict.ts";
import type { WatchResult } from "../../../../monitor/history.ts";
import { Chart } from "../../parts/chart.tsx";
import { Empty } from "../../parts/states.tsx";
import type { Column } from "../../parts/table.tsx";
import { useResource } from "../../resource.ts";
import { countWords, shortCount } from "../../words.ts";
import { WatchFrame } from "../watches/frame.tsx";
import { Results } from "../watches/results.tsx";
import { Schedules } from "../watches/schedules.tsx";
import { seriesIn, watchesOf } from "../watches/watches.ts";

export function Audits() {
  const watches = useResource("audits", (signal) => watchesOf("audit", signal));
  return (
    <WatchFrame
      about="An audit compares both ends version by version, and says of each difference why it is there."
      watches={watches}
      what="audits"
    >
      {({ results, schedules }) => (
        <>
          {results.length === 0 ? <None /> : <Course results={results} />}
          <Schedules schedules={schedules} onBegun={watches.reload} />
          {results.length === 0 ? null : (
            <section class="card" aria-labelledby="audits-all">
              <header class="card-head">
                <h2 id="audits-all">All audits</h2>
              </header>
              <Results caption="Audits, the youngest first" results={results} figures={FIGURES} />
            </section>
          )}
        </>
      )}
    </WatchFrame>
  );
}

function None() {
  return (
    <div class="card">
      <Empty title="No audit has been done yet" icon="audits">
        Run <code>lockstep audit s3://BUCKET</code>, or have it done on a schedule in <code>lockstep.yaml</code>.
      </Empty>
    </div>
  );
}

/** Counts of an audit, each with what it is called; what is looked at first and what is wrong next. */
const COUNTS: readonly { readonly name: AuditCount; readonly says: string; readonly isWrong?: true }[] = [
  { name: "versions", says: "versions" },
  { name: "exceptions", says: "exceptions", isWrong: true },
  { name: "equal", says: "equal" },
  { name: "missing", says: "missing", isWrong: true },
  { name: "explained", says: "missing, explained" },
  { name: "data", says: "data differ", isWrong: true },
  { name: "metadata", says: "metadata differ", isWrong: true },
  { name: "tags", says: "tags differ", isWrong: true },
  { name: "order", says: "order differs", isWrong: true },
  { name: "deleteMarker", says: "delete marker differs" },
  { name: "extra", says: "only at the destination" },
  { name: "young", says: "too young to tell" },
];

type AuditCount = AuditVerdict | "versions" | "exceptions";

function countOf({ counts }: WatchResult, name: AuditCount): number {
  return counts[name] ?? 0;
}

const FIGURES: readonly Column<WatchResult>[] = (["versions", "exceptions"] as const).map((name) => ({
  id: name,
  title: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
  isFigure: true,
  sort: ({ counts }) => counts[name] ?? -1,
  cell: ({ counts }) => (counts[name] === undefined ? "–" : countWords(counts[name])),
}));

function Course({ results }: { readonly results: readonly WatchResult[] }) {
  return (
    <>
      {[...seriesIn(results)].map(([name, series]) => (
        <OneCourse key={name} name={name} series={series} />
      ))}
    </>
  );
}

function OneCourse({ name, series }: { readonly name: string; readonly series: readonly WatchResult[] }) {
  const [latest] = series;
  const past = series.toReversed();
  if (latest === undefined) return null;
  // What could not be done counted nothing.
  const exceptions = past.map((one) => (one.verdict === "failed" ? null : countOf(one, "exceptions")));
  const shown = COUNTS.filter(
    ({ name: one }) => countOf(latest, one) > 0 || one === "versions" || one === "exceptions",
  );
  return (
    <section class="card" aria-label={name}>
      <header class="card-head">
        <h2>{latest.subject}</h2>
        <span class="dim">{latest.says}</span>
      </header>
      <dl class="tiles">
        {shown.map(({ name: one, says, isWrong }) => (
          <div key={one} class={isWrong === true && countOf(latest, one) > 0 ? "bad" : undefined}>
            <dt>{says}</dt>
            <dd>{countWords(countOf(latest, one))}</dd>
          </div>
        ))}
      </dl>
      {past.length < 2 ? null : (
        <div class="card-body">
          <Chart
            title="Exceptions"
            atMs={past.map((one) => one.atMs)}
            lines={[{ title: "exceptions", values: exceptions, tone: "bad" }]}
            words={shortCount}
          />
        </div>
      )}
    </section>
  );
}
