import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cut, joined, streamOf } from "../../test/fixtures/bytes.ts";
import { loadFixture } from "../../test/fixtures/sigv4/load.ts";
import { checksumOf } from "./checksum.ts";
import {
  ChunkedError,
  type ChunkedProblem,
  type ChunkSigning,
  type DecodeOptions,
  decodeChunked,
  type EncodeOptions,
  encodeChunked,
  encodedLength,
} from "./chunked.ts";

const SIGNING: ChunkSigning = {
  secretAccessKey: "secret",
  scope: { date: "20260102", region: "eu-west-1", service: "s3" },
  amzDate: "20260102T030405Z",
  seedSignature: "5".repeat(64),
};
const CHECKSUM = "x-amz-checksum-crc32";

async function encoded(data: Uint8Array, options: Omit<EncodeOptions, "sizeBytes">): Promise<Buffer> {
  const whole = { sizeBytes: data.byteLength, ...options };
  return joined(encodeChunked(streamOf(data), whole));
}

async function decoded(pieces: readonly (Uint8Array | string)[], options: DecodeOptions) {
  const body = decodeChunked(streamOf(...pieces), options);
  const data = await joined(body.bytes);
  return { data, trailers: body.trailers };
}

async function refused(pieces: readonly (Uint8Array | string)[], options: DecodeOptions, code: ChunkedProblem) {
  await assert.rejects(decoded(pieces, options), (error) => error instanceof ChunkedError && error.code === code);
}

describe("AWS's worked examples of chunked uploads", () => {
  const fixture = loadFixture("s3-streaming");
  for (const one of fixture.cases) {
    test(`${one.name}: the body has the published signatures, length and trailers`, async () => {
      const { expected, body, chunkBytes, trailer } = one;
      const scope = { date: "20130524", region: fixture.region, service: fixture.service };
      const signing = {
        secretAccessKey: fixture.secretAccessKey,
        scope,
        amzDate: "20130524T000000Z",
        seedSignature: expected.seedSignature,
      };
      const options = { chunkBytes, signing, ...(trailer === undefined ? {} : { trailer }) };
      const wire = await encoded(Buffer.alloc(body.count, body.byte), options);

      const lines = wire.toString("latin1").split("\r\n");
      const signatures = lines.flatMap((line) => /;chunk-signature=(.*)$/.exec(line)?.[1] ?? []);
      assert.deepEqual(signatures, expected.chunkSignatures);
      assert.equal(wire.byteLength, encodedLength({ sizeBytes: body.count, signsChunks: true, ...options }));
      if (expected.encodedBytes !== undefined) assert.equal(wire.byteLength, expected.encodedBytes);
      if (expected.trailerSignature !== undefined) {
        assert.ok(lines.includes(`x-amz-trailer-signature:${expected.trailerSignature}`));
      }

      const trailerNames = Object.keys(expected.trailers ?? {});
      const back = await decoded([wire], { sizeBytes: body.count, signing, trailerNames });
      assert.equal(back.data.byteLength, body.count);
      assert.deepEqual(back.trailers, expected.trailers ?? {});
    });
  }
});

test("what is encoded is decoded, wherever its buffers are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(40_000),
      fc.constantFrom(8192, 10_000, 65_536),
      fc.array(fc.nat(50_000), { maxLength: 12 }),
      fc.array(fc.nat(50_000), { maxLength: 12 }),
      fc.boolean(),
      fc.constantFrom(undefined, "CRC32", "CRC64NVME", "SHA256"),
      async (size, chunkBytes, inCuts, outCuts, signed, trailer) => {
        const data = Buffer.alloc(size, "lockstep");
        const signing = signed ? { signing: SIGNING } : {};
        const options = { sizeBytes: size, chunkBytes, ...signing, ...(trailer === undefined ? {} : { trailer }) };
        const wire = await joined(encodeChunked(streamOf(...cut(data, inCuts)), options));
        assert.equal(wire.byteLength, encodedLength({ signsChunks: signed, ...options }));

        const name = `x-amz-checksum-${trailer?.toLowerCase()}`;
        const trailerNames = trailer === undefined ? [] : [name];
        const back = await decoded(cut(wire, outCuts), { sizeBytes: size, ...signing, trailerNames });
        assert.ok(back.data.equals(data));
        const checksum = trailer === undefined ? {} : { [name]: await checksumOf(trailer, data) };
        assert.deepEqual(back.trailers, checksum);
      },
    ),
    { numRuns: 120 },
  );
});

test("a signed body is refused when any byte of it is changed", async () => {
  const data = Buffer.alloc(20_000, "x");
  const wire = await encoded(data, { chunkBytes: 8192, signing: SIGNING, trailer: "CRC32" });
  const options = { sizeBytes: data.byteLength, signing: SIGNING, trailerNames: [CHECKSUM] };
  await fc.assert(
    fc.asyncProperty(fc.nat(wire.byteLength - 3), async (place) => {
      const bad = Buffer.from(wire);
      bad[place] = (bad[place] ?? 0) ^ 0x01;
      // White space around a trailer's value means nothing, so a broken line end need not be seen.
      if (wire[place] === 13 || wire[place] === 10) return;
      await assert.rejects(decoded([bad], options), ChunkedError);
    }),
    { numRuns: 200 },
  );
});

test("a body that ends early is incomplete, wherever it ends", async () => {
  const data = Buffer.alloc(9000, "x");
  const wire = await encoded(data, { chunkBytes: 8192, signing: SIGNING, trailer: "CRC32" });
  const options = { sizeBytes: data.byteLength, signing: SIGNING, trailerNames: [CHECKSUM] };
  for (let length = 0; length < wire.byteLength - 2; length += length < 8192 && length > 100 ? 997 : 1) {
    await assert.rejects(decoded([wire.subarray(0, length)], options), ChunkedError, `cut at ${length}`);
  }
  // The blank line behind the trailers adds nothing, and some clients leave it out.
  assert.equal((await decoded([wire.subarray(0, -2)], options)).data.byteLength, 9000);
});

test("a chunk whose signature is missing or another's is refused", async () => {
  const signed = { sizeBytes: 3, signing: SIGNING };
  await refused(["3\r\nabc\r\n0\r\n\r\n"], signed, "SignatureDoesNotMatch");
  await refused([`3;chunk-signature=${"0".repeat(64)}\r\nabc\r\n`], signed, "SignatureDoesNotMatch");
  const other = { ...SIGNING, secretAccessKey: "another" };
  await refused([await encoded(Buffer.from("abc"), { signing: other })], signed, "SignatureDoesNotMatch");
});

test("chunks must hold exactly the announced bytes", async () => {
  const wire = "3\r\nabc\r\n0\r\n\r\n";
  assert.equal((await decoded([wire], { sizeBytes: 3 })).data.toString(), "abc");
  await refused([wire], { sizeBytes: 2 }, "IncompleteBody");
  await refused([wire], { sizeBytes: 4 }, "IncompleteBody");
  await refused(["3\r\nabcd\r\n0\r\n\r\n"], { sizeBytes: 3 }, "IncompleteBody");
  await refused([`${wire}GET / HTTP/1.1`], { sizeBytes: 3 }, "IncompleteBody");
  await refused(["\r\n"], { sizeBytes: 3 }, "IncompleteBody");
  await refused(["zz\r\n"], { sizeBytes: 3 }, "IncompleteBody");
  await refused(["-3\r\nabc"], { sizeBytes: 3 }, "IncompleteBody");
  await refused([`${"f".repeat(14)}\r\n`], { sizeBytes: 3 }, "IncompleteBody");
});

test("only the last chunk may be small", async () => {
  await refused(["3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"], { sizeBytes: 6 }, "InvalidChunkSizeError");
  const large = "x".repeat(8192);
  assert.equal((await decoded([`2000\r\n${large}\r\n1\r\ny\r\n0\r\n\r\n`], { sizeBytes: 8193 })).data.byteLength, 8193);
});

test("trailers come as they were announced, or not at all", async () => {
  const options = { sizeBytes: 0, trailerNames: [CHECKSUM] };
  assert.deepEqual((await decoded([`0\r\n${CHECKSUM}: AAAA \r\n\r\n`], options)).trailers, { [CHECKSUM]: "AAAA" });
  await refused(["0\r\n\r\n"], options, "MalformedTrailerError");
  await refused(["0\r\nx-other:1\r\n\r\n"], options, "MalformedTrailerError");
  await refused([`0\r\n${CHECKSUM}:A\r\n${CHECKSUM}:B\r\n\r\n`], options, "MalformedTrailerError");
  await refused(["0\r\nno colon\r\n\r\n"], options, "MalformedTrailerError");
  await refused([`0\r\n${CHECKSUM}:A\r\n\r\n`], { sizeBytes: 0 }, "MalformedTrailerError");
});

test("a blank line in front of the trailers' signature is let pass, as MinIO's client sends it", async () => {
  const wire = (await encoded(Buffer.from("abc"), { signing: SIGNING, trailer: "CRC32" })).toString("latin1");
  const odd = wire.replace(/\r\n(x-amz-trailer-signature)/, "\n\r\n$1");
  assert.notEqual(odd, wire);
  const options = { sizeBytes: 3, signing: SIGNING, trailerNames: [CHECKSUM] };
  assert.deepEqual((await decoded([odd], options)).trailers, { [CHECKSUM]: "NSRBwg==" });
});

test("a line without end is not collected for ever", async () => {
  let pulled = 0;
  async function* endless(start: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(start);
    for (; pulled < 1000; pulled++) yield Buffer.alloc(1024, "a");
  }
  const chunkLine = decodeChunked(endless("1"), { sizeBytes: 1 });
  await assert.rejects(joined(chunkLine.bytes), { code: "IncompleteBody" });
  const trailers = decodeChunked(endless("0\r\n"), { sizeBytes: 0, trailerNames: [CHECKSUM] });
  await assert.rejects(joined(trailers.bytes), { code: "MalformedTrailerError" });
  assert.ok(pulled < 40, `${pulled} KiB were read`);
});

test("the source is released when the reader stops early", async () => {
  let released = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from("ffff\r\nabc");
      yield Buffer.from("def");
    } finally {
      released = true;
    }
  }
  for await (const data of decodeChunked(source(), { sizeBytes: 65535 }).bytes) {
    assert.equal(Buffer.from(data).toString(), "abc");
    break;
  }
  assert.ok(released);
});

test("a source of another length than announced is refused while it is encoded", async () => {
  for (const signing of [{}, { signing: SIGNING }]) {
    for (const sizeBytes of [2, 4]) {
      const all = joined(encodeChunked(streamOf("abc"), { sizeBytes, ...signing }));
      await assert.rejects(all, { code: "IncompleteBody" });
    }
  }
});
