/**
 * Reading access logs: millions of lines, one in fifty of them a failure of replication, beside the floor of the same file
 * cut into lines and nothing else.
 */
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineSplitter } from "../../src/core/logs/line-splitter.ts";
import { LogReader } from "../../src/core/logs/log-reader.ts";
import { readFiles } from "../../src/doctor/logs/read-files.ts";
import { localFiles } from "../../src/doctor/logs/sources.ts";
import { cpuMsOf, heading, line, round } from "./measure.ts";

const LINES = Number(process.env["BENCH_LOG_LINES"] ?? 10_000_000);
const BLOCK = 10_000;
const CHUNK_BYTES = 512 * 1024;
const TEXT_BYTES = 64 * 1024;

export async function benchLogs(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  try {
    const path = join(directory, "access.log");
    const bytes = await write(path);
    heading(`access logs: ${LINES.toLocaleString("en")} lines, ${round(bytes / 2 ** 20)} MiB`);
    // The first reading brings the file into the machine's memory, and is not counted.
    await cutOnly(path);
    const floorMs = Math.min(await timed(() => cutOnly(path)), await timed(() => cutOnly(path)));
    line("cut into lines, the floor", `${round((LINES * 1000) / floorMs)} lines/s`, "of one core's time");
    const before = process.memoryUsage().rss;
    let most = before;
    const reader = new LogReader();
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 50);
    const firstMs = await timed(async () => void (await readFiles(new LogReader(), localFiles(path))));
    const readMs = Math.min(firstMs, await timed(async () => void (await readFiles(reader, localFiles(path)))));
    clearInterval(watch);
    const { causes, read } = reader.report();
    if (read.lines !== LINES || causes.length !== 1) throw new Error("not all was read");
    line("lockstep logs", `${round((LINES * 1000) / readMs)} lines/s`, `${round(readMs / floorMs)} × the floor's time`);
    line("memory that it took", `${round((most - before) / 2 ** 20)} MiB`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The processor's time: the machine may have other things to do. */
async function timed(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  return cpuMsOf(process.cpuUsage(before));
}

async function cutOnly(path: string): Promise<void> {
  const noted = { characters: 0 };
  const splitter = new LineSplitter(
    (text) => {
      noted.characters += text.length;
    },
    () => undefined,
  );
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Buffer;
    for (let at = 0; at < bytes.length; at += TEXT_BYTES) splitter.push(bytes.toString("latin1", at, at + TEXT_BYTES));
  }
  splitter.end();
}

/** Blocks of lines again and again: what is read does not get cheaper by it. @returns the length of the file */
async function write(path: string): Promise<number> {
  const block = Buffer.from(Array.from({ length: BLOCK }, (_, at) => lineOf(at)).join(""));
  const file = await open(path, "w");
  try {
    for (let written = 0; written < LINES; written += BLOCK) await file.write(block);
  } finally {
    await file.close();
  }
  return (block.length * LINES) / BLOCK;
}

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

function lineOf(at: number): string {
  const isReplication = at % 5 === 0;
  const isFailure = at % 50 === 0;
  const requester = isReplication ? "arn:aws:sts::111122223333:assumed-role/photos-replication/s3-replication" : OWNER;
  const key = `2026/02/06/${String(at).padStart(8, "0")}.jpg`;
  const time = `[06/Feb/2026:14:${String(at % 60).padStart(2, "0")}:10 +0000]`;
  const id = at.toString(16).toUpperCase().padStart(16, "0");
  return (
    `${OWNER} photos-replica ${time} 192.0.2.${at % 250} ${requester} ${id} REST.PUT.OBJECT ${key} ` +
    `"PUT /photos-replica/${key} HTTP/1.1" ${isFailure ? "403 AccessDenied 243 -" : "200 - - 1048576"} 41 9 "-" ` +
    `"aws-sdk-java/2.20.0 Linux/5.10 OpenJDK_64-Bit_Server_VM" - c2Vjb25kIGhvc3QgaWQgb2YgdGhlIHJlcXVlc3Q${id}= SigV4 ` +
    "TLS_AES_128_GCM_SHA256 AuthHeader photos-replica.s3.eu-west-1.amazonaws.com TLSv1.3 - - eu-west-1\n"
  );
}
