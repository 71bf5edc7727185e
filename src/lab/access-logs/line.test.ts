import assert from "node:assert/strict";
import { test } from "node:test";
import { type AccessLogEntry, lineOf } from "./line.ts";

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

const ENTRY: AccessLogEntry = {
  bucketOwner: OWNER,
  bucket: "photos",
  atMs: Date.parse("2019-02-06T00:00:38.999Z"),
  remoteIp: "192.0.2.3",
  requester: "arn:aws:iam::111122223333:user/ann",
  requestId: "3E57427F3EXAMPLE",
  operation: "REST.GET.OBJECT",
  key: "a b/ü+.jpg",
  request: "GET /photos/a%20b/%C3%BC%2B.jpg?versionId=v1 HTTP/1.1",
  status: 200,
  errorCode: undefined,
  bytesSent: 2662992,
  objectSize: 3462992,
  totalMs: 70,
  turnAroundMs: 10,
  referer: 'http://example.com/"quoted"',
  userAgent: "curl/7.15.1",
  versionId: "v1",
  hostId: "aG9zdA==",
  signatureVersion: "SigV4",
  authenticationType: "AuthHeader",
  hostHeader: "photos.s3.localhost:9000",
};

test("access logs: a line has the 27 documented fields in their order", () => {
  assert.equal(
    lineOf(ENTRY),
    `${OWNER} photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::111122223333:user/ann 3E57427F3EXAMPLE ` +
      "REST.GET.OBJECT a%2Bb/%25C3%25BC%252B.jpg " +
      '"GET /photos/a%20b/%C3%BC%2B.jpg?versionId=v1 HTTP/1.1" 200 - 2662992 3462992 70 10 ' +
      '"http://example.com/"quoted"" "curl/7.15.1" v1 aG9zdA== SigV4 - AuthHeader photos.s3.localhost:9000 - - - -\n',
  );
});

test("access logs: what there is nothing of is a hyphen, quoted where the field is", () => {
  const nothing = {
    remoteIp: undefined,
    requester: undefined,
    key: undefined,
    request: undefined,
    errorCode: "AccessDenied",
    status: 403,
    bytesSent: 0,
    objectSize: undefined,
    totalMs: undefined,
    turnAroundMs: undefined,
    referer: undefined,
    userAgent: undefined,
    versionId: undefined,
    signatureVersion: undefined,
    authenticationType: undefined,
    hostHeader: undefined,
  };
  assert.equal(
    lineOf({ ...ENTRY, ...nothing }),
    `${OWNER} photos [06/Feb/2019:00:00:38 +0000] - - 3E57427F3EXAMPLE REST.GET.OBJECT - - 403 AccessDenied ` +
      '- - - - "-" "-" - aG9zdA== - - - - - - - -\n',
  );
});
