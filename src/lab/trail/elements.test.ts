import assert from "node:assert/strict";
import { test } from "node:test";
import { elementsOf, elementsOfDocument, elementsOfQuery, elementsOfResult } from "./elements.ts";

test("trail: names of JSON members begin with a small letter, and secrets are left out at every depth", () => {
  const members = {
    KeyId: "k",
    Plaintext: "aGk=",
    CiphertextBlob: "AAAA",
    AWSAccountId: "1",
    Inner: [{ SecretAccessKey: "s", SessionToken: "t", Ok: 1 }],
  };
  assert.deepEqual(elementsOf(members), { keyId: "k", aWSAccountId: "1", inner: [{ ok: 1 }] });
});

test("trail: numbered parameters of the query protocol are lists", () => {
  const values = [
    ["Action", "CreateRole"],
    ["Version", "2010-05-08"],
    ["RoleName", "r"],
    ["Tags.member.1.Key", "a"],
    ["Tags.member.1.Value", "1"],
    ["Tags.member.2.Key", "b"],
    ["PolicyArns.member.1.arn", "arn:p"],
  ] as const;
  assert.deepEqual(elementsOfQuery(values), {
    roleName: "r",
    tags: [{ key: "a", value: "1" }, { key: "b" }],
    policyArns: [{ arn: "arn:p" }],
  });
});

test("trail: the result of CreateAccessKey is shown without its secret", () => {
  const text =
    "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>ann</UserName><AccessKeyId>AKIA</AccessKeyId>" +
    "<SecretAccessKey>hidden</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>";
  assert.deepEqual(elementsOfResult(text, "CreateAccessKey"), { accessKey: { userName: "ann", accessKeyId: "AKIA" } });
});

test("trail: a document of S3 keeps its names, repeated elements are lists", () => {
  assert.deepEqual(
    elementsOfDocument("<R><Role>arn</Role><Rule><Priority>1</Priority></Rule><Rule><On>true</On></Rule></R>"),
    { R: { Role: "arn", Rule: [{ Priority: 1 }, { On: true }] } },
  );
});
