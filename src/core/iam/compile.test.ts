import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "./compile.ts";
import type { Statement } from "./document.ts";
import { evaluate } from "./evaluate.ts";
import type { PolicyKind, RequestContext } from "./model.ts";

const ALLOW_ALL: Statement = {
  effect: "Allow",
  action: { not: false, patterns: ["*"] },
  resource: { not: false, patterns: ["*"] },
  conditions: [],
};

/** Whether a lone statement, which need not have come through the parser, allows a read by a user. */
function allows(changes: Partial<Statement>, context: RequestContext = {}, kind: PolicyKind = "identity"): boolean {
  const document = { version: "2012-10-17", statements: [{ ...ALLOW_ALL, ...changes }] } as const;
  const policy = compilePolicy(document, { kind, name: "it" });
  const principal = { kind: "user", accountId: "1", arn: "arn:aws:iam::1:user/u", userId: "AIDA" } as const;
  const request = { principal, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", resourceAccount: "1", context };
  const policies = kind === "resource" ? { identity: [], resource: policy } : { identity: [policy] };
  return evaluate(request, { ...policies, resourceRule: "either" }).allowed;
}

describe("a document that the parser would not have passed", () => {
  it("with an operator that does not exist never applies", () => {
    const condition = { operator: "StringEqual", key: "aws:username", values: ["u"] };
    assert.equal(allows({ conditions: [condition] }, { "aws:username": "u" }), false);
    assert.equal(allows({ conditions: [] }), true);
  });

  it("with an empty pattern covers nothing by it", () => {
    assert.equal(allows({ resource: { not: false, patterns: [""] } }), false);
    assert.equal(allows({ action: { not: false, patterns: [""] } }), false);
    assert.equal(allows({ action: { not: false, patterns: [] } }), false);
  });

  it("with a policy variable in an action takes it for text", () => {
    const action = { not: false, patterns: [`s3:$${"{"}aws:username}`] };
    assert.equal(allows({ action }, { "aws:username": "getobject" }), false);
  });

  it("with a resource of too few parts covers nothing by it", () => {
    assert.equal(allows({ resource: { not: false, patterns: ["arn:aws:s3*"] } }), false);
    assert.equal(allows({ resource: { not: false, patterns: ["arn:aws:s3::b*"] } }), false);
  });

  it("without a principal covers nobody on a resource and everybody on an identity", () => {
    assert.equal(allows({}, {}, "resource"), false);
    assert.equal(allows({}, {}, "identity"), true);
  });
});

describe("a compiled policy", () => {
  it("keeps the places that statements have in the document", () => {
    const deny: Statement = { ...ALLOW_ALL, effect: "Deny", sid: "D" };
    const document = { version: "2012-10-17", statements: [ALLOW_ALL, deny, { ...ALLOW_ALL, sid: "A" }] } as const;
    const source = { kind: "identity", name: "it" } as const;
    const { allows: allowing, denies } = compilePolicy(document, source);
    assert.deepEqual(
      denies.map((one) => one.ref),
      [{ source, sid: "D", index: 1, effect: "Deny" }],
    );
    assert.deepEqual(
      allowing.map((one) => one.ref),
      [
        { source, index: 0, effect: "Allow" },
        { source, sid: "A", index: 2, effect: "Allow" },
      ],
    );
  });
});
