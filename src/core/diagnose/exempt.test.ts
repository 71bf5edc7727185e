import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DocumentValue, Members } from "../config/document.ts";
import { compilePolicy } from "../iam/compile.ts";
import { principalContext } from "../iam/context.ts";
import { evaluate } from "../iam/evaluate.ts";
import type { Principal } from "../iam/model.ts";
import { parsePolicy } from "../iam/parse.ts";
import { type Exempted, exempt } from "./exempt.ts";

const ACCOUNT = "111122223333";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/replication`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/replication/s3-replication`;
const WHO: Exempted = { kind: "role", arn: ROLE, sessionArn: SESSION, accountId: ACCOUNT, bounded: false };
const S3: Exempted = { kind: "service", service: "s3.amazonaws.com" };
const OTHER = `arn:aws:iam::${ACCOUNT}:role/other`;

/** The statement after the caller was taken out of it. */
function after(statement: Members, who: Exempted = WHO): DocumentValue {
  const denying = { Effect: "Deny", ...statement };
  const document = { Version: "2012-10-17", Statement: [{ Effect: "Allow" }, denying] };
  const once = exempt(document, 1, who);
  assert.deepEqual(exempt(once, 1, who), once, "exempting twice changes nothing more");
  const [allow, changed] = (once as { Statement: DocumentValue[] }).Statement;
  assert.deepEqual(allow, { Effect: "Allow" });
  return changed ?? null;
}

test("exempt: a deny without a principal gets a condition", () => {
  const statement = { Action: "s3:*", Resource: "*" };
  assert.deepEqual(after(statement), {
    Effect: "Deny",
    ...statement,
    Condition: { ArnNotEquals: { "aws:PrincipalArn": ROLE } },
  });
});

test("exempt: conditions that are there stay and are still needed", () => {
  const Condition = { StringNotEquals: { "aws:SourceVpce": "vpce-1" }, Bool: { "aws:SecureTransport": "false" } };
  assert.deepEqual(after({ Principal: "*", Condition }), {
    Effect: "Deny",
    Principal: "*",
    Condition: { ...Condition, ArnNotEquals: { "aws:PrincipalArn": ROLE } },
  });
});

test("exempt: a list of exceptions by ARN gets one more, whatever its operator", () => {
  for (const operator of [
    "ArnNotEquals",
    "ArnNotLike",
    "StringNotLike",
    "stringnotequalsifexists",
    "ArnNotLikeIfExists",
  ]) {
    const statement = { Principal: "*", Condition: { [operator]: { "aws:principalarn": OTHER } } };
    assert.deepEqual(after(statement), {
      Effect: "Deny",
      Principal: "*",
      Condition: { [operator]: { "aws:principalarn": [OTHER, ROLE] } },
    });
  }
});

test("exempt: other keys under the same operator stay", () => {
  const Condition = { ArnNotEquals: { "aws:SourceArn": "arn:aws:s3:::b" } };
  assert.deepEqual(after({ Condition }), {
    Effect: "Deny",
    Condition: { ArnNotEquals: { "aws:SourceArn": "arn:aws:s3:::b", "aws:PrincipalArn": ROLE } },
  });
});

test("exempt: a role that is listed with others is taken off the list, and one that stands alone gets a condition", () => {
  assert.deepEqual(after({ Principal: { AWS: [ROLE, OTHER] } }), { Effect: "Deny", Principal: { AWS: [OTHER] } });
  assert.deepEqual(after({ Principal: { AWS: [SESSION], Service: "ec2.amazonaws.com" } }), {
    Effect: "Deny",
    Principal: { Service: "ec2.amazonaws.com" },
  });
  assert.deepEqual(after({ Principal: { AWS: ROLE } }), {
    Effect: "Deny",
    Principal: { AWS: ROLE },
    Condition: { ArnNotEquals: { "aws:PrincipalArn": ROLE } },
  });
});

test("exempt: taking a role off a list does not help where its account is denied", () => {
  const Principal = { AWS: [ROLE, `arn:aws:iam::${ACCOUNT}:root`] };
  assert.deepEqual(after({ Principal }), {
    Effect: "Deny",
    Principal,
    Condition: { ArnNotEquals: { "aws:PrincipalArn": ROLE } },
  });
});

test("exempt: a NotPrincipal that spares the account spares role and session too", () => {
  assert.deepEqual(after({ NotPrincipal: { AWS: [`arn:aws:iam::${ACCOUNT}:root`, OTHER] } }), {
    Effect: "Deny",
    NotPrincipal: { AWS: [`arn:aws:iam::${ACCOUNT}:root`, OTHER, ROLE, SESSION] },
  });
});

test("exempt: a NotPrincipal is left alone where adding to it would spare others, or would not help", () => {
  const condition = { Condition: { ArnNotEquals: { "aws:PrincipalArn": ROLE } } };
  const strangers = { NotPrincipal: { AWS: "arn:aws:iam::999900001111:root" } };
  assert.deepEqual(after(strangers), { Effect: "Deny", ...strangers, ...condition });
  const own = { NotPrincipal: { AWS: ACCOUNT } };
  assert.deepEqual(after(own, { ...WHO, bounded: true }), { Effect: "Deny", ...own, ...condition });
});

test("exempt: a service is taken out by its name", () => {
  assert.deepEqual(after({ Principal: "*" }, S3), {
    Effect: "Deny",
    Principal: "*",
    Condition: { StringNotEquals: { "aws:PrincipalServiceName": "s3.amazonaws.com" } },
  });
  assert.deepEqual(after({ Principal: { Service: ["s3.amazonaws.com", "ec2.amazonaws.com"] } }, S3), {
    Effect: "Deny",
    Principal: { Service: ["ec2.amazonaws.com"] },
  });
  assert.deepEqual(after({ NotPrincipal: { Service: "ec2.amazonaws.com" } }, S3), {
    Effect: "Deny",
    NotPrincipal: { Service: ["ec2.amazonaws.com", "s3.amazonaws.com"] },
  });
});

test("exempt: only a deny that is there is changed, by its place or its Sid, in a list or alone", () => {
  const deny = { Sid: "No", Effect: "Deny", Action: "*", Resource: "*" };
  const document = { Statement: deny };
  assert.deepEqual(exempt(document, 0, WHO), exempt(document, "No", WHO));
  assert.notDeepEqual(exempt(document, "No", WHO), document);
  assert.deepEqual(exempt(document, "Other", WHO), document);
  assert.deepEqual(exempt({ Statement: [{ ...deny, Effect: "Allow" }] }, 0, WHO), {
    Statement: [{ ...deny, Effect: "Allow" }],
  });
  assert.equal(exempt(null, 0, WHO), null);
});

const ASKING: Extract<Principal, { kind: "session" }> = {
  kind: "session",
  accountId: ACCOUNT,
  arn: SESSION,
  roleArn: ROLE,
  roleId: "AROAEXAMPLEROLE00001",
  sessionName: "s3-replication",
};
const NEIGHBOUR: Principal = {
  ...ASKING,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/other/x`,
  roleArn: OTHER,
  roleId: "AROAEXAMPLEROLE00002",
  sessionName: "x",
};

function isDenied(document: DocumentValue, principal: Principal, context: Record<string, string>): boolean {
  const parsed = parsePolicy(document, "resource");
  assert.ok(parsed.document !== undefined);
  const decision = evaluate(
    {
      principal,
      action: "s3:ReplicateObject",
      resource: "arn:aws:s3:::b/k",
      resourceAccount: ACCOUNT,
      context: { ...principalContext(principal), ...context },
    },
    {
      identity: [],
      resource: compilePolicy(parsed.document, { kind: "resource", name: "it" }),
      resourceRule: "either",
    },
  );
  return !decision.allowed && decision.because === "explicitDeny";
}

test("exempt: whatever the statement says, the role is denied no more and its neighbour as before", () => {
  const names = [ROLE, SESSION, OTHER, ACCOUNT, "arn:aws:iam::999900001111:root"];
  const listed = fc.record({ AWS: fc.subarray(names, { minLength: 1 }) });
  const element = fc.oneof(
    fc.constant({ Principal: "*" }),
    listed.map((Principal) => ({ Principal })),
    listed.map((NotPrincipal) => ({ NotPrincipal })),
  );
  const condition = fc.constantFrom(
    {},
    { Condition: { StringNotEquals: { "aws:SourceVpce": "vpce-1" } } },
    { Condition: { ArnNotLike: { "aws:PrincipalArn": ["arn:aws:iam::*:role/admin"] } } },
    { Condition: { StringEquals: { "aws:SourceVpce": "vpce-2" } } },
  );
  const context = fc.constantFrom<Record<string, string>>({}, { "aws:sourcevpce": "vpce-2" });
  fc.assert(
    fc.property(element, condition, context, (principals, conditions, given) => {
      const statement = { Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::b/*", ...principals, ...conditions };
      const before = { Version: "2012-10-17", Statement: [statement] };
      const changed = exempt(before, 0, WHO);
      assert.equal(isDenied(changed, ASKING, given), false);
      assert.equal(isDenied(changed, NEIGHBOUR, given), isDenied(before, NEIGHBOUR, given));
    }),
    { numRuns: 300 },
  );
});
