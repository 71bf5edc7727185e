import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepName } from "../plan.ts";
import { FAILURES, type FailureCode, failureCode, isFailureCode } from "./catalogue.ts";
import { type AnsweredStep, classify, isTransient, type WireAnswer } from "./classify.ts";

/** AWS's own table, written down apart from the catalogue: S3 User Guide, "Amazon S3 replication failure reasons". */
const AWS_CODES = `AssumeRoleNotPermitted DstBucketInvalidRegion DstBucketNotFound DstBucketObjectLockConfigMissing
DstBucketUnversioned DstDelObjNotPermitted DstKmsKeyInvalidState DstKmsKeyNotFound DstMultipartCompleteNotPermitted
DstMultipartInitNotPermitted DstMultipartUploadNotPermitted DstObjectHardDeleted DstPutAclNotPermitted
DstPutLegalHoldNotPermitted DstPutObjectNotPermitted DstPutRetentionNotPermitted DstPutTaggingNotPermitted
DstVersionNotFound InitiateReplicationNotPermitted SrcBucketInvalidRegion SrcBucketNotFound
SrcBucketReplicationConfigMissing SrcGetAclNotPermitted SrcGetLegalHoldNotPermitted SrcGetObjectNotPermitted
SrcGetRetentionNotPermitted SrcGetTaggingNotPermitted SrcHeadObjectNotPermitted SrcKeyNotFound SrcKmsKeyInvalidState
SrcObjectNotEligible SrcObjectNotFound SrcReplicationNotPending SrcVersionNotFound`.split(/\s+/);

test("catalogue: it holds AWS's 34 codes and marks them, and only them, as AWS's", () => {
  assert.equal(AWS_CODES.length, 34);
  const marked = Object.entries(FAILURES).filter(([, entry]) => entry.origin === "aws");
  assert.deepEqual(marked.map(([code]) => code).sort(), [...AWS_CODES].sort());
});

test("catalogue: every entry says what happened, what to do and where it is from", () => {
  for (const [code, entry] of Object.entries(FAILURES)) {
    for (const text of [entry.title, entry.remedy, entry.source]) assert.ok(text.length > 10, `${code}: ${text}`);
  }
});

test("catalogue: older spellings are understood, names from Object.prototype are not codes", () => {
  assert.equal(failureCode("DstMultipartPartUploadNotPermitted"), "DstMultipartUploadNotPermitted");
  assert.equal(failureCode("toString"), undefined);
  assert.equal(isFailureCode("constructor"), false);
});

const source = (name: StepName, deniedCode: FailureCode): AnsweredStep => ({ name, side: "source", deniedCode });
const destination = (name: StepName, deniedCode: FailureCode): AnsweredStep => ({
  name,
  side: "destination",
  deniedCode,
});
const READ = source("readVersion", "SrcGetObjectNotPermitted");
const WRITE = destination("writeReplica", "DstPutObjectNotPermitted");

const CASES: readonly (readonly [says: string, step: AnsweredStep, answer: WireAnswer, code: FailureCode])[] = [
  ["403 is named after the step", READ, { status: 403, code: "AccessDenied" }, "SrcGetObjectNotPermitted"],
  [
    "a HEAD's bare 403 too",
    source("headVersion", "SrcHeadObjectNotPermitted"),
    { status: 403 },
    "SrcHeadObjectNotPermitted",
  ],
  [
    "a denied session",
    { name: "assumeRole", side: "role", deniedCode: "AssumeRoleNotPermitted" },
    { status: 403, code: "AccessDenied" },
    "AssumeRoleNotPermitted",
  ],
  ["404 of a source version", READ, { status: 404, code: "NoSuchVersion" }, "SrcVersionNotFound"],
  ["404 of a source key", READ, { status: 404, code: "NoSuchKey" }, "SrcKeyNotFound"],
  ["404 of a source bucket", READ, { status: 404, code: "NoSuchBucket" }, "SrcBucketNotFound"],
  ["404 without a code", source("headVersion", "SrcHeadObjectNotPermitted"), { status: 404 }, "SrcObjectNotFound"],
  ["404 of the destination bucket", WRITE, { status: 404, code: "NoSuchBucket" }, "DstBucketNotFound"],
  [
    "404 of the version whose tags changed",
    destination("writeTags", "DstPutTaggingNotPermitted"),
    { status: 404, code: "NoSuchVersion" },
    "DstVersionNotFound",
  ],
  ["an unversioned destination", WRITE, { status: 409, code: "InvalidBucketState" }, "DstBucketUnversioned"],
  ["an archived source", READ, { status: 403, code: "InvalidObjectState" }, "SrcObjectNotEligible"],
  ["a disabled source key", READ, { status: 400, code: "KMS.DisabledException" }, "SrcKmsKeyInvalidState"],
  ["a disabled replica key", WRITE, { status: 400, code: "KMS.DisabledException" }, "DstKmsKeyInvalidState"],
  ["a missing replica key", WRITE, { status: 400, code: "KMS.NotFoundException" }, "DstKmsKeyNotFound"],
  ["a quota", WRITE, { status: 403, code: "QuotaExceeded" }, "DstQuotaExceeded"],
  ["wrong keys", WRITE, { status: 403, code: "SignatureDoesNotMatch" }, "CredentialsInvalid"],
  ["an expired session", READ, { status: 400, code: "ExpiredToken" }, "CredentialsExpired"],
  ["a wrong clock", READ, { status: 403, code: "RequestTimeTooSkewed" }, "ClockSkewed"],
  ["too many requests", WRITE, { status: 503, code: "SlowDown" }, "RequestThrottled"],
  ["429 without a code", WRITE, { status: 429 }, "RequestThrottled"],
  ["KMS under load", WRITE, { status: 400, code: "KMS.ThrottlingException" }, "KmsThrottled"],
  ["500", WRITE, { status: 500, code: "InternalError" }, "StoreUnavailable"],
  ["502 of a proxy", WRITE, { status: 502 }, "StoreUnavailable"],
  ["a bad digest", WRITE, { status: 400, code: "BadDigest" }, "ChecksumMismatch"],
  ["a body that ended early", READ, { network: "truncated" }, "ChecksumMismatch"],
  ["nobody listens", WRITE, { network: "refused" }, "EndpointUnreachable"],
  ["no answer in time", WRITE, { network: "timeout" }, "EndpointUnreachable"],
  ["no such host", WRITE, { network: "dns" }, "DnsFailed"],
  ["an untrusted certificate", WRITE, { network: "tls" }, "TlsFailed"],
  ["a connection that broke", WRITE, { network: "reset" }, "ConnectionBroken"],
  ["something new", WRITE, { status: 418, code: "ImATeapot" }, "UnknownAnswer"],
  ["a code that is a name of Object.prototype", WRITE, { status: 400, code: "constructor" }, "UnknownAnswer"],
];

for (const [says, step, answer, code] of CASES) {
  test(`classify: ${says} is ${code}`, () => {
    assert.equal(classify(step, answer), code);
  });
}

test("classify: what passes by itself stays PENDING, what somebody has to change does not", () => {
  const transient = CASES.map(([, , , code]) => code).filter((code) => isTransient(code));
  assert.deepEqual([...new Set(transient)].sort(), [
    "ChecksumMismatch",
    "ClockSkewed",
    "ConnectionBroken",
    "CredentialsExpired",
    "DnsFailed",
    "EndpointUnreachable",
    "KmsThrottled",
    "RequestThrottled",
    "StoreUnavailable",
    "TlsFailed",
  ]);
});
