import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "../core/iam/compile.ts";
import type { PolicyKind } from "../core/iam/model.ts";
import { parsePolicy } from "../core/iam/parse.ts";
import { createAuthoriser } from "./authorise.ts";
import { ANONYMOUS, type Ask, type Caller, type Caps, ServiceError } from "./model.ts";

const ACCOUNT = "111122223333";
const OTHER = "444455556666";
const authoriser = createAuthoriser();

function compiled(kind: PolicyKind, ...statements: object[]) {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const { document } = parsePolicy(text, kind === "resource" || kind === "rcp" ? "resource" : "identity");
  assert.ok(document !== undefined);
  return compilePolicy(document, { kind, name: "test" });
}

function session(more: Partial<Caller>, condition?: object): Caller {
  const statement = {
    Effect: "Allow",
    Action: "s3:*",
    Resource: "*",
    ...(condition === undefined ? {} : { Condition: condition }),
  };
  return {
    principal: {
      kind: "session",
      accountId: ACCOUNT,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/r/s`,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/p/r`,
      roleId: "AROAEXAMPLE",
      sessionName: "s",
    },
    accessKeyId: "ASIA",
    identity: [compiled("identity", statement)],
    ...more,
  };
}

function ask(more: Partial<Ask> = {}): Ask {
  return { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", resourceAccount: ACCOUNT, context: {}, ...more };
}

describe("the authoriser", () => {
  it("adds the keys of the principal, and what a request claims about itself does not replace them", () => {
    const condition = { ArnEquals: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:role/p/r` } };
    const forged = { "aws:principalarn": "arn:aws:iam::999999999999:role/x" };
    assert.ok(authoriser.decide(session({}, condition), ask({ context: forged })).allowed);
  });

  it("adds the keys that the caller brings, and the account of the resource", () => {
    const condition = { StringEquals: { "aws:PrincipalTag/team": "blue", "aws:ResourceAccount": ACCOUNT } };
    assert.ok(authoriser.decide(session({ context: { "aws:principaltag/team": "blue" } }, condition), ask()).allowed);
    assert.ok(!authoriser.decide(session({}, condition), ask()).allowed);
  });

  it("does not know from where a service's own calls come", () => {
    const condition = { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } };
    const context = { "aws:sourceip": "192.0.2.7", "aws:sourcevpce": "vpce-1" };
    assert.ok(authoriser.decide(session({}, condition), ask({ context })).allowed);
    assert.ok(!authoriser.decide(session({ invokedBy: "s3.amazonaws.com" }, condition), ask({ context })).allowed);
    assert.deepEqual(
      Object.keys(context),
      ["aws:sourceip", "aws:sourcevpce"],
      "the request's own context is left alone",
    );
  });

  it("hands boundary, session policies and the resource's policy to the decision", () => {
    const narrow = { Effect: "Allow", Action: "s3:PutObject", Resource: "*" };
    const deny = { Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: "*" };
    assert.ok(!authoriser.decide(session({ boundary: compiled("boundary", narrow) }), ask()).allowed);
    assert.ok(!authoriser.decide(session({ session: [compiled("session", narrow)] }), ask()).allowed);
    assert.ok(!authoriser.decide(session({}), ask({ resourcePolicy: compiled("resource", deny) })).allowed);
  });

  it("hands on what caps the caller's account and the resource's, and what tells where they are", () => {
    const narrow = { Effect: "Allow", Action: "s3:PutObject", Resource: "*" };
    const open = { ...narrow, Principal: "*", Action: "*" };
    const of = (account: string) => ({
      principal: { "aws:principalorgid": "o-1", "aws:principalorgpaths": [`o-1/${account}/`] },
      resource: { "aws:resourceorgid": "o-1" },
    });
    const capped = (byAccount: Record<string, Caps>) => createAuthoriser({ capsOf: (account) => byAccount[account] });
    const mine = capped({ [ACCOUNT]: { ...of(ACCOUNT), scps: [[compiled("scp", narrow)]] } });
    assert.deepEqual(mine.decide(session({}), ask()), { allowed: false, because: "noAllow", missing: ["scp"] });
    const its = capped({ [OTHER]: { ...of(OTHER), rcps: [[]] } });
    const resourcePolicy = compiled("resource", open);
    assert.deepEqual(its.decide(session({}), ask({ resourceAccount: OTHER, resourcePolicy })), {
      allowed: false,
      because: "noAllow",
      missing: ["rcp"],
    });
    assert.ok(its.decide(session({}), ask()).allowed, "another account's resources are not capped");

    const condition = {
      StringEquals: { "aws:PrincipalOrgID": "o-1", "aws:ResourceOrgID": "o-1" },
      "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `o-1/${ACCOUNT}/*` },
    };
    const asking = session({}, condition);
    const byAccount: Record<string, Caps> = { [ACCOUNT]: of(ACCOUNT) };
    const changing = capped(byAccount);
    assert.ok(changing.decide(asking, ask()).allowed);
    byAccount[ACCOUNT] = of("elsewhere");
    assert.ok(!changing.decide(asking, ask()).allowed, "a move counts at once");
  });

  it("tells callers of the same account why not, and others nothing", () => {
    const refused = (caller: Caller, what: Ask): string => {
      try {
        authoriser.require(caller, what);
      } catch (error) {
        assert.ok(error instanceof ServiceError);
        assert.deepEqual([error.code, error.status], ["AccessDenied", 403]);
        return error.message;
      }
      return "allowed";
    };
    const powerless = session({ identity: [] });
    assert.equal(
      refused(powerless, ask()),
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action`,
    );
    assert.equal(refused(powerless, ask({ resourceAccount: "444455556666" })), "Access Denied");
    assert.equal(refused(ANONYMOUS, ask()), "Access Denied");
    assert.equal(refused(session({}), ask()), "allowed");
  });
});
