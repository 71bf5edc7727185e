/** Files of logs: zipped or not, whole or broken, in folders; what they hold is the reader's business. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { LogReader } from "../../src/core/logs/log-reader.ts";
import { readFiles } from "../../src/doctor/logs/read-files.ts";
import { type LogFile, localFiles } from "../../src/doctor/logs/sources.ts";
import { logsWords } from "../../src/doctor/logs/words.ts";

const ACCESS = readFileSync("test/fixtures/logs/access.log");
const TRAIL = readFileSync("test/fixtures/logs/trail.json");

async function read(...files: AsyncIterable<LogFile>[]) {
  const reader = new LogReader();
  async function* all(): AsyncGenerator<LogFile> {
    for (const one of files) yield* one;
  }
  const found = await readFiles(reader, all());
  return { files: found, ...reader.report() };
}

/** A file in memory, in chunks of a size. */
async function* held(name: string, bytes: Uint8Array, size = 100): AsyncGenerator<LogFile> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  yield { name, open: async () => chunks() };
}

describe("files of logs", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lockstep-logs-"));
    mkdirSync(join(folder, "AWSLogs/1/CloudTrail"), { recursive: true });
    mkdirSync(join(folder, "AWSLogs/1/CloudTrail-Digest"), { recursive: true });
    cpSync("test/fixtures/logs/access.log", join(folder, "2026-02-06-15-00-00-0123456789ABCDEF"));
    writeFileSync(join(folder, "AWSLogs/1/CloudTrail/a.json.gz"), gzipSync(TRAIL));
    writeFileSync(join(folder, "AWSLogs/1/CloudTrail-Digest/d.json.gz"), gzipSync('{"digestStartTime":"x"}'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("a folder is read whole, CloudTrail first, and digests are left out", async () => {
    const names: string[] = [];
    for await (const { name } of localFiles(folder)) names.push(name.slice(folder.length + 1));
    assert.deepEqual(names, ["AWSLogs/1/CloudTrail/a.json.gz", "2026-02-06-15-00-00-0123456789ABCDEF"]);
    const { causes, read: counts, files } = await read(localFiles(folder));
    assert.deepEqual([files.files, files.unreadable, counts.lines, counts.records], [2, [], 9, 4]);
    assert.equal(causes[0]?.policy?.kind, "resource");
  });

  it("what is zipped is told by its bytes, in several members too, and a mark of byte order is no line", async () => {
    const [one, two] = [ACCESS.subarray(0, 500), ACCESS.subarray(500)];
    const members = Buffer.concat([gzipSync(one), gzipSync(two)]);
    const { read: zipped } = await read(held("named-as-no-zip.log", members));
    assert.equal(zipped.lines, 9);
    const marked = Buffer.concat([Buffer.from("\uFEFF"), TRAIL]);
    const { read: counts } = await read(held("marked", marked));
    assert.deepEqual([counts.records, counts.bad], [4, 0]);
  });

  it("a broken file is named with the reason, what came before the break counts, and the others are read", async () => {
    const lines = Buffer.concat(Array.from({ length: 2000 }, () => ACCESS));
    const zipped = gzipSync(lines);
    const broken = await read(
      held("cut.gz", zipped.subarray(0, zipped.length - 200)),
      held("no.gz", Buffer.from([0x1f, 0x8b, 1, 2, 3])),
      held("empty", Buffer.alloc(0)),
      held("good", TRAIL),
    );
    assert.deepEqual(
      broken.files.unreadable.map((one) => one.file),
      ["cut.gz", "no.gz"],
    );
    assert.deepEqual([broken.files.files, broken.read.records], [4, 4]);
    assert.ok(broken.read.lines > 9000 && broken.causes.length === 1);
  });

  it("a small file that swells to a line of 128 MiB is told once, and is not kept", async () => {
    const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024, "x"));
    assert.ok(bomb.length < 200_000);
    const before = process.memoryUsage().rss;
    const found = await read(held("bomb.gz", bomb, 16_384), held("good", ACCESS));
    assert.equal(found.read.badSamples[0]?.in, "bomb.gz");
    assert.equal(found.causes.length, 1);
    assert.ok(process.memoryUsage().rss - before < 96 * 1024 * 1024, "the line was held");
  });

  it("nothing of what is printed moves a cursor", async () => {
    const hostile = ACCESS.toString("latin1")
      .replace("this is no line", "\u001b[2Jthis is no line\u0007")
      .replace("2026/0002.jpg ", "%1B%5D0;title%07 ");
    const found = await read(held("f\u001b[31m", Buffer.from(hostile, "latin1")));
    const words = logsWords(found, (_style, text) => text);
    assert.match(words, /·\[2Jthis is no line·/);
    assert.match(words, /·\]0;title·/);
    assert.doesNotMatch(words.replaceAll("\n", ""), /\p{Cc}/u);
  });
});
