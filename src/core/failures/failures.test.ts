import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { StepName } from "../plan.ts";
import { FAILURES, type FailureCode, type FailureEntry, failureCode, isFailureCode } from "./catalogue.ts";
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

test("catalogue: every entry names its evidence, and either what a patch may change or what a person decides", () => {
  for (const [code, entry] of Object.entries<FailureEntry>(FAILURES)) {
    assert.ok(entry.evidence.length > 0, code);
    assert.ok((entry.patch?.length ?? 0) > 0 || (entry.decision ?? "").length > 0, code);
    if (entry.retry === "later") assert.ok(entry.decision !== undefined && entry.patch === undefined, code);
  }
});

test("catalogue: older spellings are understood, names from Object.prototype are not codes", () => {
  assert.equal(failureCode("DstMultipartPartUploadNotPermitted"), "DstMultipartUploadNotPermitted");
  assert.equal(failureCode("toString"), undefined);
  assert.equal(isFailureCode("constructor"), false);
});

interface ClassifyCase {
  readonly name: string;
  readonly store: string;
  readonly step: StepName;
  readonly side: AnsweredStep["side"];
  readonly deniedCode: FailureCode;
  readonly locked?: boolean;
  readonly status?: number;
  /** The raw answer. */
  readonly body?: string;
  readonly network?: NonNullable<WireAnswer["network"]>;
  readonly expected: FailureCode;
}

const CASES = JSON.parse(readFileSync("test/fixtures/classify.json", "utf8")) as readonly ClassifyCase[];

function answerOf({ status, body, network }: ClassifyCase): WireAnswer {
  const code = /<Code>([^<]*)<\/Code>/.exec(body ?? "")?.[1];
  return {
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(network === undefined ? {} : { network }),
  };
}

for (const one of CASES) {
  test(`classify: ${one.name} (${one.store}) is ${one.expected}`, () => {
    const { step: name, side, deniedCode, locked } = one;
    const step = { name, side, deniedCode, ...(locked === undefined ? {} : { locked }) };
    assert.equal(classify(step, answerOf(one)), one.expected);
  });
}

test("classify: what passes by itself stays PENDING, what somebody has to change does not", () => {
  const transient = CASES.map((one) => one.expected).filter((code) => isTransient(code));
  assert.deepEqual([...new Set(transient)].sort(), [
    "ChecksumMismatch",
    "ClockSkewed",
    "ConnectionBroken",
    "CredentialsExpired",
    "DnsFailed",
    "DstStorageFull",
    "EndpointUnreachable",
    "KmsThrottled",
    "RequestThrottled",
    "SourceChanged",
    "StoreUnavailable",
    "TlsFailed",
    "TruncatedBody",
  ]);
});
