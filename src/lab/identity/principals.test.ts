import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openLabDatabase } from "../database.ts";
import { Directory } from "./directory.ts";
import type { Role, User } from "./model.ts";
import { pinPrincipals, principalExists, showPrincipals } from "./principals.ts";

const ACCOUNT = "111122223333";
const CANONICAL = "c".repeat(64);
const ROLE = `arn:aws:iam::${ACCOUNT}:role/p/worker`;
const USER = `arn:aws:iam::${ACCOUNT}:user/ann`;
const base = { accountId: ACCOUNT, createdAtMs: 0, tags: {}, inline: {}, attached: [] };
const role: Role = {
  ...base,
  kind: "role",
  id: "AROAAAAAAAAAAAAAAAAAA",
  name: "worker",
  path: "/p/",
  trust: "{}",
  description: "",
  maxSessionSeconds: 3600,
};
const user: User = { ...base, kind: "user", id: "AIDAAAAAAAAAAAAAAAAAA", name: "ann", path: "/", groups: [] };

const policy = (principal: unknown, element = "Principal") =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", [element]: principal, Action: "s3:*", Resource: "*" }],
  });

describe("principals in stored policies", () => {
  let directory: Directory;
  before(async () => {
    directory = new Directory(openLabDatabase(":memory:"));
    await directory.change(() => [
      undefined,
      directory.accounts.put({ accountId: ACCOUNT, canonicalUserId: CANONICAL, createdAtMs: 0 }),
      directory.holders.put(role),
      directory.holders.put(user),
    ]);
  });

  const pinned = (document: string) => {
    const answer = pinPrincipals(directory, document);
    return "document" in answer ? answer.document : answer.unknownPrincipal;
  };

  it("are unique ids where they were users and roles, and are shown as ARNs", () => {
    for (const element of ["Principal", "NotPrincipal"]) {
      const document = policy({ AWS: [ROLE, USER], Service: "s3.amazonaws.com" }, element);
      const stored = policy({ AWS: [role.id, user.id], Service: "s3.amazonaws.com" }, element);
      assert.equal(pinned(document), stored);
      assert.equal(showPrincipals(directory, stored), document);
    }
    assert.equal(showPrincipals(directory, policy({ AWS: "AROAGONE" })), policy({ AWS: "AROAGONE" }));
  });

  it("name accounts by their ARN", () => {
    assert.equal(pinned(policy({ AWS: ACCOUNT })), policy({ AWS: `arn:aws:iam::${ACCOUNT}:root` }));
  });

  it("leave the text as it is when nothing has to be pinned", () => {
    const text = ' {"Statement": {"Effect":"Allow", "Principal": "*",\n "Action":"s3:*","Resource":"*"}}';
    assert.equal(pinned(text), text);
    assert.equal(showPrincipals(directory, text), text);
    const session = policy({ AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/worker/s`, CanonicalUser: CANONICAL });
    assert.equal(pinned(session), session);
  });

  it("are refused by the name that leads nowhere", () => {
    for (const [principal, unknown] of [
      [{ AWS: [ROLE, "999999999999"] }, '"AWS":"999999999999"'],
      [{ AWS: `arn:aws:iam::${ACCOUNT}:role/worker` }, `"AWS":"arn:aws:iam::${ACCOUNT}:role/worker"`],
      [{ AWS: "arn:aws:s3:::b" }, '"AWS":"arn:aws:s3:::b"'],
      [{ AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/none/s` }, `"AWS":"arn:aws:sts::${ACCOUNT}:assumed-role/none/s"`],
      [{ CanonicalUser: "d".repeat(64) }, `"CanonicalUser":"${"d".repeat(64)}"`],
      [{ Service: "S3" }, '"Service":"S3"'],
    ] as const) {
      assert.equal(pinned(policy(principal)), unknown);
    }
  });

  it("exist as ARNs, ids, account numbers and canonical ids", () => {
    for (const name of [ROLE, USER, role.id, ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`, CANONICAL]) {
      assert.ok(principalExists(directory, name), name);
    }
    for (const name of ["AROABBBBBBBBBBBBBBBBB", "999999999999", "d".repeat(64), "nobody"]) {
      assert.ok(!principalExists(directory, name), name);
    }
  });
});
