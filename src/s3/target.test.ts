import assert from "node:assert/strict";
import { test } from "node:test";
import { PROFILES, profileOf } from "./profiles.ts";
import { parseEndpoint, rawQueryOf, targetOf } from "./target.ts";

const AWS = parseEndpoint("https://s3.eu-west-1.amazonaws.com");
const PLAIN = parseEndpoint("http://store.example:9000/base/");

test("an endpoint is an origin, a host and a path in front of every bucket", () => {
  assert.deepEqual(PLAIN, {
    origin: "http://store.example:9000",
    protocol: "http:",
    host: "store.example:9000",
    basePath: "/base",
  });
  assert.equal(parseEndpoint("https://h:443").host, "h");
  for (const bad of ["", "store.example", "ftp://h", "127.0.0.1:9000"]) {
    assert.throws(() => parseEndpoint(bad), TypeError, bad);
  }
});

test("a bucket stands in the path or in the host, and its key behind it as it is", () => {
  assert.deepEqual(targetOf(PLAIN, "path", "b", "a//../é"), {
    origin: "http://store.example:9000",
    host: "store.example:9000",
    rawPath: "/base/b/a//../%C3%A9",
  });
  assert.deepEqual(targetOf(AWS, "virtual", "my-bucket", "/k"), {
    origin: "https://my-bucket.s3.eu-west-1.amazonaws.com",
    host: "my-bucket.s3.eu-west-1.amazonaws.com",
    rawPath: "//k",
  });
  assert.equal(targetOf(AWS, "virtual", "my-bucket", undefined).rawPath, "/");
  assert.equal(targetOf(PLAIN, "path", "b", undefined).rawPath, "/base/b");
  assert.equal(targetOf(PLAIN, "virtual", undefined, undefined).rawPath, "/base/");
});

test("a bucket that cannot be a host name stays in the path", () => {
  const inPath = (endpoint: string, bucket: string) =>
    targetOf(parseEndpoint(endpoint), "virtual", bucket, "k").rawPath === `/${bucket}/k`;
  assert.ok(inPath("http://127.0.0.1:9000", "bucket"));
  assert.ok(inPath("http://[::1]:9000", "bucket"));
  assert.ok(inPath("https://s3.amazonaws.com", "dotted.bucket"), "the certificate is for one label only");
  assert.ok(!inPath("http://s3.example", "dotted.bucket"));
  assert.ok(inPath("http://s3.example", "Upper"));
  assert.ok(inPath("http://s3.example", "under_score"));
  assert.ok(inPath("http://s3.example", "-dash"));
});

test("a query is sorted, encoded, and leaves out what is undefined", () => {
  assert.equal(
    rawQueryOf({ versions: "", prefix: "a/b c", "max-keys": 5, marker: undefined }),
    "max-keys=5&prefix=a%2Fb%20c&versions=",
  );
  assert.equal(rawQueryOf({}), "");
});

test("only an endpoint of Amazon's is known by its name", () => {
  assert.equal(profileOf("https://s3.amazonaws.com"), PROFILES.aws);
  assert.equal(profileOf("https://s3.cn-north-1.amazonaws.com.cn"), PROFILES.aws);
  assert.equal(profileOf("https://amazonaws.com.example.org"), PROFILES.generic);
  assert.equal(profileOf("http://127.0.0.1:9000"), PROFILES.generic);
});
