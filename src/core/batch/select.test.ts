import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf } from "../../../test/fixtures/diagnose-facts.ts";
import { countStatuses, type Selection, selectVersions } from "./select.ts";

const VERSIONS = [
  { key: "failed", count: 3, status: "FAILED" as const, failure: "DstPutObjectNotPermitted" },
  { key: "archived", status: "FAILED" as const, storageClass: "GLACIER" },
  { key: "never" },
  { key: "done", status: "COMPLETED" as const, replica: "present" as const },
  { key: "copy", status: "REPLICA" as const },
  { key: "waiting", status: "PENDING" as const },
  { key: "lost-marker", marker: true, replica: "absent" as const },
  { key: "marker", marker: true, replica: "present" as const },
];

const FACTS = factsOf({ rule: { DeleteMarkerReplication: { Status: "Enabled" } }, versions: VERSIONS });

function keys(selection: Selection): string[] {
  return selectVersions(FACTS, selection).versions.map((one) => one.key);
}

test("FAILED selects what shows it and a rule takes, and delete markers that have not arrived", () => {
  assert.deepEqual(keys({ statuses: ["FAILED"] }), ["failed1", "failed2", "failed3", "lost-marker"]);
});

test("what no rule takes any more is left out and counted: a task of it would fail as not eligible", () => {
  const { notEligible, bytes } = selectVersions(FACTS, { statuses: ["FAILED"] });
  assert.deepEqual([notEligible, bytes], [1, 300]);
});

test("NONE selects what was never tried, REPLICA what came from elsewhere, and nothing selects PENDING", () => {
  assert.deepEqual(keys({ statuses: ["NONE"] }), ["never", "lost-marker"]);
  assert.deepEqual(keys({ statuses: ["REPLICA", "COMPLETED"] }), ["done", "copy"]);
});

test("a code selects the versions whose recorded failure it is", () => {
  const codes = (...of: string[]) => keys({ statuses: ["FAILED", "NONE"], codes: of });
  assert.deepEqual(codes("DstPutObjectNotPermitted"), ["failed1", "failed2", "failed3"]);
  assert.deepEqual(codes("DstBucketUnversioned"), []);
});

test("a time takes what was written from then on, and nothing from then on that ends it", () => {
  const [writtenMs = 0] = FACTS.versions.map((one) => one.lastModifiedMs);
  assert.equal(keys({ statuses: ["FAILED"], sinceMs: writtenMs }).length, 4);
  assert.equal(keys({ statuses: ["FAILED"], sinceMs: writtenMs + 1 }).length, 0);
  assert.equal(keys({ statuses: ["FAILED"], untilMs: writtenMs }).length, 0);
});

test("statuses are counted, with delete markers among those that show none", () => {
  assert.deepEqual(countStatuses(FACTS.versions), { FAILED: 4, NONE: 3, COMPLETED: 1, REPLICA: 1, PENDING: 1 });
});

test("canaries are nobody's to repeat, whatever they show", () => {
  const key = ".lockstep-canary/20260301T120000Z-a0/plain";
  const facts = factsOf({
    versions: [
      { key, status: "FAILED" },
      { key: "failed", status: "FAILED" },
    ],
  });
  assert.deepEqual(
    selectVersions(facts, { statuses: ["FAILED"] }).versions.map((one) => one.key),
    ["failed"],
  );
});
