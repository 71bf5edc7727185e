import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CHECKSUM_ALGORITHMS, checksumOf, compositeChecksum, createHasher, type HashAlgorithm } from "./checksum.ts";
import { combineCrcs } from "./crc-combine.ts";

const DIGITS = Buffer.from("123456789");

/** Check values of the CRC catalogue and of the RFCs, in hex. */
const CHECK: Record<HashAlgorithm, string> = {
  CRC32: "cbf43926",
  CRC32C: "e3069283",
  CRC64NVME: "ae8b14860a799888",
  SHA1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
  MD5: "25f9e794323b453885f5181f1b624d0b",
};
const ALL = Object.keys(CHECK) as HashAlgorithm[];

describe("checksums", () => {
  for (const algorithm of ALL) {
    test(`${algorithm} of "123456789" is the published check value`, async () => {
      const expected = Buffer.from(CHECK[algorithm], "hex").toString("base64");
      assert.equal(await checksumOf(algorithm, DIGITS), expected);
    });
  }

  test("a hash does not depend on how the bytes were cut, nor on hashes under way beside it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ALL),
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        async (algorithm, pieces) => {
          const [one, other] = [await createHasher(algorithm), await createHasher(algorithm)];
          for (const piece of pieces) {
            one.update(piece);
            other.update(Buffer.from("noise"));
          }
          other.digest();
          const whole = await checksumOf(algorithm, Buffer.concat(pieces));
          assert.equal(one.digest(), whole);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("hashers that are never finished do not disturb later ones", async () => {
    for (let index = 0; index < 40; index++) (await createHasher("CRC64NVME")).update(DIGITS);
    const many = await Promise.all(Array.from({ length: 40 }, () => checksumOf("CRC64NVME", DIGITS)));
    assert.deepEqual(new Set(many), new Set(["rosUhgp5mIg="]));
  });

  test("a composite checksum is the hash of the parts' checksums and their number", async () => {
    const parts = [await checksumOf("SHA256", Buffer.from("a")), await checksumOf("SHA256", Buffer.from("b"))];
    const joined = Buffer.concat(parts.map((one) => Buffer.from(one, "base64")));
    assert.equal(joined.byteLength, 64);
    assert.equal(await compositeChecksum("SHA256", parts), `${await checksumOf("SHA256", joined)}-2`);
  });

  test("the list of algorithms holds each one once", () => {
    assert.deepEqual([...CHECKSUM_ALGORITHMS].sort(), ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]);
  });
});

describe("combining CRCs", () => {
  test("the CRC of joined pieces follows from the pieces' CRCs and lengths", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("CRC32", "CRC32C", "CRC64NVME"),
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
        async (algorithm, pieces) => {
          const known = await Promise.all(
            pieces.map(async (piece) => ({
              checksum: await checksumOf(algorithm, piece),
              sizeBytes: piece.byteLength,
            })),
          );
          assert.equal(combineCrcs(algorithm, known), await checksumOf(algorithm, Buffer.concat(pieces)));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("pieces of several mebibytes combine too", async () => {
    const piece = Buffer.alloc(5 * 1024 * 1024 + 7, "lockstep");
    for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
      const known = { checksum: await checksumOf(algorithm, piece), sizeBytes: piece.byteLength };
      const digits = { checksum: await checksumOf(algorithm, DIGITS), sizeBytes: 9 };
      const expected = await checksumOf(algorithm, Buffer.concat([piece, piece, DIGITS]));
      assert.equal(combineCrcs(algorithm, [known, known, digits]), expected);
    }
  });
});
