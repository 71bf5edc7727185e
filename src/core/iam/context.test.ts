import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contextValue, principalContext } from "./context.ts";

describe("the condition keys of a principal", () => {
  it("of a session hold the role's ARN with its path, and the session's name in aws:userid", () => {
    const context = principalContext({
      kind: "session",
      accountId: "111122223333",
      arn: "arn:aws:sts::111122223333:assumed-role/replication/s3-replication",
      roleArn: "arn:aws:iam::111122223333:role/service-role/replication",
      roleId: "AROAEXAMPLEROLE00001",
      sessionName: "s3-replication",
    });
    assert.deepEqual(context, {
      "aws:principalarn": "arn:aws:iam::111122223333:role/service-role/replication",
      "aws:principalaccount": "111122223333",
      "aws:principaltype": "AssumedRole",
      "aws:userid": "AROAEXAMPLEROLE00001:s3-replication",
      "aws:principalisawsservice": "false",
    });
  });

  it("of a user hold the name without the path", () => {
    const arn = "arn:aws:iam::111122223333:user/division/anna";
    const context = principalContext({ kind: "user", accountId: "111122223333", arn, userId: "AIDAANNA000000000001" });
    assert.deepEqual(context, {
      "aws:principalarn": arn,
      "aws:principalaccount": "111122223333",
      "aws:principaltype": "User",
      "aws:userid": "AIDAANNA000000000001",
      "aws:username": "anna",
      "aws:principalisawsservice": "false",
    });
  });

  it("of the root user hold the account's id as aws:userid and no name", () => {
    const context = principalContext({
      kind: "root",
      accountId: "111122223333",
      arn: "arn:aws:iam::111122223333:root",
    });
    assert.equal(context["aws:userid"], "111122223333");
    assert.equal(context["aws:principaltype"], "Account");
    assert.equal(context["aws:principalisawsservice"], "false");
    assert.equal(contextValue(context, "aws:username"), undefined);
  });

  it("of a service say that it is one, and give its name once alone and once as a set", () => {
    assert.deepEqual(principalContext({ kind: "service", service: "s3.amazonaws.com" }), {
      "aws:principalisawsservice": "true",
      "aws:principalservicename": "s3.amazonaws.com",
      "aws:principalservicenameslist": ["s3.amazonaws.com"],
    });
  });

  it("of nobody say only that", () => {
    assert.deepEqual(principalContext({ kind: "anonymous" }), { "aws:principaltype": "Anonymous" });
  });

  it("are all written in lower case, as a context wants them", () => {
    for (const principal of [{ kind: "service", service: "s" }, { kind: "anonymous" }] as const) {
      for (const key of Object.keys(principalContext(principal))) assert.equal(key, key.toLowerCase());
    }
  });
});
