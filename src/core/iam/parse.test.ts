import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePolicy } from "./parse.ts";

describe("a parsed document", () => {
  it("says everything that the JSON says, in one shape", () => {
    const { document, problems } = parsePolicy(
      {
        Version: "2012-10-17",
        Id: "id",
        Statement: {
          Sid: "S",
          Effect: "Deny",
          NotPrincipal: { AWS: "111122223333", Service: ["s3.amazonaws.com"] },
          NotAction: "s3:Get*",
          NotResource: ["arn:aws:s3:::b/*"],
          Condition: { NumericLessThan: { "s3:TlsVersion": 1.2 }, Bool: { "aws:SecureTransport": [true] } },
        },
      },
      "resource",
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(document, {
      version: "2012-10-17",
      id: "id",
      statements: [
        {
          sid: "S",
          effect: "Deny",
          principal: {
            not: true,
            entries: [
              { type: "AWS", value: "111122223333" },
              { type: "Service", value: "s3.amazonaws.com" },
            ],
          },
          action: { not: true, patterns: ["s3:Get*"] },
          resource: { not: true, patterns: ["arn:aws:s3:::b/*"] },
          conditions: [
            { operator: "NumericLessThan", key: "s3:TlsVersion", values: ["1.2"] },
            { operator: "Bool", key: "aws:SecureTransport", values: ["true"] },
          ],
        },
      ],
    });
  });

  it("leaves out what the JSON leaves out", () => {
    const { document } = parsePolicy(
      { Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: "*" }] },
      "trust",
    );
    assert.deepEqual(document, {
      version: "2008-10-17",
      statements: [
        {
          effect: "Allow",
          principal: { not: false, entries: [{ type: "*", value: "*" }] },
          action: { not: false, patterns: ["sts:AssumeRole"] },
          conditions: [],
        },
      ],
    });
  });
});

describe("a problem", () => {
  it("of a misspelt member says how it is spelt", () => {
    const { problems } = parsePolicy({ statement: [] }, "identity");
    assert.equal(problems[0]?.says, "No member called statement may stand here. The name is spelt Statement.");
  });

  it("of a member that resembles none does not guess", () => {
    const { problems } = parsePolicy({ Comment: "", Statement: [] }, "identity");
    assert.equal(problems[0]?.says, "No member called Comment may stand here.");
  });

  it("of text that is not JSON says why", () => {
    const [problem] = parsePolicy("{", "identity").problems;
    assert.equal(problem?.code, "notJson");
    assert.match(problem?.says ?? "", /^The policy is not JSON: .+\.$/);
  });
});
