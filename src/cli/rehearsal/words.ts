/** The matrix of a rehearsal for people: a line for each kind, a sign for each rule, and every reason once. */
import { bucketOfArn } from "../../core/arn.ts";
import type { Cell, Fate } from "../../doctor/rehearsal.ts";
import { type Ink, plural } from "../../doctor/report.ts";

export interface MatrixRow {
  readonly kind: string;
  /** The rule whose filter the sample was made for. */
  readonly underRule: string;
  readonly key: string;
  readonly fate: Fate;
  readonly cells: readonly Cell[];
  readonly refused?: string;
  /** Where a change was asked about: what it does to the kind, and how it was without. */
  readonly change?: "same" | "healed" | "broken";
  readonly before?: readonly Cell[];
}

export interface Matrix {
  readonly bucket: string;
  readonly withChange: boolean;
  readonly kinds: readonly MatrixRow[];
  readonly rulesLeftOut: number;
}

export function matrixWords(matrix: Matrix, ink: Ink): string {
  const { bucket, kinds, rulesLeftOut } = matrix;
  if (kinds.length === 0) return `s3://${bucket} has no replication rule: nothing is replicated.`;
  const width = Math.max(...kinds.map((one) => one.kind.length));
  const lines: string[] = [];
  for (const rule of new Set(kinds.map((one) => one.underRule))) {
    lines.push("", ink("bold", `objects under rule ${rule}`));
    for (const row of kinds.filter((one) => one.underRule === rule)) {
      lines.push(...rowLines(row, width, ink));
    }
  }
  if (rulesLeftOut > 0) lines.push("", `${plural(rulesLeftOut, "further rule")} had no object made for them.`);
  lines.push(...assumedLines(kinds, ink), "", countsLine(matrix, ink));
  return lines.join("\n").trimStart();
}

function rowLines(row: MatrixRow, width: number, ink: Ink): string[] {
  const { kind, cells, refused, change } = row;
  const name = `  ${kind.padEnd(width)}  `;
  const mark =
    change === "broken"
      ? ink("red", "  ← broken by the change")
      : change === "healed"
        ? ink("green", "  ← healed by the change")
        : "";
  if (refused !== undefined) return [`${name}${ink("dim", `cannot be written: ${refused}`)}${mark}`];
  // What a filter keeps apart is of no interest where another rule takes the object.
  const told = cells.filter((one) => one.outcome !== "skipped");
  const shown = told.length > 0 ? told : cells.slice(0, 1);
  return shown.map((cell, at) => {
    const to = `${cell.rule} → ${bucketOfArn(cell.destination) ?? cell.destination}`;
    return `${at === 0 ? name : " ".repeat(name.length)}${cellWords(cell, ink)}  ${ink("dim", to)}${at === 0 ? mark : ""}`;
  });
}

function cellWords(cell: Cell, ink: Ink): string {
  const doubt = cell.assumed.length > 0 ? ink("yellow", " (less certain)") : "";
  switch (cell.outcome) {
    case "completed":
      return `${ink("green", "COMPLETED")}${doubt}`;
    case "failed":
      return `${ink("red", `FAILED ${cell.code}`)}${doubt}: ${cell.says}`;
    case "pending":
      return `${ink("yellow", `PENDING ${cell.code}`)}${doubt}: ${cell.says}`;
    case "skipped":
      return `not taken: ${cell.says}`;
  }
}

function assumedLines(kinds: readonly MatrixRow[], ink: Ink): string[] {
  const assumed = new Set(kinds.flatMap((row) => row.cells.flatMap((one) => one.assumed)));
  if (assumed.size === 0) return [];
  return [
    "",
    ink("yellow", "less certain, for it could not be read and is taken to stand in nobody's way:"),
    ...[...assumed].map((one) => `  ${one}`),
  ];
}

function countsLine({ kinds, withChange }: Matrix, ink: Ink): string {
  const count = (fate: Fate) => kinds.filter((one) => one.fate === fate).length;
  const failing = count("fails") + count("pending");
  const counts = `${plural(kinds.length, "kind")}: ${count("replicates")} replicated, ${failing} not, ${count("untaken")} that no rule takes`;
  const refused = count("refused") > 0 ? `, ${count("refused")} that cannot be written` : "";
  if (!withChange) return ink(failing > 0 ? "red" : "green", `${counts}${refused}`);
  const [healed, broken] = (["healed", "broken"] as const).map(
    (one) => kinds.filter((row) => row.change === one).length,
  );
  return ink(
    broken === 0 && failing === 0 ? "green" : "red",
    `${counts}${refused}; the change heals ${healed ?? 0} and breaks ${broken ?? 0}`,
  );
}

export function matrixMarkdown({ bucket, kinds, withChange }: Matrix): string {
  const head = [
    "kind",
    "under rule",
    "taken by",
    "destination",
    "outcome",
    "reason",
    ...(withChange ? ["change"] : []),
  ];
  const rows = kinds.flatMap((row) => {
    const more = withChange ? [row.change ?? ""] : [];
    if (row.refused !== undefined)
      return [[row.kind, row.underRule, "", "", "cannot be written", row.refused, ...more]];
    return row.cells.map((cell) => {
      const destination = bucketOfArn(cell.destination) ?? cell.destination;
      const outcome = cell.outcome === "skipped" ? "not taken" : cell.outcome.toUpperCase();
      const reason = cell.outcome === "completed" ? "" : `${cell.code}: ${cell.says}`;
      const doubt = cell.assumed.length > 0 ? " (less certain)" : "";
      return [row.kind, row.underRule, cell.rule, destination, `${outcome}${doubt}`, reason, ...more];
    });
  });
  const line = (cells: readonly string[]) =>
    `| ${cells.map((one) => one.replaceAll("|", "\\|").replaceAll(/\s+/g, " ")).join(" | ")} |`;
  return [`# Rehearsal of s3://${bucket}`, "", line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
