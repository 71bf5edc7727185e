import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Difference } from "../../core/audit/tally.ts";
import { compareKeys } from "../../core/keys.ts";
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion } from "../../s3/store.ts";
import { type AuditOptions, audit, type FiledAudit } from "./audit.ts";
import { checkReports } from "./chain.ts";
import type { AuditEnd, AuditEnds } from "./ports.ts";

const directory = mkdtempSync(join(tmpdir(), "lockstep-test-"));

const PAGE = 100;
const NOW_MS = Date.UTC(2026, 0, 31);
const DAY_MS = 86_400_000;

function row(key: string, more: Partial<ListedVersion> = {}): ListedVersion {
  const known = { isLatest: true, isDeleteMarker: false, lastModifiedMs: NOW_MS - DAY_MS, sizeBytes: 10 };
  return { key, versionId: `v-${key}`, etag: "e", storageClass: "STANDARD", ...known, ...more };
}

/** A bucket in memory, which counts its pages and may fail. */
class Bucket {
  pages = 0;
  readonly rows: ListedVersion[];
  onPage: () => void = () => undefined;

  constructor(rows: readonly ListedVersion[]) {
    this.rows = rows.toSorted((one, other) => compareKeys(one.key, other.key));
  }

  end(name: string): AuditEnd {
    return {
      name,
      rows: (afterKey) => {
        let at = afterKey === undefined ? 0 : this.#behind(afterKey);
        return {
          next: async () => {
            this.pages += 1;
            this.onPage();
            const rows = this.rows.slice(at, at + PAGE);
            at += rows.length;
            return { rows, isLast: at >= this.rows.length };
          },
        };
      },
      nextKey: async (afterKey) => this.rows[this.#behind(afterKey)]?.key,
      ofKey: async (key) => this.rows.filter((one) => one.key === key),
    };
  }

  #behind(key: string): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.rows[middle]?.key ?? "", key) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const KEYS = Array.from({ length: 5000 }, (_, index) => `photos/${String(index).padStart(5, "0")}`);
const LOST = new Set(KEYS.filter((_, index) => index % 97 === 0));

function buckets(): { readonly source: Bucket; readonly destination: Bucket; readonly ends: AuditEnds } {
  const source = new Bucket(KEYS.map((key) => row(key)));
  const destination = new Bucket([...KEYS.filter((key) => !LOST.has(key)).map((key) => row(key)), row("stray")]);
  const ends = { source: source.end("s3://a"), destination: destination.end("s3://b"), prefix: "", byPlace: false };
  return { source, destination, ends };
}

function options(name: string, ends: AuditEnds, more: Partial<AuditOptions> = {}): AuditOptions {
  const how = { subject: "s3://a", from: "listings", oneWay: false, resume: false, program: "test" } as const;
  return { ends, ...how, directory: join(directory, name), clock: () => NOW_MS, ...more };
}

function differencesOf({ directory: at }: FiledAudit): Difference[] {
  const text = readFileSync(join(at, "differences.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((one) => one !== "")
    .map((one) => JSON.parse(one) as Difference);
}

describe("an audit", () => {
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("ranges that are walked side by side come to what is there, each version once and in order", async () => {
    const { ends, source } = buckets();
    const filed = await audit(options("whole", ends), new AbortController().signal);
    const { versions, counts, exceptions, coverage } = filed.report;
    assert.deepEqual(versions, { source: KEYS.length, destination: KEYS.length - LOST.size + 1 });
    assert.equal(counts.equal, KEYS.length - LOST.size);
    assert.equal(exceptions, LOST.size + 1);
    assert.equal(coverage, (KEYS.length - LOST.size) / KEYS.length);
    assert.deepEqual(
      differencesOf(filed).map((one) => `${one.verdict} ${one.key}`),
      [...[...LOST].map((key) => `missing ${key}`), "extra stray"],
    );
    assert.ok(source.pages > KEYS.length / PAGE, "ranges were cut: the pages at their ends are read twice");
  });

  it("an audit that is interrupted goes on where it was, and comes to the same", async () => {
    const { ends: whole } = buckets();
    const expected = await audit(options("expected", whole), new AbortController().signal);
    for (const pagesBefore of [1, 7, 23, 41]) {
      const { ends, source } = buckets();
      const interrupted = new AbortController();
      source.onPage = () => {
        if (source.pages >= pagesBefore) interrupted.abort();
      };
      const name = `resumed-${pagesBefore}`;
      await assert.rejects(audit(options(name, ends), interrupted.signal), /was interrupted: .* --resume/);
      const again = await audit(options(name, ends, { resume: true }), new AbortController().signal);
      assert.deepEqual(again.report.counts, expected.report.counts);
      assert.deepEqual(differencesOf(again), differencesOf(expected));
    }
  });

  it("a store that breaks off loses nothing of what was done before", async () => {
    const { ends, source } = buckets();
    source.onPage = () => {
      if (source.pages === 20) throw new S3Error("away", { operation: "ListObjectVersions", network: "reset" });
    };
    await assert.rejects(audit(options("broken", ends), new AbortController().signal), S3Error);
    const before = source.pages;
    const { report } = await audit(options("broken", ends, { resume: true }), new AbortController().signal);
    assert.equal(report.counts.equal, KEYS.length - LOST.size);
    assert.ok(source.pages - before < 60, "not all was listed again");
  });

  it("what moves between the two listings is looked at again", async () => {
    const young = row("k", { lastModifiedMs: NOW_MS - 1000 });
    const destination = new Bucket([young]);
    // The listing was taken before the version came; a look at the key finds it.
    const stale: AuditEnd = {
      ...new Bucket([]).end("s3://b"),
      ofKey: destination.end("s3://b").ofKey ?? (async () => []),
    };
    const ends = { source: new Bucket([young]).end("s3://a"), destination: stale, prefix: "", byPlace: false };
    const { report } = await audit(options("moving", ends), new AbortController().signal);
    assert.deepEqual([report.counts.equal, report.exceptions], [1, 0]);
  });

  it("an explanation that expects a difference makes no exception of it", async () => {
    const explain = async (rows: readonly ListedVersion[]) =>
      rows.map(({ key }) => ({
        ...(key === "failed" ? { status: "FAILED" } : {}),
        reason: key === "failed" ? "DstPutObjectNotPermitted" : "PrefixDiffers",
        says: key,
        isExpected: key !== "failed",
      }));
    const source = new Bucket([row("failed"), row("left/out")]);
    const ends = {
      source: source.end("s3://a"),
      destination: new Bucket([]).end("s3://b"),
      prefix: "",
      byPlace: false,
      explain,
    };
    const { report } = await audit(options("explained", ends), new AbortController().signal);
    assert.deepEqual([report.counts.explained, report.exceptions, report.coverage], [2, 1, 0]);
  });

  it("a listing that is not in order is refused", async () => {
    const wrong = new Bucket([]);
    wrong.rows.push(row("b"), row("a"));
    const ends = { source: wrong.end("s3://a"), destination: new Bucket([]).end("s3://b"), prefix: "", byPlace: false };
    await assert.rejects(audit(options("order", ends), new AbortController().signal), /not in the order of keys/);
  });

  it("a report that is removed from the chain, or put into it, is noticed", async () => {
    const name = "chain";
    const at = join(directory, name);
    const filed: FiledAudit[] = [];
    for (const day of [1, 2, 3]) {
      const { ends } = buckets();
      const clock = () => NOW_MS + day * DAY_MS;
      filed.push(await audit(options(name, ends, { clock }), new AbortController().signal));
    }
    const problems = async () => (await checkReports([at], "test")).flatMap((one) => one.problems);
    assert.deepEqual(await problems(), []);
    assert.deepEqual(
      filed[2]?.report.earlier.map((one) => one.digest),
      [filed[0]?.report.digest, filed[1]?.report.digest],
    );
    const differences = join(filed[0]?.directory ?? "", "differences.jsonl");
    const text = readFileSync(differences, "utf8");
    writeFileSync(differences, text.replace("photos/00000", "photos/0000x"));
    assert.deepEqual(await problems(), ["differences.jsonl was changed"]);
    writeFileSync(differences, text);
    rmSync(filed[1]?.directory ?? "", { recursive: true });
    assert.match((await problems()).join(), /the report before it, .* is not there/);
  });
});
