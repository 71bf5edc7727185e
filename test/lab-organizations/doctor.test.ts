/** The loop closes for everything that caps a request: FAILED → named → patched → applied → resynced → COMPLETED. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { undoOf } from "../../src/doctor/apply.ts";
import { patchCommand, patchTitle } from "../../src/doctor/patch-forms.ts";
import { policy } from "./call.ts";
import { DESTINATION, ROLE, SOURCE, World } from "./embedded.ts";

const EXEMPTION = { ArnNotEquals: { "aws:PrincipalArn": ROLE } };

describe("the doctor of what caps a request", () => {
  let world: World;
  beforeEach(async () => {
    world = await World.start();
  });
  afterEach(() => world.stop());

  it("names a service control policy that denies in the source's account, and takes the role out of it", async () => {
    const root = await world.organize();
    await world.replicate(SOURCE);
    assert.equal(await world.write("before"), "COMPLETED");
    const deny = { Sid: "NoCopies", Effect: "Deny", Action: "s3:ReplicateObject", Resource: "*" };
    const id = await world.attach("SERVICE_CONTROL_POLICY", "no-copies", root, deny);
    assert.equal(await world.write("a"), "FAILED");

    const cause = await world.cause();
    assert.deepEqual([cause.code, cause.confidence], ["DstPutObjectNotPermitted", "proven"]);
    assert.equal(cause.evidence[0]?.source, `service control policy "no-copies" (${id}) at ${root}`);
    assert.match(cause.evidence[0].says, /statement "NoCopies" of service control policy/);
    const response = cause.evidence.find((one) => one.kind === "response");
    assert.match(response?.says ?? "", /with an explicit deny in a service control policy/);

    const patches = await world.fix();
    assert.deepEqual(
      patches.map((one) => [one.target, one.resource, patchTitle(one)]),
      [["organization-policy", id, `organization policy "no-copies" (${id})`]],
    );
    const [patch] = patches;
    assert.ok(patch !== undefined);
    assert.match(patchCommand(patch, undefined), new RegExp(`^aws organizations update-policy --policy-id ${id} `));
    assert.deepEqual(await world.policyDocument(id), JSON.parse(policy({ ...deny, Condition: EXEMPTION })));
    assert.deepEqual(await world.resync(), [1, 0]);
    assert.equal(await world.status("a"), "COMPLETED");

    await world.apply(undoOf(patches));
    assert.deepEqual(await world.policyDocument(id), JSON.parse(policy(deny)));
    assert.equal(await world.write("b"), "FAILED");
  });

  it("names the level whose service control policies do not allow, and allows what is missing there", async () => {
    const root = await world.organize();
    await world.replicate(SOURCE);
    const allow = { Sid: "Most", Effect: "Allow", NotAction: "s3:Replicate*", Resource: "*" };
    const id = await world.attach("SERVICE_CONTROL_POLICY", "most", SOURCE, allow);
    await world.organization("DetachPolicy", { PolicyId: "p-FullAWSAccess", TargetId: SOURCE });
    assert.equal(await world.write("a"), "FAILED");
    const cause = await world.cause();
    assert.ok(
      cause.evidence.some(
        (one) => one.says === `Of the service control policies of ${SOURCE} none allows s3:ReplicateObject`,
      ),
    );
    assert.ok(cause.evidence.every((one) => !one.says.includes(root)));
    assert.deepEqual(
      (await world.fix()).map((one) => one.resource),
      [id],
    );
    assert.deepEqual(await world.resync(), [1, 0]);
  });

  it("names a resource control policy that denies in the destination's account, and takes the role out of it", async () => {
    await world.organize();
    await world.replicate(DESTINATION);
    assert.equal(await world.write("before"), "COMPLETED");
    const deny = {
      Sid: "Perimeter",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: "*",
      Condition: {
        StringNotEqualsIfExists: { "aws:PrincipalAccount": DESTINATION },
        BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
      },
    };
    const id = await world.attach("RESOURCE_CONTROL_POLICY", "perimeter", DESTINATION, deny);
    assert.equal(await world.write("a"), "FAILED");
    const cause = await world.cause();
    assert.deepEqual([cause.code, cause.confidence], ["DstPutObjectNotPermitted", "proven"]);
    assert.equal(cause.evidence[0]?.source, `resource control policy "perimeter" (${id}) at ${DESTINATION}`);
    assert.deepEqual(
      (await world.fix()).map((one) => one.resource),
      [id],
    );
    const Condition = { ...deny.Condition, ...EXEMPTION };
    assert.deepEqual(await world.policyDocument(id), JSON.parse(policy({ ...deny, Condition })));
    assert.deepEqual(await world.resync(), [1, 0]);
    assert.equal(await world.status("a"), "COMPLETED");
  });

  it("extends a permissions boundary that lacks the tags, and takes it back", async () => {
    await world.replicate(SOURCE);
    const iam = await world.iam(SOURCE);
    const PolicyDocument = policy({ Sid: "Limit", Effect: "Allow", NotAction: "s3:ReplicateTags", Resource: "*" });
    const { Policy } = await iam.createPolicy({ PolicyName: "limit", PolicyDocument });
    const PolicyArn = Policy?.Arn ?? "";
    await iam.putRolePermissionsBoundary({ RoleName: "replication", PermissionsBoundary: PolicyArn });
    assert.equal(await world.write("a", "team=blue"), "FAILED");
    const cause = await world.cause();
    assert.equal(cause.code, "DstPutTaggingNotPermitted");
    assert.match(cause.evidence[0]?.says ?? "", /no permissions boundary allows it/);
    const patches = await world.fix();
    assert.deepEqual(
      patches.map((one) => [one.target, one.resource, patchTitle(one)]),
      [["iam-boundary-policy", PolicyArn, `permissions boundary ${PolicyArn}`]],
    );
    assert.deepEqual(await world.resync(), [1, 0]);
    const { TagSet } = await (await world.s3(SOURCE)).getObjectTagging({ Bucket: "photos-replica", Key: "a" });
    assert.deepEqual(TagSet, [{ Key: "team", Value: "blue" }]);
    await world.apply(undoOf(patches));
    assert.equal(await world.write("b", "team=blue"), "FAILED");
  });

  for (const [key, Condition] of [
    ["aws:SourceVpce", { StringNotEquals: { "aws:SourceVpce": "vpce-1a2b3c4d" } }],
    ["aws:SourceIp", { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } }],
  ] as const) {
    it(`takes the role out of a bucket policy that denies whoever does not come by ${key}`, async () => {
      await world.replicate(SOURCE);
      const s3 = await world.s3(SOURCE);
      const deny = {
        Sid: "OurNetwork",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:Replicate*",
        Resource: "arn:aws:s3:::photos-replica/*",
        Condition,
      };
      await s3.putBucketPolicy({ Bucket: "photos-replica", Policy: policy(deny) });
      assert.equal(await world.write("a"), "FAILED");
      const cause = await world.cause();
      assert.deepEqual([cause.code, cause.confidence], ["DstPutObjectNotPermitted", "proven"]);
      assert.match(
        cause.evidence[0]?.says ?? "",
        /statement "OurNetwork" of the bucket policy of photos-replica denies it/,
      );
      assert.deepEqual(
        (await world.fix()).map((one) => one.target),
        ["bucket-policy"],
      );
      const { Policy } = await s3.getBucketPolicy({ Bucket: "photos-replica" });
      assert.deepEqual(
        JSON.parse(Policy ?? ""),
        JSON.parse(policy({ ...deny, Condition: { ...Condition, ...EXEMPTION } })),
      );
      assert.deepEqual(await world.resync(), [1, 0]);
      assert.equal(await world.status("a"), "COMPLETED");
    });
  }

  it("does not take what it may not read for nothing: a denial that no policy explains points to the organisation", async () => {
    const root = await world.organize();
    await world.replicate(SOURCE);
    await world.attach("SERVICE_CONTROL_POLICY", "no-copies", root, {
      Effect: "Deny",
      Action: "s3:ReplicateObject",
      Resource: "*",
    });
    assert.equal(await world.write("a"), "FAILED");
    const { diagnosis } = await world.diagnose(SOURCE);
    assert.deepEqual(
      diagnosis.causes.map((one) => `${one.code} ${one.confidence}`),
      ["DstPutObjectNotPermitted likely"],
    );
    const says = diagnosis.causes[0]?.evidence.map((one) => one.says).join("\n") ?? "";
    assert.match(
      says,
      new RegExp(`the organisation's policies of account ${SOURCE}: not readable: organizations:ListParents denied`),
    );
  });

  it("says of an account that is in another organisation that nothing is known of its policies", async () => {
    await world.organize();
    await world.organization("RemoveAccountFromOrganization", { AccountId: DESTINATION });
    await world.replicate(DESTINATION);
    const { organization } = await world.facts();
    assert.ok(organization.state === "read");
    const { accounts, scps, rcps, unread } = organization.value;
    assert.match(accounts[SOURCE] ?? "", /^o-[a-z0-9]+\/r-[a-z0-9]+\/$/);
    assert.deepEqual([scps[SOURCE]?.length, rcps[SOURCE]?.length], [2, 2]);
    assert.deepEqual(Object.keys(unread), [DESTINATION]);
    assert.equal(accounts[DESTINATION], undefined);
  });

  it("tells an account in no organisation from one that may not look", async () => {
    await world.replicate(SOURCE);
    assert.deepEqual((await world.facts()).organization, { state: "absent" });
  });
});
