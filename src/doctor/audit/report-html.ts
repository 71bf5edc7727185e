/**
 * A report as one HTML file that can be filed: nothing is loaded, no script runs, charts are drawn in it, it follows the
 * reader's light or dark setting and prints well. It is a function of the report, which stands in it whole, so that
 * whoever checks it can draw it again and compare.
 */
import { reasonRemedy } from "../../core/audit/reasons.ts";
import { escaped } from "../escape.ts";
import { plural, sizeWords } from "../report.ts";
import { barChart, lineChart, shareChart } from "./charts.ts";
import type { AuditReport } from "./report.ts";
import { ageWords, coverageWords, headline, verdictTitle, verifiedWords } from "./words.ts";

/** A whole document. */
export function auditHtml(report: AuditReport): string {
  const title = `Audit of ${report.source} → ${report.destination}`;
  const isClean = report.exceptions === 0;
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="verdict ${isClean ? "good" : "bad"}"><strong>${escaped(headline(report))}</strong></p>`,
    about(report),
    shareChart("Coverage", report.coverage, coverageWords(report)),
    `<p>${escaped(coverageWords(report))}</p>`,
    counts(report),
    reasons(report),
    ages(report),
    trend(report),
    samples(report),
    files(report),
    chain(report),
  ];
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>`,
    ...body.filter((one) => one !== ""),
    "</main>",
    // Data for whoever checks the page: no script of it runs.
    `<script type="application/json" id="report">${JSON.stringify(report).replaceAll("<", "\\u003c")}</script>`,
    "</body>\n</html>\n",
  ].join("\n");
}

const STYLE = `
:root { color-scheme: light dark; --good: light-dark(#1a7f37, #3fb950); --bad: light-dark(#b35900, #f0883e);
  --rest: light-dark(#57606a, #8b949e); --faint: color-mix(in srgb, currentColor 15%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.verdict { border-left: .3rem solid; padding-left: .8rem; } .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--faint); overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .875em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; max-width: 44rem; font: 13px system-ui, sans-serif; }
svg text { fill: currentColor; } svg .value { font-variant-numeric: tabular-nums; }
svg .good { fill: var(--good); } svg .bad { fill: var(--bad); } svg .rest { fill: var(--rest); } svg .empty { fill: var(--faint); }
svg .trend { fill: none; stroke: var(--good); stroke-width: 2; } svg circle { fill: var(--good); }
@media print { h2, table, figure { break-inside: avoid; } }
`;

function about(report: AuditReport): string {
  const { startedAt, endedAt, prefix, versions, bytes, from, until } = report;
  const rows: [string, string][] = [
    ["Begun, ended", `${startedAt}, ${endedAt}`],
    [
      "Compared",
      `${from}${prefix === "" ? "" : `, keys that start with ${prefix}`}${report.oneWay ? ", one way" : ""}`,
    ],
    ["Source", `${report.source}: ${plural(versions.source, "version")}, ${sizeWords(bytes.source)}`],
    [
      "Destination",
      `${report.destination}: ${plural(versions.destination, "version")}, ${sizeWords(bytes.destination)}`,
    ],
    ["Not told of", until === undefined ? "nothing" : `what was written after ${until}: ${report.counts.young}`],
    ["Verified", verifiedWords(report)],
    ["Oldest version that is lost", ageWords(report)],
  ];
  return `<table>\n<tbody>\n${rows.map(([name, says]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(says)}</td></tr>`).join("\n")}\n</tbody>\n</table>`;
}

function counts({ counts: found }: AuditReport): string {
  const bars = Object.entries(found)
    .filter(([verdict, value]) => value > 0 || verdict === "equal" || verdict === "missing")
    .map(([verdict, value]) => ({
      name: verdictTitle(verdict),
      value,
      style: verdict === "equal" ? "good" : verdict === "young" || verdict === "explained" ? "rest" : "bad",
    }));
  return barChart("Versions by verdict", bars);
}

const REASONS_CHARTED = 12;

function reasons({ reasons: found }: AuditReport): string {
  if (found.length === 0) return "";
  const exceptions = found.filter((one) => !one.isExpected);
  const chart =
    exceptions.length === 0
      ? ""
      : barChart(
          "Exceptions by reason",
          exceptions
            .slice(0, REASONS_CHARTED)
            .map(({ reason, versions }) => ({ name: reason, value: versions, style: "bad" })),
        );
  const rows = found.map((one) => {
    const status = one.status === undefined ? "" : ` <small>(${escaped(one.status)})</small>`;
    const does = one.isExpected ? "By design or by the rules" : (reasonRemedy(one.reason) ?? "");
    return (
      `<tr><td><code>${escaped(one.reason)}</code>${status}<br>${escaped(one.says)}</td><td>${escaped(verdictTitle(one.verdict))}</td>` +
      `<td class="number">${one.versions.toLocaleString("en")}</td><td class="number">${sizeWords(one.bytes)}</td>` +
      `<td>${escaped(one.oldestAt)}</td><td>${escaped(does)}</td></tr>`
    );
  });
  const head =
    '<tr><th scope="col">Reason</th><th scope="col">Verdict</th><th scope="col" class="number">Versions</th>' +
    '<th scope="col" class="number">Size</th><th scope="col">Oldest</th><th scope="col">What to do</th></tr>';
  return `<h2>Differences</h2>\n${chart}\n<table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>`;
}

function ages({ rpo }: AuditReport): string {
  if (rpo.oldestLossAt === null) return "";
  const bars = rpo.ages.map(({ upTo, versions }) => ({
    name: upTo === "older" ? "older than 7 d" : `written in the last ${upTo}`,
    value: versions,
    style: "bad",
  }));
  return `<h2>Recovery point</h2>\n${barChart("Versions that are lost with the source, by age", bars)}`;
}

function trend(report: AuditReport): string {
  if (report.earlier.length === 0) return "";
  const all = [...report.earlier, report];
  const day = (text: string) => text.slice(0, 16).replace("T", " ");
  const coverage = all.map((one) => ({ name: day(one.endedAt), value: one.coverage }));
  const exceptions = all.map((one) => ({ name: day(one.endedAt), value: one.exceptions }));
  return [
    `<h2>Trend over ${plural(all.length, "audit")}</h2>`,
    lineChart("Coverage", coverage, (value) => `${(value * 100).toFixed(3)} %`),
    lineChart("Exceptions", exceptions, (value) => value.toLocaleString("en")),
  ].join("\n");
}

function samples({ samples: found, exceptions }: AuditReport): string {
  if (found.length === 0) return "";
  const rows = found.map(
    (one) =>
      `<tr><td><code>${escaped(one.key)}</code></td><td><code>${escaped(one.versionId || one.replicaVersionId)}</code></td>` +
      `<td>${escaped(verdictTitle(one.verdict))}</td><td>${escaped(one.says)}</td></tr>`,
  );
  const head =
    '<tr><th scope="col">Key</th><th scope="col">Version</th><th scope="col">Verdict</th><th scope="col">What was found</th></tr>';
  const more = exceptions > found.length ? "<p>These are the first ones; the file of differences has all.</p>" : "";
  return `<h2>Which ones</h2>\n<table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>\n${more}`;
}

function files({ files: found }: AuditReport): string {
  if (found.length === 0) return "";
  const rows = found.map(
    ({ name, rows: count, sha256 }) =>
      `<tr><td><code>${escaped(name)}</code></td><td class="number">${count.toLocaleString("en")}</td><td><code>${escaped(sha256)}</code></td></tr>`,
  );
  const head = '<tr><th scope="col">File</th><th scope="col" class="number">Rows</th><th scope="col">SHA-256</th></tr>';
  return `<h2>Files beside this page</h2>\n<table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>`;
}

function chain({ digest, previous, program }: AuditReport): string {
  const before =
    previous === null
      ? "It is the first report of this subject."
      : `The report before it is <code>${escaped(previous.name)}</code> with the digest <code>${escaped(previous.digest)}</code>.`;
  return (
    `<h2>Digest</h2>\n<p><code>${escaped(digest)}</code></p>\n<p>${before} <code>lockstep audit --check</code> shows whether this ` +
    `page, the report or the files were changed since. Written by lockstep ${escaped(program)}.</p>`
  );
}
