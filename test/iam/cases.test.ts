/** Runs every JSON case of `test/fixtures/iam` through the evaluator, and through the naive reference beside it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "../../src/core/iam/compile.ts";
import { evaluate } from "../../src/core/iam/evaluate.ts";
import { accessDeniedMessage, explain, sayDecision } from "../../src/core/iam/explain.ts";
import type { AccessRequest, Decision, NearMiss, StatementRef } from "../../src/core/iam/model.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import {
  type ConditionCase,
  compileDocument,
  type DocumentCase,
  type Expected,
  lowerKeys,
  type PatternCase,
  prepareCase,
  readCaseFiles,
} from "./case-files.ts";
import { decide, type Json } from "./reference.ts";

const files = readCaseFiles();

describe("the IAM cases", () => {
  it("have names that are not repeated, and sources", () => {
    const all = files.flatMap(({ file }) => [
      ...(file.cases ?? []),
      ...(file.conditions ?? []),
      ...(file.patterns ?? []),
      ...(file.documents ?? []),
    ]);
    const names = all.map((one) => one.name);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
    assert.deepEqual(
      all.filter((one) => one.source === undefined || one.source === ""),
      [],
    );
    assert.ok(all.length >= 150, `${all.length} cases`);
  });
});

for (const { fileName, file } of files) {
  describe(`${fileName}: ${file.about}`, () => {
    for (const one of file.cases ?? []) {
      const { title, request, policies, reference, expected } = prepareCase(one, file);
      it(title, () => {
        const { decision, nearMisses } = explain(request, policies);
        assert.deepEqual(decision, evaluate(request, policies));
        assert.deepEqual(summary(decision), wanted(expected));
        if (expected.nearMisses !== undefined) assert.deepEqual(nearMisses.map(missSummary), expected.nearMisses);
        if (expected.message !== undefined) {
          assert.ok(!decision.allowed);
          assert.equal(accessDeniedMessage(request, decision), expected.message);
        }
        if (expected.says !== undefined) assert.equal(sayDecision(request, decision), expected.says);
        assert.equal(decide(request, reference), decision.allowed ? "allowed" : decision.because, "the reference");
      });
    }
    for (const one of file.conditions ?? []) it(`${one.name} (${one.source})`, () => checkCondition(one));
    for (const one of file.patterns ?? []) it(`${one.name} (${one.source})`, () => checkPattern(one));
    for (const one of file.documents ?? []) it(`${one.name} (${one.source})`, () => checkDocument(one));
  });
}

type Summary = Pick<Expected, "allowedBy" | "andBy" | "deniedBy" | "missing" | "in">;

function summary(decision: Decision): Summary {
  if (!decision.allowed) {
    if (decision.because === "noAllow") return { missing: decision.missing };
    return { deniedBy: nameOf(decision.by), in: decision.by.source.kind };
  }
  if (decision.by === "accountRoot") return { allowedBy: "accountRoot" };
  const { by, andBy } = decision;
  return { allowedBy: nameOf(by), in: by.source.kind, ...(andBy === undefined ? {} : { andBy: nameOf(andBy) }) };
}

function wanted({ allowedBy, andBy, deniedBy, missing, in: kind }: Expected): Summary {
  return {
    ...(allowedBy === undefined ? {} : { allowedBy }),
    ...(andBy === undefined ? {} : { andBy }),
    ...(deniedBy === undefined ? {} : { deniedBy }),
    ...(missing === undefined ? {} : { missing }),
    ...(kind === undefined ? {} : { in: kind }),
  };
}

function nameOf(ref: StatementRef): string {
  return ref.sid ?? String(ref.index + 1);
}

function missSummary({ statement, failed, expected, actual }: NearMiss): NonNullable<Expected["nearMisses"]>[number] {
  return { statement: nameOf(statement), failed, expected, actual };
}

const SOMEBODY = {
  kind: "user",
  accountId: "111122223333",
  arn: "arn:aws:iam::111122223333:user/somebody",
  userId: "AIDAEXAMPLEUSER00001",
} as const;

/** Whether a lone statement allows, by the evaluator and by the reference, which have to agree. */
function allows(document: Json, more: Pick<AccessRequest, "action" | "resource" | "context">): boolean {
  const request: AccessRequest = { principal: SOMEBODY, resourceAccount: SOMEBODY.accountId, ...more };
  const policy = compileDocument(document, { kind: "identity", name: "the statement", documentKind: "identity" });
  const { allowed } = evaluate(request, { identity: [policy], resourceRule: "either" });
  assert.equal(
    decide(request, { identity: [document], resourceRule: "either" }) === "allowed",
    allowed,
    "the reference",
  );
  return allowed;
}

function checkCondition({ condition, context, holds, version = "2012-10-17" }: ConditionCase): void {
  const statement = { Effect: "Allow", Action: "*", Resource: "*", Condition: condition };
  const request = { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", context: lowerKeys(context) };
  assert.equal(allows({ Version: version, Statement: statement }, request), holds);
}

function checkPattern({ statement, matches, version = "2012-10-17", ...request }: PatternCase): void {
  const document = { Version: version, Statement: { Effect: "Allow", Action: "*", Resource: "*", ...statement } };
  const remaining = Object.fromEntries(
    Object.entries(document.Statement).filter(
      ([name]) =>
        !(name === "Action" && "NotAction" in statement) && !(name === "Resource" && "NotResource" in statement),
    ),
  );
  const { action = "s3:GetObject", resource = "arn:aws:s3:::b/k", context = {} } = request;
  const asked = { action, resource, context: lowerKeys(context) };
  assert.equal(allows({ ...document, Statement: remaining }, asked), matches);
}

function checkDocument({ text, document, kind, problems, readable = problems.length === 0 }: DocumentCase): void {
  const parsed = parsePolicy(text ?? document, kind);
  assert.deepEqual(
    parsed.problems.map(({ code, path }) => ({ code, path })),
    problems,
  );
  for (const problem of parsed.problems) assert.match(problem.says, /^[A-Z].*\.$/s);
  assert.equal(parsed.document !== undefined, readable);
  if (parsed.document !== undefined) {
    const compiled = compilePolicy(parsed.document, {
      kind: kind === "identity" ? "identity" : "resource",
      name: "it",
    });
    assert.equal(compiled.allows.length + compiled.denies.length, parsed.document.statements.length);
  }
}
