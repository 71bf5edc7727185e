/** Whatever comes, there is an answer, and the lab goes on. A failure prints its seed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { TestLab } from "./lab.ts";
import { call, exchange, parseAnswer, signed } from "./raw.ts";

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
const PARAMETERS = [
  "acl",
  "attributes",
  "delete",
  "encryption",
  "legal-hold",
  "lifecycle",
  "list-type",
  "location",
  "max-keys",
  "max-parts",
  "object-lock",
  "ownershipControls",
  "partNumber",
  "part-number-marker",
  "policy",
  "policyStatus",
  "prefix",
  "publicAccessBlock",
  "replication",
  "restore",
  "retention",
  "tagging",
  "uploadId",
  "uploads",
  "versionId",
  "version-id-marker",
  "versioning",
  "versions",
  "key-marker",
  "continuation-token",
  "encoding-type",
  "delimiter",
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "response-expires",
];
const HEADERS = [
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-tagging",
  "x-amz-acl",
  "x-amz-storage-class",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-checksum-crc32",
  "x-amz-checksum-sha256",
  "x-amz-checksum-type",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-trailer",
  "x-amz-decoded-content-length",
  "x-amz-meta-x",
  "x-amz-mp-object-size",
  "x-amz-object-attributes",
  "content-md5",
  "content-type",
  "content-encoding",
  "x-amz-version-id",
  "x-lockstep-source-last-modified",
  "x-amz-metadata-directive",
  "x-amz-expected-bucket-owner",
];
const BODIES = [
  "",
  "{}",
  "<",
  "<Tagging/>",
  "<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
  "<Delete><Object/></Delete>",
  "<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>",
  "<CompleteMultipartUpload/>",
  "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>",
  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  "<ReplicationConfiguration><Rule/></ReplicationConfiguration>",
  "<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>",
  '{"Version":"2012-10-17","Statement":[]}',
  '{"Statement":{"Effect":"Allow","Principal":[],"Action":1}}',
  "<OwnershipControls/>",
  "<AccessControlPolicy/>",
];

describe("the skin under random requests", () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start();
    await lab.bucket("fuzz-bucket", { versioned: true });
    await lab.s3().send(new PutObjectCommand({ Bucket: "fuzz-bucket", Key: "k", Body: "still here" }));
  });
  after(() => lab.stop());

  const wire = fc.string({
    maxLength: 12,
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  const headerValue = fc.oneof(
    wire.map((text) => text.trim()),
    fc.constantFrom(
      "bytes=0-",
      "bytes=5-1",
      "bytes=-0",
      "*",
      '"x"',
      "AES256",
      "aws:kms",
      "0",
      "-1",
      "99999999999999999999",
      "null",
      "COPY",
      "REPLACE",
      "fuzz-bucket/k",
      "%zz",
      "k=v&k=w",
      "CRC32",
      "AAAAAA==",
      "FULL_OBJECT",
    ),
  );
  const segment = fc.oneof(
    fc.constantFrom("fuzz-bucket", "k", "", ".", "..", "%00", "%ff", "%2F", "a%20b", "_lockstep", "x".repeat(300)),
    wire.map((text) => encodeURIComponent(text)),
  );
  const request = fc.record({
    method: fc.constantFrom(...METHODS),
    path: fc.oneof(
      fc.constantFrom("/fuzz-bucket", "/fuzz-bucket/", "/fuzz-bucket/k", "/fuzz-bucket/new", "/", "//", "/other/k"),
      fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`),
    ),
    query: fc.array(
      fc.tuple(
        fc.constantFrom(...PARAMETERS),
        fc.oneof(
          fc.constant(""),
          fc.constantFrom("1", "0", "-5", "null", "url", "%00", "%ff", "2"),
          wire.map(encodeURIComponent),
        ),
      ),
      { maxLength: 3 },
    ),
    headers: fc.dictionary(fc.constantFrom(...HEADERS), headerValue, { maxKeys: 4 }),
    body: fc.option(
      fc.oneof(
        fc.constantFrom(...BODIES).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      ),
      { nil: undefined },
    ),
    payloadHash: fc.option(
      fc.constantFrom(
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      ),
      { nil: undefined },
    ),
    isSigned: fc.boolean(),
  });

  test("signed and unsigned requests of any shape are answered with a status of HTTP", async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, headers, body, payloadHash, isSigned }) => {
        const rawQuery = query.map(([name, value]) => `${name}=${value}`).join("&");
        const target = rawQuery === "" ? path : `${path}?${rawQuery}`;
        const raw = {
          method,
          target,
          headers,
          ...(body === undefined ? {} : { body }),
          ...(payloadHash === undefined ? {} : { payloadHash }),
        };
        const all = isSigned ? signed(lab.port, lab.alice, raw) : { host: "127.0.0.1", ...headers };
        const answer = await call(lab.port, raw, all);
        assert.ok(answer.status >= 200 && answer.status < 600, `${method} ${target}: ${answer.status}`);
        assert.notEqual(answer.status, 500, `${method} ${target} ${JSON.stringify(headers)} ${body?.toString()}`);
        if (method === "HEAD") assert.equal(answer.body, "");
      }),
      { numRuns: 1500 },
    );
    assert.deepEqual(lab.faults, []);
  });

  test("bytes that are no HTTP end the connection and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        // Line ends alone are the beginning of a request that never comes: a server may wait for it.
        fc.pre(bytes.some((byte) => byte !== 0x0a && byte !== 0x0d));
        const answer = await exchange(lab.port, Buffer.concat([bytes, Buffer.from("\r\n\r\n")]));
        if (answer !== "") assert.ok(parseAnswer(answer).status >= 400);
      }),
      { numRuns: 60 },
    );
    assert.equal((await fetch(`${lab.endpoint}/_lockstep/health`)).status, 200);
  });
});
