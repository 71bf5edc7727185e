import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { joined, streamOf } from "../../test/fixtures/bytes.ts";
import { PayloadStream, preparePayload } from "./payload.ts";
import { PROFILES } from "./profiles.ts";
import { EMPTY_PAYLOAD_HASH, hashPayload } from "./sigv4.ts";

describe("how a body stands under the signature", () => {
  const bytes = Buffer.from("abc");
  const hashOf = (profile: Parameters<typeof preparePayload>[2], isTls: boolean, headers = {}) =>
    preparePayload(bytes, headers, profile, isTls).payloadHash;
  const checksum = { "x-amz-checksum-crc32": "NSRBwg==" };
  const strict = { ...PROFILES.aws, payloadSigning: "always" } as const;

  test("bytes in memory are hashed, unless TLS and a checksum protect them already", () => {
    assert.equal(hashOf(PROFILES.aws, false), hashPayload(bytes));
    assert.equal(hashOf(PROFILES.aws, false, checksum), hashPayload(bytes));
    assert.equal(hashOf(PROFILES.aws, true), hashPayload(bytes));
    assert.equal(hashOf(PROFILES.aws, true, checksum), "UNSIGNED-PAYLOAD");
    assert.equal(hashOf(strict, true, checksum), hashPayload(bytes));
  });

  test("no body has the hash of no bytes", () => {
    const prepared = preparePayload(undefined, {}, PROFILES.generic, true);
    assert.equal(prepared.payloadHash, EMPTY_PAYLOAD_HASH);
    assert.equal(prepared.body(undefined), undefined);
  });

  test("a stream says in its headers how it is framed", () => {
    const headersOf = (profile: Parameters<typeof preparePayload>[2]) => {
      const headers: Record<string, string> = {};
      const payload = { sizeBytes: 3, stream: streamOf("abc"), trailer: "CRC32" } as const;
      return { hash: preparePayload(payload, headers, profile, true).payloadHash, headers };
    };
    assert.deepEqual(headersOf(PROFILES.generic), { hash: "UNSIGNED-PAYLOAD", headers: { "content-length": "3" } });
    const trailer = {
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "3",
      "x-amz-trailer": "x-amz-checksum-crc32",
    };
    assert.deepEqual(headersOf(PROFILES.aws), {
      hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      headers: { ...trailer, "content-length": "44" },
    });
    assert.equal(headersOf(strict).hash, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
  });
});

describe("a stream on its way", () => {
  test("passes every piece and ends with its source", async () => {
    const payload = new PayloadStream(streamOf("a", "", "bc"));
    assert.equal((await joined(payload)).toString(), "abc");
    assert.equal(payload.error, undefined);
  });

  test("is closed once, however often it is released, and yields nothing afterwards", async () => {
    let closed = 0;
    const source: AsyncIterator<Uint8Array> = {
      next: () => Promise.resolve({ done: false, value: Buffer.from("x") }),
      return: () => {
        closed += 1;
        return Promise.reject(new Error("not listened to"));
      },
    };
    const payload = new PayloadStream({ [Symbol.asyncIterator]: () => source });
    await payload[Symbol.asyncIterator]().next();
    payload.release();
    payload.release();
    assert.equal((await joined(payload)).byteLength, 0);
    assert.equal(closed, 1);
    assert.equal(payload.error, undefined);
  });

  test("remembers why its source failed", async () => {
    const cause = new Error("disk");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw cause;
    }
    const payload = new PayloadStream(failing());
    await assert.rejects(joined(payload), (error) => error === cause);
    assert.equal(payload.error, cause);
  });
});
