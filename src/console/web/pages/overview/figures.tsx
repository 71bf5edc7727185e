/** How everything stands in five figures. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Overview } from "../../../overview.ts";
import { Sparkline } from "../../parts/sparkline.tsx";
import { agoWords, countWords, rateWords, shortCount, sizeWords, spanWords } from "../../words.ts";

export function Figures({ overview }: { readonly overview: Overview }) {
  const { pending, pendingBytes, oldestWrittenAtMs, failed, completed, tasksPerSecond, bytesPerSecond } = overview;
  const { lag, etaMs, atMs } = overview;
  const recent = useRecent(overview);
  return (
    <dl class="card figures-strip">
      <Figure
        title="Waiting"
        value={shortCount(pending)}
        exact={countWords(pending)}
        recent={recent.map((one) => one.pending)}
      >
        {pending === 0
          ? "nothing is behind"
          : `${sizeWords(pendingBytes)}${oldestWrittenAtMs === undefined ? "" : `, oldest ${agoWords(oldestWrittenAtMs, atMs)}`}`}
      </Figure>
      <Figure title="Flow" value={rateWords(tasksPerSecond)} recent={recent.map((one) => one.tasksPerSecond)}>
        {sizeWords(bytesPerSecond)}/s
      </Figure>
      <Figure title="Lag, median" value={lag === undefined ? "–" : spanWords(lag.p50Ms)}>
        {lag === undefined ? "nothing new lately" : `p99 ${spanWords(lag.p99Ms)}`}
      </Figure>
      <Figure title="FAILED" value={shortCount(failed)} exact={countWords(failed)} isBad={failed > 0}>
        {shortCount(completed)} COMPLETED
      </Figure>
      <Figure title="All done in" value={etaMs === undefined ? (pending === 0 ? "now" : "–") : spanWords(etaMs)}>
        {etaMs === undefined ? (pending === 0 ? doneWords(failed) : "nothing moves") : "at this rate"}
      </Figure>
    </dl>
  );
}

/** What waits for nothing may still have failed. */
function doneWords(failed: number): string {
  return failed === 0 ? "everything is there" : "all but what FAILED";
}

/** What was told since the page is open: the last few minutes. */
const RECENT_MAX = 90;

function useRecent(overview: Overview): readonly Overview[] {
  const held = useRef<readonly Overview[]>([]);
  if (held.current.at(-1)?.atMs !== overview.atMs) held.current = [...held.current, overview].slice(-RECENT_MAX);
  return held.current;
}

interface FigureProps {
  readonly title: string;
  readonly value: string;
  readonly exact?: string;
  readonly isBad?: boolean;
  /** How it has gone lately. */
  readonly recent?: readonly number[];
  readonly children: ComponentChildren;
}

function Figure({ title, value, exact, isBad, recent, children }: FigureProps) {
  return (
    <div class={isBad === true ? "figure-box bad" : "figure-box"}>
      <dt>{title}</dt>
      <dd class="figure-value" title={exact}>
        {value}
        {recent === undefined ? null : <Sparkline values={recent} />}
      </dd>
      <dd class="figure-says">{children}</dd>
    </div>
  );
}
