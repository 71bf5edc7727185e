/** How everything stands in five figures. */
import type { ComponentChildren } from "preact";
import type { Overview } from "../../../overview.ts";
import { agoWords, countWords, rateWords, shortCount, sizeWords, spanWords } from "../../words.ts";

export function Figures({ overview }: { readonly overview: Overview }) {
  const { pending, pendingBytes, oldestWrittenAtMs, failed, completed, tasksPerSecond, bytesPerSecond } = overview;
  const { lag, etaMs, atMs } = overview;
  return (
    <dl class="card figures-strip">
      <Figure title="Waiting" value={shortCount(pending)} exact={countWords(pending)}>
        {pending === 0
          ? "nothing is behind"
          : `${sizeWords(pendingBytes)}${oldestWrittenAtMs === undefined ? "" : `, oldest ${agoWords(oldestWrittenAtMs, atMs)}`}`}
      </Figure>
      <Figure title="Flow" value={rateWords(tasksPerSecond)}>
        {sizeWords(bytesPerSecond)}/s
      </Figure>
      <Figure title="Lag, median" value={lag === undefined ? "–" : spanWords(lag.p50Ms)}>
        {lag === undefined ? "nothing new lately" : `p99 ${spanWords(lag.p99Ms)}`}
      </Figure>
      <Figure title="FAILED" value={shortCount(failed)} exact={countWords(failed)} isBad={failed > 0}>
        {shortCount(completed)} COMPLETED
      </Figure>
      <Figure title="All done in" value={etaMs === undefined ? (pending === 0 ? "now" : "–") : spanWords(etaMs)}>
        {etaMs === undefined ? (pending === 0 ? "everything is there" : "nothing moves") : "at this rate"}
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly title: string;
  readonly value: string;
  readonly exact?: string;
  readonly isBad?: boolean;
  readonly children: ComponentChildren;
}

function Figure({ title, value, exact, isBad, children }: FigureProps) {
  return (
    <div class={isBad === true ? "figure-box bad" : "figure-box"}>
      <dt>{title}</dt>
      <dd class="figure-value" title={exact}>
        {value}
      </dd>
      <dd class="figure-says">{children}</dd>
    </div>
  );
}
