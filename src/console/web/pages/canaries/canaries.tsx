/** Canaries, and what else is watched on a schedule: the latest of each, how long canaries took, and everything before. */
import { useState } from "preact/hooks";
import type { WatchResult } from "../../../../monitor/history.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choice } from "../../parts/field.tsx";
import { Empty } from "../../parts/states.tsx";
import type { Column } from "../../parts/table.tsx";
import { useResource } from "../../resource.ts";
import { spanWords } from "../../words.ts";
import { WatchFrame } from "../watches/frame.tsx";
import { Results } from "../watches/results.tsx";
import { Schedules } from "../watches/schedules.tsx";
import { seriesIn, seriesName, watchesOf } from "../watches/watches.ts";

type Shown = "latest" | "all";

export function Canaries() {
  const [shown, setShown] = useState<Shown>("latest");
  const watches = useResource("watches", (signal) => watchesOf(undefined, signal));
  return (
    <WatchFrame
      about="A canary writes a small object of each kind, follows it to its replica, compares it and removes both."
      watches={watches}
      what="watches"
    >
      {(answer) => {
        const results = answer.results.filter((one) => one.kind !== "audit");
        const schedules = answer.schedules.filter((one) => one.kind !== "audit");
        return (
          <>
            {results.length === 0 ? <None /> : null}
            <Latencies results={results.filter((one) => one.kind === "canary")} />
            <Schedules schedules={schedules} onBegun={watches.reload} />
            {results.length === 0 ? null : (
              <section class="card" aria-labelledby="watches-found">
                <header class="card-head">
                  <h2 id="watches-found">What was found</h2>
                  <Choice
                    label="Which results"
                    value={shown}
                    options={[
                      { value: "latest", says: "Latest" },
                      { value: "all", says: "All" },
                    ]}
                    onPick={setShown}
                  />
                </header>
                <Results
                  caption="What watches found"
                  results={
                    shown === "all" ? results : [...seriesIn(results).values()].flatMap(([latest]) => latest ?? [])
                  }
                  figures={LATENCY}
                  hasKind
                />
              </section>
            )}
          </>
        );
      }}
    </WatchFrame>
  );
}

function None() {
  return (
    <div class="card">
      <Empty title="Nothing has been watched yet" icon="canaries">
        Run <code>lockstep canary s3://BUCKET</code>, or write <code>schedules:</code> into <code>lockstep.yaml</code>.
      </Empty>
    </div>
  );
}

const LATENCY: readonly Column<WatchResult>[] = [
  {
    id: "latency",
    title: "Latency",
    isFigure: true,
    sort: ({ counts }) => counts["latencyMs"] ?? -1,
    cell: ({ counts }) => (counts["latencyMs"] === undefined ? "–" : spanWords(counts["latencyMs"])),
  },
];

/** How long canaries took, by rule and destination; nothing where one did not arrive. */
function Latencies({ results }: { readonly results: readonly WatchResult[] }) {
  const series = [...seriesIn(results).values()].filter((one) => one.length > 1);
  if (series.length === 0) return null;
  return (
    <div class="watch-charts">
      {series.map((one) => {
        const past = one.toReversed();
        const [latest] = one;
        if (latest === undefined) return null;
        return (
          <div key={seriesName(latest)} class="card">
            <Chart
              title={seriesName(latest)}
              atMs={past.map(({ atMs }) => atMs)}
              lines={[
                { title: "latency", values: past.map(({ counts }) => counts["latencyMs"] ?? null), tone: "accent" },
              ]}
              words={spanWords}
              group="canaries"
            />
          </div>
        );
      })}
    </div>
  );
}
