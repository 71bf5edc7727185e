import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, factsOf } from "../../test/fixtures/diagnose-facts.ts";
import { Examination } from "../core/diagnose/diagnose.ts";
import type { Diagnosis } from "../core/diagnose/report.ts";
import { type Mask, parseSnapshot, type Snapshot, snapshotOf } from "./snapshot.ts";
import { masked } from "./snapshot-mask.ts";

const BOTH: ReadonlySet<Mask> = new Set(["accounts", "keys"] as const);

function snapshotFor(change: Change): Snapshot {
  const { versions, ...setup } = factsOf(change);
  const examination = new Examination(setup);
  for (const one of versions) examination.add(one);
  const caller = { accountId: "111122223333", endpoint: "aws", arn: "arn:aws:iam::111122223333:user/someone" };
  return snapshotOf({ caller, setup, alike: examination.alike() });
}

function diagnosisOf({ setup, alike }: Snapshot): Diagnosis {
  const examination = new Examination(setup);
  for (const one of alike) examination.add(one.version, one);
  return examination.explained().diagnosis;
}

function gist({ scanned, causes }: Diagnosis): unknown {
  const told = causes.map((one) => `${one.code} ${one.confidence} ${one.affected.versions} ${one.action ?? ""}`);
  return { scanned, causes: told.sort() };
}

const KEYED: Change = {
  crossAccount: true,
  rule: { Filter: { Prefix: "private/" } },
  role: {
    NoDrafts: {
      Effect: "Deny",
      Action: "s3:GetObjectVersionForReplication",
      Resource: ["arn:aws:s3:::photos/private/drafts/*", "arn:aws:s3:::photos/*.tmp"],
    },
  },
  versions: [
    { key: "private/drafts/letter-to-anna.txt", count: 3, status: "FAILED" },
    { key: "private/final/a.tmp", status: "FAILED" },
    { key: "private/final/report.pdf", status: "COMPLETED" },
    { key: "public/index.html" },
  ],
};

test("mask: keys keep what rules and policies name of them, and nothing else", () => {
  const snapshot = snapshotFor(KEYED);
  const shown = masked(snapshot, BOTH, "s");
  assert.deepEqual(gist(diagnosisOf(shown)), gist(diagnosisOf(snapshot)));
  assert.ok(diagnosisOf(shown).causes.length > 1, "the case has causes");
  const keys = shown.alike.flatMap((one) => [one.version.key, ...one.samples.map((sample) => sample.key)]);
  for (const key of keys) assert.doesNotMatch(key, /letter|anna|final|report|index/);
  assert.ok(
    keys.some((key) => /^private\/drafts\/[0-9a-f]{12}$/.test(key)),
    keys.join(),
  );
  assert.ok(
    keys.some((key) => /^private\/[0-9a-f]{12}\.tmp$/.test(key)),
    keys.join(),
  );
  assert.ok(
    keys.some((key) => /^[0-9a-f]{12}$/.test(key)),
    keys.join(),
  );
});

test("mask: an account is another one, the same everywhere, also in documents within documents", () => {
  const snapshot = snapshotFor(KEYED);
  const shown = masked(snapshot, new Set(["accounts"] as const), "s");
  assert.doesNotMatch(JSON.stringify(shown), /111122223333|444455556666/);
  const { setup, caller } = shown;
  assert.match(caller.accountId, /^\d{12}$/);
  assert.equal(caller.arn, `arn:aws:iam::${caller.accountId}:user/someone`);
  assert.equal(setup.source.account, caller.accountId);
  assert.ok(setup.role.state === "read");
  assert.equal(setup.role.value.arn.split(":")[4], caller.accountId);
  const [destination] = Object.values(setup.destinations);
  assert.ok(destination?.policy.state === "read");
  assert.ok(destination.policy.value.includes(`arn:aws:iam::${caller.accountId}:role/`), destination.policy.value);
  assert.notEqual(destination.account, caller.accountId);
});

test("mask: one secret gives the same pseudonyms to every snapshot, another one others", () => {
  const snapshot = snapshotFor(KEYED);
  assert.deepEqual(masked(snapshot, BOTH, "s"), masked(snapshot, BOTH, "s"));
  assert.notEqual(masked(snapshot, BOTH, "s").caller.accountId, masked(snapshot, BOTH, "t").caller.accountId);
});

test("mask: what is masked is still a snapshot, and says so", () => {
  const shown = masked(snapshotFor(KEYED), BOTH, "s");
  assert.deepEqual(parseSnapshot(JSON.stringify(shown), "shown").masked, ["accounts", "keys"]);
  assert.equal(masked(snapshotFor(KEYED), new Set(), "s").masked, undefined);
});
