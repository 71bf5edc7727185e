import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { failureOfRow, readReportManifest } from "./completion-report.ts";
import { readReplicationEvents } from "./replication-events.ts";

const EVENT = {
  eventVersion: "2.2",
  eventSource: "aws:s3",
  eventTime: "2024-09-05T21:04:32.527Z",
  eventName: "Replication:OperationFailedReplication",
  s3: { bucket: { name: "photos" }, object: { key: "a+b/%C3%BC.jpg", versionId: "v1" } },
  replicationEventData: {
    replicationRuleId: "all",
    destinationBucket: "arn:aws:s3:::photos-replica",
    s3Operation: "OBJECT_PUT",
    failureReason: "AssumeRoleNotPermitted",
  },
};
const FAILURE = {
  bucket: "photos",
  key: "a b/ü.jpg",
  versionId: "v1",
  destinationArn: "arn:aws:s3:::photos-replica",
  ruleId: "all",
  code: "AssumeRoleNotPermitted",
  step: "replicate",
  pending: false,
  attempts: 1,
  lastAttemptAtMs: Date.UTC(2024, 8, 5, 21, 4, 32, 527),
  message: "S3 gives the reason AssumeRoleNotPermitted",
  toldBy: "event",
};

describe("a replication failure event", () => {
  const records = { Records: [EVENT] };
  const text = JSON.stringify(records);
  const envelopes: Record<string, unknown> = {
    "as S3 sends it": records,
    alone: EVENT,
    "in a message of SQS": { MessageId: "1", Body: text },
    "in the answer of aws sqs receive-message": { Messages: [{ Body: text }] },
    "in SNS in SQS": { Messages: [{ Body: JSON.stringify({ Type: "Notification", TopicArn: "t", Message: text }) }] },
    "in SQS in Lambda": { Records: [{ eventSource: "aws:sqs", body: text }] },
    "in EventBridge": { "detail-type": "S3", source: "custom", detail: EVENT },
  };
  for (const [name, envelope] of Object.entries(envelopes)) {
    it(`is read ${name}`, () => {
      assert.deepEqual(readReplicationEvents(JSON.stringify(envelope)), {
        failures: [FAILURE],
        ignored: 0,
        problems: 0,
      });
    });
  }

  it("leaves other events and the test event aside", () => {
    const missed = { ...EVENT, eventName: "Replication:OperationMissedThreshold" };
    const test = { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "photos" };
    assert.deepEqual(readReplicationEvents(JSON.stringify([missed, test])), { failures: [], ignored: 2, problems: 0 });
  });

  it("never makes the reader throw, whatever it holds", () => {
    fc.assert(
      fc.property(fc.json(), (one) => {
        readReplicationEvents(one);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(EVENT)), fc.jsonValue(), (name, value) => {
        readReplicationEvents(JSON.stringify({ Records: [{ ...EVENT, [name]: value }] }));
      }),
    );
    const deep = `${'{"detail":'.repeat(5000)}1${"}".repeat(5000)}`;
    assert.equal(readReplicationEvents(deep).problems, 1);
  });
});

describe("a completion report", () => {
  const row = (...rest: string[]) => failureOfRow(["photos", "a%20b", "v1", ...rest], 5);

  it("has the status before the code, whatever its schema says, and is read the other way round too", () => {
    const found = row("failed", "500", "SrcObjectNotEligible", "Object is not eligible", " for replication");
    assert.deepEqual(found, row("failed", "SrcObjectNotEligible", "500", "Object is not eligible", " for replication"));
    assert.deepEqual(found, {
      bucket: "photos",
      key: "a b",
      versionId: "v1",
      code: "SrcObjectNotEligible",
      step: "replicate",
      pending: false,
      attempts: 1,
      lastAttemptAtMs: 5,
      httpStatus: 500,
      errorCode: "SrcObjectNotEligible",
      message: "Object is not eligible, for replication",
      toldBy: "report",
    });
  });

  it("tells nothing of tasks that succeeded", () => {
    assert.equal(row("succeeded", "200", "", "success"), undefined);
    assert.equal(failureOfRow([], 1), undefined);
  });

  it("is known by its manifest", () => {
    const Results = [{ TaskExecutionStatus: "failed", Bucket: "b", MD5Checksum: "0".repeat(32), Key: "k.csv" }];
    const manifest = { Format: "Report_CSV_20180820", ReportCreationDate: "2026-01-01T00:00:00Z", Results };
    assert.deepEqual(readReportManifest(JSON.stringify(manifest)), {
      createdAtMs: Date.UTC(2026, 0, 1),
      results: [{ key: "k.csv", bucket: "b", md5: "0".repeat(32), failed: true }],
    });
    fc.assert(
      fc.property(fc.json(), (text) => {
        readReportManifest(text);
      }),
    );
  });
});
