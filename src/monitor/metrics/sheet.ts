/**
 * A sheet of figures for one scrape: figures of the same labels are summed up, and the whole becomes the text that
 * Prometheus reads. A new one is made for every scrape, so nothing is remembered that the ledger does not hold.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { unreachable } from "../../core/assert.ts";
import { METRICS, type MetricName } from "./names.ts";

type Labels = Readonly<Record<string, string>>;

/** Of a histogram: how many fell into each class, the last one without an upper end. */
export interface Distribution {
  readonly labels: Labels;
  readonly counts: readonly number[];
  readonly sum: number;
}

export class Sheet {
  readonly #figures = new Map<MetricName, Map<string, { readonly labels: Labels; value: number }>>();
  readonly #distributions = new Map<MetricName, { bounds: readonly number[]; of: Map<string, Distribution> }>();

  /** Adds to the figure of these labels. */
  add(name: MetricName, labels: Labels, value: number): void {
    const figures = this.#figures.get(name) ?? new Map<string, { readonly labels: Labels; value: number }>();
    this.#figures.set(name, figures);
    const key = JSON.stringify(labels);
    const figure = figures.get(key);
    if (figure === undefined) figures.set(key, { labels, value });
    else figure.value += value;
  }

  /** Keeps the largest of the figures of these labels. */
  atLeast(name: MetricName, labels: Labels, value: number): void {
    const before = this.#figures.get(name)?.get(JSON.stringify(labels));
    if (before === undefined) this.add(name, labels, value);
    else before.value = Math.max(before.value, value);
  }

  /** @param bounds upper ends, included, of all classes but the last */
  addDistribution(name: MetricName, bounds: readonly number[], { labels, counts, sum }: Distribution): void {
    const all = this.#distributions.get(name) ?? { bounds, of: new Map<string, Distribution>() };
    this.#distributions.set(name, all);
    const key = JSON.stringify(labels);
    const before = all.of.get(key) ?? { labels, counts: counts.map(() => 0), sum: 0 };
    const summed = counts.map((count, index) => count + (before.counts[index] ?? 0));
    all.of.set(key, { labels, counts: summed, sum: sum + before.sum });
  }

  async text(): Promise<string> {
    const registry = new Registry();
    for (const name of Object.keys(METRICS) as MetricName[]) this.#register(registry, name);
    return await registry.metrics();
  }

  #register(registry: Registry, name: MetricName): void {
    const { type, help, labels: labelNames } = METRICS[name];
    const figures = [...(this.#figures.get(name)?.values() ?? [])];
    const made = { name, help, labelNames: [...labelNames], registers: [registry] };
    switch (type) {
      case "counter": {
        const counter = new Counter<string>(made);
        for (const { labels, value } of figures) counter.inc(labels, value);
        return;
      }
      case "gauge": {
        const gauge = new Gauge<string>(made);
        for (const { labels, value } of figures) gauge.set(labels, value);
        return;
      }
      case "histogram": {
        const { bounds, of } = this.#distributions.get(name) ?? { bounds: [], of: new Map<string, Distribution>() };
        new CountedHistogram(made, bounds, [...of.values()]);
        return;
      }
      default:
        unreachable(type);
    }
  }
}

interface MadeOf {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

interface Line {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram of what was counted elsewhere: prom-client's own takes one observation at a time. */
class CountedHistogram extends Histogram<string> {
  readonly #told: {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly Line[];
  };

  constructor(made: MadeOf, bounds: readonly number[], distributions: readonly Distribution[]) {
    super(made);
    const { name, help } = made;
    const values = distributions.flatMap((one) => linesOf(name, bounds, one));
    this.#told = { name, help, type: "histogram", values };
  }

  /** What a registry asks for when it writes its text. */
  async getForPromString() {
    return this.#told;
  }
}

function linesOf(name: string, bounds: readonly number[], { labels, counts, sum }: Distribution): readonly Line[] {
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    const le = String(bounds[index] ?? "+Inf");
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}
