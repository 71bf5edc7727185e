import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetUserCommand,
  type IAMClient,
  ListRolesCommand,
  ListUsersCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  AssumeRoleCommand,
  type AssumeRoleCommandOutput,
  GetCallerIdentityCommand,
  type STSClient,
} from "@aws-sdk/client-sts";
import type { Credentials } from "../../src/core/model.ts";
import { ServiceError } from "../../src/lab/model.ts";
import { ALICE, allow, BOB, policy, refusal, SdkLab, trust } from "./sdk-lab.ts";

const HOUR_MS = 3_600_000;
const ASSUME = policy(allow("sts:AssumeRole"));

describe("STS over the wire, for the AWS SDK", () => {
  let lab: SdkLab;
  let root: IAMClient;
  let bobRoot: IAMClient;
  let ann: Credentials;
  let bob: Credentials;

  before(async () => {
    lab = await SdkLab.start();
    root = lab.iam(await lab.root(ALICE));
    bobRoot = lab.iam(await lab.root(BOB));
    ann = await user(root, "ann");
    bob = await user(bobRoot, "bob");
  });
  after(() => lab.stop());

  async function user(iam: IAMClient, UserName: string): Promise<Credentials> {
    await iam.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  }

  async function role(RoleName: string, document: string, MaxSessionDuration = 3600): Promise<string> {
    const made = await root.send(
      new CreateRoleCommand({ RoleName, Path: "/r/", AssumeRolePolicyDocument: document, MaxSessionDuration }),
    );
    return made.Role?.Arn ?? "";
  }

  function assume(sts: STSClient, RoleArn: string, more: object = {}): Promise<AssumeRoleCommandOutput> {
    return sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "session", ...more }));
  }

  function credentialsOf({ Credentials: given }: AssumeRoleCommandOutput): Credentials {
    return {
      accessKeyId: given?.AccessKeyId ?? "",
      secretAccessKey: given?.SecretAccessKey ?? "",
      sessionToken: given?.SessionToken ?? "",
      expiresAtMs: given?.Expiration?.getTime() ?? 0,
    };
  }

  it("tells everybody who they are, even without any permission", async () => {
    const asRoot = await lab.sts(await lab.root(ALICE)).send(new GetCallerIdentityCommand({}));
    assert.deepEqual([asRoot.Account, asRoot.Arn, asRoot.UserId], [ALICE, `arn:aws:iam::${ALICE}:root`, ALICE]);
    const asAnn = await lab.sts(ann).send(new GetCallerIdentityCommand({}));
    assert.equal(asAnn.Arn, `arn:aws:iam::${ALICE}:user/ann`);
    assert.match(asAnn.UserId ?? "", /^AIDA/);
  });

  it("lets in a user that the trust policy names, without an identity policy in the same account", async () => {
    const arn = await role("named", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }));
    const answer = await assume(lab.sts(ann), arn);
    assert.equal(answer.AssumedRoleUser?.Arn, `arn:aws:sts::${ALICE}:assumed-role/named/session`);
    assert.match(answer.AssumedRoleUser?.AssumedRoleId ?? "", /^AROA\w+:session$/);
    assert.equal(answer.Credentials?.Expiration?.getTime(), lab.nowMs + HOUR_MS);
    const who = await lab.sts(credentialsOf(answer)).send(new GetCallerIdentityCommand({}));
    assert.equal(who.Arn, `arn:aws:sts::${ALICE}:assumed-role/named/session`);
    assert.equal(who.UserId, answer.AssumedRoleUser?.AssumedRoleId);
  });

  it("needs an identity policy when the trust policy names only the account", async () => {
    const arn = await role("delegating", trust({ AWS: ALICE }));
    await assert.rejects(
      assume(lab.sts(ann), arn),
      refusal(
        "AccessDenied",
        403,
        /^User: arn:aws:iam::111122223333:user\/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role\/r\/delegating/,
      ),
    );
    const policied = await user(root, "policied");
    await root.send(new PutUserPolicyCommand({ UserName: "policied", PolicyName: "p", PolicyDocument: ASSUME }));
    await assume(lab.sts(policied), arn);
  });

  it("needs both sides across accounts, and tells strangers nothing more", async () => {
    const arn = await role("shared", trust({ AWS: `arn:aws:iam::${BOB}:user/bob` }));
    const bare =
      /^User: arn:aws:iam::444455556666:user\/bob is not authorized to perform: sts:AssumeRole on resource: \S+$/;
    await assert.rejects(assume(lab.sts(bob), arn), refusal("AccessDenied", 403, bare));
    await bobRoot.send(new PutUserPolicyCommand({ UserName: "bob", PolicyName: "p", PolicyDocument: ASSUME }));
    await assume(lab.sts(bob), arn);
    const untrusting = await role("untrusting", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }));
    await assert.rejects(assume(lab.sts(bob), untrusting), refusal("AccessDenied", 403, bare));
    await assert.rejects(assume(lab.sts(bob), `arn:aws:iam::${ALICE}:role/absent`), refusal("AccessDenied", 403, bare));
  });

  it("does not let root assume roles", async () => {
    const arn = await role("not-for-root", trust({ AWS: ALICE }));
    await assert.rejects(
      assume(lab.sts(await lab.root(ALICE)), arn),
      refusal("AccessDenied", 403, /^Roles may not be assumed by root accounts\.$/),
    );
  });

  it("hands the external id and the session's name to the trust policy's conditions", async () => {
    const conditions = { StringEquals: { "sts:ExternalId": "s3cret", "sts:RoleSessionName": "session" } };
    const arn = await role("conditional", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }, { Condition: conditions }));
    await assert.rejects(assume(lab.sts(ann), arn), refusal("AccessDenied", 403));
    await assert.rejects(assume(lab.sts(ann), arn, { ExternalId: "other" }), refusal("AccessDenied", 403));
    await assume(lab.sts(ann), arn, { ExternalId: "s3cret" });
  });

  it("limits the duration by the role's maximum, and to an hour for a role assumed by a role", async () => {
    const arn = await role("long", trust({ AWS: [`arn:aws:iam::${ALICE}:user/ann`, ALICE] }), 7200);
    await root.send(new PutRolePolicyCommand({ RoleName: "long", PolicyName: "p", PolicyDocument: ASSUME }));
    await assert.rejects(
      assume(lab.sts(ann), arn, { DurationSeconds: 7201 }),
      refusal("ValidationError", 400, /exceeds the MaxSessionDuration set for this role/),
    );
    const first = await assume(lab.sts(ann), arn, { DurationSeconds: 7200 });
    await assert.rejects(
      assume(lab.sts(credentialsOf(first)), arn, { DurationSeconds: 3601 }),
      refusal("ValidationError", 400, /1 hour session limit for roles assumed by role chaining/),
    );
    await assert.rejects(
      assume(lab.sts(ann), arn, { DurationSeconds: 899 }),
      refusal("ValidationError", 400, /'durationSeconds'/),
    );
  });

  it("narrows the session by its policies, inline and managed", async () => {
    const arn = await role("wide", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }));
    await root.send(
      new AttachRolePolicyCommand({ RoleName: "wide", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }),
    );
    const wide = lab.iam(credentialsOf(await assume(lab.sts(ann), arn)));
    await wide.send(new ListUsersCommand({}));

    const narrowed = await assume(lab.sts(ann), arn, { Policy: policy(allow("iam:ListRoles")) });
    assert.ok((narrowed.PackedPolicySize ?? 0) > 0);
    const narrow = lab.iam(credentialsOf(narrowed));
    await narrow.send(new ListRolesCommand({}));
    await assert.rejects(
      narrow.send(new ListUsersCommand({})),
      refusal("AccessDenied", 403, /no session policy allows/),
    );

    const { Policy } = await root.send(
      new CreatePolicyCommand({ PolicyName: "session", PolicyDocument: policy(allow("iam:ListUsers")) }),
    );
    const byArn = lab.iam(credentialsOf(await assume(lab.sts(ann), arn, { PolicyArns: [{ arn: Policy?.Arn }] })));
    await byArn.send(new ListUsersCommand({}));
    await assert.rejects(byArn.send(new ListRolesCommand({})), refusal("AccessDenied", 403));
    await assert.rejects(assume(lab.sts(ann), arn, { Policy: "{}" }), refusal("MalformedPolicyDocumentException", 400));
  });

  it("takes session tags only with sts:TagSession, and shows them as tags of the principal", async () => {
    const byAnn = { Principal: { AWS: `arn:aws:iam::${ALICE}:user/ann` }, Effect: "Allow" };
    const arn = await role("taggable", policy({ ...byAnn, Action: "sts:AssumeRole" }));
    const Tags = [{ Key: "Team", Value: "blue" }];
    await assert.rejects(assume(lab.sts(ann), arn, { Tags }), refusal("AccessDenied", 403, /sts:TagSession/));
    const document = policy({ ...byAnn, Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] });
    await root.send(new UpdateAssumeRolePolicyCommand({ RoleName: "taggable", PolicyDocument: document }));
    const answer = await assume(lab.sts(ann), arn, { Tags, SourceIdentity: "ann@example.com" });
    assert.equal(answer.SourceIdentity, "ann@example.com");
    const { context } = lab.caller(credentialsOf(answer));
    assert.deepEqual(context, {
      "aws:principaltag/team": "blue",
      "aws:sourceidentity": "ann@example.com",
      "aws:tokenissuetime": "2026-03-01T12:00:00.000Z",
    });
  });

  it("keeps sessions over a restart, ends them on time, and forgets them a day later", async () => {
    const arn = await role("lasting", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }));
    const session = credentialsOf(await assume(lab.sts(ann), arn));
    await lab.restart();
    await lab.sts(session).send(new GetCallerIdentityCommand({}));

    const answerAt = (ms: number) => lab.identity.credential(session.accessKeyId, session.sessionToken, ms);
    const start = lab.nowMs;
    assert.ok("caller" in answerAt(start + HOUR_MS - 1));
    assert.deepEqual(answerAt(start + HOUR_MS), { problem: "expiredToken" });
    assert.deepEqual(lab.identity.credential(session.accessKeyId, "x", start), { problem: "wrongToken" });
    assert.deepEqual(lab.identity.credential(session.accessKeyId, undefined, start), { problem: "missingToken" });
    assert.deepEqual(lab.identity.credential(ann.accessKeyId, "x", start), { problem: "wrongToken" });

    lab.nowMs = start + 26 * HOUR_MS;
    await assume(lab.sts(ann), arn);
    assert.deepEqual(answerAt(lab.nowMs), { problem: "unknownKey" });
    lab.nowMs = start;
  });

  it("shows a session the role's policies of the moment, and knows it no more when the role is gone", async () => {
    const arn = await role("changing", trust({ AWS: `arn:aws:iam::${ALICE}:user/ann` }));
    const session = credentialsOf(await assume(lab.sts(ann), arn));
    const iam = lab.iam(session);
    await assert.rejects(iam.send(new GetUserCommand({ UserName: "ann" })), refusal("AccessDenied", 403));
    await root.send(
      new PutRolePolicyCommand({ RoleName: "changing", PolicyName: "p", PolicyDocument: policy(allow("iam:GetUser")) }),
    );
    await iam.send(new GetUserCommand({ UserName: "ann" }));
    await root.send(new DeleteRolePolicyCommand({ RoleName: "changing", PolicyName: "p" }));
    await root.send(new DeleteRoleCommand({ RoleName: "changing" }));
    assert.deepEqual(lab.identity.credential(session.accessKeyId, session.sessionToken, lab.nowMs), {
      problem: "unknownKey",
    });
  });

  describe("for an AWS service", () => {
    const request = (roleArn: string) => ({
      service: "s3.amazonaws.com",
      roleArn,
      sessionName: "s3-replication",
      nowMs: lab.nowMs,
    });

    it("asks the trust policy alone, and marks the session", async () => {
      const arn = await role("for-s3", trust({ Service: "s3.amazonaws.com" }));
      const caller = lab.caller(await lab.identity.assumeForService(request(arn)));
      assert.equal(caller.invokedBy, "s3.amazonaws.com");
      assert.equal(
        caller.principal.kind === "session" ? caller.principal.arn : "",
        `arn:aws:sts::${ALICE}:assumed-role/for-s3/s3-replication`,
      );
      assert.equal(caller.principal.kind === "session" ? caller.principal.roleArn : "", arn);
    });

    it("refuses a role that trusts another service, needs aws:SourceAccount, or does not exist", async () => {
      const denied = (error: unknown) =>
        error instanceof ServiceError && error.code === "AccessDenied" && /sts:AssumeRole/.test(error.message);
      const other = await role("for-batch", trust({ Service: "batchoperations.s3.amazonaws.com" }));
      const demanding = await role(
        "demanding",
        trust({ Service: "s3.amazonaws.com" }, { Condition: { StringEquals: { "aws:SourceAccount": ALICE } } }),
      );
      for (const arn of [other, demanding, `arn:aws:iam::${ALICE}:role/absent`]) {
        await assert.rejects(lab.identity.assumeForService(request(arn)), denied);
      }
    });
  });

  it("lets only who has iam:PassRole hand a role to a service, and never across accounts", async () => {
    const roleArn = await role("passable", trust({ Service: "s3.amazonaws.com" }));
    const pass = { roleArn, service: "s3.amazonaws.com", context: {} };
    const denied = (error: unknown) => error instanceof ServiceError && error.code === "AccessDenied";
    assert.throws(() => lab.identity.requirePassRole(lab.caller(ann), pass), denied);
    const passing = {
      ...allow("iam:PassRole", roleArn),
      Condition: { StringEquals: { "iam:PassedToService": "s3.amazonaws.com" } },
    };
    await root.send(new PutUserPolicyCommand({ UserName: "ann", PolicyName: "pass", PolicyDocument: policy(passing) }));
    lab.identity.requirePassRole(lab.caller(ann), pass);
    assert.throws(
      () => lab.identity.requirePassRole(lab.caller(ann), { ...pass, service: "ec2.amazonaws.com" }),
      denied,
    );
    const bobsRoot = lab.caller(await lab.root(BOB));
    assert.throws(() => lab.identity.requirePassRole(bobsRoot, pass), /Cross-account pass role is not allowed/);
  });
});
