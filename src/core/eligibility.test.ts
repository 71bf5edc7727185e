import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Candidate, eligibility } from "./eligibility.ts";
import type { Operation, ReplicationConfiguration, Rule } from "./model.ts";

const DESTINATION = "arn:aws:s3:::dst";

function rule(change: Partial<Rule> & { to?: string } = {}): Rule {
  const { to, ...rest } = change;
  return {
    id: "r",
    priority: 1,
    enabled: true,
    prefix: "",
    tags: [],
    deleteMarkers: false,
    kmsObjects: false,
    replicaModifications: false,
    destination: { bucketArn: to ?? DESTINATION, ownerOverride: false, metrics: false },
    ...rest,
  };
}

function configuration(...rules: Rule[]): ReplicationConfiguration {
  return { roleArn: "arn:aws:iam::111122223333:role/r", schema: "V2", rules };
}

function version(change: Partial<Candidate> = {}): Candidate {
  return {
    key: "Tax/2026.pdf",
    isDeleteMarker: false,
    storageClass: "STANDARD",
    encryption: { kind: "SSE-S3" },
    tags: [],
    ...change,
  };
}

/** The reason of a configuration's only rule, or "taken". */
function reason(one: Rule, candidate: Candidate, operation: Operation = "put"): string {
  const [outcome] = eligibility(configuration(one), candidate, operation).outcomes;
  assert.ok(outcome !== undefined);
  return outcome.taken ? "taken" : outcome.because.reason;
}

test("eligibility: an enabled rule without a filter takes a plain version", () => {
  assert.equal(reason(rule(), version()), "taken");
});

test("eligibility: a disabled rule takes nothing", () => {
  assert.equal(reason(rule({ enabled: false }), version()), "ruleDisabled");
});

test("eligibility: a prefix is a plain start of the key, a leading slash counts", () => {
  assert.equal(reason(rule({ prefix: "Tax/" }), version()), "taken");
  assert.equal(reason(rule({ prefix: "/Tax/" }), version()), "prefixDiffers");
  assert.equal(reason(rule({ prefix: "Tax/*" }), version()), "prefixDiffers");
});

test("eligibility: every tag of the filter must be there with its value, and the missing ones are named", () => {
  const tagged = rule({
    tags: [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ],
  });
  assert.equal(
    reason(
      tagged,
      version({
        tags: [
          { key: "b", value: "2" },
          { key: "a", value: "1" },
        ],
      }),
    ),
    "taken",
  );
  const [outcome] = eligibility(configuration(tagged), version({ tags: [{ key: "a", value: "1" }] }), "put").outcomes;
  assert.deepEqual(outcome?.taken === false ? outcome.because : undefined, {
    reason: "tagsDiffer",
    missing: [{ key: "b", value: "2" }],
  });
});

test("eligibility: KMS-encrypted versions need a rule that selects them", () => {
  for (const kind of ["SSE-KMS", "DSSE-KMS"] as const) {
    assert.equal(reason(rule(), version({ encryption: { kind } })), "kmsNotSelected");
    assert.equal(reason(rule({ kmsObjects: true }), version({ encryption: { kind } })), "taken");
  }
  assert.equal(reason(rule(), version({ encryption: { kind: "SSE-C" } })), "taken");
});

test("eligibility: archived versions are not taken, instantly retrievable ones are", () => {
  assert.equal(reason(rule(), version({ storageClass: "GLACIER" })), "archived");
  assert.equal(reason(rule(), version({ storageClass: "DEEP_ARCHIVE" })), "archived");
  assert.equal(reason(rule(), version({ storageClass: "GLACIER_IR" })), "taken");
});

test("eligibility: replicas are not replicated on", () => {
  assert.equal(reason(rule(), version({ replicationStatus: "REPLICA" })), "isReplica");
  const marker = version({ isDeleteMarker: true, replicationStatus: "REPLICA" });
  assert.equal(reason(rule({ deleteMarkers: true }), marker, "deleteMarker"), "isReplica");
});

test("eligibility: delete markers need a V2 rule that says so, while V1 rules take those of users", () => {
  const marker = version({ isDeleteMarker: true });
  assert.equal(reason(rule(), marker, "deleteMarker"), "deleteMarkersNotReplicated");
  assert.equal(reason(rule({ deleteMarkers: true }), marker, "deleteMarker"), "taken");
  const { deleteMarkers: _, ...firstGeneration } = rule();
  assert.equal(reason(firstGeneration, marker, "deleteMarker"), "taken");
  assert.equal(reason(firstGeneration, { ...marker, byLifecycle: true }, "deleteMarker"), "markerByLifecycle");
});

test("eligibility: a change of metadata follows only versions that were admitted, to where they went", () => {
  assert.equal(reason(rule(), version(), "tags"), "neverAdmitted");
  const admitted = version({ replicationStatus: "COMPLETED", admittedTo: [DESTINATION] });
  const byTag = rule({ tags: [{ key: "gone", value: "since" }] });
  assert.equal(reason(byTag, admitted, "tags"), "taken");
  assert.equal(reason(rule({ to: "arn:aws:s3:::other" }), admitted, "tags"), "neverAdmitted");
});

test("eligibility: a replica's metadata goes back only by replica modification sync", () => {
  const replica = version({ replicationStatus: "REPLICA" });
  assert.equal(reason(rule(), replica, "tags"), "modificationsNotReplicated");
  assert.equal(reason(rule({ replicaModifications: true }), replica, "tags"), "taken");
});

test("eligibility: of rules with one destination the highest priority wins and the others name it", () => {
  const low = rule({ id: "low", priority: 1 });
  const high = rule({ id: "high", priority: 7 });
  const elsewhere = rule({ id: "elsewhere", priority: 0, to: "arn:aws:s3:::other" });
  const verdict = eligibility(configuration(low, high, elsewhere), version(), "put");
  assert.deepEqual(
    verdict.taken.map((one) => one.id),
    ["high", "elsewhere"],
  );
  assert.deepEqual(verdict.outcomes[0]?.taken === false ? verdict.outcomes[0].because : undefined, {
    reason: "outranked",
    byRuleId: "high",
  });
});

test("eligibility: a higher priority that does not take the version gives way", () => {
  const high = rule({ id: "high", priority: 7, prefix: "logs/" });
  const verdict = eligibility(configuration(rule({ id: "low" }), high), version(), "put");
  assert.deepEqual(
    verdict.taken.map((one) => one.id),
    ["low"],
  );
});

const rules = fc.array(
  fc.record({
    id: fc.uuid(),
    priority: fc.nat(50),
    enabled: fc.boolean(),
    prefix: fc.constantFrom("", "Tax/", "a"),
    kmsObjects: fc.boolean(),
    deleteMarkers: fc.boolean(),
    to: fc.constantFrom("arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:s3:::c"),
  }),
  { maxLength: 8 },
);

test("eligibility: each rule has one outcome, each destination at most one rule, whatever the order of the rules", () => {
  const candidates = fc.record({
    key: fc.constantFrom("Tax/1", "a", "b"),
    kind: fc.constantFrom("NOT-SSE", "SSE-S3", "SSE-KMS" as const),
    marker: fc.boolean(),
  });
  fc.assert(
    fc.property(rules, candidates, (specs, { key, kind, marker }) => {
      const made = specs.map((spec, index) => rule({ ...spec, priority: index * 100 + spec.priority }));
      const candidate = version({ key, isDeleteMarker: marker, encryption: { kind } });
      const operation = marker ? "deleteMarker" : "put";
      const verdict = eligibility(configuration(...made), candidate, operation);
      assert.equal(verdict.outcomes.length, made.length);
      const destinations = verdict.taken.map((one) => one.destination.bucketArn);
      assert.equal(new Set(destinations).size, destinations.length);
      const reversed = eligibility(configuration(...made.toReversed()), candidate, operation);
      assert.deepEqual(new Set(reversed.taken.map((one) => one.id)), new Set(verdict.taken.map((one) => one.id)));
    }),
  );
});
