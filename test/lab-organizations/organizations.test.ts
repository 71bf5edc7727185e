/** AWS Organizations of the lab: what it keeps, whom it answers to, and how its policies cap requests. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CreateUserCommand } from "@aws-sdk/client-iam";
import { CreateKeyCommand, EncryptCommand } from "@aws-sdk/client-kms";
import { GetObjectCommand, ListBucketsCommand, PutBucketPolicyCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { ALICE, BOB, refused, TestLab } from "../lab-s3/lab.ts";
import { type Answer, codeOf, organizations, policy, textIn } from "./call.ts";

const MANAGEMENT = "777788889999";
const DENY_PUTS = policy({ Sid: "NoPuts", Effect: "Deny", Action: "s3:PutObject", Resource: "*" });
const PERIMETER = policy({
  Sid: "OursOnly",
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: "*",
  Condition: { StringNotEqualsIfExists: { "aws:PrincipalOrgID": "o-another" } },
});

describe("AWS Organizations", () => {
  let lab: TestLab;
  let management: Credentials;

  beforeEach(async () => {
    lab = await TestLab.start({ onDisk: true });
    management = await lab.lab.account(MANAGEMENT);
  });
  afterEach(() => lab.stop());

  const call = (operation: string, input: object = {}, by: Credentials = management): Promise<Answer> =>
    organizations(lab.endpoint, by, operation, input);

  /** An organisation in which Alice is a member; ids of it and of its root. */
  async function organize(): Promise<{ id: string; root: string }> {
    const id = textIn(await call("CreateOrganization", { FeatureSet: "ALL" }), "Organization", "Id");
    const root = textIn(await call("ListRoots"), "Roots", 0, "Id");
    assert.equal(await lab.lab.joinOrganization(MANAGEMENT, ALICE), true);
    return { id, root };
  }

  async function attach(type: string, content: string, target: string): Promise<string> {
    const made = await call("CreatePolicy", { Type: type, Name: `p${target}`, Description: "", Content: content });
    const id = textIn(made, "Policy", "PolicySummary", "Id");
    await call("AttachPolicy", { PolicyId: id, TargetId: target });
    return id;
  }

  it("an account that is in none is told so, and one that made one is its management account", async () => {
    assert.equal(await codeOf(call("DescribeOrganization")), "AWSOrganizationsNotInUseException");
    const made = (await call("CreateOrganization"))["Organization"] as Answer;
    assert.match(String(made["Id"]), /^o-[a-z0-9]{10}$/);
    assert.equal(made["MasterAccountId"], MANAGEMENT);
    assert.equal(made["Arn"], `arn:aws:organizations::${MANAGEMENT}:organization/${String(made["Id"])}`);
    assert.equal(await codeOf(call("CreateOrganization")), "AlreadyInOrganizationException");
    assert.deepEqual((await call("DescribeOrganization"))["Organization"], made);
  });

  it("a member may ask which organisation it is in, and nothing more", async () => {
    const { id } = await organize();
    assert.equal(textIn(await call("DescribeOrganization", {}, lab.alice), "Organization", "Id"), id);
    const more: [string, object][] = [
      ["ListRoots", {}],
      ["ListAccounts", {}],
      ["ListPolicies", { Filter: "SERVICE_CONTROL_POLICY" }],
      ["ListParents", { ChildId: ALICE }],
      ["DescribePolicy", { PolicyId: "p-FullAWSAccess" }],
      ["CreateAccount", { Email: "a@example.com", AccountName: "a" }],
    ];
    for (const [operation, input] of more) {
      assert.equal(await codeOf(call(operation, input, lab.alice)), "AccessDeniedException", operation);
    }
  });

  it("users of the management account need the action in their own policies", async () => {
    await organize();
    const { User } = await lab.iam(management).send(new CreateUserCommand({ UserName: "auditor" }));
    assert.ok(User !== undefined);
    const { CreateAccessKeyCommand, PutUserPolicyCommand } = await import("@aws-sdk/client-iam");
    const { AccessKey } = await lab.iam(management).send(new CreateAccessKeyCommand({ UserName: "auditor" }));
    const auditor = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
    assert.equal(await codeOf(call("ListRoots", {}, auditor)), "AccessDeniedException");
    const PolicyDocument = policy({ Effect: "Allow", Action: "organizations:ListRoots", Resource: "*" });
    await lab
      .iam(management)
      .send(new PutUserPolicyCommand({ UserName: "auditor", PolicyName: "read", PolicyDocument }));
    await call("ListRoots", {}, auditor);
    assert.equal(await codeOf(call("ListAccounts", {}, auditor)), "AccessDeniedException");
  });

  it("units hold accounts and units, five deep, and names are unique among siblings", async () => {
    const { root } = await organize();
    let parent = root;
    for (let depth = 1; depth <= 5; depth += 1) {
      const made = await call("CreateOrganizationalUnit", { ParentId: parent, Name: "unit" });
      assert.equal(
        await codeOf(call("CreateOrganizationalUnit", { ParentId: parent, Name: "unit" })),
        "DuplicateOrganizationalUnitException",
      );
      parent = textIn(made, "OrganizationalUnit", "Id");
    }
    const tooDeep = call("CreateOrganizationalUnit", { ParentId: parent, Name: "unit" });
    assert.equal(await codeOf(tooDeep), "ConstraintViolationException OU_DEPTH_LIMIT_EXCEEDED");
    const move = { AccountId: ALICE, SourceParentId: root, DestinationParentId: parent };
    await call("MoveAccount", move);
    assert.equal(await codeOf(call("MoveAccount", move)), "SourceParentNotFoundException");
    assert.deepEqual((await call("ListParents", { ChildId: ALICE }))["Parents"], [
      { Id: parent, Type: "ORGANIZATIONAL_UNIT" },
    ]);
    assert.deepEqual((await call("ListChildren", { ParentId: parent, ChildType: "ACCOUNT" }))["Children"], [
      { Id: ALICE, Type: "ACCOUNT" },
    ]);
    assert.equal(textIn(await call("ListAccountsForParent", { ParentId: parent }), "Accounts", 0, "Id"), ALICE);
    const units = (await call("ListOrganizationalUnitsForParent", { ParentId: root }))[
      "OrganizationalUnits"
    ] as Answer[];
    assert.deepEqual(
      units.map((one) => one["Name"]),
      ["unit"],
    );
    assert.equal(
      await codeOf(call("DeleteOrganizationalUnit", { OrganizationalUnitId: parent })),
      "OrganizationalUnitNotEmptyException",
    );
    assert.equal(await codeOf(call("ListParents", { ChildId: BOB })), "ChildNotFoundException");
  });

  it("a new account has a number of its own and is there at once", async () => {
    const { root } = await organize();
    const made = await call("CreateAccount", { Email: "team@example.com", AccountName: "team" });
    const status = made["CreateAccountStatus"] as Answer;
    assert.equal(status["State"], "SUCCEEDED");
    assert.deepEqual(
      (await call("DescribeCreateAccountStatus", { CreateAccountRequestId: status["Id"] }))["CreateAccountStatus"],
      status,
    );
    const accountId = String(status["AccountId"]);
    assert.deepEqual((await call("ListParents", { ChildId: accountId }))["Parents"], [{ Id: root, Type: "ROOT" }]);
    const credentials = await lab.lab.account(accountId);
    await lab.s3(credentials).send(new ListBucketsCommand({}));
  });

  it("an account joins by invitation too, and leaves when it is removed", async () => {
    await organize();
    const bob = await lab.lab.account(BOB);
    const invited = await call("InviteAccountToOrganization", { Target: { Id: BOB, Type: "ACCOUNT" } });
    const HandshakeId = textIn(invited, "Handshake", "Id");
    assert.equal(
      await codeOf(call("InviteAccountToOrganization", { Target: { Id: BOB, Type: "ACCOUNT" } })),
      "DuplicateHandshakeException",
    );
    assert.equal(await codeOf(call("AcceptHandshake", { HandshakeId }, lab.alice)), "HandshakeNotFoundException");
    assert.equal(textIn(await call("AcceptHandshake", { HandshakeId }, bob), "Handshake", "State"), "ACCEPTED");
    await call("DescribeOrganization", {}, bob);
    await call("RemoveAccountFromOrganization", { AccountId: BOB });
    assert.equal(await codeOf(call("DescribeOrganization", {}, bob)), "AWSOrganizationsNotInUseException");
    assert.equal(
      await codeOf(call("RemoveAccountFromOrganization", { AccountId: MANAGEMENT })),
      "MasterCannotLeaveOrganizationException",
    );
  });

  it("the lab's own call puts an account in", async () => {
    const post = (path: string) =>
      fetch(`${lab.endpoint}/_lockstep/${path}`, { method: "POST", headers: { authorization: "Bearer test-token" } });
    assert.equal((await post(`organizations/${MANAGEMENT}/accounts/${BOB}`)).status, 409);
    await call("CreateOrganization");
    const joined = await post(`organizations/${MANAGEMENT}/accounts/${BOB}`);
    assert.equal(joined.status, 200);
    assert.equal(((await joined.json()) as { accountId: string }).accountId, BOB);
    assert.equal(textIn(await call("DescribeAccount", { AccountId: BOB }), "Account", "Status"), "ACTIVE");
    assert.equal(await codeOf(call("DescribeAccount", { AccountId: ALICE })), "AccountNotFoundException");
  });

  it("policies are attached only while their type is enabled, which attaches AWS's own to everything", async () => {
    const { root } = await organize();
    const Type = "SERVICE_CONTROL_POLICY";
    const made = await call("CreatePolicy", { Type, Name: "no-puts", Description: "", Content: DENY_PUTS });
    const PolicyId = textIn(made, "Policy", "PolicySummary", "Id");
    const attachment = { PolicyId, TargetId: ALICE };
    assert.equal(await codeOf(call("AttachPolicy", attachment)), "PolicyTypeNotEnabledException");
    await call("EnablePolicyType", { RootId: root, PolicyType: Type });
    assert.equal(
      await codeOf(call("EnablePolicyType", { RootId: root, PolicyType: Type })),
      "PolicyTypeAlreadyEnabledException",
    );
    const names = async (TargetId: string) =>
      ((await call("ListPoliciesForTarget", { TargetId, Filter: Type }))["Policies"] as Answer[]).map((one) =>
        String(one["Name"]),
      );
    for (const target of [root, ALICE, MANAGEMENT]) assert.deepEqual(await names(target), ["FullAWSAccess"]);
    const unit = textIn(
      await call("CreateOrganizationalUnit", { ParentId: root, Name: "u" }),
      "OrganizationalUnit",
      "Id",
    );
    assert.deepEqual(await names(unit), ["FullAWSAccess"]);
    await call("AttachPolicy", attachment);
    assert.equal(await codeOf(call("AttachPolicy", attachment)), "DuplicatePolicyAttachmentException");
    assert.deepEqual((await names(ALICE)).sort(), ["FullAWSAccess", "no-puts"]);
    assert.equal(textIn(await call("ListTargetsForPolicy", { PolicyId }), "Targets", 0, "TargetId"), ALICE);
    assert.equal(await codeOf(call("DeletePolicy", { PolicyId })), "PolicyInUseException");
    assert.equal(await codeOf(call("AttachPolicy", { ...attachment, TargetId: BOB })), "TargetNotFoundException");
    assert.equal(
      await codeOf(call("AttachPolicy", { ...attachment, PolicyId: "p-nothing000" })),
      "PolicyNotFoundException",
    );
    await call("DetachPolicy", { PolicyId: "p-FullAWSAccess", TargetId: ALICE });
    assert.equal(
      await codeOf(call("DetachPolicy", attachment)),
      "ConstraintViolationException MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    );
    await call("DisablePolicyType", { RootId: root, PolicyType: Type });
    await call("EnablePolicyType", { RootId: root, PolicyType: Type });
    assert.deepEqual(await names(ALICE), ["FullAWSAccess"]);
    await call("DeletePolicy", { PolicyId });
    assert.equal(await codeOf(call("DescribePolicy", { PolicyId })), "PolicyNotFoundException");
  });

  it("AWS's own policies cannot be changed, and RCPFullAWSAccess cannot be detached", async () => {
    const { root } = await organize();
    await call("EnablePolicyType", { RootId: root, PolicyType: "RESOURCE_CONTROL_POLICY" });
    const update = call("UpdatePolicy", { PolicyId: "p-FullAWSAccess", Content: DENY_PUTS });
    assert.equal(await codeOf(update), "InvalidInputException IMMUTABLE_POLICY");
    const detach = call("DetachPolicy", { PolicyId: "p-RCPFullAWSAccess", TargetId: root });
    assert.equal(await codeOf(detach), "InvalidInputException NON_DETACHABLE_POLICY");
  });

  it("documents that a type does not take are refused", async () => {
    await organize();
    const create = (Type: string, Content: string) =>
      codeOf(call("CreatePolicy", { Type, Name: "x", Description: "", Content }));
    const statement = { Effect: "Deny", Action: "s3:*", Resource: "*" };
    const malformed = "MalformedPolicyDocumentException";
    assert.equal(await create("SERVICE_CONTROL_POLICY", "{"), malformed);
    assert.equal(await create("SERVICE_CONTROL_POLICY", policy({ ...statement, Principal: "*" })), malformed);
    assert.equal(await create("RESOURCE_CONTROL_POLICY", policy(statement)), malformed);
    assert.equal(
      await create("RESOURCE_CONTROL_POLICY", policy({ ...statement, Principal: { AWS: ALICE } })),
      malformed,
    );
    assert.equal(
      await create("RESOURCE_CONTROL_POLICY", policy({ ...statement, Principal: "*", Effect: "Allow" })),
      malformed,
    );
    const { Action, ...others } = statement;
    assert.equal(
      await create("RESOURCE_CONTROL_POLICY", policy({ ...others, NotAction: Action, Principal: "*" })),
      malformed,
    );
    assert.equal(await create("TAG_POLICY", policy(statement)), "InvalidInputException INVALID_ENUM_POLICY_TYPE");
    const long = policy({ ...statement, Resource: `arn:aws:s3:::${"a".repeat(5200)}` });
    assert.equal(
      await create("SERVICE_CONTROL_POLICY", long),
      "ConstraintViolationException POLICY_CONTENT_LIMIT_EXCEEDED",
    );
  });

  it("a service control policy caps everybody in the account, its root too, but not the management account", async () => {
    const { root } = await organize();
    await lab.bucket("photos");
    await lab.bucket("books", { by: management });
    await call("EnablePolicyType", { RootId: root, PolicyType: "SERVICE_CONTROL_POLICY" });
    const put = (Bucket: string, by: Credentials) =>
      lab.s3(by).send(new PutObjectCommand({ Bucket, Key: "a", Body: "a" }));
    await put("photos", lab.alice);
    const id = await attach("SERVICE_CONTROL_POLICY", DENY_PUTS, root);
    const { message } = await refused(put("photos", lab.alice));
    assert.match(
      message,
      /s3:PutObject on resource: "arn:aws:s3:::photos\/a" with an explicit deny in a service control policy$/,
    );
    await put("books", management);
    await call("DetachPolicy", { PolicyId: id, TargetId: root });
    await put("photos", lab.alice);
  });

  it("every level has to allow, and an account that is moved is capped by its new place at once", async () => {
    const { root } = await organize();
    await lab.bucket("photos");
    await call("EnablePolicyType", { RootId: root, PolicyType: "SERVICE_CONTROL_POLICY" });
    const unit = textIn(
      await call("CreateOrganizationalUnit", { ParentId: root, Name: "u" }),
      "OrganizationalUnit",
      "Id",
    );
    await attach("SERVICE_CONTROL_POLICY", policy({ Effect: "Allow", Action: "s3:Get*", Resource: "*" }), unit);
    await call("DetachPolicy", { PolicyId: "p-FullAWSAccess", TargetId: unit });
    const put = () => lab.s3().send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }));
    await put();
    await call("MoveAccount", { AccountId: ALICE, SourceParentId: root, DestinationParentId: unit });
    assert.match((await refused(put())).message, /because no service control policy allows the s3:PutObject action$/);
    await lab.s3().send(new GetObjectCommand({ Bucket: "photos", Key: "a" }));
    const { message } = await refused(lab.iam().send(new CreateUserCommand({ UserName: "u" })));
    assert.match(message, /because no service control policy allows the iam:CreateUser action$/);
  });

  it("a resource control policy caps whoever comes, also from other accounts, and only at services that have them", async () => {
    const { root } = await organize();
    const bob = await lab.lab.account(BOB);
    await lab.bucket("photos");
    const open = policy({
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: "s3:PutObject",
      Resource: "arn:aws:s3:::photos/*",
    });
    await lab.s3().send(new PutBucketPolicyCommand({ Bucket: "photos", Policy: open }));
    const put = (by: Credentials) => lab.s3(by).send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }));
    await put(bob);
    await call("EnablePolicyType", { RootId: root, PolicyType: "RESOURCE_CONTROL_POLICY" });
    await put(bob);
    await attach("RESOURCE_CONTROL_POLICY", PERIMETER, ALICE);
    assert.match((await refused(put(lab.alice))).message, /with an explicit deny in a resource control policy$/);
    assert.equal((await refused(put(bob))).message, "Access Denied", "strangers are not told why");
    assert.equal(await lab.lab.joinOrganization(MANAGEMENT, BOB), true);
    assert.match((await refused(put(bob))).message, /with an explicit deny in a resource control policy$/);
    await lab.iam().send(new CreateUserCommand({ UserName: "u" }));
  });

  it("KMS is capped on both sides, and tells members of the organisation which kind of policy it was", async () => {
    const { root } = await organize();
    const { KeyMetadata } = await lab.kms().send(new CreateKeyCommand({}));
    const encrypt = () =>
      lab.kms().send(new EncryptCommand({ KeyId: KeyMetadata?.KeyId ?? "", Plaintext: Buffer.from("x") }));
    await encrypt();
    await call("EnablePolicyType", { RootId: root, PolicyType: "RESOURCE_CONTROL_POLICY" });
    const deny = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    const rcp = await attach("RESOURCE_CONTROL_POLICY", policy(deny), ALICE);
    assert.match((await refused(encrypt())).message, /with an explicit deny in a resource control policy$/);
    await call("DetachPolicy", { PolicyId: rcp, TargetId: ALICE });
    await call("EnablePolicyType", { RootId: root, PolicyType: "SERVICE_CONTROL_POLICY" });
    await attach("SERVICE_CONTROL_POLICY", policy({ Effect: "Deny", Action: "kms:Encrypt", Resource: "*" }), root);
    assert.match((await refused(encrypt())).message, /with an explicit deny in a service control policy$/);
  });

  it("a trust policy is capped by the resource control policies of the role's account", async () => {
    const { root } = await organize();
    const { CreateRoleCommand } = await import("@aws-sdk/client-iam");
    const AssumeRolePolicyDocument = policy({
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    const { Role } = await lab.iam().send(new CreateRoleCommand({ RoleName: "r", AssumeRolePolicyDocument }));
    const assume = () => lab.lab.assumeReplicationRole(Role?.Arn ?? "");
    await assume();
    await call("EnablePolicyType", { RootId: root, PolicyType: "RESOURCE_CONTROL_POLICY" });
    await attach(
      "RESOURCE_CONTROL_POLICY",
      policy({ Effect: "Deny", Principal: "*", Action: "sts:AssumeRole", Resource: "*" }),
      ALICE,
    );
    await assert.rejects(assume, /s3\.amazonaws\.com is not authorized to perform: sts:AssumeRole/);
  });

  it("policies may ask in which organisation, and where in it, caller and resource are", async () => {
    const { id, root } = await organize();
    const bob = await lab.lab.account(BOB);
    await lab.bucket("photos");
    const unit = textIn(
      await call("CreateOrganizationalUnit", { ParentId: root, Name: "u" }),
      "OrganizationalUnit",
      "Id",
    );
    const allow = { Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::photos/*" };
    const Condition = {
      StringEquals: { "aws:PrincipalOrgID": id, "aws:ResourceOrgID": id },
      "ForAnyValue:StringLike": {
        "aws:PrincipalOrgPaths": `${id}/*/${unit}/*`,
        "aws:ResourceOrgPaths": `${id}/${root}/`,
      },
    };
    await lab.s3().send(new PutBucketPolicyCommand({ Bucket: "photos", Policy: policy({ ...allow, Condition }) }));
    const put = () => lab.s3(bob).send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }));
    await refused(put());
    await lab.lab.joinOrganization(MANAGEMENT, BOB);
    await refused(put());
    await call("MoveAccount", { AccountId: BOB, SourceParentId: root, DestinationParentId: unit });
    await put();
  });

  it("everything is there again after a restart", async () => {
    const { id, root } = await organize();
    await lab.bucket("photos");
    await call("EnablePolicyType", { RootId: root, PolicyType: "SERVICE_CONTROL_POLICY" });
    await attach("SERVICE_CONTROL_POLICY", DENY_PUTS, ALICE);
    await lab.restart();
    assert.equal(textIn(await call("DescribeOrganization", {}, lab.alice), "Organization", "Id"), id);
    const put = lab.s3().send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }));
    assert.match((await refused(put)).message, /explicit deny in a service control policy$/);
  });

  it("an organisation with something in it cannot be deleted, and one without can", async () => {
    const { root } = await organize();
    assert.equal(await codeOf(call("DeleteOrganization")), "OrganizationNotEmptyException");
    await call("EnablePolicyType", { RootId: root, PolicyType: "SERVICE_CONTROL_POLICY" });
    await call("RemoveAccountFromOrganization", { AccountId: ALICE });
    await call("DeleteOrganization");
    assert.equal(await codeOf(call("DescribeOrganization")), "AWSOrganizationsNotInUseException");
    await call("CreateOrganization");
  });

  it("lists come in pages", async () => {
    const { root } = await organize();
    const names = Array.from({ length: 7 }, (_, index) => `unit-${index}`);
    for (const Name of names) await call("CreateOrganizationalUnit", { ParentId: root, Name });
    const seen: string[] = [];
    let next: object = {};
    for (let page = 0; page < 4; page += 1) {
      const answer = await call("ListOrganizationalUnitsForParent", { ParentId: root, MaxResults: 3, ...next });
      seen.push(...(answer["OrganizationalUnits"] as Answer[]).map((one) => String(one["Name"])));
      if (answer["NextToken"] === undefined) break;
      next = { NextToken: answer["NextToken"] };
    }
    assert.deepEqual(seen.sort(), names);
  });

  it("what is not an operation, not JSON or not signed rightly is refused in the protocol's words", async () => {
    assert.equal(await codeOf(call("DoSomething")), "UnknownOperationException");
    assert.equal(await codeOf(call("ListParents")), "InvalidInputException INPUT_REQUIRED");
    assert.equal(await codeOf(call("ListParents", { ChildId: 7 })), "SerializationException");
    const wrong = { ...management, secretAccessKey: "wrong" };
    assert.equal(await codeOf(call("ListRoots", {}, wrong)), "InvalidSignatureException");
  });
});
