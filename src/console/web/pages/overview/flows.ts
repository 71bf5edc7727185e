/** The map's flows and where they are drawn. Pure: from standings and a width to boxes and paths. */
import type { DestinationStanding, Overview } from "../../../overview.ts";
import { bucketName } from "../../words.ts";

/** What goes from one bucket to one destination. */
export interface Flow {
  readonly id: string;
  readonly bucket: string;
  readonly destinationArn: string;
  readonly standing: DestinationStanding;
  readonly pausedSinceMs?: number;
  readonly state: "cut" | "failing" | "paused" | "flowing" | "waiting" | "quiet";
}

/** Those that need a person first, then the busiest. */
export function flowsOf({ replications }: Overview): readonly Flow[] {
  const flows = replications.flatMap(({ bucket, pausedSinceMs, destinations }) =>
    destinations.map((standing): Flow => {
      const state = stateOf(standing, pausedSinceMs !== undefined);
      const { destinationArn } = standing;
      const paused = pausedSinceMs === undefined ? {} : { pausedSinceMs };
      return { id: `${bucket} ${destinationArn}`, bucket, destinationArn, standing, state, ...paused };
    }),
  );
  return flows.toSorted((one, other) => weightOf(other) - weightOf(one));
}

function stateOf({ breakers, failed, pending, tasksPerSecond }: DestinationStanding, isPaused: boolean): Flow["state"] {
  if (breakers.length > 0) return "cut";
  if (isPaused) return "paused";
  if (failed > 0) return "failing";
  if (tasksPerSecond > 0) return "flowing";
  return pending > 0 ? "waiting" : "quiet";
}

function weightOf({ state, standing }: Flow): number {
  const need = { cut: 4, failing: 3, paused: 2, waiting: 1, flowing: 1, quiet: 0 }[state];
  return need * 1e9 + Math.min(1e9 - 1, standing.failed + standing.pending + standing.tasksPerSecond);
}

export interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly height: number;
  /** It is drawn on the other side too: what arrives here is replicated from here. */
  readonly isBoth: boolean;
}

export interface Arrow {
  readonly flow: Flow;
  readonly path: string;
  /** Where its words stand. */
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly boxWidth: number;
  readonly height: number;
  readonly sources: readonly Box[];
  readonly destinations: readonly Box[];
  readonly arrows: readonly Arrow[];
}

const ROW = 72;
const GAP = 16;
/** Words stand on the first part of an arrow, which is straight, so that they never meet those of another. */
const STRAIGHT = 0.66;

export function layoutOf(flows: readonly Flow[], width: number): Layout {
  const boxWidth = Math.round(Math.min(240, Math.max(150, width * 0.22)));
  const buckets = [...new Set(flows.map((one) => one.bucket))];
  const ordered = buckets.flatMap((bucket) => flows.filter((one) => one.bucket === bucket));
  const rowOf = new Map(ordered.map((one, at) => [one.id, at * ROW + ROW / 2]));
  const names = new Set(flows.map((one) => bucketName(one.destinationArn)));
  const sources = buckets.map((bucket): Box => {
    const rows = ordered.flatMap((one, at) => (one.bucket === bucket ? [at] : []));
    const y = (rows[0] ?? 0) * ROW + GAP / 2;
    return { name: bucket, x: 0, y, height: rows.length * ROW - GAP, isBoth: names.has(bucket) };
  });
  const destinations = placed(ordered, rowOf, { x: width - boxWidth, buckets: new Set(buckets) });
  const arrows = ordered.map((flow): Arrow => {
    const y = rowOf.get(flow.id) ?? 0;
    const [from, to] = [boxWidth, width - boxWidth];
    const bend = from + (to - from) * STRAIGHT;
    const end = portOf(destinations, ordered, flow);
    const middle = (bend + to) / 2;
    const path = `M${from} ${y}H${bend}C${middle} ${y} ${middle} ${end} ${to - 10} ${end}`;
    return { flow, path, x: from + 16, y };
  });
  const ends = [...sources, ...destinations].map((one) => one.y + one.height);
  return { boxWidth, height: Math.max(0, ...ends) + GAP / 2, sources, destinations, arrows };
}

/** Each destination as near as can be to the middle of what comes to it, without meeting another. */
function placed(
  ordered: readonly Flow[],
  rowOf: ReadonlyMap<string, number>,
  { x, buckets }: { readonly x: number; readonly buckets: ReadonlySet<string> },
): readonly Box[] {
  const wanted = [...new Set(ordered.map((one) => one.destinationArn))].map((destinationArn) => {
    const rows = ordered.flatMap((one) => (one.destinationArn === destinationArn ? [rowOf.get(one.id) ?? 0] : []));
    const height = Math.max(ROW - GAP, rows.length * 28 + 8);
    return { destinationArn, height, middle: rows.reduce((sum, one) => sum + one, 0) / rows.length };
  });
  let free = GAP / 2;
  return wanted
    .toSorted((one, other) => one.middle - other.middle)
    .map(({ destinationArn, height, middle }) => {
      const y = Math.max(free, middle - height / 2);
      free = y + height + GAP;
      const name = bucketName(destinationArn);
      return { name, x, y, height, isBoth: buckets.has(name) };
    });
}

/** Where on a destination's side an arrow ends: those that come to it share it evenly, in order. */
function portOf(boxes: readonly Box[], ordered: readonly Flow[], flow: Flow): number {
  const box = boxes.find((one) => one.name === bucketName(flow.destinationArn));
  const own = ordered.filter((one) => one.destinationArn === flow.destinationArn);
  const at = own.findIndex((one) => one.id === flow.id);
  return box === undefined ? 0 : box.y + (box.height * (at + 1)) / (own.length + 1);
}
