/** Charts as SVG text that stands in a page: no script, readable by screen readers, in the colours of the page. */
import { escaped } from "../escape.ts";

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** A class of the page's style. */
  readonly style: string;
}

const WIDTH = 640;
const LABEL = 240;
const ROW = 26;

/** Bars side by side with their names and values, the longest as wide as there is room. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map((one) => one.value));
  const room = WIDTH - LABEL - 90;
  const rows = bars.map(({ name, value, style }, index) => {
    const y = index * ROW;
    const width = value === 0 ? 0 : Math.max(2, (value / most) * room);
    return (
      `<text x="${LABEL - 8}" y="${y + 17}" text-anchor="end">${escaped(shortened(name))}</text>` +
      `<rect class="${style}" x="${LABEL}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW - 8}" rx="2"/>` +
      `<text class="value" x="${(LABEL + width + 6).toFixed(1)}" y="${y + 17}">${value.toLocaleString("en")}</text>`
    );
  });
  const said = bars.map((one) => `${one.name}: ${one.value}`).join("; ");
  return figure(title, said, { height: bars.length * ROW, content: rows.join("") });
}

/** A share of a whole. @param share 0..1 */
export function shareChart(title: string, share: number, says: string): string {
  const width = WIDTH - 2;
  const content =
    `<rect class="empty" x="1" y="4" width="${width}" height="22" rx="3"/>` +
    `<rect class="good" x="1" y="4" width="${(width * share).toFixed(1)}" height="22" rx="3"/>`;
  return figure(title, says, { height: 30, content });
}

export interface Point {
  /** A date. */
  readonly name: string;
  readonly value: number;
}

/** A line from the first to the last. */
export function lineChart(title: string, points: readonly Point[], says: (value: number) => string): string {
  const height = 140;
  const values = points.map((one) => one.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index: number) => 10 + (index * (WIDTH - 20)) / Math.max(1, points.length - 1);
  const y = (value: number) => (high === low ? height / 2 : 20 + ((high - value) * (height - 50)) / (high - low));
  const line = points.map((one, index) => `${x(index).toFixed(1)},${y(one.value).toFixed(1)}`).join(" ");
  const dots = points.map(
    ({ name, value }, index) =>
      `<circle cx="${x(index).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3.5"><title>${escaped(`${name}: ${says(value)}`)}</title></circle>`,
  );
  const [first, last] = [points[0], points.at(-1)];
  const ends =
    first === undefined || last === undefined
      ? ""
      : `<text x="4" y="${height - 6}">${escaped(first.name)}</text>` +
        `<text x="${WIDTH - 4}" y="${height - 6}" text-anchor="end">${escaped(last.name)}</text>` +
        `<text class="value" x="${WIDTH - 4}" y="13" text-anchor="end">${escaped(says(last.value))}</text>`;
  const said = points.map((one) => `${one.name}: ${says(one.value)}`).join("; ");
  const content = `<polyline class="trend" points="${line}"/>${dots.join("")}${ends}`;
  return figure(title, said, { height, content });
}

function figure(
  title: string,
  says: string,
  { height, content }: { readonly height: number; readonly content: string },
) {
  return (
    `<figure>\n<figcaption>${escaped(title)}</figcaption>\n` +
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(`${title}. ${says}`)}">${content}</svg>\n</figure>`
  );
}

const NAME_MAX = 34;

function shortened(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX - 1)}…`;
}
