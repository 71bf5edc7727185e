import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf } from "../../../test/fixtures/diagnose-facts.ts";
import type { DocumentValue } from "../config/document.ts";
import type { RoleFacts } from "../diagnose/facts.ts";
import { BATCH_SERVICE, checkJobRole, type JobUse, newJobRole, type RoleVerdict } from "./job-role.ts";

const ACCOUNT = "111122223333";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/batch`;
const USE: JobUse = {
  accountId: ACCOUNT,
  bucket: "photos",
  output: { bucket: "photos-replica", prefix: "jobs" },
  generated: true,
  written: true,
};
const TRUST = { Effect: "Allow", Principal: { Service: BATCH_SERVICE }, Action: "sts:AssumeRole" };
const ALL = { Effect: "Allow", Action: "s3:*", Resource: "*" };

function statements(...of: DocumentValue[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: of });
}

function verdict(role: Partial<RoleFacts>, use = USE): RoleVerdict {
  const facts = factsOf({ versions: [] });
  const given: RoleFacts = {
    arn: ROLE,
    name: "batch",
    roleId: "AROABATCHROLE0000001",
    trust: statements(TRUST),
    policies: [{ kind: "inline", name: "may", document: statements(ALL) }],
    ...role,
  };
  return checkJobRole({ ...facts, role: { state: "read", value: given } }, use);
}

test("a role that trusts S3 Batch and may everything will do", () => {
  assert.deepEqual(verdict({}), { problems: [], patches: [], unread: [] });
});

test("a role that Lockstep makes will do, and has nothing that it does not need", () => {
  const [role, policy, ...others] = newJobRole(ROLE, USE);
  assert.deepEqual(others, []);
  assert.deepEqual([role?.target, policy?.target], ["iam-role", "iam-role-policy"]);
  const document = JSON.stringify(policy?.after);
  const made = verdict({
    trust: JSON.stringify(role?.after),
    policies: [{ kind: "inline", name: policy?.name ?? "", document }],
  });
  assert.deepEqual(made.problems, []);
  assert.doesNotMatch(document, /\*"?:|s3:\*/);
});

test("every missing permission is named, and one patch adds them all", () => {
  const { problems, patches } = verdict({ policies: [] });
  assert.deepEqual(problems.map((one) => one.action).toSorted(), [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetReplicationConfiguration",
    "s3:InitiateReplication",
    "s3:PutInventoryConfiguration",
    "s3:PutObject",
  ]);
  assert.deepEqual(
    patches.map((one) => [one.target, one.before]),
    [["iam-role-policy", null]],
  );
  const document = JSON.stringify(patches[0]?.after);
  const patched = verdict({ policies: [{ kind: "inline", name: "x", document }] });
  assert.deepEqual(patched.problems, []);
});

test("a job of an own manifest needs no inventory, and one that S3 lists reads no manifest", () => {
  const actions = (use: JobUse) => verdict({ policies: [] }, use).problems.map((one) => one.action);
  assert.ok(!actions({ ...USE, generated: false }).includes("s3:PutInventoryConfiguration"));
  assert.ok(!actions({ ...USE, written: false }).includes("s3:GetObject"));
});

test("a trust policy for another service lacks S3 Batch, which its patch adds", () => {
  const other = { ...TRUST, Principal: { Service: "s3.amazonaws.com" } };
  const { problems, patches } = verdict({ trust: statements(other) });
  assert.deepEqual(
    problems.map((one) => one.action),
    ["sts:AssumeRole"],
  );
  assert.deepEqual(verdict({ trust: JSON.stringify(patches[0]?.after) }).problems, []);
});

test("a deny is named and has no patch: somebody meant it", () => {
  const deny = { Sid: "NoReports", Effect: "Deny", Action: "s3:PutObject", Resource: "*" };
  const { problems, patches } = verdict({
    policies: [{ kind: "inline", name: "may", document: statements(ALL, deny) }],
  });
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.says ?? "", /NoReports/);
  assert.deepEqual(patches, []);
});

test("a trust policy that asks for the account of the job lets S3 Batch in", () => {
  const Condition = {
    StringEquals: { "aws:SourceAccount": ACCOUNT },
    ArnLike: { "aws:SourceArn": `arn:aws:s3:*:${ACCOUNT}:job/*` },
  };
  assert.deepEqual(verdict({ trust: statements({ ...TRUST, Condition }) }).problems, []);
});
