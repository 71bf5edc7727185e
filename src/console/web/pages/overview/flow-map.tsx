/** The map: buckets, where they are replicated to, and on each arrow what goes on. A narrow screen gets it as a list. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Overview } from "../../../overview.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Icon, type IconName } from "../../parts/icon.tsx";
import { Empty } from "../../parts/states.tsx";
import { placeOf } from "../../route.ts";
import { bucketName, countWords, cutMiddle, plural, rateWords, shortCount, sizeWords, spanWords } from "../../words.ts";
import { type Arrow, type Box, type Flow, flowsOf, layoutOf } from "./flows.ts";

/** More arrows than this are no map any more: the first ones are those that need a person. */
const SHOWN_MAX = 24;
/** Narrower than this it is a list. */
const MAP_PX_MIN = 640;

export function FlowMap({ overview }: { readonly overview: Overview }) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [isWhole, setWhole] = useState(false);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    watcher.observe(element);
    setWidth(Math.floor(element.clientWidth));
    return () => watcher.disconnect();
  }, []);
  const flows = useMemo(() => flowsOf(overview), [overview]);
  const shown = isWhole ? flows : flows.slice(0, SHOWN_MAX);
  return (
    <section class="card flow-map" aria-labelledby="flow-map">
      <header class="card-head">
        <h2 id="flow-map">Replication</h2>
        <span class="dim">
          {plural(new Set(flows.map((one) => one.bucket)).size, "bucket")}, {plural(flows.length, "flow")}
        </span>
      </header>
      <div class="flow-place">
        <div ref={place} />
        {flows.length === 0 ? <NoFlows overview={overview} /> : null}
        {flows.length > 0 && width >= MAP_PX_MIN ? <Drawn flows={shown} width={width} /> : null}
        {flows.length > 0 && width > 0 && width < MAP_PX_MIN ? <Listed flows={shown} /> : null}
      </div>
      {flows.length > SHOWN_MAX ? (
        <footer class="table-foot">
          <button type="button" class="button small" onClick={() => setWhole(!isWhole)}>
            {isWhole ? `Show the first ${SHOWN_MAX}` : `Show the other ${countWords(flows.length - SHOWN_MAX)} too`}
          </button>
        </footer>
      ) : null}
    </section>
  );
}

function NoFlows({ overview }: { readonly overview: Overview }) {
  const { replications } = overview;
  return replications.length === 0 ? (
    <Empty title="Nothing is replicated yet" icon="bucket">
      Put a replication configuration on a bucket, or add a replication to <code>lockstep.yaml</code>.
    </Empty>
  ) : (
    <Empty title="Nothing has gone anywhere yet" icon="flow">
      {replications
        .map((one) => one.bucket)
        .slice(0, 6)
        .join(", ")}
      : what is written to these shows here as soon as a rule takes it.
    </Empty>
  );
}

function Drawn({ flows, width }: { readonly flows: readonly Flow[]; readonly width: number }) {
  const { boxWidth, height, sources, destinations, arrows } = useMemo(() => layoutOf(flows, width), [flows, width]);
  return (
    <svg class="map" width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      <title>Buckets, where they are replicated to, and what goes on between them</title>
      {arrows.map((one) => (
        <DrawnArrow key={one.flow.id} arrow={one} room={(width - 2 * boxWidth) * 0.66} />
      ))}
      {[...sources, ...destinations].map((one) => (
        <DrawnBox key={`${one.x} ${one.name}`} box={one} width={boxWidth} isSource={one.x === 0} />
      ))}
    </svg>
  );
}

function DrawnBox({ box, width, isSource }: { readonly box: Box; readonly width: number; readonly isSource: boolean }) {
  const { name, x, y, height, isBoth } = box;
  const middle = y + height / 2;
  const role = isBoth ? "source and destination" : isSource ? "source" : "destination";
  return (
    <g class="map-box">
      <title>{name}</title>
      <rect x={x + 0.5} y={y + 0.5} width={width - 1} height={height - 1} rx="8" />
      <svg x={x + 12} y={middle - 10} width="20" height="20" aria-hidden="true">
        <Icon name="bucket" size={20} />
      </svg>
      <text class="map-name" x={x + 42} y={middle - 2}>
        {cutMiddle(name, Math.floor((width - 56) / 8.2))}
      </text>
      <text class="map-role" x={x + 42} y={middle + 15}>
        {role}
      </text>
    </g>
  );
}

function DrawnArrow({ arrow: { flow, path, x, y }, room }: { readonly arrow: Arrow; readonly room: number }) {
  const { state, standing } = flow;
  const isShort = room < 300;
  const tip = /C.* (\S+) (\S+)$/.exec(path);
  const [tipX, tipY] = [Number(tip?.[1] ?? 0), Number(tip?.[2] ?? 0)];
  const failed = standing.failed === 0 ? "" : `${shortCount(standing.failed)} FAILED`;
  return (
    <a class={`map-arrow ${state}`} href={placeFor(flow)}>
      <text class="map-unseen" x={x} y={y}>
        {flow.bucket} to {bucketName(flow.destinationArn)}:
      </text>
      <path class="map-hit" d={path} />
      <path class={`map-line weight-${weightOf(standing.tasksPerSecond)}`} d={path} />
      <path class="map-tip" d={`M${tipX - 1} ${tipY - 5.5}l9 5.5-9 5.5z`} />
      <text class="map-flow" x={x} y={y - 9}>
        <tspan class="map-state">{SIGNS[state]} </tspan>
        {headWords(flow, isShort)}
      </text>
      <text class="map-says" x={x} y={y + 20}>
        {failed === "" ? null : <tspan class="map-failed">✕ {failed}</tspan>}
        {failed === "" ? null : <tspan> · </tspan>}
        {restWords(flow, isShort)}
      </text>
    </a>
  );
}

const SIGNS: Readonly<Record<Flow["state"], string>> = {
  cut: "⊘",
  failing: "▲",
  paused: "Ⅱ",
  flowing: "▸",
  waiting: "◷",
  quiet: "✓",
};

function headWords({ state, standing, pausedSinceMs }: Flow, isShort: boolean): string {
  const rate = isShort
    ? rateWords(standing.tasksPerSecond)
    : `${rateWords(standing.tasksPerSecond)}, ${sizeWords(standing.bytesPerSecond)}/s`;
  if (state === "cut") return "nobody answers";
  if (pausedSinceMs !== undefined) return "paused";
  return standing.tasksPerSecond > 0 ? rate : state === "quiet" ? "all there" : "nothing moves";
}

function restWords({ standing }: Flow, isShort: boolean): string {
  const { pending, pendingBytes, lag, completed } = standing;
  const waits =
    pending === 0
      ? `${shortCount(completed)} done`
      : `${shortCount(pending)} waiting${isShort ? "" : ` (${sizeWords(pendingBytes)})`}`;
  return lag === undefined
    ? waits
    : `${waits} · lag ${spanWords(lag.p50Ms)}${isShort ? "" : `, p99 ${spanWords(lag.p99Ms)}`}`;
}

/** Thicker by a step for every tenfold. */
function weightOf(perSecond: number): number {
  return perSecond <= 0 ? 0 : Math.min(4, Math.max(1, Math.ceil(Math.log10(perSecond) + 1)));
}

/** Where an arrow leads: to why, where something is amiss. */
function placeFor({ state, bucket }: Flow): string {
  return placeOf(state === "failing" || state === "cut" ? "causes" : "objects", { bucket });
}

const BADGES: Readonly<Record<Flow["state"], { readonly tone: Tone; readonly icon: IconName }>> = {
  cut: { tone: "bad", icon: "unplugged" },
  failing: { tone: "bad", icon: "warn" },
  paused: { tone: "warn", icon: "pause" },
  flowing: { tone: "info", icon: "flow" },
  waiting: { tone: "info", icon: "clock" },
  quiet: { tone: "good", icon: "check" },
};

function Listed({ flows }: { readonly flows: readonly Flow[] }) {
  return (
    <ul class="flow-list">
      {flows.map((flow) => (
        <li key={flow.id}>
          <a href={placeFor(flow)}>
            <span class="flow-ends">
              <span>{flow.bucket}</span>
              <Icon name="flow" size={14} />
              <span>{bucketName(flow.destinationArn)}</span>
            </span>
            <span class="row">
              <Badge {...BADGES[flow.state]}>{headWords(flow, true)}</Badge>
              {flow.standing.failed === 0 ? null : <Badge tone="bad">{shortCount(flow.standing.failed)} FAILED</Badge>}
            </span>
            <span class="dim">{restWords(flow, false)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
