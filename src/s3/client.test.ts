import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { joined, streamOf } from "../../test/fixtures/bytes.ts";
import { type Answer, CREDENTIALS, clientOf, type HttpS3, httpS3, NOW_MS } from "../../test/fixtures/http-s3.ts";
import { checksumOf } from "./checksum.ts";
import { decodeChunked } from "./chunked.ts";
import type { S3Client } from "./client.ts";
import { PROFILES } from "./profiles.ts";
import { encodeUri, hashPayload, parseAuthorization } from "./sigv4.ts";

let answer: Answer;
let server: HttpS3;
let client: S3Client;

describe("client", () => {
  before(async () => {
    server = await httpS3((request, response, socket) => answer(request, response, socket));
    client = clientOf(server.endpoint);
  });
  beforeEach(() => {
    (server.requests as unknown[]).length = 0;
    answer = (_, response) => void response.writeHead(200, { etag: '"e"' }).end();
  });
  after(async () => {
    await client.close();
    await server.close();
  });

  const DATE = "Fri, 02 Jan 2026 03:04:05 GMT";
  const WRITE = { bucket: "bucket", key: "key", contentHeaders: {}, userMetadata: {} };

  describe("where requests go", () => {
    test("a key goes over the wire byte for byte, with nothing normalised", async () => {
      const keys = [
        "a b+c%d.txt",
        "../up",
        "a//b/./c/..",
        "/lead",
        "trail/",
        "é\u{1f600}",
        "q?x#y&z=1",
        "%2F",
        "'()*!~",
      ];
      for (const key of keys) await client.deleteObject({ bucket: "bucket", key });
      assert.deepEqual(
        server.requests.map((request) => request.url),
        [
          "/bucket/a%20b%2Bc%25d.txt",
          "/bucket/../up",
          "/bucket/a//b/./c/..",
          "/bucket//lead",
          "/bucket/trail/",
          "/bucket/%C3%A9%F0%9F%98%80",
          "/bucket/q%3Fx%23y%26z%3D1",
          "/bucket/%252F",
          "/bucket/%27%28%29%2A%21~",
        ],
      );
    });

    test("any key and version id arrive as they were, under a signature that holds", async () => {
      const text = fc.string({ unit: "binary", minLength: 1, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(text, text, async (key, versionId) => {
          (server.requests as unknown[]).length = 0;
          await client.deleteObject({ bucket: "bucket", key, versionId });
          const [path = "", query = ""] = server.only().url.split("?");
          assert.equal(decodeURIComponent(path), `/bucket/${key}`);
          assert.equal(query, `versionId=${encodeUri(versionId)}`);
        }),
        { numRuns: 60 },
      );
    });

    test("a key of 1,024 bytes in which every byte is escaped is sent", async () => {
      await client.deleteObject({ bucket: "bucket", key: "%".repeat(1024) });
      assert.equal(server.only().url, `/bucket/${"%25".repeat(1024)}`);
    });

    test("a key that UTF-8 cannot carry is refused before anything is sent, and its payload is closed", async () => {
      let isClosed = false;
      async function* payload(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("x");
      }
      const stream = payload();
      const closing: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => stream.next(),
          return: () => {
            isClosed = true;
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      };
      const put = client.putObject({ ...WRITE, key: "\ud800", body: { sizeBytes: 1, stream: closing } });
      await assert.rejects(put, {
        name: "S3Error",
        fields: { operation: "PutObject", bucket: "bucket", key: "\ud800", network: "protocol" },
      });
      assert.equal(server.requests.length, 0);
      assert.ok(isClosed);
    });

    test("an endpoint may have a path of its own", async () => {
      const other = clientOf(`${server.endpoint}/base/`);
      await other.deleteObject({ bucket: "b", key: "k" });
      await other.close();
      assert.equal(server.only().url, "/base/b/k");
    });

    test("credentials may come from a provider, which is asked before every request", async () => {
      let asked = 0;
      const credentials = () => Promise.resolve({ ...CREDENTIALS, sessionToken: `token-${++asked}` });
      const other = clientOf(server.endpoint, { credentials });
      await other.deleteObject({ bucket: "b", key: "k" });
      await other.deleteObject({ bucket: "b", key: "k" });
      await other.close();
      assert.deepEqual(
        server.requests.map((request) => request.headers["x-amz-security-token"]),
        ["token-1", "token-2"],
      );
    });

    test("a provider that fails is an S3Error with its cause, and nothing is sent", async () => {
      const cause = new Error("expired");
      const other = clientOf(server.endpoint, { credentials: () => Promise.reject(cause) });
      await assert.rejects(other.headObject({ bucket: "b", key: "k" }), { name: "S3Error", cause });
      await other.close();
      assert.equal(server.requests.length, 0);
    });
  });

  describe("reading objects", () => {
    const FULL = {
      "content-length": "3",
      etag: '"abc-2"',
      "last-modified": DATE,
      "content-type": "text/plain",
      "cache-control": "no-store",
      "content-disposition": 'attachment; filename="x"',
      "content-encoding": "gzip,aws-chunked",
      "content-language": "de",
      expires: DATE,
      "x-amz-meta-color": "blue",
      "x-amz-meta-empty": "",
      "x-amz-version-id": "v1",
      "x-amz-storage-class": "STANDARD_IA",
      "x-amz-server-side-encryption": "aws:kms",
      "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/k",
      "x-amz-server-side-encryption-bucket-key-enabled": "true",
      "x-amz-checksum-sha256": "c2hh-2",
      "x-amz-checksum-type": "COMPOSITE",
      "x-amz-replication-status": "PENDING",
      "x-amz-tagging-count": "2",
      "x-amz-mp-parts-count": "2",
      "x-amz-request-id": "r1",
    };

    test("HEAD tells everything that describes the object", async () => {
      answer = (_, response) => void response.writeHead(200, FULL).end();
      const head = await client.headObject({ bucket: "bucket", key: "key", versionId: "v1", partNumber: 1 });
      assert.deepEqual(head, {
        versionId: "v1",
        etag: "abc-2",
        sizeBytes: 3,
        lastModifiedMs: NOW_MS,
        storageClass: "STANDARD_IA",
        encryption: { kind: "SSE-KMS", kmsKeyArn: "arn:aws:kms:eu-west-1:1:key/k", bucketKey: true },
        checksums: { type: "COMPOSITE", values: { SHA256: "c2hh-2" } },
        replicationStatus: "PENDING",
        tagCount: 2,
        partsCount: 2,
        requestId: "r1",
        contentHeaders: {
          "content-type": "text/plain",
          "cache-control": "no-store",
          "content-disposition": 'attachment; filename="x"',
          "content-encoding": "gzip",
          "content-language": "de",
          expires: DATE,
        },
        userMetadata: { color: "blue", empty: "" },
      });
      assert.equal(server.only().url, "/bucket/key?partNumber=1&versionId=v1");
      assert.equal(server.only().headers["x-amz-checksum-mode"], "ENABLED");
    });

    test("what a store leaves out stays out", async () => {
      answer = (_, response) => void response.writeHead(200, { "content-length": "0", "last-modified": DATE }).end();
      const head = await client.headObject({ bucket: "bucket", key: "key" });
      assert.deepEqual(head, {
        etag: "",
        sizeBytes: 0,
        lastModifiedMs: NOW_MS,
        storageClass: "STANDARD",
        encryption: { kind: "NOT-SSE" },
        contentHeaders: {},
        userMetadata: {},
      });
    });

    test("every kind of encryption and of checksum is told apart", async () => {
      const read = async (headers: Record<string, string>) => {
        answer = (_, response) =>
          void response.writeHead(200, { "content-length": "0", "last-modified": DATE, ...headers }).end();
        return client.headObject({ bucket: "bucket", key: "key" });
      };
      const kind = async (headers: Record<string, string>) => (await read(headers)).encryption.kind;
      assert.equal(await kind({ "x-amz-server-side-encryption": "AES256" }), "SSE-S3");
      assert.equal(await kind({ "x-amz-server-side-encryption": "aws:kms:dsse" }), "DSSE-KMS");
      assert.equal(await kind({ "x-amz-server-side-encryption-customer-algorithm": "AES256" }), "SSE-C");
      for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
        const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
        const whole = { type: "FULL_OBJECT", values: { [algorithm]: "AAAA" } };
        assert.deepEqual((await read({ [name]: "AAAA" })).checksums, whole);
        // Older answers carry no type; the number of parts behind the value says it.
        assert.equal((await read({ [name]: "AAAA-3" })).checksums?.type, "COMPOSITE");
      }
    });

    test("a range or part tells the size of the whole object, and its body its own", async () => {
      answer = (_, response) => {
        response
          .writeHead(206, { "content-range": "bytes 2-4/10", "content-length": "3", "last-modified": DATE })
          .end("cde");
      };
      const { head, body } = await client.getObject({ bucket: "b", key: "k", range: { firstByte: 2, lastByte: 4 } });
      assert.equal(head.sizeBytes, 10);
      assert.equal(body.sizeBytes, 3);
      assert.equal(Buffer.from(await body.bytes()).toString(), "cde");
      assert.equal(server.only().headers["range"], "bytes=2-4");
    });

    test("a whole object in place of a range is a protocol error", async () => {
      answer = (_, response) =>
        void response.writeHead(200, { "content-length": "3", "last-modified": DATE }).end("abc");
      const get = client.getObject({ bucket: "b", key: "k", range: { firstByte: 0, lastByte: 1 } });
      await assert.rejects(get, { fields: { operation: "GetObject", bucket: "b", key: "k", network: "protocol" } });
    });

    test("bodies of every size come whole, in one piece or as a stream", async () => {
      for (const size of [0, 1, 4096, 65_536, 300_000, 3_000_000]) {
        const data = Buffer.alloc(size, "lockstep");
        answer = (_, response) =>
          void response.writeHead(200, { "content-length": size, "last-modified": DATE }).end(data);
        const one = await client.getObject({ bucket: "b", key: "k" });
        assert.ok(Buffer.from(await one.body.bytes()).equals(data), `${size} bytes at once`);
        const other = await client.getObject({ bucket: "b", key: "k" });
        assert.ok((await joined(other.body.stream())).equals(data), `${size} bytes as a stream`);
      }
    });

    test("metadata outside ASCII is read as bytes of UTF-8, of Latin-1, or as words of RFC 2047", async () => {
      const values = {
        "x-amz-meta-utf8": Buffer.from("grün ✓").toString("latin1"),
        "x-amz-meta-latin1": "gr\u00fcn",
        "x-amz-meta-word": "=?UTF-8?B?Z3LDvG4g4pyT?=",
      };
      answer = (_, response) =>
        void response.writeHead(200, { "content-length": "0", "last-modified": DATE, ...values }).end();
      const generic = await client.headObject({ bucket: "b", key: "k" });
      assert.deepEqual(generic.userMetadata, { utf8: "grün ✓", latin1: "grün", word: "=?UTF-8?B?Z3LDvG4g4pyT?=" });
      const aws = clientOf(server.endpoint, { profile: PROFILES.aws });
      assert.equal((await aws.headObject({ bucket: "b", key: "k" })).userMetadata["word"], "grün ✓");
      await aws.close();
    });

    test("an answer without the object's size or date is a protocol error", async () => {
      const protocol = { fields: { operation: "HeadObject", bucket: "b", key: "k", network: "protocol" } };
      answer = (_, response) => void response.writeHead(200, { "content-length": "0" }).end();
      await assert.rejects(client.headObject({ bucket: "b", key: "k" }), protocol);
      answer = (_, response) => void response.writeHead(200, { "last-modified": DATE }).end();
      await assert.rejects(client.headObject({ bucket: "b", key: "k" }), protocol);
      answer = (_, response) => {
        response.writeHead(200, { "last-modified": DATE });
        response.write("chunked, for it has no length");
        response.end();
      };
      await assert.rejects(client.getObject({ bucket: "b", key: "k" }), {
        fields: { ...protocol.fields, operation: "GetObject" },
      });
    });

    test("HEAD keeps its connection", async () => {
      const fresh = await httpS3((_, response) => void response.writeHead(200, FULL).end());
      const other = clientOf(fresh.endpoint);
      for (let count = 0; count < 10; count++) await other.headObject({ bucket: "b", key: "k" });
      // The answer is handed on just before its connection is free again, so two take turns.
      assert.ok(fresh.socketsSeen() <= 2, `${fresh.socketsSeen()} connections`);
      await other.close();
      await fresh.close();
    });
  });

  describe("writing objects", () => {
    test("everything that describes a version is sent in headers", async () => {
      answer = (_, response) =>
        void response.writeHead(200, { etag: '"new"', "x-amz-version-id": "v2", "x-amz-request-id": "r2" }).end();
      const reply = await client.putObject({
        ...WRITE,
        body: Buffer.from("abc"),
        contentHeaders: { "content-type": "text/plain", "content-encoding": "gzip" },
        userMetadata: { color: "grün", plain: "a  b" },
        storageClass: "STANDARD_IA",
        encryption: { kind: "DSSE-KMS", kmsKeyArn: "arn:k", bucketKey: false },
        tags: [
          { key: "a b", value: "c&d=e" },
          { key: "ü", value: "" },
        ],
        checksums: { type: "FULL_OBJECT", values: { CRC32: "NSRBwg==", SHA256: "never-sent-beside-another" } },
        replica: { versionId: "source-v", lastModifiedMs: 1234 },
      });
      assert.deepEqual(reply, { etag: "new", versionId: "v2", requestId: "r2" });
      const { method, url, headers, body } = server.only();
      assert.equal(`${method} ${url}`, "PUT /bucket/key");
      assert.equal(body.toString(), "abc");
      const { authorization, host: _, "x-amz-date": date, connection, ...own } = headers;
      assert.match(authorization ?? "", /^AWS4-HMAC-SHA256 /);
      assert.equal(date, "20260102T030405Z");
      assert.equal(connection, "keep-alive");
      assert.deepEqual(own, {
        "user-agent": "lockstep",
        "content-length": "3",
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "x-amz-content-sha256": hashPayload(Buffer.from("abc")),
        "x-amz-meta-color": Buffer.from("grün").toString("latin1"),
        "x-amz-meta-plain": "a  b",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "aws:kms:dsse",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:k",
        "x-amz-server-side-encryption-bucket-key-enabled": "false",
        "x-amz-tagging": "a%20b=c%26d%3De&%C3%BC=",
        "x-amz-checksum-crc32": "NSRBwg==",
        "x-amz-version-id": "source-v",
        "x-lockstep-source-last-modified": "1234",
      });
    });

    test("what is to be protected is sent with a digest, also where no checksum is given", async () => {
      const retention = { mode: "COMPLIANCE", retainUntilMs: Date.UTC(2030, 0, 1) } as const;
      await client.putObject({ ...WRITE, body: Buffer.from("abc"), retention, legalHold: false });
      const { headers } = server.only();
      assert.deepEqual(
        [
          headers["x-amz-object-lock-mode"],
          headers["x-amz-object-lock-retain-until-date"],
          headers["x-amz-object-lock-legal-hold"],
          headers["content-md5"],
        ],
        ["COMPLIANCE", "2030-01-01T00:00:00.000Z", "OFF", "kAFQmDzST7DWlj99KOF/cg=="],
      );
    });

    test("AWS is sent words of RFC 2047 for metadata outside ASCII", async () => {
      const aws = clientOf(server.endpoint, { profile: PROFILES.aws });
      await aws.putObject({ ...WRITE, body: Buffer.from(""), userMetadata: { color: "grün ✓", plain: "x" } });
      await aws.close();
      assert.equal(server.only().headers["x-amz-meta-color"], "=?UTF-8?B?Z3LDvG4g4pyT?=");
      assert.equal(server.only().headers["x-amz-meta-plain"], "x");
    });

    test("a stream is sent with its length, unsigned and unframed", async () => {
      const data = Buffer.alloc(300_000, "x");
      const stream = streamOf(data.subarray(0, 100), data.subarray(100, 200_000), data.subarray(200_000));
      await client.putObject({ ...WRITE, body: { sizeBytes: data.byteLength, stream, trailer: "CRC32" } });
      const { headers, body } = server.only();
      assert.ok(body.equals(data));
      assert.equal(headers["content-length"], "300000");
      assert.equal(headers["transfer-encoding"], undefined);
      assert.equal(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
      // The generic profile does not send trailers: Ceph refuses them.
      assert.equal(headers["x-amz-trailer"], undefined);
    });

    test("a stream with a trailing checksum is framed, where the store understands that", async () => {
      const aws = clientOf(server.endpoint, { profile: PROFILES.aws });
      const data = Buffer.alloc(600_000, "x");
      const stream = streamOf(data.subarray(0, 1), data.subarray(1));
      const contentHeaders = { "content-encoding": "gzip" };
      await aws.putObject({
        ...WRITE,
        contentHeaders,
        body: { sizeBytes: data.byteLength, stream, trailer: "CRC64NVME" },
      });
      await aws.close();
      const { headers, body } = server.only();
      assert.equal(headers["x-amz-content-sha256"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
      assert.equal(headers["content-encoding"], "aws-chunked,gzip");
      assert.equal(headers["x-amz-decoded-content-length"], "600000");
      assert.equal(headers["content-length"], String(body.byteLength));
      const trailerNames = [headers["x-amz-trailer"] ?? ""];
      const decoded = decodeChunked(streamOf(body), { sizeBytes: data.byteLength, trailerNames });
      assert.ok((await joined(decoded.bytes)).equals(data));
      assert.deepEqual(decoded.trailers, { "x-amz-checksum-crc64nvme": await checksumOf("CRC64NVME", data) });
    });

    test("where every payload has to be signed, the chunks of a stream are", async () => {
      const profile = { ...PROFILES.aws, payloadSigning: "always" } as const;
      const strict = clientOf(server.endpoint, { profile });
      const data = Buffer.alloc(500_000, "x");
      const expected = ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"];
      for (const [index, trailer] of (["SHA256", undefined] as const).entries()) {
        (server.requests as unknown[]).length = 0;
        const body = { sizeBytes: data.byteLength, stream: streamOf(data), ...(trailer ? { trailer } : {}) };
        await strict.putObject({ ...WRITE, body });
        const request = server.only();
        assert.equal(request.headers["x-amz-content-sha256"], expected[index]);
        const authorization = parseAuthorization(request.headers["authorization"] ?? "");
        assert.ok(authorization !== undefined);
        const decoded = decodeChunked(streamOf(request.body), {
          sizeBytes: data.byteLength,
          signing: {
            secretAccessKey: CREDENTIALS.secretAccessKey,
            scope: authorization.scope,
            amzDate: request.headers["x-amz-date"] ?? "",
            seedSignature: authorization.signature,
          },
          trailerNames: trailer === undefined ? [] : ["x-amz-checksum-sha256"],
        });
        assert.ok((await joined(decoded.bytes)).equals(data));
      }
      await strict.close();
    });

    test("a stream of no bytes is an empty object", async () => {
      await client.putObject({ ...WRITE, body: { sizeBytes: 0, stream: streamOf() } });
      assert.equal(server.only().headers["content-length"], "0");
      assert.equal(server.only().body.byteLength, 0);
    });

    test("a delete says whether it left a marker, and which", async () => {
      answer = (_, response) =>
        void response.writeHead(204, { "x-amz-delete-marker": "true", "x-amz-version-id": "m1" }).end();
      const replica = { versionId: "source-marker", lastModifiedMs: 99 };
      assert.deepEqual(await client.deleteObject({ bucket: "b", key: "k", replica }), {
        versionId: "m1",
        isDeleteMarker: true,
      });
      assert.equal(server.only().url, "/b/k");
      assert.equal(server.only().headers["x-amz-version-id"], "source-marker");
      assert.equal(server.only().headers["x-lockstep-source-last-modified"], "99");
    });

    test("tags and ACLs of one version are read and replaced", async () => {
      answer = (request, response) => {
        const acl = `<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList>
        <Grant><Grantee xmlns:xsi="x" xsi:type="CanonicalUser"><ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>
        <Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>
        </AccessControlList></AccessControlPolicy>`;
        const tags = "<Tagging><TagSet><Tag><Key>a</Key><Value> b </Value></Tag></TagSet></Tagging>";
        response.end(request.url.includes("acl") ? acl : tags);
      };
      const version = { bucket: "b", key: "k", versionId: "v" };
      assert.deepEqual(await client.getObjectTagging(version), [{ key: "a", value: " b " }]);
      assert.deepEqual(await client.getObjectAcl(version), {
        ownerId: "o",
        grants: [
          { grantee: { kind: "user", id: "o" }, permission: "FULL_CONTROL" },
          { grantee: { kind: "group", uri: "http://acs.amazonaws.com/groups/global/AllUsers" }, permission: "READ" },
        ],
      });
      await client.putObjectTagging({ ...version, tags: [{ key: "<a>", value: "&" }] });
      assert.deepEqual(
        server.requests.map((request) => request.url),
        ["/b/k?tagging=&versionId=v", "/b/k?acl=&versionId=v", "/b/k?tagging=&versionId=v"],
      );
      const put = server.requests[2];
      assert.match(put?.body.toString() ?? "", /<Key>&lt;a&gt;<\/Key><Value>&amp;<\/Value>/);
      const md5 = createHash("md5")
        .update(put?.body ?? "")
        .digest("base64");
      assert.equal(put?.headers["content-md5"], md5);
    });
  });

  describe("listing versions", () => {
    const row = (key: string, id: string) => `<Version><Key>${key}</Key><VersionId>${id}</VersionId></Version>`;
    const page = (inner: string) => `<ListVersionsResult>${inner}</ListVersionsResult>`;

    test("a page is asked for with everything that narrows it", async () => {
      answer = (_, response) => void response.end(page(row("p/k", "v")));
      const markers = { keyMarker: "p/a b", versionIdMarker: "v/1" };
      const { versions } = await client.listObjectVersions({ bucket: "b", prefix: "p/", maxKeys: 5, ...markers });
      assert.deepEqual([versions[0]?.key, versions[0]?.versionId], ["p/k", "v"]);
      const query = "encoding-type=url&key-marker=p%2Fa%20b&max-keys=5&prefix=p%2F&version-id-marker=v%2F1&versions=";
      assert.equal(server.only().url, `/b?${query}`);
    });

    test("behind a key is behind all of its versions, wherever the store begins", async () => {
      answer = (_, response) => void response.end(page(row("a", "1") + row("a", "2") + row("b", "3")));
      const ids = async (versionIdMarker?: string) => {
        const marker = versionIdMarker === undefined ? {} : { versionIdMarker };
        const { versions } = await client.listObjectVersions({ bucket: "b", keyMarker: "a", ...marker });
        return versions.map((one) => one.versionId);
      };
      assert.deepEqual(await ids(), ["3"]);
      // An empty marker, with which a page may end, means the same and is not sent.
      assert.deepEqual(await ids(""), ["3"]);
      assert.deepEqual(await ids("0"), ["1", "2", "3"]);
      assert.deepEqual(
        server.requests.map((request) => request.url.includes("version-id-marker")),
        [false, false, true],
      );
    });
  });

  describe("multipart uploads", () => {
    test("an upload goes from creation to completion with its checksums", async () => {
      answer = (request, response) => {
        if (request.url.endsWith("?uploads=")) {
          response.end("<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>");
        } else if (request.method === "PUT") {
          response.writeHead(200, { etag: '"p"', "x-amz-checksum-crc32": "AAAA" }).end();
        } else {
          response.writeHead(200, { "x-amz-version-id": "v" });
          response.end("<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>");
        }
      };
      const { uploadId } = await client.createMultipartUpload({
        ...WRITE,
        checksums: { algorithm: "CRC32", type: "FULL_OBJECT" },
        replica: { versionId: "s", lastModifiedMs: 5 },
      });
      assert.equal(uploadId, "u/1");
      const upload = { bucket: "bucket", key: "key", uploadId };
      const part = await client.uploadPart({ ...upload, partNumber: 2, body: Buffer.from("x") });
      assert.deepEqual(part, {
        partNumber: 2,
        etag: "p",
        checksums: { type: "FULL_OBJECT", values: { CRC32: "AAAA" } },
      });
      const reply = await client.completeMultipartUpload({
        ...upload,
        parts: [part, { partNumber: 1, etag: "q" }],
        checksums: { type: "FULL_OBJECT", values: { CRC32: "BBBB" } },
        replica: { versionId: "s", lastModifiedMs: 5 },
      });
      assert.deepEqual(reply, { etag: "e-2", versionId: "v" });

      const [create, put, complete] = server.requests;
      assert.equal(create?.headers["x-amz-checksum-algorithm"], "CRC32");
      assert.equal(create?.headers["x-amz-checksum-type"], "FULL_OBJECT");
      assert.equal(create?.headers["x-amz-version-id"], "s");
      assert.equal(create?.headers["content-length"], "0");
      assert.equal(put?.url, "/bucket/key?partNumber=2&uploadId=u%2F1");
      assert.equal(complete?.headers["x-amz-checksum-crc32"], "BBBB");
      assert.equal(complete?.headers["x-lockstep-source-last-modified"], "5");
      assert.equal(
        complete?.body.toString(),
        '<?xml version="1.0" encoding="UTF-8"?>\n' +
          '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
          "<Part><ETag>&quot;q&quot;</ETag><PartNumber>1</PartNumber></Part>" +
          "<Part><ChecksumCRC32>AAAA</ChecksumCRC32><ETag>&quot;p&quot;</ETag><PartNumber>2</PartNumber></Part>" +
          "</CompleteMultipartUpload>",
      );
    });

    test("a composite checksum is left to the parts", async () => {
      answer = (_, response) =>
        void response.end("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>");
      const checksums = { type: "COMPOSITE", values: { SHA256: "x-1" } } as const;
      await client.completeMultipartUpload({ bucket: "b", key: "k", uploadId: "u", parts: [], checksums });
      assert.equal(server.only().headers["x-amz-checksum-type"], "COMPOSITE");
      assert.equal(server.only().headers["x-amz-checksum-sha256"], undefined);
    });

    test("a completion that fails under status 200 is an error", async () => {
      answer = (_, response) => {
        response.writeHead(200, { "x-amz-request-id": "r" });
        // AWS sends blanks while it works, so that the connection stays alive.
        response.write("  \n  ");
        response.end('<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>');
      };
      const complete = client.completeMultipartUpload({ bucket: "b", key: "k", uploadId: "u", parts: [] });
      await assert.rejects(complete, { name: "S3Error", code: "InternalError", status: 200 });
    });

    test("aborting an upload that is not there any more is no error; other refusals are", async () => {
      const upload = { bucket: "b", key: "k", uploadId: "u" };
      answer = (_, response) => void response.writeHead(404).end("<Error><Code>NoSuchUpload</Code></Error>");
      await client.abortMultipartUpload(upload);
      for (const [status, code] of [
        [404, "NoSuchBucket"],
        [403, "AccessDenied"],
      ] as const) {
        answer = (_, response) => void response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
        await assert.rejects(client.abortMultipartUpload(upload), { status, code });
      }
    });
  });
});
