import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, factsOf } from "../../../test/fixtures/diagnose-facts.ts";
import { explainVersion } from "./explain-version.ts";
import type { Facts } from "./facts.ts";

/** The explanation of the only version of a case. */
function explained(change: Change, more: Partial<Facts> = {}) {
  const facts = { ...factsOf(change), ...more };
  const [version, ...others] = facts.versions;
  assert.ok(version !== undefined && others.length === 0);
  return explainVersion(facts, version);
}

const TAGGED = { DeleteMarkerReplication: { Status: "Disabled" }, Filter: { Tag: { Key: "k", Value: "v" } } };
const CHANGES: readonly (readonly [says: RegExp, change: Change])[] = [
  [/Enable the rule/, { rule: { Status: "Disabled" }, versions: [{ key: "a" }] }],
  [
    /must be a start of "tax\/1", such as "tax\/"/,
    { rule: { Filter: { Prefix: "logs/" } }, versions: [{ key: "tax/1" }] },
  ],
  [/must be "tax\/"/, { rule: { Filter: { Prefix: "/tax/" } }, versions: [{ key: "tax/1" }] }],
  [/k=v must be written with the object: copy it in place/, { rule: TAGGED, versions: [{ key: "a" }] }],
  [/markers carry no tags/, { rule: TAGGED, versions: [{ key: "a", marker: true }] }],
  [/Add SseKmsEncryptedObjects/, { versions: [{ key: "a", encryption: "SSE-KMS" }] }],
  [/Restore the object/, { versions: [{ key: "a", storageClass: "GLACIER" }] }],
  [
    /Set DeleteMarkerReplication/,
    { rule: { DeleteMarkerReplication: { Status: "Disabled" } }, versions: [{ key: "a", marker: true }] },
  ],
  [/put the Lifecycle rule on the destination/, { versions: [{ key: "a", marker: true, byLifecycle: true }] }],
  [/the bucket that the object was first written to/, { versions: [{ key: "a", status: "REPLICA" }] }],
];

for (const [says, change] of CHANGES) {
  test(`explain: a rule that does not take an object says what would have to change: ${says.source}`, () => {
    assert.match(explained(change).rules[0]?.change ?? "", says);
  });
}

test("explain: a rule that takes the object asks for no change", () => {
  assert.equal(explained({ versions: [{ key: "a" }] }).rules[0]?.change, undefined);
});

test("explain: settings that stand in the way are told beside the steps", () => {
  const { settings, steps } = explained({
    destination: { blocked: ["SSE-C"] },
    versions: [{ key: "a", encryption: "SSE-C", status: "FAILED" }],
  });
  assert.deepEqual(
    settings.map((one) => `${one.rule} ${one.code}`),
    ["everything DstPutObjectNotPermitted"],
  );
  assert.ok(steps.every((step) => step.checks.every((check) => check.allowed)));
});

test("explain: of one object everything is told that is by design", () => {
  const kinds = (change: Change, more?: Partial<Facts>) => explained(change, more).notes.map((one) => one.kind);
  assert.deepEqual(kinds({ versions: [{ key: "a", status: "REPLICA" }] }), ["replicaNotReplicated"]);
  assert.deepEqual(kinds({ versions: [{ key: "a", status: "COMPLETED", replica: "absent" }] }), ["replicaDeleted"]);
  assert.deepEqual(kinds({ rule: { Status: "Disabled" }, versions: [{ key: "a", status: "COMPLETED" }] }), [
    "statusIsHistory",
  ]);
  assert.deepEqual(kinds({ versions: [{ key: "a", status: "FAILED", replica: "present" }] }), [
    "lifecycleWaits",
    "replicaIsThere",
  ]);
  const strays = [{ destinationArn: "arn:aws:s3:::photos-replica", key: "a", versionId: "gone" }];
  assert.deepEqual(kinds({ versions: [{ key: "a", status: "COMPLETED" }] }, { strays }), [
    "permanentDelete",
    "lifecycleActions",
  ]);
  assert.deepEqual(kinds({ versions: [{ key: "a", status: "COMPLETED" }] }), []);
});

test("explain: an object says which later changes of it are left alone, and what would let them through", () => {
  const left = (change: Change) => explained(change).changes.map((one) => `${one.operation} ${one.because}`);
  assert.deepEqual(left({ versions: [{ key: "a" }] }), ["tags neverAdmitted", "acl neverAdmitted"]);
  assert.deepEqual(left({ versions: [{ key: "a", status: "COMPLETED" }] }), []);
  const replica = { versions: [{ key: "a", status: "REPLICA" }] } as const;
  assert.deepEqual(left(replica), ["tags modificationsNotReplicated", "acl modificationsNotReplicated"]);
  assert.match(explained(replica).changes[0]?.change ?? "", /Add ReplicaModifications with Status Enabled/);
  assert.deepEqual(left({ versions: [{ key: "a", marker: true }] }), [], "a marker has no metadata");
});
