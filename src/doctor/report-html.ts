/**
 * A diagnosis as one HTML file for people who were not there: nothing is loaded, no script runs, it follows the reader's
 * light or dark setting and prints well. Says what the JSON says; every text is escaped.
 */
import type { Cause, Diagnosis } from "../core/diagnose/report.ts";
import { markup as html } from "./escape.ts";
import { patchDiff, patchTitle } from "./patch-forms.ts";
import { plural, scannedLine, sizeWords, sourceLine, unexplainedOf } from "./report.ts";

const UNEXPLAINED_SHOWN_MAX = 200;

/** A whole document. */
export function diagnosisHtml(diagnosis: Diagnosis): string {
  const { bucket, takenAt, causes, unexplained, notes, sources = [] } = diagnosis;
  const title = `Replication of s3://${bucket}`;
  const body = [
    `<h1>${html(title)}</h1>`,
    `<p>${html(scannedLine(diagnosis, plain))}, as of <time datetime="${html(takenAt)}">${html(takenAt)}</time>.</p>`,
    list(sources.map((one) => html(sourceLine(one)))),
    causes.length === 0 ? "" : summary(causes),
    ...causes.map(causeSection),
    unexplained.length === 0 ? "" : unexplainedSection(diagnosis),
    causes.length === 0 && unexplained.length === 0 ? "<p>Nothing is wrong.</p>" : "",
    notes.length === 0 ? "" : "<h2>By design</h2>",
    list(notes.map((one) => `${plural(one.versions, "version")}: ${html(one.says)} ${html(one.instead)}`)),
  ];
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${html(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>`,
    ...body.filter((one) => one !== ""),
    "</main>\n</body>\n</html>",
  ].join("\n");
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: .875em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: .8rem; overflow-x: auto; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .3rem; }
ins { color: light-dark(#116329, #7ee787); text-decoration: none; }
del { color: light-dark(#a40e26, #ff9492); text-decoration: none; }
@media print { h2, table, pre { break-inside: avoid; } }
`;

function summary(causes: readonly Cause[]): string {
  const rows = causes.map(({ id, title, code, affected, since = "" }) => {
    const count = `<td class="number">${affected.versions}</td><td class="number">${sizeWords(affected.bytes)}</td>`;
    return `<tr><td><a href="#${html(id)}">${html(title)}</a></td><td><code>${html(code)}</code></td>${count}<td>${html(since)}</td></tr>`;
  });
  const head =
    '<tr><th>Cause</th><th>Code</th><th class="number">Versions</th><th class="number">Size</th><th>Since</th></tr>';
  return `<table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>`;
}

function causeSection(cause: Cause, index: number): string {
  const { affected, fix } = cause;
  const facts = [
    `code <code>${html(cause.code)}</code>, ${cause.confidence}, cause <code>${html(cause.id)}</code>`,
    ...(cause.rule === undefined
      ? []
      : [`rule <code>${html(cause.rule)}</code> → <code>${html(cause.destination ?? "")}</code>`]),
    ...(cause.action === undefined
      ? []
      : [`action <code>${html(cause.action)}</code> on <code>${html(cause.resource ?? "")}</code>`]),
    `such as ${affected.samples.map((one) => `<code>${html(one.key)}</code>`).join(", ")}`,
    ...cause.evidence.map((one) => `evidence: ${html(one.says)} <small>(${one.kind}: ${html(one.source)})</small>`),
  ];
  const patches = fix.patches.map(
    (one) => `<p>${html(patchTitle(one))}:</p>\n<pre>${patchDiff(one).split("\n").map(diffLine).join("\n")}</pre>`,
  );
  const again = fix.resync ? " Then replicate the versions again." : "";
  return [
    `<section id="${html(cause.id)}">\n<h2>${index + 1}. ${html(cause.title)}</h2>`,
    list(facts),
    `<p><strong>Do:</strong> ${html(fix.summary)}.${again}</p>`,
    ...patches,
    "</section>",
  ].join("\n");
}

function diffLine(line: string): string {
  if (line.startsWith("+")) return `<ins>${html(line)}</ins>`;
  return line.startsWith("-") ? `<del>${html(line)}</del>` : html(line);
}

function unexplainedSection(diagnosis: Diagnosis): string {
  const { unexplained } = diagnosis;
  const shown = unexplained.slice(0, UNEXPLAINED_SHOWN_MAX);
  const rows = shown.map(
    (one) =>
      `<tr><td><code>${html(one.key)}</code></td><td><code>${html(one.versionId)}</code></td><td>${html(one.status)}</td><td>${html(one.missing)}</td></tr>`,
  );
  const more = unexplainedOf(diagnosis) - shown.length;
  const head = "<tr><th>Key</th><th>Version</th><th>Status</th><th>What would decide it</th></tr>";
  return (
    `<h2>${plural(unexplainedOf(diagnosis), "version")} unexplained</h2>\n` +
    `<table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>` +
    (more === 0 ? "" : `\n<p>and ${more} more</p>`)
  );
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "" : `<ul>\n${items.map((one) => `<li>${one}</li>`).join("\n")}\n</ul>`;
}

function plain(_style: string, text: string): string {
  return text;
}
