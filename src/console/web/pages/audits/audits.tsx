/** Audits: whether both ends hold the same; the latest of each, their course, and the reports. */
import "../watches/watches.css";
import type { WatchResult } from "../../../../monitor/history.ts";
import { Button } from "../../parts/button.tsx";
import { Chart } from "../../parts/chart.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import type { Column } from "../../parts/table.tsx";
import { useResource } from "../../resource.ts";
import { countWords, shortCount } from "../../words.ts";
import { Results } from "../watches/results.tsx";
import { Schedules } from "../watches/schedules.tsx";
import { seriesIn, watchesOf } from "../watches/watches.ts";

export function Audits() {
  const watches = useResource("audits", (signal) => watchesOf("audit", signal));
  return (
    <>
      <div class="page-bar">
        <p class="dim">An audit compares both ends version by version, and says of each difference why it is there.</p>
        <span class="end">
          <Button icon="jobs" isBusy={watches.state === "ready" && watches.isStale} onPress={watches.reload}>
            Look again
          </Button>
        </span>
      </div>
      <Loaded resource={watches} loading="Asking for audits" failed="The audits could not be listed">
        {({ results, schedules }) => (
          <div class="stack">
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
          </div>
        )}
      </Loaded>
    </>
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

/** Whatever an audit calls its counts; what is compared and what is equal come first. */
const FIRST = ["versions", "equal", "missing", "explained", "extra"];

function namesIn(results: readonly WatchResult[]): readonly string[] {
  const names = new Set(results.flatMap(({ counts }) => Object.keys(counts)));
  return [...FIRST.filter((one) => names.has(one)), ...[...names].filter((one) => !FIRST.includes(one))];
}

const FIGURES: readonly Column<WatchResult>[] = ["versions", "missing"].map((name) => ({
  id: name,
  title: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
  isFigure: true,
  sort: ({ counts }) => counts[name] ?? -1,
  cell: ({ counts }) => (counts[name] === undefined ? "–" : countWords(counts[name])),
}));

/** Figures that say that something is wrong, where they are not zero. */
const WRONG = /missing|extra|differ|data|metadata|tags|order|marker/i;
const RIGHT = /explained|equal/i;

function isWrong(name: string): boolean {
  return WRONG.test(name) && !RIGHT.test(name);
}

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
  const wrong = namesIn(series).filter(isWrong);
  const differences = past.map(({ counts }) => wrong.reduce((sum, one) => sum + (counts[one] ?? 0), 0));
  return (
    <section class="card" aria-label={name}>
      <header class="card-head">
        <h2>{latest.subject}</h2>
        <span class="dim">{latest.says}</span>
      </header>
      <dl class="tiles">
        {namesIn([latest]).map((one) => (
          <div key={one} class={isWrong(one) && (latest.counts[one] ?? 0) > 0 ? "bad" : undefined}>
            <dt>{one}</dt>
            <dd>{countWords(latest.counts[one] ?? 0)}</dd>
          </div>
        ))}
      </dl>
      {past.length < 2 ? null : (
        <div class="card-body">
          <Chart
            title="Differences"
            atMs={past.map((one) => one.atMs)}
            lines={[{ title: "differences", values: differences, tone: "bad" }]}
            words={shortCount}
          />
        </div>
      )}
    </section>
  );
}
