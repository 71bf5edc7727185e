/** What the client makes of stores and networks that do not do as they should. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { joined, streamOf } from "../../test/fixtures/bytes.ts";
import { type Answer, clientOf, type HttpS3, httpS3 } from "../../test/fixtures/http-s3.ts";
import type { S3Client } from "./client.ts";
import { type NetworkFailure, S3Error } from "./errors.ts";
import { networkFailureOf } from "./network-errors.ts";

let answer: Answer;
let server: HttpS3;
let client: S3Client;

describe("client: failures", () => {
  before(async () => {
    server = await httpS3((request, response, socket) => answer(request, response, socket));
    client = clientOf(server.endpoint);
  });
  beforeEach(() => {
    (server.requests as unknown[]).length = 0;
  });
  after(async () => {
    await client.close();
    await server.close();
  });

  const DATE = "Fri, 02 Jan 2026 03:04:05 GMT";
  const KEY = { bucket: "b", key: "k" };
  const WRITE = { ...KEY, contentHeaders: {}, userMetadata: {} };

  function network(kind: NetworkFailure) {
    return (error: unknown) => {
      assert.ok(error instanceof S3Error, "what is thrown is an S3Error");
      assert.equal(error.fields.network, kind, error.message);
      assert.equal(error.status, undefined);
      return true;
    };
  }

  /** A stream that tells how far it was read and whether it was closed. */
  function watched(source: AsyncIterable<Uint8Array>) {
    const seen = { bytes: 0, isClosed: false };
    const inner = source[Symbol.asyncIterator]();
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        const next = await inner.next();
        if (!next.done) seen.bytes += next.value.byteLength;
        return next;
      },
      return: async () => {
        seen.isClosed = true;
        await inner.return?.();
        return { done: true, value: undefined };
      },
    };
    return { seen, stream: { [Symbol.asyncIterator]: () => iterator } };
  }

  async function* endless(): AsyncGenerator<Uint8Array> {
    const piece = Buffer.alloc(64 * 1024, "x");
    for (let count = 0; count < 100_000; count++) yield piece;
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 100_000 && !condition(); turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(condition(), "what was waited for came about");
  }

  describe("answers that are errors", () => {
    const errorBody =
      "<Error><Code>SlowDown</Code><Message>Reduce.</Message><BucketName>b</BucketName><RequestId>r</RequestId><HostId>h</HostId></Error>";

    test("status, code, ids, wait and remaining elements are in the fields", async () => {
      answer = (_, response) =>
        void response.writeHead(503, { "retry-after": "7", "x-amz-id-2": "id-2" }).end(errorBody);
      await assert.rejects(client.getObject(KEY), {
        name: "S3Error",
        fields: {
          operation: "GetObject",
          bucket: "b",
          key: "k",
          status: 503,
          code: "SlowDown",
          requestId: "r",
          hostId: "id-2",
          retryAfterMs: 7000,
          details: { BucketName: "b" },
        },
        message: `GetObject of s3://b/k: ${server.endpoint} answered SlowDown (503): Reduce. [request r]`,
      });
    });

    test("Retry-After may be a date, and is never negative", async () => {
      const wait = async (value: string) => {
        answer = (_, response) => void response.writeHead(503, { "retry-after": value }).end();
        const error: unknown = await client.getObject(KEY).catch((caught: unknown) => caught);
        return error instanceof S3Error ? error.fields.retryAfterMs : Number.NaN;
      };
      assert.equal(await wait("Fri, 02 Jan 2026 03:04:35 GMT"), 30_000);
      assert.equal(await wait("Fri, 02 Jan 2026 03:00:00 GMT"), 0);
      assert.equal(await wait("soon"), undefined);
    });

    test("404, 405 and 403 stay apart, with and without a body, and markers are told", async () => {
      for (const status of [403, 404, 405, 412, 416]) {
        answer = (_, response) => void response.writeHead(status, { "x-amz-delete-marker": "true" }).end();
        const marker = { operation: "HeadObject", ...KEY, status, isDeleteMarker: true, details: {} };
        await assert.rejects(client.headObject(KEY), { name: "S3Error", fields: marker });
      }
      answer = (_, response) => void response.writeHead(404).end("<Error><Code>NoSuchVersion</Code></Error>");
      await assert.rejects(client.getObject(KEY), (error: S3Error) => {
        assert.equal(error.code, "NoSuchVersion");
        assert.equal(error.fields.isDeleteMarker, undefined);
        return true;
      });
    });

    test("a redirect is an error that tells the region, and is not followed", async () => {
      answer = (_, response) => {
        response.writeHead(301, { location: `${server.endpoint}/elsewhere`, "x-amz-bucket-region": "us-west-2" });
        response.end("<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.us-west-2.amazonaws.com</Endpoint></Error>");
      };
      await assert.rejects(client.getObject(KEY), {
        status: 301,
        code: "PermanentRedirect",
        fields: {
          operation: "GetObject",
          ...KEY,
          status: 301,
          code: "PermanentRedirect",
          details: { Endpoint: "b.s3.us-west-2.amazonaws.com", Region: "us-west-2" },
        },
      });
      await assert.rejects(
        client.headObject(KEY),
        (error: S3Error) => error.fields.details?.["Region"] === "us-west-2",
      );
      assert.equal(server.requests.length, 2);
      answer = (_, response) => void response.writeHead(304).end();
      await assert.rejects(client.headObject(KEY), { status: 304 });
    });

    test("a body that is no error document leaves the status to speak", async () => {
      const bodies = [
        "<html><body>Bad gateway</body></html>",
        "<Error><Code>Cut",
        "plain",
        "",
        "{}",
        "x".repeat(400_000),
      ];
      for (const body of bodies) {
        answer = (_, response) => void response.writeHead(502).end(body);
        await assert.rejects(client.getObject(KEY), (error: S3Error) => {
          assert.deepEqual([error.status, error.code, error.fields.network], [502, undefined, undefined]);
          return true;
        });
      }
    });

    test("an error that nobody asked to be zipped is read all the same", async () => {
      answer = (_, response) => {
        response
          .writeHead(403, { "content-encoding": "gzip" })
          .end(gzipSync("<Error><Code>AccessDenied</Code></Error>"));
      };
      await assert.rejects(client.getObject(KEY), { status: 403, code: "AccessDenied" });
    });

    test("an error whose body breaks off is still an answer", async () => {
      answer = (_, response, socket) => {
        response.writeHead(500, { "content-length": "100" });
        response.write("<Error>", () => socket.destroy());
      };
      await assert.rejects(client.getObject(KEY), { status: 500 });
    });

    test("a document that cannot be read, or is another one, is a protocol error", async () => {
      const bodies = [
        "",
        "<ListVersionsResult>",
        "hello",
        "<!DOCTYPE a><ListVersionsResult/>",
        "<ListBucketResult/>",
        `<a>${"x".repeat(9 << 20)}</a>`,
      ];
      for (const body of bodies) {
        answer = (_, response) => void response.writeHead(200).end(body);
        await assert.rejects(client.listObjectVersions({ bucket: "b" }), network("protocol"));
      }
    });
  });

  describe("networks that fail", () => {
    test("nobody listens", async () => {
      const gone = await httpS3(() => undefined);
      await gone.close();
      const lost = clientOf(gone.endpoint);
      await assert.rejects(lost.headObject(KEY), (error: S3Error) => {
        network("refused")(error);
        const what = `HeadObject of s3://b/k: nothing listens at ${gone.endpoint} (ECONNREFUSED)`;
        assert.equal(error.message, `${what}: start the store or set AWS_ENDPOINT_URL`);
        return true;
      });
      await lost.close();
    });

    test("the connection breaks before the answer", async () => {
      answer = (_, _response, socket) => void socket.resetAndDestroy();
      await assert.rejects(client.getObject(KEY), network("reset"));
      answer = (_, _response, socket) => void socket.end();
      await assert.rejects(client.getObject(KEY), network("reset"));
      await assert.rejects(client.putObject({ ...WRITE, body: Buffer.alloc(100) }), network("reset"));
    });

    test("a body that ends early is truncated, a broken one is no body either", async () => {
      answer = (_, response, socket) => {
        response.writeHead(200, { "content-length": "10", "last-modified": DATE });
        response.write("12345", () => void socket.end());
      };
      await assert.rejects((await client.getObject(KEY)).body.bytes(), network("truncated"));
      await assert.rejects(joined((await client.getObject(KEY)).body.stream()), network("truncated"));
      answer = (_, response, socket) => {
        response.writeHead(200, { "content-length": "10", "last-modified": DATE });
        response.write("12345", () => setImmediate(() => socket.resetAndDestroy()));
      };
      // A reset may look to undici as if the other side had ended in good order.
      await assert.rejects((await client.getObject(KEY)).body.bytes(), (error: S3Error) => {
        return error.fields.network === "reset" || error.fields.network === "truncated";
      });
    });

    test("what is not HTTP is a protocol error, and so is TLS that meets plain HTTP", async () => {
      const babel = createServer((socket) => void socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.2\r\n")));
      await once(babel.listen(0, "127.0.0.1"), "listening");
      const other = clientOf(`http://127.0.0.1:${(babel.address() as AddressInfo).port}`);
      await assert.rejects(other.headObject(KEY), network("protocol"));
      await other.close();
      await new Promise((resolve) => babel.close(resolve));

      const secure = clientOf(server.endpoint.replace("http:", "https:"));
      await assert.rejects(secure.headObject(KEY), network("tls"));
      await secure.close();
    });

    test("silence before the answer, and within a body, runs into a time-out", async () => {
      const hasty = clientOf(server.endpoint, { headersTimeoutMs: 100, bodyIdleTimeoutMs: 100 });
      answer = (request, response) => {
        if (request.method === "HEAD") return;
        response.writeHead(200, { "content-length": "10", "last-modified": DATE });
        response.write("12345");
      };
      await Promise.all([
        assert.rejects(hasty.headObject(KEY), network("timeout")),
        assert.rejects((await hasty.getObject(KEY)).body.bytes(), network("timeout")),
      ]);
      await hasty.close();
    });

    test("every code of Node and undici has its kind", () => {
      const cases: readonly (readonly [string, NetworkFailure, NetworkFailure])[] = [
        ["ENOTFOUND", "dns", "dns"],
        ["EAI_AGAIN", "dns", "dns"],
        ["EHOSTUNREACH", "refused", "refused"],
        ["UND_ERR_CONNECT_TIMEOUT", "timeout", "timeout"],
        ["ETIMEDOUT", "timeout", "timeout"],
        ["UND_ERR_BODY_TIMEOUT", "timeout", "timeout"],
        ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls", "tls"],
        ["ERR_TLS_CERT_ALTNAME_INVALID", "tls", "tls"],
        ["ERR_SSL_WRONG_VERSION_NUMBER", "tls", "tls"],
        ["EPIPE", "reset", "reset"],
        ["ECONNRESET", "reset", "reset"],
        ["UND_ERR_SOCKET", "reset", "truncated"],
        ["HPE_INVALID_CONSTANT", "protocol", "truncated"],
        ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "truncated", "truncated"],
        ["UND_ERR_DESTROYED", "aborted", "aborted"],
        ["ESOMETHING", "reset", "reset"],
        ["", "reset", "reset"],
      ];
      for (const [code, request, body] of cases) {
        assert.equal(networkFailureOf(code, "request"), request, code);
        assert.equal(networkFailureOf(code, "body"), body, code);
      }
    });
  });

  describe("calls that are cancelled", () => {
    test("a signal that was aborted before sends nothing, and closes the payload", async () => {
      const { seen, stream } = watched(streamOf("abc"));
      const put = client.putObject({ ...WRITE, body: { sizeBytes: 3, stream } }, { signal: AbortSignal.abort("no") });
      await assert.rejects(put, network("aborted"));
      await until(() => seen.isClosed);
      assert.equal(server.requests.length, 0);
    });

    test("a signal ends a call that waits for its answer, and its connection", async () => {
      const other = clientOf(server.endpoint);
      const before = server.openSockets();
      const controller = new AbortController();
      answer = () => controller.abort(new Error("enough"));
      await assert.rejects(other.getObject(KEY, { signal: controller.signal }), (error: S3Error) => {
        network("aborted")(error);
        assert.equal((error.cause as Error).message, "enough");
        return true;
      });
      await until(() => server.openSockets() === before);
      await other.close();
    });

    test("a signal ends a body that is being read, and one that nobody has begun to read", async () => {
      answer = (_, response) => {
        response.writeHead(200, { "content-length": String(1 << 30), "last-modified": DATE });
        response.write(Buffer.alloc(100_000));
      };
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const [one, other] = [await client.getObject(KEY, options), await client.getObject(KEY, options)];
      const iterator = one.body.stream()[Symbol.asyncIterator]();
      await iterator.next();
      const rest = (async () => {
        while (!(await iterator.next()).done);
      })();
      controller.abort();
      await assert.rejects(rest, network("aborted"));
      await assert.rejects(other.body.bytes(), network("aborted"));
      await until(() => server.openSockets() === 0);
    });

    test("a call that waits for a connection is cancelled without being sent", async () => {
      const narrow = clientOf(server.endpoint, { connectionsMax: 1 });
      let finish: (() => void) | undefined;
      answer = (_, response) => {
        finish = () => void response.writeHead(200, { "content-length": "0", "last-modified": DATE }).end();
      };
      const first = narrow.headObject(KEY);
      await until(() => finish !== undefined);
      const controller = new AbortController();
      const second = narrow.headObject({ ...KEY, key: "second" }, { signal: controller.signal });
      const third = narrow.headObject({ ...KEY, key: "third" });
      controller.abort();
      await assert.rejects(second, network("aborted"));
      finish?.();
      await first;
      await until(() => server.requests.length === 2);
      finish?.();
      await third;
      assert.deepEqual(
        server.requests.map((request) => request.url),
        ["/b/k", "/b/third"],
      );
      await narrow.close();
    });

    test("a write that has waited for a connection until it is too late is not sent; a read is", async () => {
      const narrow = clientOf(server.endpoint, { connectionsMax: 1 });
      let finish: (() => void) | undefined;
      answer = (_, response) => {
        finish = () => void response.writeHead(200, { "content-length": "0", "last-modified": DATE }).end();
      };
      const first = narrow.headObject(KEY);
      await until(() => finish !== undefined);
      let inTime = true;
      const mayWrite = () => inTime;
      const write = narrow.deleteObject({ ...KEY, key: "second" }, { mayWrite });
      const read = narrow.headObject({ ...KEY, key: "third" }, { mayWrite });
      inTime = false;
      finish?.();
      await first;
      await assert.rejects(write, network("aborted"));
      await until(() => server.requests.length === 2);
      finish?.();
      await read;
      assert.deepEqual(
        server.requests.map((request) => request.url),
        ["/b/k", "/b/third"],
      );
      await narrow.close();
    });

    test("closing the client cancels what is under way", async () => {
      const other = clientOf(server.endpoint);
      answer = () => void other.close();
      await assert.rejects(other.getObject(KEY), network("aborted"));
      await assert.rejects(other.getObject(KEY), network("aborted"));
    });

    test("a body that is cancelled gives its connection back, or closes it when too much is to come", async () => {
      const other = clientOf(server.endpoint, { connectionsMax: 1 });
      let size = 60_000;
      answer = (_, response) =>
        void response.writeHead(200, { "content-length": size, "last-modified": DATE }).end(Buffer.alloc(size));
      const seen = server.socketsSeen();
      for (let count = 0; count < 3; count++) {
        const { body } = await other.getObject(KEY);
        body.cancel();
        body.cancel();
      }
      assert.equal(server.socketsSeen() - seen, 1);

      size = 64 << 20;
      const { body } = await other.getObject(KEY);
      for await (const _ of body.stream()) break;
      body.cancel();
      await until(() => server.openSockets() === 0);
      await other.close();
    });
  });

  describe("back-pressure", () => {
    test("a body that nobody reads stops the store that sends it", async () => {
      let sentBytes = 0;
      answer = (_, response) => {
        response.writeHead(200, { "content-length": String(1 << 30), "last-modified": DATE });
        const piece = Buffer.alloc(64 * 1024, "x");
        const send = (): void => {
          while (!response.closed && sentBytes < 1 << 30) {
            sentBytes += piece.byteLength;
            if (!response.write(piece)) return;
          }
        };
        response.on("drain", send);
        send();
      };
      const { body } = await client.getObject(KEY);
      const iterator = body.stream()[Symbol.asyncIterator]();
      await iterator.next();
      let before = -1;
      await until(() => {
        const isStill = sentBytes === before && sentBytes > 0;
        before = sentBytes;
        return isStill;
      });
      // What is under way lies in the kernel's buffers of both sides, not in ours.
      assert.ok(sentBytes < 32 << 20, `${sentBytes} bytes were sent`);
      await iterator.return?.();
    });

    test("a store that does not read stops the payload's source", async () => {
      const deaf = createServer((socket) => void socket.pause());
      await once(deaf.listen(0, "127.0.0.1"), "listening");
      const other = clientOf(`http://127.0.0.1:${(deaf.address() as AddressInfo).port}`);
      const { seen, stream } = watched(endless());
      const controller = new AbortController();
      const put = other.putObject({ ...WRITE, body: { sizeBytes: 1 << 30, stream } }, { signal: controller.signal });
      let before = -1;
      await until(() => {
        const isStill = seen.bytes === before && seen.bytes > 0;
        before = seen.bytes;
        return isStill;
      });
      assert.ok(seen.bytes < 32 << 20, `${seen.bytes} bytes were read`);
      controller.abort();
      await assert.rejects(put, network("aborted"));
      await until(() => seen.isClosed);
      await other.close();
      deaf.close();
    });
  });

  describe("payloads that fail", () => {
    const drain: Answer = (_, response) => void response.writeHead(200, { etag: '"e"' }).end();

    test("the source's own S3Error comes out, for it names the call that failed", async () => {
      answer = drain;
      const source = new S3Error("lost", { operation: "GetObject", bucket: "source", network: "truncated" });
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("abc");
        throw source;
      }
      const put = client.putObject({ ...WRITE, body: { sizeBytes: 10, stream: failing() } });
      await assert.rejects(put, (error) => error === source);
    });

    test("another error of the source is the cause of an S3Error", async () => {
      answer = drain;
      const cause = new Error("disk");
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("abc");
        throw cause;
      }
      const put = client.putObject({ ...WRITE, body: { sizeBytes: 10, stream: failing() } });
      await assert.rejects(put, (error: S3Error) => network("aborted")(error) && error.cause === cause);
    });

    test("a source of another length than announced is refused, framed or not", async () => {
      answer = drain;
      for (const sizeBytes of [2, 4]) {
        const put = client.putObject({ ...WRITE, body: { sizeBytes, stream: streamOf("abc") } });
        await assert.rejects(put, network("truncated"));
      }
    });

    test("an answer that comes before the body was read ends the upload and closes the source", async () => {
      const early = createServer((socket) => {
        socket.once("data", () => {
          const body = "<Error><Code>EntityTooLarge</Code></Error>";
          socket.write(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
        });
        socket.on("error", () => undefined);
      });
      await once(early.listen(0, "127.0.0.1"), "listening");
      const other = clientOf(`http://127.0.0.1:${(early.address() as AddressInfo).port}`);
      const { seen, stream } = watched(endless());
      const put = other.putObject({ ...WRITE, body: { sizeBytes: 1 << 30, stream } });
      await assert.rejects(put, { status: 400, code: "EntityTooLarge" });
      await until(() => seen.isClosed);
      assert.ok(seen.bytes < 64 << 20);
      await other.close();
      early.close();
    });
  });
});
