/** Both kinds of logs, from files written by hand after AWS's documents, into causes, onset and recovery. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { LogReader, type LogScope, type LogSink } from "./log-reader.ts";

const ACCESS = readFileSync("test/fixtures/logs/access.log", "latin1");
const TRAIL = readFileSync("test/fixtures/logs/trail.json", "utf8");
const SESSION = "arn:aws:sts::111122223333:assumed-role/photos-replication/s3-replication";

function feed(sink: LogSink, text: string, size = text.length): void {
  for (let at = 0; at < text.length; at += size) sink.push(text.slice(at, at + size));
  sink.end();
}

function read(scope: LogScope = {}, size?: number): LogReader {
  const reader = new LogReader(scope);
  feed(reader.cloudTrail("trail.json"), TRAIL, size);
  feed(reader.accessLog("access.log"), ACCESS, size);
  return reader;
}

describe("logs", () => {
  it("one denial in both kinds of logs is one cause, with the kind of policy that the message tells", () => {
    const { causes } = read().report();
    assert.equal(causes.length, 1);
    const { onset, remedy, id, samples, ...cause } = causes[0] ?? assert.fail();
    assert.match(id, /^[0-9a-f]{12}$/);
    assert.ok(remedy !== "");
    assert.deepEqual(cause, {
      code: "DstPutObjectNotPermitted",
      class: "permission",
      title: cause.title,
      errorCode: "AccessDenied",
      httpStatus: 403,
      operation: "PutObject",
      action: "s3:ReplicateObject",
      resource: "arn:aws:s3:::photos-replica/*",
      principal: SESSION,
      bucket: "photos-replica",
      policy: { kind: "resource", effect: "denies" },
      reason: "with an explicit deny in a resource-based policy",
      confidence: "proven",
      count: 2,
      first: "2026-02-06T14:02:10Z",
      last: "2026-02-06T14:02:11Z",
    });
    assert.deepEqual(samples, [
      {
        at: "2026-02-06T14:02:10Z",
        key: "2026/0002.jpg",
        versionId: "3HL4kqtJvjVBH40Nrjfkd",
        requestId: "AAAAAAAAAAAAAA02",
      },
      { at: "2026-02-06T14:02:11Z", key: 'with spaces and "quotes".jpg', requestId: "AAAAAAAAAAAAAA03" },
    ]);
    assert.equal(
      onset.says,
      "began 2026-02-06T14:02:10Z, 35 s after PutBucketPolicy on photos-replica by arn:aws:iam::111122223333:user/mallory; " +
        "worked until 2026-02-06T14:01:00Z; recovered 2026-02-06T14:10:05Z, 5 s after DeleteBucketPolicy on " +
        "photos-replica by arn:aws:iam::111122223333:user/alice",
    );
  });

  it("what is read is counted: duplicates once, bad lines with a sample, answers that only look like failures not at all", () => {
    const { read: counts, others } = read().report();
    assert.deepEqual(counts, {
      lines: 9,
      records: 4,
      replicationCalls: 5,
      replicationFailures: 2,
      duplicates: 1,
      outside: 0,
      bad: 1,
      badSamples: [{ in: "access.log", text: "this is no line of an access log" }],
    });
    assert.deepEqual(others, [
      {
        bucket: "photos",
        operation: "REST.GET.OBJECT",
        errorCode: "AccessDenied",
        httpStatus: 403,
        count: 1,
        first: "2026-02-06T14:03:00Z",
        last: "2026-02-06T14:03:00Z",
      },
    ]);
  });

  it("where the chunks of a file end makes no difference", () => {
    const whole = JSON.stringify(read().report());
    for (const size of [1, 2, 3, 7, 64, 1000]) assert.equal(JSON.stringify(read({}, size).report()), whole, `${size}`);
  });

  it("an access log alone tells the action that the call needs, and that this is likely", () => {
    const reader = new LogReader();
    feed(reader.accessLog("access.log"), ACCESS);
    const [cause] = reader.report().causes;
    assert.deepEqual(
      [cause?.action, cause?.confidence, cause?.policy, cause?.count],
      ["s3:ReplicateObject", "likely", undefined, 2],
    );
    assert.equal(cause?.samples[1]?.key, 'with spaces and "quotes".jpg');
  });

  it("time and bucket bound what is counted, and changes are still known from a day before", () => {
    const sinceMs = Date.UTC(2026, 1, 6, 14, 2, 0);
    const untilMs = Date.UTC(2026, 1, 6, 14, 5, 0);
    const { causes, read: counts } = read({ sinceMs, untilMs }).report();
    assert.equal(counts.outside, 2);
    assert.equal(causes[0]?.onset.change?.event, "PutBucketPolicy");
    assert.equal(causes[0]?.onset.workedUntil, undefined);
    assert.deepEqual(read({ bucket: "photos" }).report().causes, []);
  });

  it("a role that S3 may not assume, and a key that refuses, are replication's failures too", () => {
    const reader = new LogReader();
    const eventTime = "2026-02-06T14:00:00Z";
    const session = { type: "AssumedRole", principalId: "AROAX:s3-replication", arn: SESSION };
    const records = [
      {
        eventTime,
        eventSource: "sts.amazonaws.com",
        eventName: "AssumeRole",
        userIdentity: { type: "AWSService", invokedBy: "s3.amazonaws.com" },
        errorCode: "AccessDenied",
        requestParameters: { roleArn: "arn:aws:iam::111122223333:role/r", roleSessionName: "s3-replication" },
      },
      {
        eventTime,
        eventSource: "kms.amazonaws.com",
        eventName: "Decrypt",
        userIdentity: session,
        errorCode: "DisabledException",
        resources: [{ ARN: "arn:aws:kms:us-east-1:111122223333:key/k1" }],
      },
      {
        eventTime: "2026-02-06T13:59:00Z",
        eventSource: "kms.amazonaws.com",
        eventName: "DisableKey",
        userIdentity: { arn: "arn:aws:iam::111122223333:user/mallory" },
        requestParameters: { keyId: "k1" },
      },
      {
        eventTime: "2026-02-06T13:59:30Z",
        eventSource: "iam.amazonaws.com",
        eventName: "UpdateAssumeRolePolicy",
        userIdentity: { arn: "arn:aws:iam::111122223333:user/mallory" },
        requestParameters: { roleName: "r" },
      },
    ];
    for (const one of records) reader.event(JSON.stringify({ CloudTrailEvent: JSON.stringify(one) }));
    const causes = reader.report().causes.map(({ code, resource, onset }) => [code, resource, onset.change?.event]);
    assert.deepEqual(causes, [
      ["SrcKmsKeyInvalidState", "arn:aws:kms:us-east-1:111122223333:key/k1", "DisableKey"],
      ["AssumeRoleNotPermitted", "arn:aws:iam::111122223333:role/r", "UpdateAssumeRolePolicy"],
    ]);
  });
});
