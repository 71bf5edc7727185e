import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailureRecord } from "../ports.ts";
import { FailureLog } from "./failure-log.ts";

const denied = (key: string, more: Partial<FailureRecord> = {}): FailureRecord => ({
  key,
  versionId: "v",
  destinationArn: "arn:aws:s3:::photos-replica",
  ruleId: "r",
  code: "DstPutObjectNotPermitted",
  step: "writeReplica",
  pending: false,
  attempts: 1,
  httpStatus: 403,
  message: `not authorized to perform: s3:ReplicateObject on resource: "arn:aws:s3:::photos-replica/${key}"`,
  ...more,
});

test("versions that failed alike have one number though each answer names its object, and each keeps its answer", () => {
  const log = new FailureLog();
  log.add(denied("a"));
  log.add(denied("b", { attempts: 3, nextTryAtMs: 7 }));
  log.add(denied("c", { httpStatus: 503 }));
  assert.equal(log.numberOf("a", "v"), log.numberOf("b", "v"));
  assert.notEqual(log.numberOf("a", "v"), log.numberOf("c", "v"));
  assert.match(log.of("b", "v")[0]?.message ?? "", /photos-replica\/b"$/);
  assert.equal(log.numbered(log.numberOf("b", "v") ?? -1)[0]?.httpStatus, 403);
});

test("beyond thousands of different answers a version is told of in the words of the first that failed alike", () => {
  const log = new FailureLog();
  for (let index = 0; index < 25_000; index += 1) log.add(denied(`k${index}`));
  log.add(denied("last"));
  log.add(denied("other", { code: "DstBucketUnversioned", message: "its own" }));
  assert.match(log.of("k7", "v")[0]?.message ?? "", /k7"$/);
  assert.match(log.of("last", "v")[0]?.message ?? "", /k0"$/);
  assert.equal(log.of("other", "v")[0]?.message, "its own");
  assert.equal(log.numberOf("last", "v"), log.numberOf("k7", "v"));
});
