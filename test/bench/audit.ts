/**
 * Merging two listings of a million versions each into verdicts, beside the floor of two pointers that only compare texts.
 * One version in a thousand is missing; the second round has three versions to a key.
 */
import { KeyMerge, type Side } from "../../src/core/audit/merge.ts";
import { type AuditRow, JUDGED_BY_IDS, judgeKey } from "../../src/core/audit/verdict.ts";
import { cpuMsOf, heading, line, round } from "./measure.ts";

const ROWS = Number(process.env["BENCH_AUDIT_ROWS"] ?? 1_000_000);
const PAGE = 1000;

export function benchAudit(): void {
  for (const versions of [1, 3]) {
    heading(`audit: ${ROWS.toLocaleString("en")} + ${ROWS.toLocaleString("en")} rows, ${versions} to a key`);
    // Made page by page as listings are, and before the clock runs.
    const source = pages(versions, false);
    const destination = pages(versions, true);
    floor(source, destination);
    const floorMs = Math.min(
      timed(() => floor(source, destination)),
      timed(() => floor(source, destination)),
    );
    const rows = 2 * ROWS;
    line("two pointers, the floor", `${round((rows * 1000) / floorMs)} rows/s`, "of one core's time");
    const before = process.memoryUsage().heapUsed;
    let missing = 0;
    const ms = Math.min(
      ...[0, 1, 2].map(() =>
        timed(() => {
          missing = merged({ source, destination });
        }),
      ),
    );
    if (missing !== Math.ceil(ROWS / 1000)) throw new Error(`${missing} are missing`);
    line("merged and judged", `${round((rows * 1000) / ms)} rows/s`, `${round(ms / floorMs)} × the floor's time`);
    line("memory that it left", `${round((process.memoryUsage().heapUsed - before) / 2 ** 20)} MiB`);
  }
}

function timed(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return cpuMsOf(process.cpuUsage(before));
}

function pages(versions: number, isLossy: boolean): AuditRow[][] {
  const found: AuditRow[][] = [];
  let page: AuditRow[] = [];
  for (let index = 0; index < ROWS; index++) {
    if (isLossy && index % 1000 === 0) continue;
    const key = `photos/2026/${String(Math.floor(index / versions)).padStart(9, "0")}.jpg`;
    const etag = "d41d8cd98f00b204e9800998ecf8427e";
    page.push({ key, versionId: `v${index}`, isDeleteMarker: false, lastModifiedMs: index, sizeBytes: index, etag });
    if (page.length < PAGE) continue;
    found.push(page);
    page = [];
  }
  if (page.length > 0) found.push(page);
  return found;
}

function merged(listings: Readonly<Record<Side, readonly AuditRow[][]>>): number {
  const merge = new KeyMerge<AuditRow>();
  const at = { source: 0, destination: 0 };
  const counted = { equal: 0, missing: 0 };
  const verdicts = {
    equal: () => {
      counted.equal += 1;
    },
    found: () => {
      counted.missing += 1;
    },
  };
  for (;;) {
    for (const pair of merge.take()) judgeKey(pair, JUDGED_BY_IDS, verdicts);
    const wanted = merge.wants();
    if (wanted.length === 0) return counted.missing;
    for (const side of wanted) {
      const page = listings[side][at[side]++] ?? [];
      merge.push(side, page, at[side] >= listings[side].length);
    }
  }
}

function floor(source: readonly AuditRow[][], destination: readonly AuditRow[][]): number {
  const [here, there] = [source.flat(), destination.flat()];
  let equal = 0;
  for (let one = 0, other = 0; one < here.length && other < there.length; ) {
    const [a, b] = [here[one], there[other]];
    if (a === undefined || b === undefined) break;
    if (a.key === b.key && a.versionId === b.versionId) {
      equal += 1;
      one += 1;
      other += 1;
    } else if (a.key <= b.key) one += 1;
    else other += 1;
  }
  return equal;
}
