import assert from "node:assert/strict";
import { test } from "node:test";
import { isAboutBucket, isPolicyPublic } from "./policy-document.ts";

const policy = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" };

test("a policy is public when everybody is allowed and nothing narrows it to few", () => {
  const cases: [string, boolean, object][] = [
    ["star", true, { ...allow, Principal: "*" }],
    ["star as an account", true, { ...allow, Principal: { AWS: ["123456789012", "*"] } }],
    ["everybody but one", true, { ...allow, NotPrincipal: { AWS: "123456789012" } }],
    ["an account", false, { ...allow, Principal: { AWS: "123456789012" } }],
    ["a deny", false, { ...allow, Effect: "Deny", Principal: "*" }],
    [
      "one organisation",
      false,
      { ...allow, Principal: "*", Condition: { StringEquals: { "aws:PrincipalOrgID": "o-1" } } },
    ],
    [
      "any organisation",
      true,
      { ...allow, Principal: "*", Condition: { StringLike: { "aws:PrincipalOrgID": "o-*" } } },
    ],
    ["one network", false, { ...allow, Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }],
    ["every network", true, { ...allow, Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } } }],
    [
      "a condition that narrows nothing",
      true,
      { ...allow, Principal: "*", Condition: { StringEquals: { "s3:prefix": "x" } } },
    ],
  ];
  for (const [name, expected, statement] of cases) assert.equal(isPolicyPublic(policy(statement)), expected, name);
  assert.equal(
    isPolicyPublic(policy({ ...allow, Principal: { AWS: "123456789012" } }, { ...allow, Principal: "*" })),
    true,
  );
});

test("every statement is about the bucket or its objects", () => {
  const about = (Resource: string | string[]) =>
    isAboutBucket(policy({ ...allow, Principal: "*", Resource }), "bucket");
  for (const resource of [
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/a*b",
    "*",
    "arn:aws:s3:::buc*",
  ]) {
    assert.equal(about(resource), true, resource);
  }
  for (const resource of ["arn:aws:s3:::other/*", "arn:aws:s3:::bucket2", "arn:aws:s3:::other*"]) {
    assert.equal(about(resource), false, resource);
  }
  assert.equal(about(["arn:aws:s3:::bucket", "arn:aws:s3:::other"]), false);
});
