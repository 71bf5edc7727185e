/**
 * The policies that `lockstep policy` prints suffice, and each of their actions is needed: a user of the lab who has the
 * doctor's reads all that the account's root reads, and less as soon as one action is taken away.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Connection, openConnection } from "../../src/cli/connection.ts";
import { readLintText } from "../../src/cli/lint/input.ts";
import { lint } from "../../src/core/lint/lint.ts";
import type { Credentials } from "../../src/core/model.ts";
import { applyPatches } from "../../src/doctor/apply.ts";
import { examine } from "../../src/doctor/collect.ts";
import { EVIDENCE, FIGURES_AND_CHANGES, READS } from "../../src/doctor/permissions.ts";
import { type PolicySubject, policyFor, READERS, type Reader } from "../../src/doctor/policies.ts";
import { snapshotOf, unreadIn } from "../../src/doctor/snapshot.ts";
import { OPERATIONS, type OperationActions } from "../../src/lab/s3/operations.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { organizations } from "../lab-organizations/call.ts";
import { type Kind, write } from "./objects.ts";
import { type Policy, without } from "./policies.ts";
import { ROLE_ARN, Standard } from "./standard.ts";
import { ACCOUNT, REPLICA, SOURCE, SOURCE_REGION } from "./world.ts";

const USER = "looker";
const QUEUE_ARN = `arn:aws:sqs:${SOURCE_REGION}:${ACCOUNT}:told`;
/** What is allowed to who examines, and no examination needs: other commands do, and have tests of their own here. */
const NOT_OF_FACTS: ReadonlySet<string> = new Set([...FIGURES_AND_CHANGES, ...EVIDENCE].map((one) => one.action));
const KINDS: readonly Kind[] = ["plain", "tagged", "kms", "bucketKey", "marker", "retained", "held"];

const READ_ACTIONS: ReadonlySet<string> = new Set(Object.values(READS).map((one) => one.action));

function documentFor(reader: Reader, subject: PolicySubject): Policy {
  return JSON.parse(JSON.stringify(policyFor(reader, subject))) as Policy;
}

function actionsIn({ Statement }: Policy): readonly string[] {
  return [...new Set(Statement.flatMap((one) => one.Action))];
}

test("policy: the doctor's table names the actions by which the lab judges the calls", () => {
  const operations: Readonly<Record<string, OperationActions>> = OPERATIONS;
  for (const [call, { action }] of Object.entries(READS)) {
    const [service, name = ""] = call.split(":");
    const known = operations[name];
    assert.equal(action, service === "s3" ? (known?.versioned ?? known?.plain) : call);
  }
});

test("policy: what is printed is what AWS takes, whether things are named or not", () => {
  const evidence = { evidence: ["logs"], queueArns: [QUEUE_ARN] };
  const named = { bucket: SOURCE, destinations: [REPLICA], roleArn: ROLE_ARN, keyArns: [], ...evidence };
  for (const reader of READERS) {
    for (const subject of [named, { destinations: [], keyArns: [] }]) {
      const { document, findings } = readLintText("p.json", JSON.stringify(policyFor(reader, subject)), "role-policy");
      assert.ok(document !== undefined);
      const errors = lint([document], {}, findings).findings.filter((one) => one.severity === "error");
      assert.deepEqual(errors, []);
    }
  }
});

const AT_ONCE = { sleep: async () => undefined };

describe("the doctor's policy", () => {
  const directory = temporaryDirectory();
  let set: Standard;
  let looker: Connection;
  let root: Connection;
  let subject: PolicySubject;

  before(async () => {
    set = await Standard.make(directory.path, { sameAccount: true, objectLock: "both" });
    const credentials = await set.world.credentials(ACCOUNT);
    const organize = (operation: string, input: object = {}) =>
      organizations(set.world.endpoint, credentials, operation, input);
    await organize("CreateOrganization");
    const { Roots } = (await organize("ListRoots")) as { readonly Roots: readonly { readonly Id: string }[] };
    await organize("EnablePolicyType", { RootId: Roots[0]?.Id, PolicyType: "SERVICE_CONTROL_POLICY" });
    await set.useLists("source");
    await set.limitRole("s3:ReplicateObject");
    await set.editRule((rule) => ({
      ...rule,
      Filter: { Tag: { Key: "team", Value: "blue" } },
      DeleteMarkerReplication: { Status: "Disabled" },
    }));
    await set.putRules([
      ...(await rulesOf(set)),
      {
        ID: "others",
        Priority: 0,
        Status: "Enabled",
        Filter: { Prefix: "" },
        DeleteMarkerReplication: { Status: "Enabled" },
        Destination: { Bucket: `arn:aws:s3:::${REPLICA}` },
      },
    ]);
    await write(set, KINDS);
    await set.world.settle();
    const { source, replica } = set;
    const keyArns = [source.keyArn, replica.keyArn];
    subject = { bucket: SOURCE, destinations: [REPLICA], roleArn: ROLE_ARN, keyArns };
    root = await connectionOf(set, credentials);
    looker = await connectionOf(set, await userOf(set));
  });
  after(async () => {
    await set.world.close();
    directory.remove();
  });

  let held: string | undefined;
  let made = 0;

  /** As a managed policy, for an inline one may not be as long as the fixer's. */
  async function allow(document: Policy): Promise<void> {
    made += 1;
    const request = { PolicyName: `p-${made}`, PolicyDocument: JSON.stringify(document) };
    const { Policy: next } = await set.iam.createPolicy(request);
    if (held !== undefined) await set.iam.detachUserPolicy({ UserName: USER, PolicyArn: held });
    held = next?.Arn;
    await set.iam.attachUserPolicy({ UserName: USER, PolicyArn: held });
  }

  /** What the user, or the root, sees. */
  async function seen(connection: Connection): Promise<{ readonly said: string; readonly unread: readonly string[] }> {
    const { setup, examination } = await examine(connection, { bucket: SOURCE }, () => undefined);
    const caller = { accountId: ACCOUNT, endpoint: "lab" };
    const snapshot = snapshotOf({ caller, setup: { ...setup, takenAtMs: 0 }, alike: examination.alike() });
    return { said: JSON.stringify(snapshot), unread: unreadIn(snapshot) };
  }

  test("policy: with it everything is read that there is", async () => {
    await allow(documentFor("doctor", subject));
    const { said, unread } = await seen(looker);
    assert.deepEqual(unread, []);
    assert.equal(said, (await seen(root)).said);
  });

  test("policy: without any one of its actions something is not read", async () => {
    const whole = documentFor("doctor", subject);
    const { said } = await seen(root);
    const needless: string[] = [];
    const facts = actionsIn(whole).filter((one) => READ_ACTIONS.has(one) || !NOT_OF_FACTS.has(one));
    for (const action of facts) {
      await allow(without(whole, action));
      const less = await seen(looker).catch((error: unknown) => {
        if (error instanceof S3Error && error.status === 403) return undefined;
        throw error;
      });
      if (less?.said === said) needless.push(action);
      const isNamed = less === undefined || less.unread.length === 0 || less.unread.some((one) => one.includes(action));
      assert.ok(isNamed, `${action}: ${less?.unread.join("\n") ?? ""}`);
    }
    assert.deepEqual(needless, []);
  });

  test("policy: the doctor may not write, and the fixer may", async () => {
    await allow(documentFor("doctor", subject));
    const { examination } = await examine(looker, { bucket: SOURCE }, () => undefined);
    const patches = examination.explained().diagnosis.causes.flatMap((one) => one.fix.patches);
    assert.ok(patches.length > 0, "there is something to fix");
    await assert.rejects(applyPatches(looker, patches, AT_ONCE), { name: /^ApplyError$/ });
    await allow(documentFor("fixer", subject));
    await applyPatches(looker, patches, AT_ONCE);
  });
});

describe("the engine's policy", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  test("policy: with it versions of every kind are replicated, and without any one of its actions some fail", async () => {
    const set = await Standard.make(directory.path, { sameAccount: true, objectLock: "both" });
    try {
      const { source, replica, world } = set;
      const keyArns = [source.keyArn, replica.keyArn];
      const whole = documentFor("engine", { bucket: SOURCE, destinations: [REPLICA], keyArns });
      await set.overrideOwner();
      await set.useLists("replica");
      const byDefault = {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: replica.keyArn },
      };
      const ServerSideEncryptionConfiguration = { Rules: [{ ...byDefault, BucketKeyEnabled: false }] };
      await replica.s3.putBucketEncryption({ Bucket: REPLICA, ServerSideEncryptionConfiguration });
      let round = 0;
      const failures = async (document: Policy) => {
        await set.putRolePolicy(document);
        round += 1;
        const before = await failed(set);
        await write(set, KINDS, `round-${round}`);
        await world.settle();
        return (await failed(set)) - before;
      };
      assert.equal(await failures(whole), 0);
      const needless: string[] = [];
      for (const action of actionsIn(whole)) if ((await failures(without(whole, action))) === 0) needless.push(action);
      // S3 itself reads the configuration as the role; the lab does not.
      assert.deepEqual(needless, ["s3:GetReplicationConfiguration"]);
    } finally {
      await set.world.close();
    }
  });
});

async function failed({ world }: Standard): Promise<number> {
  return (await world.ledger.list({}, { limit: 1000 })).tasks.length;
}

async function rulesOf({ source }: Standard) {
  const { ReplicationConfiguration } = await source.s3.getBucketReplication({ Bucket: SOURCE });
  return ReplicationConfiguration?.Rules ?? [];
}

/** A user with nothing allowed yet. */
async function userOf({ iam }: Standard): Promise<Credentials> {
  await iam.createUser({ UserName: USER });
  const { AccessKey } = await iam.createAccessKey({ UserName: USER });
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = AccessKey ?? {};
  return { accessKeyId, secretAccessKey };
}

/** Without the engine's record. */
async function connectionOf({ world }: Standard, credentials: Credentials): Promise<Connection> {
  const access = { endpoint: world.endpoint, region: SOURCE_REGION, credentials: async () => credentials };
  const connection = await openConnection(access, () => world.clock.nowMs(), undefined);
  world.onClose(() => connection.close());
  return connection;
}
