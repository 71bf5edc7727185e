/** Buckets that their own store replicates, as it publishes it: nothing of them passes through an engine. */
import type { Published, PublishedFlow } from "../../../../monitor/published.ts";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { bucketName, countWords, sizeWords, spanWords } from "../../words.ts";

interface Row extends PublishedFlow {
  readonly bucket: string;
  readonly readAtMs: number;
}

const UNKNOWN = "unknown";

const COLUMNS: readonly Column<Row>[] = [
  { id: "bucket", title: "Bucket", cell: (one) => one.bucket, sort: (one) => one.bucket },
  { id: "rule", title: "Rule", cell: (one) => one.ruleId, sort: (one) => one.ruleId },
  { id: "to", title: "Destination", cell: (one) => bucketName(one.destinationArn) },
  {
    id: "backlog",
    title: "Backlog",
    cell: ({ pending }) =>
      pending === undefined ? UNKNOWN : `${countWords(pending.operations)}, ${sizeWords(pending.bytes)}`,
    sort: (one) => one.pending?.operations ?? -1,
    isFigure: true,
  },
  {
    id: "behind",
    title: "Behind by",
    cell: ({ pending }) => (pending === undefined ? UNKNOWN : spanWords(pending.latencySeconds * 1000)),
    sort: (one) => one.pending?.latencySeconds ?? -1,
    isFigure: true,
  },
  {
    id: "ended",
    title: "Ended, last hour",
    cell: (one) => countWords(one.endedLastHour),
    sort: (one) => one.endedLastHour,
    isFigure: true,
  },
  {
    id: "failed",
    title: "FAILED, last hour",
    cell: (one) => countWords(one.failedLastHour),
    sort: (one) => one.failedLastHour,
    isFigure: true,
  },
  { id: "told", title: "As of", cell: (one) => <Ago atMs={one.readAtMs} /> },
];

export function PublishedFlows({ published }: { readonly published: readonly Published[] }) {
  const rows = published.flatMap(({ bucket, readAtMs, flows }) => flows.map((one) => ({ ...one, bucket, readAtMs })));
  if (rows.length === 0) return null;
  return (
    <section class="card" aria-labelledby="published">
      <header class="card-head">
        <h2 id="published">Replicated by AWS</h2>
        <span class="dim">As CloudWatch tells it, some minutes late</span>
      </header>
      <Table
        caption="Replicated by AWS"
        columns={COLUMNS}
        rows={rows}
        keyOf={(one) => `${one.bucket} ${one.ruleId} ${one.destinationArn}`}
      />
    </section>
  );
}
