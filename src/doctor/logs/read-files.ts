/**
 * From files to the reader of logs: unzips, tells the kind of a file by how it begins, decodes. A file that cannot be read is
 * named with the reason, and the others are read all the same.
 */

import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { LogReader, LogSink } from "../../core/logs/log-reader.ts";
import type { LogFile } from "./sources.ts";

export interface FilesRead {
  readonly files: number;
  readonly bytes: number;
  readonly unreadable: readonly { readonly file: string; readonly because: string }[];
}

/** @param onProgress is told after every file */
export async function readFiles(
  reader: LogReader,
  files: AsyncIterable<LogFile>,
  onProgress: (read: FilesRead) => void = () => undefined,
): Promise<FilesRead> {
  const unreadable: { readonly file: string; readonly because: string }[] = [];
  let count = 0;
  let bytes = 0;
  for await (const file of files) {
    try {
      bytes += await readFile(reader, file);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      unreadable.push({ file: file.name, because: error.message });
    }
    count++;
    onProgress({ files: count, bytes, unreadable });
  }
  return { files: count, bytes, unreadable };
}

/** @returns the length of the text in it */
async function readFile(reader: LogReader, file: LogFile): Promise<number> {
  let sink: Decoded | undefined;
  let bytes = 0;
  try {
    for await (const chunk of unzipped(await file.open())) {
      bytes += chunk.length;
      sink ??= sinkFor(reader, file.name, chunk);
      sink.push(chunk);
    }
  } finally {
    // What came before the damage counts.
    sink?.end();
  }
  return bytes;
}

interface Decoded {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** CloudTrail's files begin with a brace, or with a bracket where somebody has made a list of them; lines of access logs do not. */
function sinkFor(reader: LogReader, name: string, chunk: Uint8Array): Decoded {
  const begins = Buffer.from(chunk.subarray(0, BEGIN_BYTES)).toString("latin1");
  return /^(?:\xEF\xBB\xBF)?\s*[[{]/.test(begins) ? utf8(reader.cloudTrail(name)) : latin1(reader.accessLog(name));
}

const BEGIN_BYTES = 64;

/** Short texts stay where the collector of garbage is quick: six times as fast as texts of half a megabyte. */
const TEXT_BYTES = 64 * 1024;

/** What of an access log is looked at is ASCII, and one byte is one character: that is quicker than UTF-8. */
function latin1(sink: LogSink): Decoded {
  return {
    push: (chunk) => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      for (let at = 0; at < bytes.length; at += TEXT_BYTES) sink.push(bytes.toString("latin1", at, at + TEXT_BYTES));
    },
    end: () => sink.end(),
  };
}

function utf8(sink: LogSink): Decoded {
  const decoder = new TextDecoder();
  return {
    push: (chunk) => {
      for (let at = 0; at < chunk.length; at += TEXT_BYTES) {
        sink.push(decoder.decode(chunk.subarray(at, at + TEXT_BYTES), { stream: true }));
      }
    },
    end: () => {
      sink.push(decoder.decode());
      sink.end();
    },
  };
}

/** Gzip is told by its first bytes: names lie, and S3 keeps what it was given. */
async function* unzipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const all = again(first.value, iterator);
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* all;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // Its error comes out of the loop below.
  pipeline(Readable.from(all), gunzip, () => undefined);
  yield* gunzip as AsyncIterable<Uint8Array>;
}

async function* again(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    // Whoever stops early closes the file.
    await rest.return?.();
  }
}
