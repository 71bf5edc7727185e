/** Patches are proven before they are written, and written only when nothing speaks against it. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import type { Context } from "../../src/cli/context.ts";
import { scan } from "../../src/cli/diagnosis/scan.ts";
import * as fixing from "../../src/cli/fix/fixing.ts";
import { rehearsals } from "../../src/cli/rehearsal/rehearse.ts";
import { Examination } from "../../src/core/diagnose/diagnose.ts";
import { patchedSetup } from "../../src/core/diagnose/patched.ts";
import type { Patch } from "../../src/core/diagnose/report.ts";
import { applyPatches } from "../../src/doctor/apply.ts";
import { ApplyError } from "../../src/doctor/apply-error.ts";
import { checkPermissions } from "../../src/doctor/may-write.ts";
import type { Surroundings } from "../../src/doctor/ports.ts";
import { prove } from "../../src/doctor/prove.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { write } from "./objects.ts";
import { policy } from "./policies.ts";
import { REPLICATION_BY_ROLE, ROLE, ROLE_ARN, ROLE_POLICY, SOURCE_ARN, Standard } from "./standard.ts";
import { SOURCE } from "./world.ts";

const NOW = { sleep: async () => undefined };

describe("proving and applying", () => {
  const directory = temporaryDirectory();
  let set: Standard;
  let context: Context;
  let states = 0;
  beforeEach(async () => {
    set = await Standard.make(directory.path);
    states += 1;
    context = contextOf(set, `${directory.path}/${states}`);
  });
  afterEach(() => set.world.close());
  after(() => directory.remove());

  /** Two documents are wrong: the role may not write delete markers, and KMS-encrypted objects are not selected. */
  async function breakTwo(): Promise<fixing.FixPlan> {
    await set.revoke("s3:ReplicateDelete");
    await set.editRule(({ SourceSelectionCriteria: _criteria, Destination, ...rule }) => {
      const { EncryptionConfiguration: _key, ...destination } = Destination ?? { Bucket: undefined };
      return { ...rule, Destination: destination };
    });
    await write(set, ["plain", "kms", "marker"]);
    await set.world.settle();
    return fixing.planOf(await scan(await set.world.doctor(), { bucket: SOURCE }, context), undefined);
  }

  test("loop: what is held back fails in the lab with its own code, and is replicated with the patch", async () => {
    const { rows, verdict, assumed } = await fixing.proofOf(await breakTwo(), context);
    assert.equal(verdict, "proven");
    assert.deepEqual(assumed, []);
    const seen = rows
      .filter((one) => one.of === "versions")
      .map((one) => `${one.name}: ${one.before.codes.join()} → ${one.verdict}`);
    assert.deepEqual(seen.sort(), [
      "SSE-KMS: KmsNotSelected → healed",
      "SSE-S3:  → kept",
      "delete marker: DstDelObjNotPermitted → healed",
    ]);
  });

  test("loop: a patch that breaks another kind of object is refused, and not written", async () => {
    const plan = await breakTwo();
    const role = plan.patches.find((one) => one.target === "iam-role-policy");
    assert.ok(role !== undefined);
    // It gives the missing permission, and takes all others.
    const only = {
      ...role,
      after: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:ReplicateDelete", Resource: "*" }] },
    };
    const harmful = { ...plan, patches: [only] };
    const proof = await fixing.proofOf(harmful, context);
    assert.equal(proof.verdict, "refused");
    const broken = proof.rows.filter((one) => one.verdict === "broken");
    assert.ok(
      broken.some(
        (one) =>
          one.of === "versions" &&
          one.name === "SSE-S3" &&
          /SrcHeadObjectNotPermitted|SrcGetObjectNotPermitted/.test(one.says),
      ),
      JSON.stringify(broken),
    );
    const before = await set.rolePolicy();
    const doctor = await set.world.doctor();
    await assert.rejects(fixing.apply(doctor, harmful, context, { proof, yes: true }), { name: "RefusedError" });
    assert.deepEqual(await set.rolePolicy(), before);
  });

  test("loop: a patch that does not heal what it is for is refused", async () => {
    const plan = await breakTwo();
    const patches = plan.patches.map((one) => (one.target === "iam-role-policy" ? { ...one, after: one.before } : one));
    const { verdict, rows } = await fixing.proofOf({ ...plan, patches }, context);
    assert.equal(verdict, "refused");
    assert.deepEqual(
      rows.filter((one) => one.verdict === "unhealed").map((one) => one.name),
      ["delete marker"],
    );
  });

  test("loop: what could not be read stands in nobody's way, and makes the proof less certain", async () => {
    const { setup, alike, causes, patches } = await breakTwo();
    const [arn = "", destination] = Object.entries(setup.destinations)[0] ?? [];
    assert.ok(destination !== undefined);
    const unread = { ...destination, policy: { state: "unreadable", because: "AccessDenied" } as const };
    const dim = { ...setup, destinations: { [arn]: unread } };
    const examination = new Examination(dim);
    for (const one of alike) examination.add(one.version, one);
    const request = { setup: dim, examined: examination.examined(), causes, patches };
    const proof = await prove(request, rehearsals(context.clock));
    assert.equal(proof.verdict, "proven", JSON.stringify(proof.rows));
    assert.deepEqual(proof.assumed, ["the bucket policy of loop-replica: AccessDenied"]);
  });

  test("loop: nothing is written when nobody is there to be asked, or says no", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    const before = await set.rolePolicy();
    await assert.rejects(fixing.apply(doctor, plan, context, {}), { name: "UsageError", message: /--yes/ });
    const asked: string[] = [];
    const answering = (answer: string): Context => ({
      ...context,
      ask: async (question) => {
        asked.push(question);
        return answer;
      },
    });
    await assert.rejects(fixing.apply(doctor, plan, answering(""), {}), { message: "nothing was written" });
    assert.deepEqual(await set.rolePolicy(), before);
    assert.match(asked[0] ?? "", /^Write these 2 changes\? \[y\/N\] $/);
    const { status } = await fixing.apply(doctor, plan, answering("y"), {});
    assert.equal(status, 0);
    assert.notDeepEqual(await set.rolePolicy(), before);
  });

  test("loop: a document that has changed meanwhile is named with what has changed, and nothing is written", async () => {
    const plan = await breakTwo();
    await set.revoke("s3:ReplicateTags");
    const before = await set.rolePolicy();
    const doctor = await set.world.doctor();
    await assert.rejects(fixing.apply(doctor, plan, context, { yes: true }), {
      name: "ChangedError",
      message:
        /^iam-role-policy of arn:aws:iam::\d+:role\/loop-replication \(replicate\) has changed .*-"s3:ReplicateTags"/,
    });
    assert.deepEqual(await set.rolePolicy(), before);
  });

  test("loop: when a write fails, what was written before it is put back, the last one first", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    const before = await set.rolePolicy();
    const fails = { ...doctor, bucket: failing(doctor, "putBucketReplication") };
    await assert.rejects(applyPatches(fails, plan.patches, NOW), (error) => {
      assert.ok(error instanceof ApplyError);
      assert.equal(error.patch.target, "replication");
      assert.deepEqual(
        error.restored.map((one) => one.target),
        ["iam-role-policy"],
      );
      assert.deepEqual(error.stuck, []);
      return true;
    });
    assert.deepEqual(await set.rolePolicy(), before);
  });

  test("loop: what cannot be put back is said, and stays in the history to be undone", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    let puts = 0;
    const once = new Proxy(doctor.iam, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "putInlinePolicy") return member.bind(target) as unknown;
        return async (...words: unknown[]) => {
          puts += 1;
          if (puts > 1) throw new Error("IAM is away");
          await Reflect.apply(member, target, words);
        };
      },
    });
    const fails = { ...doctor, iam: once, bucket: failing(doctor, "putBucketReplication") };
    await assert.rejects(fixing.apply(fails, plan, context, { yes: true }), {
      name: "ApplyError",
      message: /could not be put back: iam-role-policy of .* \(IAM is away\)$/,
    });
    const { value } = await fixing.showHistory(SOURCE, context);
    const { applications } = value as {
      applications: readonly { id: string; patches: readonly Patch[]; undoneAt?: string }[];
    };
    const left = applications.filter((one) => one.undoneAt === undefined);
    assert.deepEqual(
      left.map((one) => one.patches.map((patch) => patch.target)),
      [["iam-role-policy"]],
    );
    await fixing.undo(doctor, { bucket: SOURCE, id: left[0]?.id ?? "" }, context);
    assert.ok(!JSON.stringify(await set.rolePolicy()).includes("s3:ReplicateDelete"));
  });

  test("loop: a write that does not show for a while is waited for; one that never does is put back", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    let waits = 0;
    let reads = 0;
    const late = new Proxy(doctor.iam, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "inlinePolicies") return member.bind(target) as unknown;
        return async () => {
          reads += 1;
          const now = (await Reflect.apply(member, target, [ROLE_ARN])) as { name: string; document: string }[];
          const role = plan.patches.find((one) => one.target === "iam-role-policy");
          return reads < 5 ? [{ name: ROLE_POLICY, document: JSON.stringify(role?.before) }] : now;
        };
      },
    });
    const waiting = {
      sleep: async () => {
        waits += 1;
      },
    };
    const applied = await applyPatches({ ...doctor, iam: late }, plan.patches, waiting);
    assert.equal(applied.length, 2);
    assert.equal(waits, 3);
    reads = Number.NEGATIVE_INFINITY;
    const back = applied.toReversed().map((one) => ({ ...one, before: one.after, after: one.before }));
    const [, role] = back;
    assert.ok(role !== undefined);
    const shown = {
      ...role,
      before: plan.patches.find((one) => one.target === "iam-role-policy")?.before ?? null,
      after: role.before,
    };
    await assert.rejects(
      applyPatches({ ...doctor, iam: late }, [shown], waiting),
      /it was accepted, and after 60 s it still does not show/,
    );
  });

  test("loop: a caller who may not write one of the documents is told before anything is written", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    const weak: Surroundings = {
      ...doctor,
      policiesOf: async () => ({
        principal: {
          kind: "user",
          accountId: "111122223333",
          arn: "arn:aws:iam::111122223333:user/ann",
          userId: "AIDAANN",
        },
        policies: [
          { name: "s3", document: JSON.stringify(policy({ Effect: "Allow", Action: "s3:*", Resource: "*" })) },
        ],
      }),
    };
    const { missing } = await checkPermissions(weak, plan.setup, plan.patches);
    assert.deepEqual(missing.map((one) => one.action).sort(), ["iam:PassRole", "iam:PutRolePolicy"]);
    const before = await set.rolePolicy();
    await assert.rejects(fixing.apply({ ...doctor, ...weak }, plan, context, { yes: true }), {
      name: "AccessError",
      message: /^User ann may not iam:PutRolePolicy .* nothing was written$/,
    });
    assert.deepEqual(await set.rolePolicy(), before);
  });

  test("loop: where a condition may make the difference it is said that it was not checked", async () => {
    const plan = await breakTwo();
    const doctor = await set.world.doctor();
    const held = {
      Effect: "Allow",
      Action: "*",
      Resource: "*",
      Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
    } as const;
    const withFactor: Surroundings = {
      ...doctor,
      policiesOf: async () => ({
        principal: {
          kind: "user",
          accountId: "111122223333",
          arn: "arn:aws:iam::111122223333:user/ann",
          userId: "AIDAANN",
        },
        policies: [{ name: "mfa", document: JSON.stringify(policy(held)) }],
      }),
    };
    const { missing, unchecked } = await checkPermissions(withFactor, plan.setup, plan.patches);
    assert.deepEqual(missing, []);
    assert.equal(unchecked.length, 3);
    assert.match(unchecked.join("\n"), /may not iam:PutRolePolicy .* Conditions may say otherwise\./);
  });

  test("loop: the caller's policies are read from IAM, those of its groups too", async () => {
    const { iam } = set;
    await iam.createUser({ UserName: "ann" });
    await iam.createGroup({ GroupName: "fixers" });
    const document = (Action: string) => JSON.stringify(policy({ Effect: "Allow", Action, Resource: "*" }));
    await iam.putGroupPolicy({ GroupName: "fixers", PolicyName: "of-group", PolicyDocument: document("s3:*") });
    await iam.putUserPolicy({ UserName: "ann", PolicyName: "own", PolicyDocument: document("iam:*") });
    await iam.addUserToGroup({ UserName: "ann", GroupName: "fixers" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "ann" });
    const { callerPolicies } = await import("../../src/aws/iam-caller.ts");
    const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = AccessKey ?? {};
    const access = {
      endpoint: set.world.endpoint,
      region: "us-east-1",
      credentials: async () => ({ accessKeyId, secretAccessKey }),
    };
    const found = await callerPolicies(access, "arn:aws:iam::111122223333:user/ann");
    assert.deepEqual(
      found?.policies.map((one) => one.name),
      ["own", "of-group"],
    );
    assert.equal(found.principal.kind, "user");
  });

  test("loop: patched facts are what is read after the patches were applied", async () => {
    const plan = await breakTwo();
    await set.editBucketPolicy("replica", () => policy({ ...REPLICATION_BY_ROLE, Sid: "Other" }));
    const doctor = await set.world.doctor();
    const { setup } = await scan(doctor, { bucket: SOURCE }, context);
    await applyPatches(doctor, plan.patches, NOW);
    const { setup: now } = await scan(doctor, { bucket: SOURCE }, context);
    const foreseen = patchedSetup(setup, plan.patches);
    assert.deepEqual(foreseen.role, now.role);
    assert.deepEqual(foreseen.source, now.source);
    assert.equal(now.role.state === "read" ? now.role.value.name : "", ROLE);
    assert.equal(now.source.arn, SOURCE_ARN);
  });
});

function failing(doctor: Surroundings, call: "putBucketReplication"): Surroundings["bucket"] {
  return async (name) => {
    const access = await doctor.bucket(name);
    const settings = new Proxy(access.settings, {
      get: (target, member) => {
        const found: unknown = Reflect.get(target, member, target);
        if (member === call) {
          return async () => {
            throw new Error("S3 is away");
          };
        }
        return typeof found === "function" ? (found.bind(target) as unknown) : found;
      },
    });
    return { ...access, settings };
  };
}

function contextOf(set: Standard, directory: string): Context {
  const stream = new PassThrough();
  return {
    environment: { LOCKSTEP_STATE_DIR: directory },
    clock: () => set.world.clock.nowMs(),
    stderr: stream,
    stdout: stream,
    workingDirectory: directory,
    interrupted: new AbortController().signal,
    onHangup: () => () => undefined,
  };
}
