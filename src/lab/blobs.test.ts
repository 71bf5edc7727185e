import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type Blobs, openFileBlobs, openMemoryBlobs } from "./blobs.ts";

const directory = mkdtempSync(join(tmpdir(), "lockstep-blobs-"));

async function write(blobs: Blobs, id: number, ...chunks: string[]): Promise<void> {
  const writer = await blobs.create(id);
  for (const chunk of chunks) await writer.write(Buffer.from(chunk));
  await writer.finish();
}

async function read(blobs: Blobs, id: number, position = 0, length = 100): Promise<string> {
  const reader = await blobs.open(id);
  try {
    return Buffer.from(await reader.read(position, length)).toString();
  } finally {
    await reader.close();
  }
}

describe("blobs", () => {
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const [name, open] of [
    ["files", () => openFileBlobs(join(directory, "kept"))],
    ["memory", openMemoryBlobs],
  ] as const) {
    describe(`blobs in ${name}`, () => {
      const blobs = open();

      test("what was written is read, from any position", async () => {
        await write(blobs, 1, "hello ", "world");
        assert.equal(await read(blobs, 1), "hello world");
        assert.equal(await read(blobs, 1, 6, 3), "wor");
        assert.equal(await read(blobs, 1, 20, 3), "");
      });

      test("what was abandoned is not there", async () => {
        const writer = await blobs.create(2);
        await writer.write(Buffer.from("x"));
        await writer.abandon();
        await writer.abandon();
        await assert.rejects(read(blobs, 2));
      });

      test("a removed blob is there for those who pinned it, until the last of them lets go", async () => {
        await write(blobs, 3, "pinned");
        const first = blobs.pin([3]);
        const second = blobs.pin([3]);
        blobs.remove([3]);
        assert.equal(await read(blobs, 3), "pinned");
        first();
        first();
        assert.equal(await read(blobs, 3), "pinned");
        second();
        await assert.rejects(async () => {
          for (let tries = 0; tries < 100; tries++) await read(blobs, 3);
        });
      });
    });
  }

  test("orphans are removed, what is named and what is not ours stays", async () => {
    const place = join(directory, "orphans");
    const before = openFileBlobs(place);
    await write(before, 10, "named");
    await write(before, 11, "orphan");
    const unfinished = await before.create(12);
    await unfinished.write(Buffer.alloc(2_000_000));
    const again = openFileBlobs(place);
    assert.equal(
      again.removeOrphans((id) => id === 10),
      1,
    );
    assert.equal(await read(again, 10), "named");
    await assert.rejects(read(again, 11));
    assert.deepEqual(readdirSync(join(place, "incoming")), []);
    await unfinished.abandon();
  });
});
