/** The last hour or day in four charts that share their cursor; the youngest figures are appended as they come. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { seriesOf } from "../../api.ts";
import { seriesPoint } from "../../live.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choice } from "../../parts/field.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { useResource } from "../../resource.ts";
import { SERIES_FIGURES, type Series, type SeriesPoint, type SeriesRange } from "../../shapes.ts";
import { rateWords, shortCount, spanWords } from "../../words.ts";

const RANGES = [
  { value: "hour", says: "Hour" },
  { value: "day", says: "Day" },
] as const;

/** What was appended meanwhile is asked for again, as the server keeps it. */
const RANGE_MS = { hour: 3_600_000, day: 86_400_000 } as const;
const RELOAD_MS = 120_000;

export function Past() {
  const [range, setRange] = useState<SeriesRange>("hour");
  const past = useResource(range, (signal) => seriesOf(range, signal));
  const { reload } = past;
  useEffect(() => {
    const timer = setInterval(reload, RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  return (
    <section class="card" aria-labelledby="past">
      <header class="card-head">
        <h2 id="past">The last {range}</h2>
        <Choice label="How far back" value={range} options={RANGES} onPick={setRange} />
      </header>
      <Loaded resource={past} loading="Loading the figures" failed="The figures could not be loaded">
        {(series) => <Charts series={series} rangeMs={RANGE_MS[range]} />}
      </Loaded>
    </section>
  );
}

function Charts({ series, rangeMs }: { readonly series: Series; readonly rangeMs: number }) {
  const [now, setNow] = useState(series);
  useEffect(() => setNow(series), [series]);
  const point = seriesPoint.value;
  useEffect(() => {
    if (point !== undefined) setNow((before) => withPoint(before, point, rangeMs));
  }, [point, rangeMs]);
  const { atMs } = now;
  const perSecond = useMemo(() => [{ title: "tasks", values: now.tasksPerSecond, tone: "accent" as const }], [now]);
  const backlog = useMemo(() => [{ title: "waiting", values: now.pending, tone: "accent" as const }], [now]);
  const failed = useMemo(() => [{ title: "FAILED", values: now.failed, tone: "bad" as const }], [now]);
  const lag = useMemo(
    () => [
      { title: "p50", values: now.lagP50Ms, tone: "accent" as const },
      { title: "p99", values: now.lagP99Ms, tone: "second" as const },
    ],
    [now],
  );
  if (atMs.length < 2)
    return (
      <Empty title="No figures yet" icon="clock">
        They are taken from now on.
      </Empty>
    );
  return (
    <div class="charts">
      <Chart title="Flow" atMs={atMs} lines={perSecond} words={rateWords} group="past" />
      <Chart title="Backlog" atMs={atMs} lines={backlog} words={wholeWords} group="past" />
      <Chart title="Lag" atMs={atMs} lines={lag} words={spanWords} group="past" />
      <Chart title="FAILED" atMs={atMs} lines={failed} words={wholeWords} group="past" />
    </div>
  );
}

function wholeWords(value: number): string {
  return shortCount(Math.round(value));
}

/** With one step more, and without those that are too old; points that come closer than a step are left for the next asking. */
function withPoint(series: Series, point: SeriesPoint, rangeMs: number): Series {
  const last = series.atMs.at(-1) ?? 0;
  if (point.atMs < last + series.stepMs) return series;
  const past = series.atMs.filter((one) => one <= point.atMs - rangeMs).length;
  const figures = SERIES_FIGURES.map((name) => [name, [...series[name].slice(past), point[name] ?? null]] as const);
  return { ...series, atMs: [...series.atMs.slice(past), point.atMs], ...Object.fromEntries(figures) };
}
