import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CborError, decodeCbor, encodeCbor } from "./cbor.ts";

/** @source RFC 8949, appendix A */
const BOTH_WAYS: readonly (readonly [hex: string, value: unknown])[] = [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["190100", 256],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3903e7", -1000],
  ["fb3ff199999999999a", 1.1],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["4401020304", Uint8Array.of(1, 2, 3, 4)],
  ["60", ""],
  ["62c3bc", "ü"],
  ["83010203", [1, 2, 3]],
  ["a26161016162820203", { a: 1, b: [2, 3] }],
];

/** Read, and written in another way. */
const READ_ONLY: readonly (readonly [hex: string, value: unknown])[] = [
  ["f93c00", 1],
  ["f9c400", -4],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["fa47c35000", 100_000],
  ["f7", null],
  ["c11a514b67b0", 1_363_896_240],
  ["5f42010243030405ff", Uint8Array.of(1, 2, 3, 4, 5)],
  ["7f657374726561646d696e67ff", "streaming"],
  ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
  ["bf61610161629f0203ffff", { a: 1, b: [2, 3] }],
];

describe("CBOR", () => {
  it("reads and writes the examples of RFC 8949", () => {
    for (const [hex, value] of BOTH_WAYS) {
      assert.deepEqual(decodeCbor(Buffer.from(hex, "hex")), value, hex);
      assert.equal(Buffer.from(encodeCbor(value)).toString("hex"), hex);
    }
    for (const [hex, value] of READ_ONLY) assert.deepEqual(decodeCbor(Buffer.from(hex, "hex")), value, hex);
  });

  it("writes an instant as seconds under tag 1, and leaves out what is undefined", () => {
    const written = encodeCbor({ at: new Date(1_363_896_240_000), not: undefined });
    assert.equal(Buffer.from(written).toString("hex"), "a1626174c11a514b67b0");
  });

  it("refuses what ends too early, has something behind it, or is nested without end", () => {
    for (const hex of ["", "19", "62c3", "9f01", "1c", "5f01ff", "0000", "a10102", "81".repeat(1000)]) {
      assert.throws(() => decodeCbor(Buffer.from(hex, "hex")), CborError, hex);
    }
  });
});
