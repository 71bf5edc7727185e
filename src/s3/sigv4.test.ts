import assert from "node:assert/strict";
import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { describe, test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { loadFixture } from "../../test/fixtures/sigv4/load.ts";
import {
  canonicalRequest,
  chunkStringToSign,
  EMPTY_PAYLOAD_HASH,
  encodeUri,
  formatAmzDate,
  hashPayload,
  parseAuthorization,
  parseCredential,
  presignUrl,
  type SigningContext,
  signature,
  signHeaders,
  stringToSign,
  trailerStringToSign,
} from "./sigv4.ts";

const WITNESS: SigningContext = {
  credentials: { accessKeyId: "AKID", secretAccessKey: "secret" },
  region: "eu-west-1",
  service: "s3",
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
};

function contextOf(fixture: ReturnType<typeof loadFixture>): SigningContext {
  const { accessKeyId, secretAccessKey, region, service, date } = fixture;
  return { credentials: { accessKeyId, secretAccessKey }, region, service, nowMs: Date.parse(date) };
}

describe("AWS's worked examples of Signature Version 4", () => {
  for (const name of ["s3-header", "general"] as const) {
    const fixture = loadFixture(name);
    for (const one of fixture.cases) {
      test(`${one.name} has the published signature`, () => {
        const payloadHash = hashPayload(Buffer.from(one.body));
        const added = signHeaders(one, payloadHash, contextOf(fixture));
        const parsed = parseAuthorization(added["authorization"] ?? "");
        assert.equal(parsed?.signature, one.expected.signature);
        assert.equal(parsed.signedHeaders.join(";"), one.expected.signedHeaders);
        assert.equal(parsed.accessKeyId, fixture.accessKeyId);
      });
    }
  }

  const presigned = loadFixture("s3-presigned");
  for (const one of presigned.cases) {
    test(`the presigned URL of "${one.name}" is the published one`, () => {
      const host = one.headers["host"] ?? "";
      const context = { ...contextOf(presigned), expiresInSeconds: one.expiresInSeconds };
      assert.equal(presignUrl(`https://${host}`, one, context), one.expected.url);
    });
  }

  const streaming = loadFixture("s3-streaming");
  for (const one of streaming.cases) {
    test(`${one.name}: seed, chunks and trailer have the published signatures`, () => {
      const context = contextOf(streaming);
      const parsed = parseAuthorization(signHeaders(one, one.payloadHash, context)["authorization"] ?? "");
      assert.equal(parsed?.signature, one.expected.seedSignature);

      const amzDate = formatAmzDate(context.nowMs);
      const { scope } = parsed;
      let previous = parsed.signature;
      const chunks = [65536, 1024, 0].map((size) => hashPayload(Buffer.alloc(size, one.body.byte)));
      for (const [index, chunkHash] of chunks.entries()) {
        const text = chunkStringToSign(amzDate, scope, previous, chunkHash);
        previous = signature(streaming.secretAccessKey, scope, text);
        assert.equal(previous, one.expected.chunkSignatures[index]);
      }
      if (one.expected.trailers === undefined) return;
      const text = trailerStringToSign(amzDate, scope, previous, one.expected.trailers);
      assert.equal(signature(streaming.secretAccessKey, scope, text), one.expected.trailerSignature);
    });
  }
});

describe("the AWS SDK's signer and ours", () => {
  /** What the SDK wants of a hash function. */
  class Sha256 {
    readonly #hash: Hash | Hmac;
    constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
      if (secret === undefined) this.#hash = createHash("sha256");
      else if (typeof secret === "string") this.#hash = createHmac("sha256", secret);
      else if (ArrayBuffer.isView(secret)) this.#hash = createHmac("sha256", new Uint8Array(secret.buffer));
      else this.#hash = createHmac("sha256", new Uint8Array(secret));
    }
    update(data: string | Uint8Array): void {
      this.#hash.update(data);
    }
    digest(): Promise<Uint8Array> {
      return Promise.resolve(new Uint8Array(this.#hash.digest()));
    }
    reset(): void {}
  }

  // Any code point but unpaired surrogates.
  const text = fc.string({ unit: "binary", maxLength: 12 });
  const query = fc.dictionary(
    text.filter((one) => one !== "" && one !== "__proto__"),
    text,
    { maxKeys: 4 },
  );
  const headers = fc.dictionary(
    fc.stringMatching(/^x-amz-[a-z0-9-]{1,8}$/),
    fc.stringMatching(/^[!-~]([ -~]{0,12}[!-~])?$/),
    { maxKeys: 4 },
  );
  const token = fc.option(fc.base64String({ minLength: 4, maxLength: 40 }), { nil: undefined });

  test("agree on odd keys, queries, headers and session tokens", async () => {
    await fc.assert(
      fc.asyncProperty(text, query, headers, token, async (key, parameters, given, sessionToken) => {
        const credentials = { ...WITNESS.credentials, ...(sessionToken === undefined ? {} : { sessionToken }) };
        const signer = new SignatureV4({
          credentials,
          region: WITNESS.region,
          service: "s3",
          sha256: Sha256,
          uriEscapePath: false,
          applyChecksum: false,
        });
        const host = "127.0.0.1:9000";
        const path = `/bucket/${encodeUri(key, true)}`;
        const signed = await signer.sign(
          {
            method: "GET",
            protocol: "http:",
            hostname: "127.0.0.1",
            path,
            query: parameters,
            headers: { ...given, host, "x-amz-content-sha256": EMPTY_PAYLOAD_HASH },
          },
          { signingDate: new Date(WITNESS.nowMs) },
        );
        const theirs = parseAuthorization(signed.headers["authorization"] ?? "");

        const rawQuery = Object.entries(parameters)
          .map(([name, value]) => `${encodeUri(name)}=${encodeUri(value)}`)
          .join("&");
        const request = { method: "GET", rawPath: path, rawQuery, headers: { ...given, host } };
        const added = signHeaders(request, EMPTY_PAYLOAD_HASH, { ...WITNESS, credentials });
        assert.deepEqual(parseAuthorization(added["authorization"] ?? ""), theirs);
      }),
      { numRuns: 300 },
    );
  });

  test("agree on a path of another service, which is encoded twice", async () => {
    const credentials = WITNESS.credentials;
    const signer = new SignatureV4({ credentials, region: "eu-west-1", service: "sns", sha256: Sha256 });
    const request = { method: "GET", rawPath: "/a%20b/../c%2Fd//e", rawQuery: "", headers: { host: "h" } };
    const signed = await signer.sign(
      { method: "GET", protocol: "http:", hostname: "h", path: request.rawPath, query: {}, headers: { host: "h" } },
      { signingDate: new Date(WITNESS.nowMs) },
    );
    const theirs = parseAuthorization(signed.headers["authorization"] ?? "");
    // The SDK signs x-amz-content-sha256 for every service; so does this request.
    const headers = { host: "h", "x-amz-content-sha256": EMPTY_PAYLOAD_HASH };
    const added = signHeaders({ ...request, headers }, EMPTY_PAYLOAD_HASH, { ...WITNESS, service: "sns" });
    assert.equal(parseAuthorization(added["authorization"] ?? "")?.signature, theirs?.signature);
  });
});

describe("the verifying side", () => {
  test("a query is canonical whatever encoding it was sent in", () => {
    const sent = (rawQuery: string) =>
      canonicalRequest({ method: "GET", rawPath: "/", rawQuery, headers: {} }, [], "h", "s3").split("\n")[2];
    assert.equal(sent("prefix=a/b&list-type=2"), "list-type=2&prefix=a%2Fb");
    assert.equal(sent("prefix=a%2fb%7e"), "prefix=a%2Fb~");
    assert.equal(sent("k=a+b&k=a%2Bb"), "k=a%20b&k=a%2Bb");
    assert.equal(sent("a-b=1&a=1&versioning"), "a=1&a-b=1&versioning=");
    assert.equal(sent("k=100%"), "k=100%25");
    assert.equal(sent("&&a=="), "a=%3D");
  });

  test("an S3 path is taken as sent", () => {
    const request = { method: "GET", rawPath: "/b//../%2F/./", rawQuery: "", headers: {} };
    assert.equal(canonicalRequest(request, [], "h", "s3").split("\n")[1], "/b//../%2F/./");
  });

  test("bytes above 7F in a header value count as bytes, not as characters", () => {
    const wire = Buffer.from("naïve", "utf8").toString("latin1");
    const scope = { date: "20260102", region: "eu-west-1", service: "s3" };
    const canonical = `GET\n/\n\nx-amz-meta-a:${wire}\n\nx-amz-meta-a\nh`;
    const expected = createHash("sha256").update(canonical, "latin1").digest("hex");
    assert.equal(stringToSign("20260102T030405Z", scope, canonical).split("\n")[3], expected);
  });

  test("an authorization header of another scheme or shape is none", () => {
    const good = signHeaders({ method: "GET", rawPath: "/", rawQuery: "", headers: { host: "h" } }, "x", WITNESS);
    const header = good["authorization"] ?? "";
    assert.equal(parseAuthorization(header)?.scope.region, "eu-west-1");
    assert.equal(parseAuthorization(header.replaceAll(",", " , "))?.scope.region, "eu-west-1");
    assert.equal(parseAuthorization("Basic abc"), undefined);
    assert.equal(parseAuthorization("AWS AKID:sig"), undefined);
    assert.equal(parseAuthorization("AWS4-HMAC-SHA256 Credential"), undefined);
    assert.equal(parseAuthorization(header.replace(/Signature=.*/, "Signature=12")), undefined);
    assert.equal(parseAuthorization(header.replace("aws4_request", "aws3_request")), undefined);
    assert.equal(parseAuthorization(header.replace(/SignedHeaders=[^,]*/, "SignedHeaders=")), undefined);
  });

  test("an access key id may hold slashes, for the scope is counted from the end", () => {
    const parsed = parseCredential("tenant/user/20260102//s3/aws4_request");
    assert.deepEqual(parsed, {
      accessKeyId: "tenant/user",
      scope: { date: "20260102", region: "", service: "s3" },
    });
    assert.equal(parseCredential("20260102/r/s3/aws4_request"), undefined);
    assert.equal(parseCredential("AKID/2026/r/s3/aws4_request"), undefined);
  });
});

test("what proxies change is sent unsigned", () => {
  const headers = { host: "h", "user-agent": "x", "accept-encoding": "identity", range: "bytes=0-1" };
  const added = signHeaders({ method: "GET", rawPath: "/", rawQuery: "", headers }, "x", WITNESS);
  const signed = parseAuthorization(added["authorization"] ?? "")?.signedHeaders;
  assert.deepEqual(signed, ["host", "range", "x-amz-content-sha256", "x-amz-date"]);
});

test("a presigned URL carries the session token and keeps the request's own parameters", () => {
  const credentials = { ...WITNESS.credentials, sessionToken: "a+/b=" };
  const request = { method: "GET", rawPath: "/k", rawQuery: "versionId=v%2F1", headers: { host: "h" } };
  const url = new URL(presignUrl("https://h", request, { ...WITNESS, credentials, expiresInSeconds: 60 }));
  assert.equal(url.searchParams.get("versionId"), "v/1");
  assert.equal(url.searchParams.get("X-Amz-Security-Token"), "a+/b=");
  assert.match(url.searchParams.get("X-Amz-Signature") ?? "", /^[0-9a-f]{64}$/);
});

test("a key is percent-encoded byte by byte, with or without its slashes", () => {
  assert.equal(encodeUri("a b+c%d/e*f'(g)!~é"), "a%20b%2Bc%25d%2Fe%2Af%27%28g%29%21~%C3%A9");
  assert.equal(encodeUri("a//b/../ü", true), "a//b/../%C3%BC");
  assert.throws(() => encodeUri("\ud800"), URIError);
});

test("a date is that of the second, also when time goes back", () => {
  assert.equal(formatAmzDate(Date.UTC(2026, 0, 2, 3, 4, 5, 999)), "20260102T030405Z");
  assert.equal(formatAmzDate(Date.UTC(2026, 0, 2, 3, 4, 6)), "20260102T030406Z");
  assert.equal(formatAmzDate(Date.UTC(2026, 0, 2, 3, 4, 5)), "20260102T030405Z");
});

test("signing keys stay right when more secrets are in use than are kept", () => {
  const scope = { date: "20260102", region: "r", service: "s3" };
  const before = signature("secret-0", scope, "text");
  for (let index = 1; index <= 300; index++) signature(`secret-${index}`, scope, "text");
  assert.equal(signature("secret-0", scope, "text"), before);
  assert.notEqual(signature("secret-1", scope, "text"), before);
});
