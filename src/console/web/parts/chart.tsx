/** Figures over time, drawn by uPlot in the colours of the theme, with the latest figures in words beside them. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { themeTurns } from "../theme.ts";
import { clockWords, shortClock } from "../words.ts";

export interface ChartLine {
  readonly title: string;
  readonly values: readonly (number | null)[];
  readonly tone: "accent" | "second" | "bad" | "good";
}

interface ChartProps {
  readonly title: string;
  /** Milliseconds, ascending. */
  readonly atMs: readonly number[];
  readonly lines: readonly ChartLine[];
  /** A figure on the axis and beside the cursor. */
  readonly words: (value: number) => string;
  /** Charts of one group share their cursor. */
  readonly group?: string;
}

const HEIGHT = 148;

export function Chart({ title, atMs, lines, words, group }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const [at, setAt] = useState<number | undefined>(undefined);
  const turns = themeTurns.value;
  const data = dataOf(atMs, lines);
  const latest = useRef({ data, words });
  latest.current = { data, words };
  const names = lines.map((one) => `${one.title} ${one.tone}`).join("|");
  // Drawn anew for other lines and colours; figures are set below.
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const options = optionsOf({ element, lines, group, words: (value) => latest.current.words(value), onPoint: setAt });
    const drawn = new uPlot(options, latest.current.data, element);
    chart.current = drawn;
    const watcher = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      drawn.destroy();
      chart.current = undefined;
    };
  }, [names, turns, group]);
  // Figures change with what they are made of.
  useEffect(() => {
    chart.current?.setData(data);
  }, [atMs, lines]);
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-now">
          {at === undefined ? null : <span>{clockWords(atMs[at] ?? 0)}</span>}
          {lines.map((one) => (
            <span key={one.title}>
              {lines.length > 1 ? <i class={`swatch ${one.tone}`} /> : null}
              {lines.length > 1 ? `${one.title} ` : ""}
              {figureOf(one, at, words)}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} class="chart-place" role="img" aria-label={summaryOf(title, lines, words)} />
    </figure>
  );
}

function dataOf(atMs: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [atMs.map((one) => one / 1000), ...lines.map((one) => [...one.values])];
}

/** Under the cursor, or the latest that is known. */
function figureOf({ values }: ChartLine, at: number | undefined, words: (value: number) => string): string {
  const value = at === undefined ? values.findLast((one) => one !== null) : values[at];
  return value === undefined || value === null ? "nothing known" : words(value);
}

/** What the picture shows, for those who do not see it. */
function summaryOf(title: string, lines: readonly ChartLine[], words: (value: number) => string): string {
  const parts = lines.map((line) => {
    const known = line.values.filter((one) => one !== null);
    if (known.length === 0) return `${line.title}: nothing known`;
    const most = words(Math.max(...known));
    return `${line.title}: now ${words(known.at(-1) ?? 0)}, at most ${most}, at least ${words(Math.min(...known))}`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

interface Drawn {
  readonly element: HTMLElement;
  readonly lines: readonly ChartLine[];
  readonly group: string | undefined;
  readonly words: (value: number) => string;
  /** Told which moment the cursor is at. */
  readonly onPoint: (at: number | undefined) => void;
}

function optionsOf({ element, lines, group, words, onPoint }: Drawn): uPlot.Options {
  const colour = (name: string) => colourOf(element, name);
  const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line-soft"), width: 1 }, ticks: { show: false } };
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  return {
    width: element.clientWidth || 320,
    height: HEIGHT,
    padding: [10, 6, 0, 0],
    legend: { show: false },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: false, y: false },
      ...(group === undefined ? {} : { sync: { key: group } }),
    },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1e-6)] } },
    axes: [
      { ...axis, font, size: 26, space: 64, values: (_, values) => timesOf(values) },
      { ...axis, font, size: 58, space: 32, values: (_, values) => onceEach(values.map(words)) },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.title,
          stroke: colour(`--chart-${line.tone}`),
          ...(lines.length === 1 ? { fill: colour(`--chart-${line.tone}-fill`) } : {}),
          width: 1.75,
          points: { show: false },
        }),
      ),
    ],
  };
}

/** Hours and minutes where that tells them apart, seconds too where it does not. */
function timesOf(seconds: readonly number[]): string[] {
  const short = seconds.map((one) => shortClock(one * 1000));
  return new Set(short).size === short.length ? short : seconds.map((one) => clockWords(one * 1000));
}

/** Small figures may read the same when they are rounded: each is written once, at the lowest. */
function onceEach(words: readonly string[]): string[] {
  return words.map((one, at) => (words[at - 1] === one ? "" : one));
}

/** A canvas does not know the style sheet's names: the browser is asked what one is just now. */
function colourOf(element: HTMLElement, name: string): string {
  const asked = document.createElement("span");
  asked.style.color = `var(${name})`;
  element.append(asked);
  const colour = getComputedStyle(asked).color;
  asked.remove();
  return colour;
}
