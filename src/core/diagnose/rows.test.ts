/** The causes that people meet, row by row of the reference: facts in, causes with their patches out. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Change, factsOf } from "../../../test/fixtures/diagnose-facts.ts";
import { failureEntry } from "../failures/catalogue.ts";
import { diagnose } from "./diagnose.ts";
import { explainVersion } from "./explain-version.ts";
import { patchesOf } from "./patches.ts";
import type { Cause, Patch } from "./report.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly facts: Change;
  readonly causes: readonly ExpectedCause[];
  readonly notes?: readonly string[];
  /** Of `scanned`, what is not 0. */
  readonly scanned?: Readonly<Record<string, number>>;
  readonly silent?: Readonly<Record<string, number>>;
}

interface ExpectedCause {
  readonly code: Cause["code"];
  readonly class: Cause["class"];
  readonly action?: string;
  readonly versions: number;
  readonly confidence?: Cause["confidence"];
  /** By target: what the document holds afterwards (a part of its JSON text), and not any more with a "!" before it. */
  readonly patches?: Readonly<Record<string, readonly string[]>>;
  /** A part of what the evidence says. */
  readonly because?: string;
  readonly resync?: boolean;
}

const DIRECTORY = "test/fixtures/diagnose";
const CASES = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(".json"))
  .sort()
  .flatMap((file) => JSON.parse(readFileSync(join(DIRECTORY, file), "utf8")) as Case[]);

for (const one of CASES) {
  test(`diagnose: ${one.name}`, () => {
    const facts = factsOf(one.facts);
    const { diagnosis, edits } = diagnose(facts);
    const causes = [...diagnosis.causes].sort(byCode);
    const expected = [...one.causes].sort(byCode);
    assert.deepEqual(causes.map(summary), expected.map(summary));
    for (const [index, cause] of causes.entries()) checkCause(cause, expected[index]);
    const { silent, ...counts } = diagnosis.scanned;
    if (one.scanned !== undefined) assert.deepEqual(nonZero(counts), one.scanned);
    if (one.silent !== undefined) assert.deepEqual(nonZero({ ...silent }), one.silent);
    assert.deepEqual(
      diagnosis.notes.map((note) => note.kind),
      one.notes ?? [],
    );
    // All patches together compose, and every version can be explained by itself.
    const all = patchesOf([...edits.values()].flat());
    assert.equal(new Set(all.map((patch) => `${patch.target} ${patch.resource} ${patch.name ?? ""}`)).size, all.length);
    for (const version of facts.versions) explainVersion(facts, version);
  });
}

/** Causes that are as wide as each other stand in no order that means anything. */
function byCode(
  a: { readonly code: string; readonly action?: string },
  b: { readonly code: string; readonly action?: string },
) {
  const [one, other] = [a, b].map(({ code, action = "" }) => `${code} ${action}`);
  return (one ?? "") < (other ?? "") ? -1 : 1;
}

function summary(cause: ExpectedCause | Cause): string {
  const versions = "affected" in cause ? cause.affected.versions : cause.versions;
  return `${cause.code} (${cause.class}) ${cause.action ?? ""} ${versions}`;
}

function checkCause(cause: Cause, expected: ExpectedCause | undefined): void {
  assert.ok(expected !== undefined);
  assert.equal(cause.confidence, expected.confidence ?? "proven");
  assert.equal(cause.fix.resync, expected.resync ?? true);
  const { patches } = cause.fix;
  const wanted = Object.entries(expected.patches ?? {});
  assert.deepEqual(
    patches.map((one) => one.target),
    wanted.map(([target]) => target),
  );
  for (const [index, [, parts]] of wanted.entries()) for (const part of parts) checkPatch(patches[index], part);
  const entry = failureEntry(cause.code);
  for (const { target } of patches) assert.ok(entry.patch?.includes(target), `${cause.code} may not change ${target}`);
  assert.ok(
    cause.evidence.some((one) => entry.evidence.includes(one.kind)),
    `${cause.code} has none of its evidence`,
  );
  const { because } = expected;
  if (because !== undefined) {
    const said = cause.evidence.map((one) => one.says).join("\n");
    assert.ok(said.includes(because), said);
  }
}

function checkPatch(patch: Patch | undefined, part: string): void {
  const after = JSON.stringify(patch?.after);
  const isGone = part.startsWith("!");
  assert.equal(after.includes(isGone ? part.slice(1) : part), !isGone, `${part} in ${after}`);
}

function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
