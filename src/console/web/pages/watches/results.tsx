/** Results of watches as a table: what was found when, with the whole report where there is one. */
import type { WatchResult } from "../../../../monitor/history.ts";
import { Badge } from "../../parts/badge.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { spanWords } from "../../words.ts";
import { KINDS, reportAddress, seriesName, VERDICTS } from "./watches.ts";

interface ResultsProps {
  readonly caption: string;
  readonly results: readonly WatchResult[];
  /** Figures of the kind, as columns. */
  readonly figures?: readonly Column<WatchResult>[];
  readonly hasKind?: boolean;
}

export function Results({ caption, results, figures = [], hasKind }: ResultsProps) {
  const columns: readonly Column<WatchResult>[] = [
    {
      id: "of",
      title: "Of",
      isName: true,
      sort: seriesName,
      cell: (one) => (
        <span class="watch-of">
          {hasKind === true ? <span class="dim">{KINDS[one.kind]} </span> : null}
          <strong>{one.subject}</strong>
          {one.ruleId === undefined ? null : (
            <span class="dim sub">{seriesName(one).slice(one.subject.length + 1)}</span>
          )}
        </span>
      ),
    },
    {
      id: "verdict",
      title: "Found",
      sort: (one) => one.verdict,
      cell: (one) => (
        <span>
          <Badge tone={VERDICTS[one.verdict].tone}>{VERDICTS[one.verdict].says}</Badge> {one.says}
        </span>
      ),
    },
    ...figures,
    { id: "took", title: "Took", isFigure: true, sort: (one) => one.tookMs, cell: (one) => spanWords(one.tookMs) },
    { id: "at", title: "When", isFigure: true, sort: (one) => one.atMs, cell: (one) => <Ago atMs={one.atMs} /> },
    {
      id: "report",
      title: "Report",
      cell: (one) =>
        one.report === undefined ? (
          <span class="dim">none</span>
        ) : (
          <a href={reportAddress(one.report)} target="_blank" rel="noreferrer">
            Open<span class="unseen"> the report of {seriesName(one)}</span>
          </a>
        ),
    },
  ];
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={results}
      keyOf={(one) => `${one.kind} ${seriesName(one)} ${one.atMs}`}
    />
  );
}
