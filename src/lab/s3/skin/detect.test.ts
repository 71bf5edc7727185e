import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATION_GAPS } from "../gaps.ts";
import { OPERATIONS } from "../operations.ts";
import { detectOperation } from "./detect.ts";
import { resolveTarget } from "./resolve.ts";

const detect = (line: string, headers: Record<string, string> = {}): string | undefined => {
  const [method = "", target = ""] = line.split(" ");
  const [path = "", rawQuery = ""] = target.split("?");
  const query = new Map(rawQuery === "" ? [] : rawQuery.split("&").map((one) => one.split("=") as [string, string]));
  const { bucket, key } = resolveTarget("127.0.0.1:9000", path, []);
  return detectOperation({ method, bucket, key, query, headers });
};

test("every request line of the API reference is named", () => {
  const copy = { "x-amz-copy-source": "b/k" };
  assert.equal(detect("GET /"), "ListBuckets");
  assert.equal(detect("PUT /b"), "CreateBucket");
  assert.equal(detect("HEAD /b/"), "HeadBucket");
  assert.equal(detect("GET /b"), "ListObjects");
  assert.equal(detect("GET /b?list-type=2&prefix=x"), "ListObjectsV2");
  assert.equal(detect("GET /b?versions="), "ListObjectVersions");
  assert.equal(detect("GET /b?uploads="), "ListMultipartUploads");
  assert.equal(detect("POST /b?delete="), "DeleteObjects");
  assert.equal(detect("GET /b?inventory="), "ListBucketInventoryConfigurations");
  assert.equal(detect("GET /b?inventory=&id=1"), "GetBucketInventoryConfiguration");
  assert.equal(detect("PUT /b/k"), "PutObject");
  assert.equal(detect("PUT /b/k", copy), "CopyObject");
  assert.equal(detect("PUT /b/k?partNumber=1&uploadId=u"), "UploadPart");
  assert.equal(detect("PUT /b/k?partNumber=1&uploadId=u", copy), "UploadPartCopy");
  assert.equal(detect("POST /b/k?uploadId=u"), "CompleteMultipartUpload");
  assert.equal(detect("GET /b/k?uploadId=u"), "ListParts");
  assert.equal(detect("GET /b/k?partNumber=1"), "GetObject");
  assert.equal(detect("GET /b/k?x-id=GetObject&response-expires=x"), "GetObject");
  assert.equal(detect("GET /b/k?torrent="), "GetObjectTorrent");
  assert.equal(detect("POST /b/k"), undefined);
  assert.equal(detect("GET /b/k?constructor="), "GetObject");
  assert.equal(detect("PATCH /b"), undefined);
});

test("no operation is both emulated and a gap", () => {
  assert.deepEqual(
    OPERATION_GAPS.filter((name) => Object.hasOwn(OPERATIONS, name)),
    [],
  );
});

test("bucket and key come from path or host, decoded once", () => {
  const suffixes = ["s3.localhost", "localhost"];
  const resolve = (host: string, path: string) => Object.values(resolveTarget(host, path, suffixes)).join(" | ");
  assert.equal(resolve("127.0.0.1:9000", "/b/a%2Fb%20c+d/%25"), "b | a/b c+d/%");
  assert.equal(resolve("[::1]:9000", "/b//k"), "b | /k");
  assert.equal(resolve("b.localhost:9000", "/k"), "b | k");
  assert.equal(resolve("b.c.s3.localhost", "/"), "b.c | ");
  assert.equal(resolve("b.s3.eu-west-1.localhost", "/k"), "b | k");
  assert.equal(resolve("s3.eu-west-1.localhost", "/b/k"), "b | k");
  assert.equal(resolve("LOCALHOST", "/b"), "b | ");
  assert.equal(resolve("example.com", "/b/k"), "b | k");
});
