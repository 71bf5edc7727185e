/** Input that is made to break: it has to end in an answer, and soon. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compilePolicy } from "../../src/core/iam/compile.ts";
import { principalContext } from "../../src/core/iam/context.ts";
import type { DocumentKind } from "../../src/core/iam/document.ts";
import { evaluate } from "../../src/core/iam/evaluate.ts";
import { explain } from "../../src/core/iam/explain.ts";
import type { AccessRequest, Principal, RequestContext } from "../../src/core/iam/model.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import type { Json } from "./reference.ts";

const ANNA: Principal = {
  kind: "user",
  accountId: "111122223333",
  arn: "arn:aws:iam::111122223333:user/anna",
  userId: "AIDAANNA000000000001",
};

function ask(resource: string, context: RequestContext = {}): AccessRequest {
  return { principal: ANNA, action: "s3:GetObject", resource, resourceAccount: "111122223333", context };
}

function allows(statement: Json, request: AccessRequest): boolean {
  const { document } = parsePolicy({ Version: "2012-10-17", Statement: statement }, "identity");
  assert.ok(document !== undefined);
  const policies = {
    identity: [compilePolicy(document, { kind: "identity", name: "p" })],
    resourceRule: "either" as const,
  };
  assert.deepEqual(explain(request, policies).decision, evaluate(request, policies));
  return evaluate(request, policies).allowed;
}

describe("hostile patterns", () => {
  const length = 100_000;
  const cases: readonly (readonly [name: string, pattern: string, text: string, matches: boolean])[] = [
    ["a*a*…b against a…a", `${"a*".repeat(5000)}b`, "a".repeat(length), false],
    ["*a*a…* against a…a", `${"*a".repeat(5000)}*`, "a".repeat(length), true],
    ["stars only", "*".repeat(length), "a".repeat(10), true],
    ["question marks only", "?".repeat(length), "a".repeat(length), true],
    ["stars and question marks", "*?".repeat(2000), "a".repeat(length), true],
    ["one piece of question marks that ends wrong", `*${"?".repeat(500)}b*`, "a".repeat(length), false],
    ["open variables", "${".repeat(length), "a", false],
    ["a variable with a name without end", `\${${"a".repeat(length)}`, "a", false],
    ["many variables", `${"$"}{aws:username}*`.repeat(2000), "anna".repeat(2000), true],
  ];
  for (const [name, pattern, text, matches] of cases) {
    it(`${name} end in an answer as a resource`, () => {
      const statement = { Effect: "Allow", Action: "s3:*", Resource: `arn:aws:s3:::b/${pattern}` };
      assert.equal(allows(statement, ask(`arn:aws:s3:::b/${text}`, { "aws:username": "anna" })), matches);
    });
    it(`${name} end in an answer as a condition`, () => {
      const statement = {
        Effect: "Allow",
        Action: "s3:*",
        Resource: "*",
        Condition: { StringLike: { "s3:prefix": pattern } },
      };
      assert.equal(allows(statement, ask("arn:aws:s3:::b", { "s3:prefix": text, "aws:username": "anna" })), matches);
    });
  }

  it("as an action end in an answer", () => {
    assert.equal(
      allows({ Effect: "Allow", Action: `s3:${"*e".repeat(5000)}`, Resource: "*" }, ask("arn:aws:s3:::b")),
      false,
    );
  });

  it("in an ARN condition end in an answer", () => {
    const colons = {
      Effect: "Allow",
      Action: "*",
      Resource: "*",
      Condition: { ArnLike: { "aws:SourceArn": "*:".repeat(length) } },
    };
    assert.equal(allows(colons, ask("arn:aws:s3:::b", { "aws:SourceArn": ":".repeat(length) })), false);
  });
});

describe("hostile documents", () => {
  it("that nest a hundred thousand levels are problems and not a crash", () => {
    const deep = (open: string, close: string): string => open.repeat(100_000) + close.repeat(100_000);
    assert.equal(parsePolicy(deep("[", "]"), "identity").problems[0]?.code, "notAnObject");
    const statement = `{"Statement":${deep("[", "]")}}`;
    assert.equal(parsePolicy(statement, "identity").problems[0]?.code, "wrongType");
    const objects = `{"Statement":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`;
    assert.equal(parsePolicy(objects, "identity").problems[0]?.code, "unknownMember");
  });

  it("with twenty thousand actions, resources and statements are read", () => {
    const many = Array.from({ length: 20_000 }, (_, index) => index);
    const actions = {
      Effect: "Allow",
      Action: many.map((index) => `s3:Get${index}`),
      Resource: many.map((index) => `arn:aws:s3:::b${index}/*`),
    };
    assert.equal(allows(actions, ask("arn:aws:s3:::b7/k")), false);
    const statements = many.map((index) => ({ Effect: "Allow", Action: "s3:*", Resource: `arn:aws:s3:::b${index}` }));
    assert.equal(allows(statements, ask("arn:aws:s3:::b19999")), true);
  });

  it("with a hundred thousand problems report a thousand of them", () => {
    const wrong = { Statement: { Effect: "Allow", Action: Array.from({ length: 100_000 }, () => 7), Resource: "*" } };
    assert.equal(parsePolicy(wrong, "identity").problems.length, 1000);
  });

  it("with a member that stands a hundred thousand times report it a hundred times", () => {
    const text = `{"Statement":[],${'"a":1,'.repeat(100_000)}"Version":"2012-10-17"}`;
    const { problems } = parsePolicy(text, "identity");
    assert.equal(problems.filter((problem) => problem.code === "repeatedMember").length, 100);
  });

  it("never carry their own text into a problem in full", () => {
    const { problems } = parsePolicy(
      { Statement: { Effect: "Allow", Action: "x".repeat(1_000_000), Resource: "*" } },
      "identity",
    );
    assert.ok((problems[0]?.says.length ?? 0) < 1000);
  });

  it("of any JSON give a document or problems", () => {
    const kind = fc.constantFrom<DocumentKind>("identity", "resource", "trust");
    fc.assert(
      fc.property(fc.jsonValue(), kind, (value, documentKind) => {
        const parsed = parsePolicy(value, documentKind);
        assert.ok(parsed.document !== undefined || parsed.problems.length > 0);
        assert.deepEqual(
          parsePolicy(JSON.stringify(value), documentKind).problems.length > 0,
          parsed.problems.length > 0,
        );
      }),
    );
  });

  it("of any text or value give problems and not a crash", () => {
    for (const value of [undefined, Number.NaN, 1n, Symbol("s"), () => 1, new Date(0), new Map(), "", "\u0000", "{"]) {
      assert.ok(parsePolicy(value, "identity").problems.length > 0);
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => parsePolicy(text, "trust").problems.length > 0));
  });
});

describe("names of built-in members", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

  for (const name of names) {
    it(`${name} as a condition key, a variable and an operator finds nothing`, () => {
      const absent = {
        Effect: "Allow",
        Action: "*",
        Resource: "*",
        Condition: { Null: JSON.parse(`{"${name}":"true"}`) as Json },
      };
      assert.equal(allows(absent, ask("arn:aws:s3:::b")), true);
      const variable = { Effect: "Allow", Action: "*", Resource: `arn:aws:s3:::\${${name}}*` };
      assert.equal(allows(variable, ask("arn:aws:s3:::function Object")), false);
      const operator = JSON.parse(`{"${name}":{"aws:a":"b"}}`) as Json;
      const { document, problems } = parsePolicy(
        { Statement: { Effect: "Allow", Action: "*", Resource: "*", Condition: operator } },
        "identity",
      );
      assert.deepEqual([document, problems[0]?.code], [undefined, "unknownOperator"]);
    });

    it(`${name} as a member is unknown, and does not give what it holds`, () => {
      const text = `{"${name}":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`;
      const { document, problems } = parsePolicy(text, "identity");
      assert.equal(document, undefined);
      assert.deepEqual(
        problems.map((problem) => problem.code),
        ["unknownMember", "missingMember"],
      );
    });

    it(`${name} as a key of the request is a key like any other`, () => {
      const context = JSON.parse(`{"${name.toLowerCase()}":"v"}`) as RequestContext;
      const statement = {
        Effect: "Allow",
        Action: "*",
        Resource: "*",
        Condition: { StringEquals: JSON.parse(`{"${name}":"v"}`) as Json },
      };
      assert.equal(allows(statement, ask("arn:aws:s3:::b", context)), true);
    });
  }

  it("inherited members of a context do not count", () => {
    const context = Object.create({ "aws:username": "anna" }) as RequestContext;
    const statement = {
      Effect: "Allow",
      Action: "*",
      Resource: "*",
      Condition: { StringEquals: { "aws:username": "anna" } },
    };
    assert.equal(allows(statement, ask("arn:aws:s3:::b", context)), false);
    assert.equal(allows(statement, ask("arn:aws:s3:::b", principalContext(ANNA))), true);
  });

  it("inherited members of a document do not count", () => {
    const inherited: unknown = Object.create({ Statement: { Effect: "Allow", Action: "*", Resource: "*" } });
    assert.equal(parsePolicy(inherited, "identity").document, undefined);
  });
});
