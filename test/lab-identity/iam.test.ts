import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as sdk from "@aws-sdk/client-iam";
import {
  AddUserToGroupCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  GetAccountSummaryCommand,
  GetGroupCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListGroupsForUserCommand,
  ListInstanceProfilesForRoleCommand,
  ListPoliciesCommand,
  ListPolicyTagsCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  PutGroupPolicyCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  SetDefaultPolicyVersionCommand,
  TagPolicyCommand,
  TagRoleCommand,
  UntagPolicyCommand,
  UntagRoleCommand,
  UpdateAccessKeyCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import type { Credentials } from "../../src/core/model.ts";
import { IAM_OPERATIONS } from "../../src/lab/identity/iam/operations.ts";
import { ALICE, allow, BOB, policy, refusal, SdkLab, trust } from "./sdk-lab.ts";

const S3_TRUST = trust({ Service: "s3.amazonaws.com" });

describe("IAM over the wire, for the AWS SDK", () => {
  let lab: SdkLab;
  let root: IAMClient;

  before(async () => {
    lab = await SdkLab.start();
    root = lab.iam(await lab.root(ALICE));
    await lab.root(BOB);
  });
  after(() => lab.stop());

  async function user(UserName: string): Promise<Credentials> {
    await root.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await root.send(new CreateAccessKeyCommand({ UserName }));
    return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  }

  it("gives a user an id, an ARN with its path and its tags, and refuses its name in any case", async () => {
    const { User } = await root.send(
      new CreateUserCommand({ UserName: "Ann", Path: "/people/", Tags: [{ Key: "team", Value: "storage" }] }),
    );
    assert.equal(User?.Arn, `arn:aws:iam::${ALICE}:user/people/Ann`);
    assert.match(User?.UserId ?? "", /^AIDA[A-Z2-7]{17}$/);
    assert.deepEqual(User?.CreateDate, new Date("2026-03-01T12:00:00Z"));
    assert.deepEqual(User?.Tags, [{ Key: "team", Value: "storage" }]);
    await assert.rejects(
      root.send(new CreateUserCommand({ UserName: "ANN" })),
      refusal("EntityAlreadyExistsException", 409, /^User with name ANN already exists\.$/),
    );
    const seen = await root.send(new GetUserCommand({ UserName: "Ann" }));
    assert.deepEqual(seen.User, User);
    const { Users } = await root.send(new ListUsersCommand({ PathPrefix: "/people/" }));
    assert.deepEqual(
      Users?.map((one) => one.UserName),
      ["Ann"],
    );
    await root.send(new DeleteUserCommand({ UserName: "Ann" }));
    await assert.rejects(
      root.send(new GetUserCommand({ UserName: "Ann" })),
      refusal("NoSuchEntityException", 404, /^The user with name Ann cannot be found\.$/),
    );
  });

  it("tells root, and only root, who root is when no name is given", async () => {
    const { User } = await root.send(new GetUserCommand({}));
    assert.equal(User?.Arn, `arn:aws:iam::${ALICE}:root`);
    assert.equal(User?.UserId, ALICE);
  });

  it("lets a user see itself without naming itself, once a policy allows it", async () => {
    const iam = lab.iam(await user("selfie"));
    await assert.rejects(
      iam.send(new GetUserCommand({})),
      refusal(
        "AccessDenied",
        403,
        /^User: arn:aws:iam::111122223333:user\/selfie is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user\/selfie because no identity-based policy allows the iam:GetUser action$/,
      ),
    );
    const self = allow("iam:GetUser", `arn:aws:iam::${ALICE}:user/$\{aws:username}`);
    await root.send(new PutUserPolicyCommand({ UserName: "selfie", PolicyName: "self", PolicyDocument: policy(self) }));
    const { User } = await iam.send(new GetUserCommand({}));
    assert.equal(User?.UserName, "selfie");
  });

  it("limits access keys to two, makes inactive ones useless, and forgets deleted ones", async () => {
    const first = await user("keys");
    const { AccessKey } = await root.send(new CreateAccessKeyCommand({ UserName: "keys" }));
    await assert.rejects(
      root.send(new CreateAccessKeyCommand({ UserName: "keys" })),
      refusal("LimitExceededException", 409, /AccessKeysPerUser: 2/),
    );
    const { AccessKeyMetadata } = await root.send(new ListAccessKeysCommand({ UserName: "keys" }));
    assert.deepEqual(
      AccessKeyMetadata?.map((one) => one.Status),
      ["Active", "Active"],
    );

    const key = { UserName: "keys", AccessKeyId: first.accessKeyId };
    await root.send(new UpdateAccessKeyCommand({ ...key, Status: "Inactive" }));
    assert.deepEqual(lab.identity.credential(first.accessKeyId, undefined, lab.nowMs), { problem: "inactiveKey" });
    await assert.rejects(
      root.send(new DeleteUserCommand({ UserName: "keys" })),
      refusal("DeleteConflictException", 409, /must delete access keys first/),
    );
    await root.send(new DeleteAccessKeyCommand(key));
    assert.deepEqual(lab.identity.credential(first.accessKeyId, undefined, lab.nowMs), { problem: "unknownKey" });
    await assert.rejects(root.send(new DeleteAccessKeyCommand(key)), refusal("NoSuchEntityException", 404));
    await root.send(new DeleteAccessKeyCommand({ UserName: "keys", AccessKeyId: AccessKey?.AccessKeyId }));
    await root.send(new DeleteUserCommand({ UserName: "keys" }));
  });

  it("keeps a role's settings, and returns its trust policy percent-encoded", async () => {
    const { Role } = await root.send(
      new CreateRoleCommand({
        RoleName: "replication",
        Path: "/service-role/",
        AssumeRolePolicyDocument: S3_TRUST,
        Description: "copies",
        MaxSessionDuration: 7200,
        Tags: [{ Key: "a", Value: "1" }],
      }),
    );
    assert.match(Role?.RoleId ?? "", /^AROA/);
    assert.equal(Role?.Arn, `arn:aws:iam::${ALICE}:role/service-role/replication`);
    assert.equal(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""), S3_TRUST);
    assert.ok(!Role?.AssumeRolePolicyDocument?.includes(":"), "RFC 3986 encodes the colon");
    await root.send(
      new UpdateRoleCommand({ RoleName: "replication", Description: "copies more", MaxSessionDuration: 3600 }),
    );
    const changed = await root.send(new GetRoleCommand({ RoleName: "replication" }));
    assert.equal(changed.Role?.Description, "copies more");
    assert.equal(changed.Role?.MaxSessionDuration, 3600);
    assert.deepEqual(
      (await root.send(new ListInstanceProfilesForRoleCommand({ RoleName: "replication" }))).InstanceProfiles,
      [],
    );
    const batch = trust({ Service: "batchoperations.s3.amazonaws.com" });
    await root.send(new UpdateAssumeRolePolicyCommand({ RoleName: "replication", PolicyDocument: batch }));
    const trusted = await root.send(new GetRoleCommand({ RoleName: "replication" }));
    assert.equal(decodeURIComponent(trusted.Role?.AssumeRolePolicyDocument ?? ""), batch);
  });

  it("merges tags without regard to the case of their keys", async () => {
    await root.send(
      new CreateRoleCommand({
        RoleName: "tagged",
        AssumeRolePolicyDocument: S3_TRUST,
        Tags: [{ Key: "Team", Value: "a" }],
      }),
    );
    await root.send(
      new TagRoleCommand({
        RoleName: "tagged",
        Tags: [
          { Key: "team", Value: "b" },
          { Key: "x", Value: "" },
        ],
      }),
    );
    const { Tags } = await root.send(new ListRoleTagsCommand({ RoleName: "tagged" }));
    assert.deepEqual(Tags, [
      { Key: "team", Value: "b" },
      { Key: "x", Value: "" },
    ]);
    await root.send(new UntagRoleCommand({ RoleName: "tagged", TagKeys: ["TEAM"] }));
    const { Role } = await root.send(new GetRoleCommand({ RoleName: "tagged" }));
    assert.deepEqual(Role?.Tags, [{ Key: "x", Value: "" }]);
    await assert.rejects(
      root.send(
        new TagRoleCommand({
          RoleName: "tagged",
          Tags: [
            { Key: "k", Value: "1" },
            { Key: "K", Value: "2" },
          ],
        }),
      ),
      refusal("InvalidInputException", 400, /case insensitive/),
    );
  });

  it("keeps inline policies by name, and counts their sizes together", async () => {
    const RoleName = "inline";
    await root.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: S3_TRUST }));
    const document = policy(allow("s3:GetObject", "arn:aws:s3:::b/*"));
    await root.send(new PutRolePolicyCommand({ RoleName, PolicyName: "read", PolicyDocument: document }));
    const read = await root.send(new GetRolePolicyCommand({ RoleName, PolicyName: "read" }));
    assert.equal(decodeURIComponent(read.PolicyDocument ?? ""), document);
    assert.deepEqual((await root.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames, ["read"]);
    const large = policy(allow("s3:GetObject", `arn:aws:s3:::b/${"x".repeat(10_150)}`));
    await assert.rejects(
      root.send(new PutRolePolicyCommand({ RoleName, PolicyName: "large", PolicyDocument: large })),
      refusal("LimitExceededException", 409, /Maximum policy size of 10240 bytes exceeded for role inline/),
    );
    await assert.rejects(
      root.send(new DeleteRoleCommand({ RoleName })),
      refusal("DeleteConflictException", 409, /must delete policies first/),
    );
    await root.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "read" }));
    for (const PolicyName of ["constructor", "__proto__"]) {
      await assert.rejects(
        root.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
        refusal("NoSuchEntityException", 404),
      );
      await root.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: document }));
      await root.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      await root.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    }
    await assert.rejects(
      root.send(new GetRolePolicyCommand({ RoleName, PolicyName: "read" })),
      refusal("NoSuchEntityException", 404, /^The role policy with name read cannot be found\.$/),
    );
    await root.send(new DeleteRoleCommand({ RoleName }));
  });

  it("refuses documents that do not parse, with AWS's sentence first", async () => {
    const put = (PolicyDocument: string) =>
      root.send(new PutRolePolicyCommand({ RoleName: "replication", PolicyName: "bad", PolicyDocument }));
    await assert.rejects(
      put("{"),
      refusal("MalformedPolicyDocumentException", 400, /^This policy contains invalid Json/),
    );
    await assert.rejects(
      put(policy({ Effect: "Allow", Action: "GetObject", Resource: "*" })),
      refusal("MalformedPolicyDocumentException", 400, /^Actions\/Conditions must be prefaced by a vendor/),
    );
    await assert.rejects(
      put(policy({ ...allow("s3:*"), Principal: "*" })),
      refusal("MalformedPolicyDocumentException", 400, /^Policy document should not specify a principal/),
    );
    await assert.rejects(
      root.send(
        new CreateRoleCommand({
          RoleName: "x",
          AssumeRolePolicyDocument: trust({ Service: "s3.amazonaws.com" }, { Resource: "*" }),
        }),
      ),
      refusal("MalformedPolicyDocumentException", 400, /^Has prohibited field Resource/),
    );
  });

  it("refuses trust in what does not exist", async () => {
    for (const principal of [
      { AWS: `arn:aws:iam::${ALICE}:role/nobody` },
      { AWS: "999999999999" },
      { AWS: "AROAAAAAAAAAAAAAAAAAA" },
      { Service: "s3.example.com" },
    ]) {
      await assert.rejects(
        root.send(new CreateRoleCommand({ RoleName: "x", AssumeRolePolicyDocument: trust(principal) })),
        refusal("MalformedPolicyDocumentException", 400, /^Invalid principal in policy: "(AWS|Service)":"/),
      );
    }
  });

  it("keeps a trusted role by its id, so that its successor is not trusted", async () => {
    await root.send(new CreateRoleCommand({ RoleName: "worker", AssumeRolePolicyDocument: S3_TRUST }));
    const worker = `arn:aws:iam::${ALICE}:role/worker`;
    const { Role } = await root.send(new GetRoleCommand({ RoleName: "worker" }));
    await root.send(
      new CreateRoleCommand({ RoleName: "target", AssumeRolePolicyDocument: trust({ AWS: [worker, BOB] }) }),
    );
    const shown = async () => {
      const target = await root.send(new GetRoleCommand({ RoleName: "target" }));
      return JSON.parse(decodeURIComponent(target.Role?.AssumeRolePolicyDocument ?? "")).Statement[0].Principal.AWS;
    };
    assert.deepEqual(await shown(), [worker, `arn:aws:iam::${BOB}:root`]);
    await root.send(new DeleteRoleCommand({ RoleName: "worker" }));
    assert.deepEqual(await shown(), [Role?.RoleId, `arn:aws:iam::${BOB}:root`]);
    await root.send(new CreateRoleCommand({ RoleName: "worker", AssumeRolePolicyDocument: S3_TRUST }));
    assert.deepEqual(await shown(), [Role?.RoleId, `arn:aws:iam::${BOB}:root`]);
  });

  it("keeps up to five versions of a managed policy, one of which is the default", async () => {
    const { Policy } = await root.send(
      new CreatePolicyCommand({
        PolicyName: "versions",
        Path: "/p/",
        PolicyDocument: policy(allow("s3:GetObject")),
        Description: "d",
      }),
    );
    const PolicyArn = Policy?.Arn ?? "";
    assert.equal(PolicyArn, `arn:aws:iam::${ALICE}:policy/p/versions`);
    await assert.rejects(
      root.send(new CreatePolicyCommand({ PolicyName: "Versions", PolicyDocument: policy(allow("s3:*")) })),
      refusal("EntityAlreadyExistsException", 409, /^A policy called Versions already exists/),
    );
    for (const action of ["s3:a", "s3:b", "s3:c", "s3:d"]) {
      await root.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: policy(allow(action)) }));
    }
    await assert.rejects(
      root.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: policy(allow("s3:e")) })),
      refusal("LimitExceededException", 409, /up to 5 versions/),
    );
    await assert.rejects(
      root.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: "v1" })),
      refusal("DeleteConflictException", 409, /default version/),
    );
    await root.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: "v3" }));
    await root.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: "v1" }));
    const { PolicyVersion } = await root.send(
      new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: policy(allow("s3:f")), SetAsDefault: true }),
    );
    assert.equal(PolicyVersion?.VersionId, "v6", "numbers are not given twice");
    const { Versions } = await root.send(new ListPolicyVersionsCommand({ PolicyArn }));
    assert.deepEqual(
      Versions?.map((one) => [one.VersionId, one.IsDefaultVersion]),
      [
        ["v6", true],
        ["v5", false],
        ["v4", false],
        ["v3", false],
        ["v2", false],
      ],
    );
    const v2 = await root.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: "v2" }));
    assert.equal(decodeURIComponent(v2.PolicyVersion?.Document ?? ""), policy(allow("s3:a")));
    await assert.rejects(
      root.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: "v1" })),
      refusal("NoSuchEntityException", 404),
    );
    await assert.rejects(
      root.send(new DeletePolicyCommand({ PolicyArn })),
      refusal("DeleteConflictException", 409, /more than one version/),
    );
    for (const VersionId of ["v2", "v3", "v4", "v5"])
      await root.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
    await root.send(new DeletePolicyCommand({ PolicyArn }));
    await assert.rejects(
      root.send(new GetPolicyCommand({ PolicyArn })),
      refusal("NoSuchEntityException", 404, /was not found/),
    );
  });

  it("attaches managed policies once, counts and lists their uses, and will not delete one in use", async () => {
    const { Policy } = await root.send(
      new CreatePolicyCommand({ PolicyName: "used", PolicyDocument: policy(allow("s3:GetObject")) }),
    );
    const PolicyArn = Policy?.Arn ?? "";
    const RoleName = "attached";
    await root.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: S3_TRUST }));
    await root.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    await root.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    await root.send(
      new AttachRolePolicyCommand({ RoleName, PolicyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" }),
    );
    const { AttachedPolicies } = await root.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    assert.deepEqual(
      AttachedPolicies?.map((one) => one.PolicyName),
      ["AmazonS3ReadOnlyAccess", "used"],
    );
    await assert.rejects(
      root.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: `arn:aws:iam::${ALICE}:policy/none` })),
      refusal("NoSuchEntityException", 404, /does not exist or is not attachable/),
    );
    await root.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary: PolicyArn }));
    const { Role } = await root.send(new GetRoleCommand({ RoleName }));
    assert.equal(Role?.PermissionsBoundary?.PermissionsBoundaryArn, PolicyArn);
    const used = await root.send(new GetPolicyCommand({ PolicyArn }));
    assert.deepEqual([used.Policy?.AttachmentCount, used.Policy?.PermissionsBoundaryUsageCount], [1, 1]);
    const { PolicyRoles } = await root.send(new ListEntitiesForPolicyCommand({ PolicyArn, EntityFilter: "Role" }));
    assert.deepEqual(
      PolicyRoles?.map((one) => one.RoleName),
      [RoleName],
    );
    await assert.rejects(
      root.send(new DeletePolicyCommand({ PolicyArn })),
      refusal("DeleteConflictException", 409, /attached/),
    );
    await assert.rejects(
      root.send(new DeleteRoleCommand({ RoleName })),
      refusal("DeleteConflictException", 409, /detach/),
    );
    await root.send(new DeleteRolePermissionsBoundaryCommand({ RoleName }));
    await root.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    await assert.rejects(
      root.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })),
      refusal("NoSuchEntityException", 404),
    );
    await root.send(new DeletePolicyCommand({ PolicyArn }));
  });

  it("reads AWS's own policies, which nobody can change", async () => {
    const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
    const { Policies } = await root.send(new ListPoliciesCommand({ Scope: "AWS" }));
    assert.ok(Policies?.some((one) => one.Arn === PolicyArn));
    await assert.rejects(
      root.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: policy(allow("s3:*")) })),
      refusal("AccessDenied", 403),
    );
  });

  it("pages lists by name", async () => {
    const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
    for (const RoleName of names) {
      await root.send(new CreateRoleCommand({ RoleName, Path: "/pages/", AssumeRolePolicyDocument: S3_TRUST }));
    }
    const seen: (string | undefined)[] = [];
    let Marker: string | undefined;
    let pages = 0;
    do {
      const page = await root.send(
        new ListRolesCommand({ PathPrefix: "/pages/", MaxItems: 3, ...(Marker === undefined ? {} : { Marker }) }),
      );
      seen.push(...(page.Roles ?? []).map((one) => one.RoleName));
      assert.equal(page.IsTruncated, page.Marker !== undefined);
      Marker = page.Marker;
      pages += 1;
    } while (Marker !== undefined && pages < 10);
    assert.deepEqual(seen, names);
    assert.equal(pages, 3);
  });

  it("gives users the policies of their groups", async () => {
    const credentials = await user("member");
    const iam = lab.iam(credentials);
    await root.send(new CreateGroupCommand({ GroupName: "readers" }));
    await root.send(
      new PutGroupPolicyCommand({
        GroupName: "readers",
        PolicyName: "p",
        PolicyDocument: policy(allow("iam:ListUsers")),
      }),
    );
    await assert.rejects(iam.send(new ListUsersCommand({})), refusal("AccessDenied", 403));
    await root.send(new AddUserToGroupCommand({ GroupName: "readers", UserName: "member" }));
    await iam.send(new ListUsersCommand({}));
    const { Groups } = await root.send(new ListGroupsForUserCommand({ UserName: "member" }));
    assert.deepEqual(
      Groups?.map((one) => one.GroupName),
      ["readers"],
    );
    const { Users } = await root.send(new GetGroupCommand({ GroupName: "readers" }));
    assert.deepEqual(
      Users?.map((one) => one.UserName),
      ["member"],
    );
    await assert.rejects(
      root.send(new DeleteGroupCommand({ GroupName: "readers" })),
      refusal("DeleteConflictException", 409),
    );
    await root.send(new RemoveUserFromGroupCommand({ GroupName: "readers", UserName: "member" }));
    await assert.rejects(iam.send(new ListUsersCommand({})), refusal("AccessDenied", 403));
  });

  it("asks for permission on the ARN with its path, whether or not the entity is there", async () => {
    const iam = lab.iam(await user("limited"));
    const document = policy(allow("iam:GetRole", `arn:aws:iam::${ALICE}:role/service-role/*`));
    await root.send(new PutUserPolicyCommand({ UserName: "limited", PolicyName: "p", PolicyDocument: document }));
    await iam.send(new GetRoleCommand({ RoleName: "replication" }));
    await assert.rejects(
      iam.send(new GetRoleCommand({ RoleName: "absent" })),
      refusal("AccessDenied", 403, /role\/absent/),
    );
  });

  it("keeps a boundary as the outer limit of what policies allow", async () => {
    const iam = lab.iam(await user("bounded"));
    const { Policy } = await root.send(
      new CreatePolicyCommand({ PolicyName: "boundary", PolicyDocument: policy(allow("iam:ListRoles")) }),
    );
    await root.send(
      new AttachUserPolicyCommand({ UserName: "bounded", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }),
    );
    await iam.send(new ListUsersCommand({}));
    await root.send(
      new PutUserPermissionsBoundaryCommand({ UserName: "bounded", PermissionsBoundary: Policy?.Arn ?? "" }),
    );
    await iam.send(new ListRolesCommand({}));
    await assert.rejects(
      iam.send(new ListUsersCommand({})),
      refusal("AccessDenied", 403, /no permissions boundary allows/),
    );
  });

  it("tests conditions on tags of the caller, of the resource and of the request", async () => {
    await root.send(new CreateUserCommand({ UserName: "abac", Tags: [{ Key: "team", Value: "blue" }] }));
    const { AccessKey } = await root.send(new CreateAccessKeyCommand({ UserName: "abac" }));
    const iam = lab.iam({
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    });
    const principalTag = ["$", "{aws:PrincipalTag/team}"].join("");
    const same = { StringEquals: { "aws:ResourceTag/team": principalTag } };
    const document = policy({ ...allow(["iam:GetRole", "iam:TagRole"]), Condition: same });
    await root.send(new PutUserPolicyCommand({ UserName: "abac", PolicyName: "p", PolicyDocument: document }));
    for (const team of ["blue", "red"]) {
      await root.send(
        new CreateRoleCommand({
          RoleName: team,
          AssumeRolePolicyDocument: S3_TRUST,
          Tags: [{ Key: "team", Value: team }],
        }),
      );
    }
    await iam.send(new GetRoleCommand({ RoleName: "blue" }));
    await assert.rejects(iam.send(new GetRoleCommand({ RoleName: "red" })), refusal("AccessDenied", 403));
  });

  it("validates names and numbers in AWS's words", async () => {
    await assert.rejects(
      root.send(new CreateUserCommand({ UserName: "a b" })),
      refusal(
        "ValidationError",
        400,
        /^1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint/,
      ),
    );
    await assert.rejects(
      root.send(new CreateUserCommand({ UserName: "x".repeat(65) })),
      refusal("ValidationError", 400, /length less than or equal to 64/),
    );
    await assert.rejects(
      root.send(new ListRolesCommand({ MaxItems: 1001 })),
      refusal("ValidationError", 400, /'maxItems'/),
    );
  });

  it("makes a name once, however many ask for it at the same time", async () => {
    const made = await Promise.allSettled(
      Array.from({ length: 8 }, () => root.send(new CreateGroupCommand({ GroupName: "wanted" }))),
    );
    assert.equal(made.filter((one) => one.status === "fulfilled").length, 1);
    for (const one of made) {
      if (one.status === "rejected") assert.equal((one.reason as Error).name, "EntityAlreadyExistsException");
    }
  });

  it("tags policies as it tags roles", async () => {
    const Tags = [{ Key: "a", Value: "1" }];
    const { Policy } = await root.send(
      new CreatePolicyCommand({ PolicyName: "tagged", PolicyDocument: policy(allow("s3:*")), Tags }),
    );
    const PolicyArn = Policy?.Arn ?? "";
    await root.send(new TagPolicyCommand({ PolicyArn, Tags: [{ Key: "b", Value: "2" }] }));
    await root.send(new UntagPolicyCommand({ PolicyArn, TagKeys: ["a"] }));
    assert.deepEqual((await root.send(new ListPolicyTagsCommand({ PolicyArn }))).Tags, [{ Key: "b", Value: "2" }]);
  });

  it("calls its operations as the SDK does", () => {
    for (const name of Object.keys(IAM_OPERATIONS)) assert.ok(`${name}Command` in sdk, name);
  });

  it("has no other operations", async () => {
    await assert.rejects(root.send(new GetAccountSummaryCommand({})), refusal("InvalidAction", 400));
  });

  it("has the same users, policies and trust after a restart", async () => {
    const credentials = await user("lasting");
    const iam = lab.iam(credentials);
    await root.send(
      new PutUserPolicyCommand({ UserName: "lasting", PolicyName: "p", PolicyDocument: policy(allow("iam:Get*")) }),
    );
    await root.send(
      new AttachUserPolicyCommand({ UserName: "lasting", PolicyArn: "arn:aws:iam::aws:policy/AmazonS3FullAccess" }),
    );
    const before = await root.send(new GetRoleCommand({ RoleName: "target" }));
    const canonical = lab.identity.canonicalUserId(ALICE);
    await lab.restart();
    const { User } = await iam.send(new GetUserCommand({}));
    assert.equal(User?.UserName, "lasting");
    const document = await root.send(new GetUserPolicyCommand({ UserName: "lasting", PolicyName: "p" }));
    assert.equal(decodeURIComponent(document.PolicyDocument ?? ""), policy(allow("iam:Get*")));
    assert.deepEqual((await root.send(new ListUserPoliciesCommand({ UserName: "lasting" }))).PolicyNames, ["p"]);
    assert.equal(
      (await root.send(new ListAttachedUserPoliciesCommand({ UserName: "lasting" }))).AttachedPolicies?.length,
      1,
    );
    assert.deepEqual((await root.send(new GetRoleCommand({ RoleName: "target" }))).Role, before.Role);
    assert.equal(lab.identity.canonicalUserId(ALICE), canonical);
    assert.equal(lab.identity.accountOfCanonicalUserId(canonical), ALICE);
    await root.send(
      new DetachUserPolicyCommand({ UserName: "lasting", PolicyArn: "arn:aws:iam::aws:policy/AmazonS3FullAccess" }),
    );
    await root.send(new DeleteUserPolicyCommand({ UserName: "lasting", PolicyName: "p" }));
  });
});
