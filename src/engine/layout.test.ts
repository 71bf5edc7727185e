import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type LayoutRequest, layoutOf, ownRanges, spanOf } from "./layout.ts";

const MIB = 1024 * 1024;
const WHOLE = "d41d8cd98f00b204e9800998ecf8427e";
const BASE: LayoutRequest = {
  sizeBytes: 0,
  etag: WHOLE,
  readsParts: false,
  mayGuess: true,
  copiesWithin: false,
  comparedWhole: false,
  keepsWhole: false,
  takesUploads: true,
};

describe("layout", () => {
  const layout = (change: Partial<LayoutRequest>) => layoutOf({ ...BASE, ...change });

  test("what was put whole goes whole up to 64 MiB, and in parts of 8 MiB beyond", () => {
    assert.deepEqual(layout({ sizeBytes: 64 * MIB }), { kind: "whole" });
    const own = { kind: "ranges", count: 9, partBytes: 8 * MIB, isGuess: false };
    assert.deepEqual(layout({ sizeBytes: 64 * MIB + 1 }), own);
  });

  test("what the destination compares by itself goes whole up to 512 MiB", () => {
    assert.deepEqual(layout({ comparedWhole: true, sizeBytes: 512 * MIB }), { kind: "whole" });
    assert.equal(layout({ comparedWhole: true, sizeBytes: 512 * MIB + 1 }).kind, "ranges");
  });

  test("what has to stay the same version, or is copied by the store, goes whole up to 5 GiB", () => {
    for (const change of [{ keepsWhole: true }, { copiesWithin: true }]) {
      assert.deepEqual(layout({ ...change, sizeBytes: 5120 * MIB }), { kind: "whole" });
      assert.equal(layout({ ...change, sizeBytes: 5120 * MIB + 1 }).kind, "ranges");
    }
  });

  test("parts are asked for by number where the source serves them, and a store's own copies take ranges", () => {
    const parts = { sizeBytes: 20 * MIB, etag: `${WHOLE}-3`, readsParts: true };
    assert.deepEqual(layout(parts), { kind: "numbered", count: 3 });
    const ranges = { kind: "ranges", count: 3, partBytes: 8 * MIB, isGuess: true };
    assert.deepEqual(layout({ ...parts, copiesWithin: true }), ranges);
    assert.deepEqual(layout({ ...parts, copiesWithin: true, mayGuess: false }), { kind: "numbered", count: 3 });
  });

  for (const [says, sizeBytes, count, partBytes] of [
    ["the AWS CLI's 8 MiB", 64 * MIB, 8, 8 * MIB],
    ["rclone's 5 MiB", 256 * MIB, 52, 5 * MIB],
    ["16 MiB", 256 * MIB + 1, 17, 16 * MIB],
    ["s3cmd's 15 MiB", 300 * MIB, 20, 15 * MIB],
    ["a single part", 1000, 1, 1000],
  ] as const) {
    test(`${says} is guessed from the number of parts`, () => {
      const expected = { kind: "ranges", count, partBytes, isGuess: true };
      assert.deepEqual(layout({ sizeBytes, etag: `${WHOLE}-${count}` }), expected);
    });
  }

  test("a number of parts that no usual size gives is not guessed at", () => {
    assert.deepEqual(layout({ sizeBytes: 70 * MIB, etag: `${WHOLE}-13` }), ownRanges(70 * MIB));
    assert.deepEqual(layout({ sizeBytes: 60 * MIB, etag: `${WHOLE}-13`, mayGuess: true }), { kind: "whole" });
    assert.deepEqual(layout({ sizeBytes: 0, etag: `${WHOLE}-1` }), { kind: "whole" });
  });

  test("own parts are within S3's limits and cover every byte once, for any size up to 48 TiB", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 48 * 2 ** 40 }), (sizeBytes) => {
        const made = ownRanges(sizeBytes);
        assert.ok(made.kind === "ranges" && made.count <= 10_000);
        assert.ok(made.partBytes >= 5 * MIB && made.partBytes <= 5120 * MIB);
        assert.equal(spanOf(1, made.partBytes, sizeBytes).firstByte, 0);
        const last = spanOf(made.count, made.partBytes, sizeBytes);
        assert.equal(last.lastByte, sizeBytes - 1);
        assert.ok(last.firstByte <= last.lastByte);
      }),
    );
  });
});
