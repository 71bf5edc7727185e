/** The wire: signatures and their refusals, presigned URLs, framed bodies, addressing, 100-continue, admin calls. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import type { Credentials } from "../../src/core/model.ts";
import { ListenError } from "../../src/lab/server.ts";
import { encodeChunked, encodedLength } from "../../src/s3/chunked.ts";
import {
  presignUrl,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  UNSIGNED_PAYLOAD,
} from "../../src/s3/sigv4.ts";
import { ALICE, codeOf, REGION, TestLab } from "./lab.ts";
import { call, errorCode, exchange, parseAnswer, type RawRequest, send, signed } from "./raw.ts";

describe("the wire", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "wire-bucket";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket(Bucket);
    await s3.send(new PutObjectCommand({ Bucket, Key: "key", Body: "hello" }));
  });
  after(() => lab.stop());

  const get: RawRequest = { method: "GET", target: "/wire-bucket/key" };
  const codeWith = async (headers: Record<string, string>, request = get) =>
    errorCode(await call(lab.port, request, headers));

  test("a wrong signature is refused with what should have been signed", async () => {
    const wrong = { ...lab.alice, secretAccessKey: "wrong" };
    const answer = await send(lab.port, wrong, get);
    assert.equal(errorCode(answer), "SignatureDoesNotMatch 403");
    assert.match(answer.body, /<CanonicalRequest>GET\n\/wire-bucket\/key\n/);
    assert.match(answer.body, /<StringToSign>AWS4-HMAC-SHA256\n/);
    assert.match(answer.body, /<AWSAccessKeyId>AKIA/);
    const headers = signed(lab.port, lab.alice, get);
    assert.equal(
      await codeWith(headers, { ...get, target: "/wire-bucket/key?versionId=null" }),
      "SignatureDoesNotMatch 403",
    );
  });

  test("credentials that are not known, incomplete, malformed or old are told apart", async () => {
    const unknown = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" };
    assert.equal(errorCode(await send(lab.port, unknown, get)), "InvalidAccessKeyId 403");
    const headers = signed(lab.port, lab.alice, get);
    assert.equal(
      await codeWith({ ...headers, authorization: "AWS4-HMAC-SHA256 nonsense" }),
      "AuthorizationHeaderMalformed 400",
    );
    assert.equal(await codeWith({ ...headers, authorization: "AWS AKIA:sig" }), "InvalidRequest 400");
    const { "x-amz-content-sha256": _hash, ...noHash } = headers;
    assert.equal(await codeWith(noHash), "MissingSecurityHeader 400");
    assert.equal(await codeWith({ ...headers, "x-amz-content-sha256": "abc" }), "InvalidArgument 400");
    const { "x-amz-date": _date, ...noDate } = headers;
    assert.equal(await codeWith(noDate), "AccessDenied 403");
    assert.equal(await codeWith({ ...headers, "x-amz-extra": "unsigned" }), "AccessDenied 403");
    const late = await send(lab.port, lab.alice, get, Date.now() - 16 * 60_000);
    assert.equal(errorCode(late), "RequestTimeTooSkewed 403");
    const elsewhere = { ...headers, authorization: (headers["authorization"] ?? "").replace("/s3/", "/glacier/") };
    assert.equal(await codeWith(elsewhere), "AuthorizationHeaderMalformed 400");
  });

  test("sessions need their token, and end", async () => {
    const iam = lab.iam();
    const allow = (Action: string, Resource: string, Principal?: object) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action, ...(Principal === undefined ? { Resource } : { Principal }) }],
      });
    const RoleArn = `arn:aws:iam::${ALICE}:role/wire`;
    const AssumeRolePolicyDocument = allow("sts:AssumeRole", "", { AWS: ALICE });
    await iam.send(new CreateRoleCommand({ RoleName: "wire", AssumeRolePolicyDocument }));
    await iam.send(new PutRolePolicyCommand({ RoleName: "wire", PolicyName: "p", PolicyDocument: allow("s3:*", "*") }));
    await iam.send(new CreateUserCommand({ UserName: "wire" }));
    await iam.send(
      new PutUserPolicyCommand({ UserName: "wire", PolicyName: "p", PolicyDocument: allow("sts:*", RoleArn) }),
    );
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "wire" }));
    const user = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
    const assume = new AssumeRoleCommand({ RoleArn, RoleSessionName: "session", DurationSeconds: 900 });
    const { Credentials: made } = await lab.sts(user).send(assume);
    const session: Credentials = {
      accessKeyId: made?.AccessKeyId ?? "",
      secretAccessKey: made?.SecretAccessKey ?? "",
      sessionToken: made?.SessionToken ?? "",
    };
    assert.equal((await send(lab.port, session, get)).body, "hello");
    assert.equal(errorCode(await send(lab.port, { ...session, sessionToken: "another" }, get)), "InvalidToken 400");
    const { sessionToken: _token, ...tokenless } = session;
    assert.equal(errorCode(await send(lab.port, tokenless, get)), "InvalidAccessKeyId 403");
    lab.skewMs = 16 * 60_000;
    assert.equal(errorCode(await send(lab.port, session, get, Date.now() + lab.skewMs)), "ExpiredToken 400");
    lab.skewMs = 0;
  });

  test("presigned URLs of our own signer work until they expire", async () => {
    const url = (nowMs: number, expiresInSeconds: number, more: Partial<RawRequest> = {}) => {
      const { target, method } = { ...get, ...more };
      const [rawPath = "", rawQuery = ""] = target.split("?");
      const request = { method, rawPath, rawQuery, headers: { host: `127.0.0.1:${lab.port}` } };
      return presignUrl(lab.endpoint, request, {
        credentials: lab.alice,
        region: REGION,
        service: "s3",
        nowMs,
        expiresInSeconds,
      });
    };
    const code = async (address: string) => {
      const answer = await fetch(address);
      return `${/<Code>([^<]*)/.exec(await answer.text())?.[1] ?? ""} ${answer.status}`;
    };
    const now = Date.now();
    assert.equal(await (await fetch(url(now, 60))).text(), "hello");
    const put = await fetch(url(now, 60, { method: "PUT", target: "/wire-bucket/presigned" }), {
      method: "PUT",
      body: "up",
    });
    assert.equal(put.status, 200);
    const overridden = await fetch(url(now, 60, { target: "/wire-bucket/key?response-content-type=a%2Fb" }));
    assert.equal(overridden.headers.get("content-type"), "a/b");
    const expired = await fetch(url(now - 120_000, 60));
    assert.equal(expired.status, 403);
    assert.match(await expired.text(), /<Message>Request has expired<\/Message><X-Amz-Expires>60</);
    assert.equal(await code(url(now + 20 * 60_000, 60)), "AccessDenied 403");
    assert.equal(await code(url(now, 604_801)), "AuthorizationQueryParametersError 400");
    assert.equal(await code(url(now, -1)), "AuthorizationQueryParametersError 400");
    assert.equal(await code(`${url(now, 60)}&x=1`), "SignatureDoesNotMatch 403");
    const both = await fetch(url(now, 60), { headers: { authorization: "AWS4-HMAC-SHA256 Credential=x" } });
    assert.equal(both.status, 400);
    assert.match(await both.text(), /<Code>InvalidArgument<\/Code><Message>Only one auth mechanism allowed;/);
    assert.equal(await code(url(now, 60).replace(/&X-Amz-Expires=\d+/, "")), "AuthorizationQueryParametersError 400");
  });

  test("a body that is not the one that was signed is refused and not kept", async () => {
    const request: RawRequest = { method: "PUT", target: "/wire-bucket/tampered", body: Buffer.from("evil") };
    const headers = signed(lab.port, lab.alice, { ...request, body: Buffer.from("good") });
    assert.equal(await codeWith(headers, request), "XAmzContentSHA256Mismatch 400");
    const large = { ...request, body: Buffer.alloc(200_000) };
    const ofLarge = signed(lab.port, lab.alice, { ...large, body: Buffer.alloc(200_000, 1) });
    assert.equal(await codeWith(ofLarge, large), "XAmzContentSHA256Mismatch 400");
    assert.equal(await codeOf(s3.send(new GetObjectCommand({ Bucket, Key: "tampered" }))), "NoSuchKey 404");
    const unsigned = await send(lab.port, lab.alice, { ...request, payloadHash: UNSIGNED_PAYLOAD });
    assert.equal(unsigned.status, 200);
  });

  test("framed bodies are taken off their frames, signed or not, and checked to the last trailer", async () => {
    const data = Buffer.alloc(100_000, "d");
    const framed = async (kind: string, damage: (body: Buffer) => Buffer) => {
      const isSigned = kind === STREAMING_PAYLOAD_TRAILER;
      const nowMs = Date.now();
      const base = { sizeBytes: data.length, chunkBytes: 65_536, trailer: "CRC32C" as const };
      const request: RawRequest = {
        method: "PUT",
        target: "/wire-bucket/framed",
        payloadHash: kind,
        headers: {
          "content-encoding": "aws-chunked",
          "content-length": String(encodedLength({ ...base, signsChunks: isSigned })),
          "x-amz-decoded-content-length": String(data.length),
          "x-amz-trailer": "x-amz-checksum-crc32c",
        },
      };
      const headers = signed(lab.port, lab.alice, request, nowMs);
      const signing = {
        secretAccessKey: lab.alice.secretAccessKey,
        scope: { date: (headers["x-amz-date"] ?? "").slice(0, 8), region: REGION, service: "s3" },
        amzDate: headers["x-amz-date"] ?? "",
        seedSignature: (headers["authorization"] ?? "").slice(-64),
      };
      const chunks: Uint8Array[] = [];
      async function* source() {
        yield data;
      }
      for await (const chunk of encodeChunked(source(), isSigned ? { ...base, signing } : base)) chunks.push(chunk);
      return call(lab.port, { ...request, body: damage(Buffer.concat(chunks)) }, headers);
    };
    const asItIs = (body: Buffer): Buffer => body;
    const flip = (body: Buffer): Buffer => {
      body[1000] = 0;
      return body;
    };
    assert.equal((await framed(STREAMING_PAYLOAD_TRAILER, asItIs)).status, 200);
    assert.equal((await framed(STREAMING_UNSIGNED_PAYLOAD_TRAILER, asItIs)).status, 200);
    assert.equal(errorCode(await framed(STREAMING_PAYLOAD_TRAILER, flip)), "SignatureDoesNotMatch 403");
    assert.equal(errorCode(await framed(STREAMING_UNSIGNED_PAYLOAD_TRAILER, flip)), "BadDigest 400");
    const kept = await s3.send(new GetObjectCommand({ Bucket, Key: "framed" }));
    assert.equal(kept.ContentEncoding, undefined);
    assert.equal((await kept.Body?.transformToByteArray())?.length, data.length);
  });

  test("a client that waits is told to go on only when it may write", async () => {
    const head = (credentials: Credentials, size: number) => {
      const request: RawRequest = { method: "PUT", target: "/wire-bucket/waiting", payloadHash: UNSIGNED_PAYLOAD };
      const headers = {
        ...signed(lab.port, credentials, request),
        "content-length": String(size),
        expect: "100-continue",
      };
      return `PUT ${request.target} HTTP/1.1\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")}\r\n`;
    };
    let sent = false;
    const allowed = await exchange(lab.port, head(lab.alice, 5), (write, soFar) => {
      if (!sent && soFar.startsWith("HTTP/1.1 100 Continue")) {
        sent = true;
        write(Buffer.from("hello"));
      }
    });
    assert.match(allowed, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    const bob = await lab.lab.account("444455556666");
    const refusedAnswer = await exchange(lab.port, head(bob, 5_000_000));
    assert.match(refusedAnswer, /^HTTP\/1\.1 403 Forbidden/);
    assert.match(refusedAnswer, /connection: close/i);
  });

  test("buckets are addressed by path and by host", async () => {
    const byHost = async (host: string, target: string) => {
      const request: RawRequest = { method: "GET", target, headers: { host } };
      return send(lab.port, lab.alice, request);
    };
    for (const host of ["wire-bucket.localhost", "wire-bucket.s3.localhost:1234", "wire-bucket.127.0.0.1.nip.io"]) {
      assert.equal((await byHost(host, "/key")).body, "hello", host);
    }
    assert.equal((await byHost("s3.localhost", "/wire-bucket/key")).body, "hello");
    assert.equal((await byHost("s3.us-east-1.localhost", "/wire-bucket/key")).body, "hello");
    assert.match((await byHost("wire-bucket.localhost", "/?list-type=2")).body, /<Name>wire-bucket<\/Name>/);
    const absolute = await send(lab.port, lab.alice, { method: "GET", target: "/wire-bucket/key" });
    assert.equal(absolute.body, "hello");
  });

  test("answers carry ids, and a HEAD that fails has no body", async () => {
    const ok = await send(lab.port, lab.alice, get);
    assert.match(ok.headers["x-amz-request-id"] ?? "", /^[0-9A-F]{16}$/);
    assert.ok((ok.headers["x-amz-id-2"] ?? "").length > 20);
    assert.equal(ok.headers["server"], "AmazonS3");
    assert.ok(ok.headers["date"] !== undefined);
    const missing = await send(lab.port, lab.alice, { method: "HEAD", target: "/wire-bucket/absent" });
    assert.deepEqual([missing.status, missing.body], [404, ""]);
    const bucket = await send(lab.port, lab.alice, { method: "HEAD", target: "/wire-bucket" });
    assert.equal(bucket.headers["x-amz-bucket-region"], "us-east-1");
    const length = await send(lab.port, lab.alice, { method: "HEAD", target: "/wire-bucket/key" });
    assert.equal(length.headers["content-length"], "5");
  });

  test("paths and methods that are nothing are refused, not guessed at", async () => {
    const code = async (request: RawRequest) => errorCode(await send(lab.port, lab.alice, request));
    assert.equal(await code({ method: "GET", target: "/wire-bucket/%ff" }), "InvalidURI 400");
    assert.equal(await code({ method: "GET", target: "/wire-bucket/a%00b" }), "InvalidURI 400");
    assert.equal(await code({ method: "PATCH", target: "/wire-bucket/key" }), "MethodNotAllowed 405");
    assert.equal(await code({ method: "PUT", target: "/wire-bucket/key?torrent" }), "MethodNotAllowed 405");
    assert.equal(await code({ method: "GET", target: "/wire-bucket/key?torrent" }), "NotImplemented 501");
    const chunked = {
      method: "PUT",
      target: "/wire-bucket/chunked",
      payloadHash: UNSIGNED_PAYLOAD,
      headers: { "transfer-encoding": "chunked" },
      body: Buffer.from("5\r\nhello\r\n0\r\n\r\n"),
    };
    assert.equal(await code(chunked), "MissingContentLength 411");
    const twice = {
      method: "PUT",
      target: "/wire-bucket/x",
      body: Buffer.from("x"),
      headers: { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "AAAA" },
    };
    assert.equal(await code(twice), "InvalidRequest 400");
    const huge = {
      method: "PUT",
      target: "/wire-bucket/x",
      payloadHash: UNSIGNED_PAYLOAD,
      headers: { "content-length": "6000000000" },
    };
    assert.equal(await code(huge), "EntityTooLarge 400");
    const noDigest = { method: "POST", target: "/wire-bucket?delete", body: Buffer.from("<Delete/>") };
    assert.equal(await code(noDigest), "InvalidRequest 400");
    const notXml = { method: "PUT", target: "/wire-bucket?versioning", body: Buffer.from("<a><b></a>") };
    assert.equal(await code(notXml), "MalformedXML 400");
    const doctype = {
      method: "PUT",
      target: "/wire-bucket?versioning",
      body: Buffer.from('<!DOCTYPE x [<!ENTITY e "v">]><x>&e;</x>'),
    };
    assert.equal(await code(doctype), "MalformedXML 400");
    const long = { method: "PUT", target: "/wire-bucket?versioning", body: Buffer.alloc(300_000, "x") };
    assert.equal(await code(long), "MaxMessageLengthExceeded 400");
  });

  test("headers that are too long are a 431", async () => {
    const answer = await exchange(lab.port, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${"y".repeat(40_000)}\r\n\r\n`);
    assert.equal(parseAnswer(answer).status, 431);
  });

  test("the lab's own calls need their token; health does not", async () => {
    const admin = (path: string, method: string, token?: string) =>
      fetch(`${lab.endpoint}/_lockstep/${path}`, {
        method,
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      });
    assert.equal((await admin("health", "GET")).status, 200);
    assert.equal((await admin("accounts/555566667777", "POST")).status, 401);
    assert.equal((await admin("accounts/555566667777", "POST", "wrong")).status, 401);
    assert.equal((await admin("accounts/short", "POST", "test-token")).status, 404);
    for (const [method, path] of [
      ["GET", "disturbances"],
      ["PUT", "disk"],
      ["PUT", "buckets/wire-bucket/quota"],
    ] as const) {
      assert.equal((await admin(path, method)).status, 401, path);
    }
    assert.equal((await admin("disk", "GET", "test-token")).status, 405);
    const made = await admin("accounts/555566667777", "POST", "test-token");
    const credentials = (await made.json()) as Credentials;
    const { Buckets } = await lab.s3(credentials).send(new ListBucketsCommand({}));
    assert.deepEqual(Buckets, []);
  });

  test("a port that is taken is told by name", async () => {
    await assert.rejects(
      lab.lab.listen({ port: lab.port }),
      (error) => error instanceof ListenError && error.reason === "inUse",
    );
  });
});
