/** Overlaps of rules against brute force: every object of a small world, decided by the rule of eligibility itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Candidate, eligibility } from "../eligibility.ts";
import type { Operation, Rule, Tag } from "../model.ts";
import { canMeet, OVERLAPS_MAX, overlapsOf } from "./overlaps.ts";

const rule = (id: string, of: Partial<Rule> = {}): Rule => ({
  id,
  priority: 0,
  enabled: true,
  prefix: "",
  tags: [],
  deleteMarkers: false,
  kmsObjects: false,
  replicaModifications: false,
  destination: { bucketArn: "arn:aws:s3:::there", ownerOverride: false, metrics: false },
  ...of,
});

const elsewhere = (name: string): Pick<Rule, "destination"> => ({
  destination: { bucketArn: `arn:aws:s3:::${name}`, ownerOverride: false, metrics: false },
});

/** Every key up to three letters, one letter of which no prefix has; every set of tags; whatever else decides. */
const KEYS = ["a", "b", "z"].flatMap((one) => [one, ...["a", "b", "z"].flatMap((two) => [one + two, `${one}${two}z`])]);
const TAG_SETS: readonly (readonly Tag[])[] = [undefined, "1", "2"].flatMap((x) =>
  [undefined, "1"].map((y) => [
    ...(x === undefined ? [] : [{ key: "x", value: x }]),
    ...(y === undefined ? [] : [{ key: "y", value: y }]),
  ]),
);
const WORLD: readonly { readonly version: Candidate; readonly operation: Operation }[] = KEYS.flatMap((key) =>
  TAG_SETS.flatMap((tags) =>
    (["NOT-SSE", "SSE-KMS"] as const).flatMap((kind) => {
      const version = { key, isDeleteMarker: false, storageClass: "STANDARD", encryption: { kind }, tags };
      const marker = { ...version, isDeleteMarker: true, encryption: { kind: "NOT-SSE" as const }, tags: [] };
      return [
        { version, operation: "put" as const },
        { version: { ...version, replicationStatus: "REPLICA" as const }, operation: "tags" as const },
        ...(tags.length === 0 && kind === "NOT-SSE" ? [{ version: marker, operation: "deleteMarker" as const }] : []),
      ];
    }),
  ),
);

const prefix = fc.constantFrom("", "a", "b", "aa", "ab");
const tags = fc.subarray([
  { key: "x", value: "1" },
  { key: "y", value: "1" },
]);
const configuration = fc
  .array(
    fc.record({
      priority: fc.integer({ min: 0, max: 2 }),
      enabled: fc.constantFrom(true, true, true, false),
      prefix,
      tags: fc.oneof(fc.constant([]), fc.constant([{ key: "x", value: "2" }]), tags),
      deleteMarkers: fc.boolean(),
      kmsObjects: fc.boolean(),
      replicaModifications: fc.boolean(),
      to: fc.constantFrom("there", "there", "elsewhere"),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((rules) => rules.map(({ to, ...one }, index) => rule(`r${index}`, { ...one, ...elsewhere(to) })));

const takenIn = (rules: readonly Rule[], { version, operation }: (typeof WORLD)[number]) =>
  eligibility({ roleArn: "", schema: "V2", rules }, version, operation).taken;

test("a rule is shadowed exactly when it is enabled and nothing in the world is ever decided by it", () => {
  fc.assert(
    fc.property(configuration, (rules) => {
      const decided = new Set(WORLD.flatMap((one) => takenIn(rules, one).map(({ id }) => id)));
      const expected = rules.filter((one) => one.enabled && !decided.has(one.id)).map(({ id }) => id);
      const found = overlapsOf(rules).filter((one) => one.is === "shadowed");
      assert.deepEqual(
        found.map((one) => one.rule),
        expected,
      );
    }),
    { numRuns: 400 },
  );
});

test("two rules overlap exactly when some object is taken by either alone, to one destination", () => {
  fc.assert(
    fc.property(configuration, (rules) => {
      const found = overlapsOf(rules);
      const shadowed = new Set(found.filter((one) => one.is === "shadowed").map((one) => one.rule));
      const awake = rules.filter((one) => one.enabled && !shadowed.has(one.id));
      const meeting = awake.flatMap((one, index) =>
        awake.slice(index + 1).flatMap((other) => {
          const isSame = one.destination.bucketArn === other.destination.bucketArn;
          const both = WORLD.some(
            (each) => each.operation === "put" && takenIn([one], each).length + takenIn([other], each).length === 2,
          );
          return isSame && both ? [[one.id, other.id].toSorted().join(" ")] : [];
        }),
      );
      assert.deepEqual(
        found
          .filter((one) => one.is === "overlaps")
          .map((one) => [one.rule, one.other].toSorted().join(" "))
          .toSorted(),
        meeting.toSorted(),
      );
    }),
    { numRuns: 200 },
  );
});

test("of two that overlap the one is told as losing that loses", () => {
  const wide = rule("wide", { priority: 1 });
  const narrow = rule("narrow", { priority: 2, prefix: "docs/", tags: [{ key: "team", value: "red" }] });
  assert.deepEqual(overlapsOf([wide, narrow]), [
    {
      rule: "wide",
      other: "narrow",
      is: "overlaps",
      says: 'Both select what begins with "docs/" and carries team=red: "narrow" applies there, and "wide" does not',
    },
  ]);
});

test("a rule is shadowed by several rules that share in what it would take, and all of them are named", () => {
  const kms = rule("kms", { priority: 3, kmsObjects: true });
  const markers = rule("markers", { priority: 2, deleteMarkers: true });
  const both = rule("both", { priority: 1, prefix: "docs/", kmsObjects: true, deleteMarkers: true });
  const [shadow] = overlapsOf([both, kms, markers]);
  assert.deepEqual(shadow, {
    rule: "both",
    other: "kms",
    is: "shadowed",
    says: '"both" never applies: "kms" and "markers" come before it and take all that it would take',
  });
  assert.equal(overlapsOf([both, kms])[0]?.is, "overlaps", "its delete markers are its own");
});

test("rules to different destinations and disabled rules are in nobody's way", () => {
  assert.deepEqual(overlapsOf([rule("one", elsewhere("here")), rule("other")]), []);
  assert.deepEqual(overlapsOf([rule("one", { enabled: false }), rule("other", { priority: 1 })]), []);
});

test("filters of more than ten tags in all select no object together", () => {
  const tagged = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({ key: `k${from + index}`, value: "v" }));
  assert.ok(canMeet(rule("one", { tags: tagged(0, 6) }), rule("other", { tags: tagged(4, 6) })));
  assert.ok(!canMeet(rule("one", { tags: tagged(0, 6) }), rule("other", { tags: tagged(6, 5) })));
});

test("a thousand rules that all overlap are told in a list that somebody can read", () => {
  const rules = Array.from({ length: 1000 }, (_, index) =>
    rule(`r${index}`, { priority: index, tags: [{ key: `k${index}`, value: "v" }] }),
  );
  assert.equal(overlapsOf(rules).length, OVERLAPS_MAX);
});
