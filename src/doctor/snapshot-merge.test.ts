import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf } from "../../test/fixtures/diagnose-facts.ts";
import type { BucketFacts, Setup } from "../core/diagnose/facts.ts";
import { type Snapshot, snapshotOf } from "./snapshot.ts";
import { mergeSnapshots } from "./snapshot-merge.ts";

const { versions: _, ...SETUP } = factsOf({ crossAccount: true, kms: true, versions: [{ key: "a" }] });
const ARN = "arn:aws:s3:::photos-replica";
const DENIED = { state: "unreadable", because: "not readable: s3:GetBucketPolicy denied" } as const;

function destinationOf(setup: Setup): BucketFacts {
  const found = setup.destinations[ARN];
  assert.ok(found !== undefined);
  return found;
}

function withDestination(setup: Setup, change: Partial<BucketFacts>): Setup {
  return { ...setup, destinations: { [ARN]: { ...destinationOf(setup), ...change } } };
}

function named(name: string, setup: Setup): { readonly name: string; readonly snapshot: Snapshot } {
  return { name, snapshot: snapshotOf({ caller: { accountId: "", endpoint: "aws" }, setup, alike: [] }) };
}

/** As its owner sees the destination: as a source. */
const OWNERS: Setup = {
  ...SETUP,
  source: { ...destinationOf(SETUP), replication: { state: "absent" } },
  destinations: {},
  role: { state: "absent" },
};

test("merge: what could not be read is taken from the snapshot of whoever owns it", () => {
  const here = withDestination(SETUP, { policy: DENIED, accountTold: false });
  const { snapshot, conflicts } = mergeSnapshots(named("here", here), [named("there", OWNERS)]);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(destinationOf(snapshot.setup).policy, destinationOf(SETUP).policy);
  assert.equal(destinationOf(snapshot.setup).accountTold, destinationOf(SETUP).accountTold);
  assert.deepEqual(snapshot.setup.role, SETUP.role, "the role of the first");
  assert.deepEqual(snapshot.setup.source, SETUP.source);
});

test("merge: where two say different things the first is believed, and it is told", () => {
  const there = { ...OWNERS, source: { ...OWNERS.source, versioning: { state: "read", value: "Suspended" } as const } };
  const { snapshot, conflicts } = mergeSnapshots(named("here", SETUP), [named("there", there)]);
  assert.deepEqual(destinationOf(snapshot.setup).versioning, { state: "read", value: "Enabled" });
  assert.deepEqual(conflicts, ["the versioning of photos-replica: there says otherwise than here, which is believed"]);
});

test("merge: keys are filled by part, and those that only the other knows are added", () => {
  const [arn = "", key] = Object.entries(SETUP.keys).find(([, one]) => one.state === "read") ?? [];
  assert.ok(key?.state === "read");
  const blind = {
    ...SETUP,
    keys: { [arn]: { state: "read", value: { ...key.value, grants: DENIED, aliases: [] } } as const },
  };
  const { snapshot, conflicts } = mergeSnapshots(named("here", blind), [named("there", SETUP)]);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(snapshot.setup.keys[arn], key);
  assert.deepEqual(Object.keys(snapshot.setup.keys).sort(), Object.keys(SETUP.keys).sort());
});

test("merge: policies of an organisation are filled by account", () => {
  const standing = (
    setup: Setup,
    scps: Readonly<Record<string, readonly []>>,
    unread: Readonly<Record<string, string>>,
  ) => {
    const value = { id: "o-1", managementAccountId: "1", accounts: {}, scps, rcps: scps, unread };
    return { ...setup, organization: { state: "read", value } as const };
  };
  const here = standing(SETUP, { "1": [] }, { "2": "not readable: organizations:ListParents denied" });
  const { snapshot } = mergeSnapshots(named("here", here), [named("there", standing(OWNERS, { "2": [] }, {}))]);
  const { organization } = snapshot.setup;
  assert.ok(organization.state === "read");
  assert.deepEqual([Object.keys(organization.value.scps), organization.value.unread], [["1", "2"], {}]);
});
