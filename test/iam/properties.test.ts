/** What holds for all policies and all requests. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { evaluate } from "../../src/core/iam/evaluate.ts";
import { accessDeniedMessage, explain, sayDecision, sayNearMiss } from "../../src/core/iam/explain.ts";
import { compileAll, policies, request, statement } from "./arbitraries.ts";
import { decide, type Json, type JsonObject, type ReferencePolicies } from "./reference.ts";

const RUNS = { numRuns: 500 };

describe("the evaluator", () => {
  it("decides as the naive reference does", () => {
    let allowed = 0;
    fc.assert(
      fc.property(request, policies, (asked, documents) => {
        const decision = evaluate(asked, compileAll(documents));
        if (decision.allowed) allowed += 1;
        assert.equal(decision.allowed ? "allowed" : decision.because, decide(asked, documents));
      }),
      { numRuns: 4000 },
    );
    assert.ok(allowed > 500, `only ${allowed} of the requests were allowed, so little was compared`);
  });

  it("never allows more because a Deny was added", () => {
    const added = fc.record({
      deny: statement({ principals: true, effect: "Deny" }),
      where: fc.constantFrom("identity", "boundary", "resource", "vpcEndpoint"),
    });
    fc.assert(
      fc.property(request, policies, added, (asked, documents, { deny, where }) => {
        const after = withStatement(documents, where, deny);
        fc.pre(after !== undefined);
        const { allowed } = evaluate(asked, compileAll(after));
        if (allowed) assert.ok(evaluate(asked, compileAll(documents)).allowed);
      }),
      RUNS,
    );
  });

  it("gives the same answer whatever the order of statements", () => {
    fc.assert(
      fc.property(request, policies, (asked, documents) => {
        const decision = evaluate(asked, compileAll(documents));
        const turned = evaluate(asked, compileAll(turnedRound(documents)));
        assert.equal(turned.allowed, decision.allowed);
        if (decision.allowed || turned.allowed) return;
        assert.equal(turned.because, decision.because);
        if (decision.because === "noAllow" && turned.because === "noAllow") {
          assert.deepEqual(turned.missing, decision.missing);
        }
      }),
      RUNS,
    );
  });

  it("gives the same answer when an allow is written twice", () => {
    fc.assert(
      fc.property(request, policies, (asked, documents) => {
        const doubled = { ...documents, identity: [...documents.identity, ...documents.identity] };
        assert.deepEqual(evaluate(asked, compileAll(doubled)), evaluate(asked, compileAll(documents)));
      }),
      RUNS,
    );
  });
});

describe("an explanation", () => {
  it("names missing kinds when nothing allows, and near misses only then", () => {
    fc.assert(
      fc.property(request, policies, (asked, documents) => {
        const compiled = compileAll(documents);
        const { decision, nearMisses } = explain(asked, compiled);
        assert.deepEqual(decision, evaluate(asked, compiled));
        assert.match(sayDecision(asked, decision), / may (?:not )?.*\.$/s);
        if (decision.allowed || decision.because === "explicitDeny") assert.deepEqual(nearMisses, []);
        else assert.ok(decision.missing.length > 0);
        if (!decision.allowed) assert.ok(accessDeniedMessage(asked, decision).length > 0);
        for (const miss of nearMisses) {
          assert.equal(miss.statement.effect, "Allow");
          assert.equal(
            miss.failed === "condition" && miss.statement.source.kind !== "grant",
            miss.conditions !== undefined,
          );
          assert.match(sayNearMiss(miss), /would allow it but for its/);
        }
      }),
      RUNS,
    );
  });

  it("names near misses that decide: mending one adds an allow", () => {
    fc.assert(
      fc.property(request, policies, (asked, documents) => {
        const { nearMisses } = explain(asked, compileAll(documents));
        const miss = nearMisses.find((one) => one.statement.source.kind === "identity" && one.failed === "action");
        fc.pre(miss !== undefined);
        const mended = documents.identity.map((document) => mendAction(document as JsonObject, asked.action));
        const { decision } = explain(asked, compileAll({ ...documents, identity: mended }));
        const lacks = !decision.allowed && decision.because === "noAllow" && decision.missing.includes("identity");
        assert.ok(!lacks);
      }),
      { numRuns: 200 },
    );
  });
});

function statementsOf(document: Json): readonly Json[] {
  const statements = (document as JsonObject)["Statement"];
  return Array.isArray(statements) ? (statements as readonly Json[]) : [];
}

function withStatement(documents: ReferencePolicies, where: string, added: JsonObject): ReferencePolicies | undefined {
  const { Principal: _principal, NotPrincipal: _not, ...withoutPrincipal } = added;
  const extend = (document: Json, one: Json): Json => ({
    ...(document as JsonObject),
    Statement: [...statementsOf(document), one],
  });
  const { identity, boundary, resource, vpcEndpoint } = documents;
  if (added["Effect"] !== "Deny") return undefined;
  switch (where) {
    case "identity":
      return { ...documents, identity: [...identity, { Version: "2012-10-17", Statement: [withoutPrincipal] }] };
    case "boundary":
      return boundary === undefined ? undefined : { ...documents, boundary: extend(boundary, withoutPrincipal) };
    case "resource":
      return resource === undefined ? undefined : { ...documents, resource: extend(resource, added) };
    default:
      return vpcEndpoint === undefined ? undefined : { ...documents, vpcEndpoint: extend(vpcEndpoint, added) };
  }
}

function turnedRound(documents: ReferencePolicies): ReferencePolicies {
  const turn = (document: Json): Json => ({
    ...(document as JsonObject),
    Statement: [...statementsOf(document)].reverse(),
  });
  const { identity, boundary, resource, session, scps } = documents;
  return {
    ...documents,
    identity: identity.map(turn).reverse(),
    ...(boundary === undefined ? {} : { boundary: turn(boundary) }),
    ...(resource === undefined ? {} : { resource: turn(resource) }),
    ...(session === undefined ? {} : { session: session.map(turn).reverse() }),
    ...(scps === undefined ? {} : { scps: scps.map((level) => level.map(turn).reverse()).reverse() }),
  };
}

/** Lets every allow of the document cover the action too. */
function mendAction(document: JsonObject, action: string): JsonObject {
  const Statement = statementsOf(document).map((one): JsonObject => {
    const { NotAction: _not, ...rest } = one as JsonObject;
    return rest["Effect"] === "Allow" ? { ...rest, Action: action } : (one as JsonObject);
  });
  return { ...document, Statement };
}
