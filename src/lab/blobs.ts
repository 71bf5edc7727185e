/**
 * Large sealed bodies: files under the data directory, or memory. It knows nothing of keys, buckets or plaintext.
 *
 * A blob is written to `incoming/`, synced, renamed to its place and its directory synced; only then may a row name
 * it. So a row never names a blob that a crash took away, and a blob that no row names is an orphan, removed at the next
 * start. A removed blob that somebody is reading stays until the last reader lets go.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export interface Blobs {
  /** @param id of the lab's sequence: never used twice */
  create(id: number): Promise<BlobWriter>;
  open(id: number): Promise<BlobReader>;
  /** Changes bytes of a blob where they are: damage that somebody ordered. Nothing else changes a blob. */
  overwrite(id: number, position: number, bytes: Uint8Array): Promise<void>;
  /** Keeps blobs readable until the returned function is called, removed or not. */
  pin(ids: readonly number[]): () => void;
  /** Call after the rows that named them are gone for good. */
  remove(ids: readonly number[]): void;
  /** Removes what a crash left behind; only before the first write. Returns how many. */
  removeOrphans(isNamed: (id: number) => boolean): number;
}

/** Exactly one of `finish` and `abandon` ends it. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when the blob is durable. */
  finish(): Promise<void>;
  /** Idempotent. */
  abandon(): Promise<void>;
}

export interface BlobReader {
  /** Fewer bytes than asked for mean that the blob is shorter. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Blobs that are being read, and those of them that are to go. */
class Pins {
  readonly #readers = new Map<number, number>();
  readonly #doomed = new Set<number>();

  pin(ids: readonly number[], removeNow: (id: number) => void): () => void {
    for (const id of ids) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const id of ids) {
        const left = (this.#readers.get(id) ?? 1) - 1;
        if (left > 0) this.#readers.set(id, left);
        else {
          this.#readers.delete(id);
          if (this.#doomed.delete(id)) removeNow(id);
        }
      }
    };
  }

  remove(ids: readonly number[], removeNow: (id: number) => void): void {
    for (const id of ids) {
      if (this.#readers.has(id)) this.#doomed.add(id);
      else removeNow(id);
    }
  }
}

export function openMemoryBlobs(): Blobs {
  const pins = new Pins();
  const blobs = new Map<number, Buffer>();
  const removeNow = (id: number): void => void blobs.delete(id);
  return {
    async create(id) {
      const chunks: Uint8Array[] = [];
      return {
        async write(bytes) {
          chunks.push(bytes);
        },
        async finish() {
          blobs.set(id, Buffer.concat(chunks));
        },
        async abandon() {
          chunks.length = 0;
        },
      };
    },
    async open(id) {
      const blob = blobs.get(id);
      if (blob === undefined) throw new Error(`blob ${id} is not there`);
      return {
        async read(position, length) {
          return blob.subarray(position, position + length);
        },
        async close() {},
      };
    },
    async overwrite(id, position, bytes) {
      blobs.get(id)?.set(bytes, position);
    },
    pin: (ids) => pins.pin(ids, removeNow),
    remove: (ids) => pins.remove(ids, removeNow),
    removeOrphans: () => 0,
  };
}

/** Bytes are gathered up to this size before they go to the file. */
const WRITE_BYTES = 1_048_576;

/** @param directory made when it is not there */
export function openFileBlobs(directory: string): Blobs {
  const pins = new Pins();
  const incoming = join(directory, "incoming");
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  for (let shard = 0; shard < SHARDS; shard++) mkdirSync(join(directory, shardName(shard)), { recursive: true });
  syncDirectory(directory);

  const pathOf = (id: number): string => join(directory, shardName(id % SHARDS), nameOf(id));
  const removeNow = (id: number): void => {
    // What cannot be removed now is an orphan, and orphans are removed at the next start.
    rm(pathOf(id), { force: true }).catch(() => undefined);
  };
  return {
    async create(id) {
      const temporary = join(incoming, nameOf(id));
      return new FileBlobWriter(await open(temporary, "wx"), temporary, pathOf(id));
    },
    async open(id) {
      const file = await open(pathOf(id), "r");
      return {
        async read(position, length) {
          const buffer = Buffer.allocUnsafe(length);
          let filled = 0;
          while (filled < length) {
            const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
            if (bytesRead === 0) break;
            filled += bytesRead;
          }
          return buffer.subarray(0, filled);
        },
        close: () => file.close(),
      };
    },
    async overwrite(id, position, bytes) {
      const file = await open(pathOf(id), "r+");
      try {
        await file.write(bytes, 0, bytes.length, position);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    pin: (ids) => pins.pin(ids, removeNow),
    remove: (ids) => pins.remove(ids, removeNow),
    removeOrphans(isNamed) {
      let removed = 0;
      for (let shard = 0; shard < SHARDS; shard++) {
        for (const name of readdirSync(join(directory, shardName(shard)))) {
          if (!/^[0-9a-f]{14}$/.test(name) || isNamed(Number.parseInt(name, 16))) continue;
          rmSync(join(directory, shardName(shard), name), { force: true });
          removed++;
        }
      }
      return removed;
    },
  };
}

class FileBlobWriter implements BlobWriter {
  readonly #file: FileHandle;
  readonly #temporary: string;
  readonly #final: string;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #open = true;

  constructor(file: FileHandle, temporary: string, final: string) {
    this.#file = file;
    this.#temporary = temporary;
    this.#final = final;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= WRITE_BYTES) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.datasync();
    this.#open = false;
    await this.#file.close();
    await rename(this.#temporary, this.#final);
    const directory = await open(join(this.#final, ".."), "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async abandon(): Promise<void> {
    this.#gathered = [];
    if (this.#open) {
      this.#open = false;
      await this.#file.close();
    }
    await rm(this.#temporary, { force: true });
  }

  async #flush(): Promise<void> {
    const chunks = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    let pending = chunks.length === 0 ? Buffer.alloc(0) : Buffer.concat(chunks);
    while (pending.length > 0) {
      const { bytesWritten } = await this.#file.write(pending);
      pending = pending.subarray(bytesWritten);
    }
  }
}

const SHARDS = 64;

function shardName(shard: number): string {
  return shard.toString(16).padStart(2, "0");
}

function nameOf(id: number): string {
  return id.toString(16).padStart(14, "0");
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
