/** The page, the dashboard and the alert rules speak of metrics that there are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { METRICS, type MetricName } from "../../src/monitor/metrics/names.ts";

/** Names that a text may use, with the labels that they have. */
const KNOWN: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(METRICS).flatMap(([name, { type, labels }]): [string, readonly string[]][] =>
    type === "histogram"
      ? [
          [`${name}_bucket`, [...labels, "le"]],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string; readonly alert?: string; readonly expr: string }[];
  }[];
}

const rules = (parse(readFileSync("monitoring/prometheus-rules.yml", "utf8")) as Rules).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync("monitoring/grafana-dashboard.json", "utf8")) as {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
};
const shown = dashboard.panels.flatMap((panel) => (panel.targets ?? []).map((target) => target.expr));

/** Metrics that an expression names, and labels by which it selects and groups. */
function namedIn(expression: string) {
  const metrics = [...expression.matchAll(/\blockstep_[a-z_]+/g)].map(([name]) => name);
  const selected = [...expression.matchAll(/[{,](\w+)(?==~?")/g)].map(([, label = ""]) => label);
  const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]+)\)/g)].flatMap(([, labels = ""]) =>
    labels.split(/, ?/),
  );
  return { metrics, labels: [...selected, ...grouped] };
}

describe("what is shipped for Prometheus and Grafana", () => {
  it("names no metric and no label that there is not", () => {
    assert.ok(shown.length > 15 && rules.length > 10);
    for (const expression of [...rules.map((rule) => rule.expr), ...shown]) {
      const { metrics, labels } = namedIn(expression);
      assert.deepEqual(
        metrics.filter((name) => !KNOWN.has(name)),
        [],
        expression,
      );
      const possible = new Set(metrics.flatMap((name) => KNOWN.get(name) ?? []));
      if (metrics.length > 0) {
        assert.deepEqual(
          labels.filter((label) => !possible.has(label)),
          [],
          expression,
        );
      }
    }
  });

  it("names no recorded series that no rule records", () => {
    const recorded = new Set(rules.flatMap((rule) => rule.record ?? []));
    const named = [...rules.map((rule) => rule.expr), ...shown].flatMap((one) => one.match(/\blockstep:[\w:]+/g) ?? []);
    assert.deepEqual(
      named.filter((name) => !recorded.has(name)),
      [],
    );
  });

  it("has a test for every alert", () => {
    const tests = readFileSync("monitoring/prometheus-rules.test.yml", "utf8");
    for (const { alert } of rules) {
      if (alert !== undefined) assert.match(tests, new RegExp(`alertname: ${alert}\\n\\s*exp_alerts:\\n`), alert);
    }
  });

  it("shows panels that do not lie over each other", () => {
    const cells = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels as readonly {
      title: string;
      gridPos: { x: number; y: number; w: number; h: number };
    }[]) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(cells.get(`${x} ${y}`), undefined, title);
          cells.set(`${x} ${y}`, title);
        }
      }
    }
  });
});

describe("the page on metrics", () => {
  it("tells every metric as it is", () => {
    const rows = readFileSync("docs/metrics.md", "utf8")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.replace(/ {2,}/g, " "));
    const expected = (Object.keys(METRICS) as MetricName[]).map((name) => {
      const { type, labels, help } = METRICS[name];
      return `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help} |`;
    });
    assert.deepEqual(rows, expected);
  });
});
