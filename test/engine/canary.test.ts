/** Canaries between two buckets of a lab, with the engine's own worker between them and time that passes when they wait. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { PutBucketReplicationCommand, type ReplicationRule } from "@aws-sdk/client-s3";
import { canaryId } from "../../src/core/canary-key.ts";
import { documentOfXml } from "../../src/core/config/document.ts";
import { parseReplication } from "../../src/core/config/parse.ts";
import type { CanaryOptions, CanaryResult, CanaryWorld } from "../../src/engine/canary/model.ts";
import { canary, plannedCanaries } from "../../src/engine/canary.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import { REGION } from "../lab-s3/lab.ts";
import { EngineWorld, REPLICA, REPLICA_ARN, SOURCE } from "./world.ts";

const MINUTE = 60_000;

describe("canary", () => {
  let world: EngineWorld;
  let client: S3Client;
  let isEngineUp = true;
  beforeEach(async () => {
    isEngineUp = true;
    world = await EngineWorld.start();
    const profile = { ...PROFILES.aws, addressing: "path" } as const;
    const { endpoint, alice: credentials } = world.lab;
    const clock = () => Date.now() + world.lab.skewMs;
    client = createS3Client({ endpoint, region: REGION, credentials, profile, clock });
  });
  afterEach(async () => {
    await client.close();
    await world.stop();
  });

  async function surroundings(
    more: { source?: Partial<Store>; destination?: Partial<Store> } = {},
  ): Promise<CanaryWorld> {
    const root = await client.getBucketReplication(SOURCE);
    const configuration = root === undefined ? undefined : parseReplication(documentOfXml(root)).configuration;
    assert.ok(configuration !== undefined);
    const end = (bucket: string, faults: Partial<Store> = {}) => ({
      bucket,
      store: { ...client, ...faults },
      settings: client,
    });
    return {
      configuration,
      source: end(SOURCE, more.source),
      destination: async (arn) => {
        const bucket = arn.slice("arn:aws:s3:::".length);
        await client.headBucket(bucket);
        return end(bucket, more.destination);
      },
      showsStatus: true,
      fateOf: async (version, operation, destinationArn) => {
        const rows = await world.rows(version);
        const row = rows.find((one) => one.operation === operation && one.destinationArn === destinationArn);
        if (row?.failure === undefined) return row === undefined ? undefined : { is: "pending" };
        const { code, message } = row.failure;
        return { is: row.state === "parked" ? "failed" : "pending", code, message };
      },
      forget: async (prefix) => {
        await world.ledger.discard({ bucket: SOURCE, prefix });
      },
      clock: {
        nowMs: () => Date.now() + world.lab.skewMs,
        random: () => 0.5,
        sleep: async (ms) => {
          if (isEngineUp) await world.settle();
          world.pass(ms);
        },
      },
    };
  }

  async function fly(
    options: Partial<CanaryOptions> = {},
    more?: Parameters<typeof surroundings>[0],
  ): Promise<readonly CanaryResult[]> {
    const given = { word: "test", timeoutMs: 15 * MINUTE, multipart: false, ...options };
    return await canary(await surroundings(more), given);
  }

  async function flyOne(...given: Parameters<typeof fly>): Promise<CanaryResult> {
    const [result, ...others] = await fly(...given);
    assert.ok(result !== undefined && others.length === 0);
    return result;
  }

  function story({ objects }: CanaryResult): string[] {
    return objects.map(({ kind, outcome, code }) => [kind, outcome, ...(code === undefined ? [] : [code])].join(" "));
  }

  async function there(bucket: string): Promise<string[]> {
    return (await client.listObjectVersions({ bucket })).versions.map((one) => one.key);
  }

  async function nothingIsLeft(): Promise<void> {
    assert.deepEqual([await there(SOURCE), await there(REPLICA)], [[], []]);
    const undone = (await world.ledger.counts()).filter((one) => one.state !== "completed");
    assert.deepEqual(undone, []);
  }

  async function rules(...given: ReplicationRule[]): Promise<void> {
    const ReplicationConfiguration = { Role: world.role.roleArn, Rules: given };
    await world.lab.s3().send(new PutBucketReplicationCommand({ Bucket: SOURCE, ReplicationConfiguration }));
  }

  function rule(id: string, more: Partial<ReplicationRule> = {}): ReplicationRule {
    return {
      ID: id,
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: REPLICA_ARN },
      ...more,
    };
  }

  test("an object and its delete marker arrive, are read back, and nothing is left at either end", async () => {
    await world.buckets({ prefix: "photos/" });
    const result = await flyOne();
    assert.deepEqual(story(result), ["plain completed", "marker completed"]);
    const [plain] = result.objects;
    assert.match(plain?.key ?? "", /^photos\/\.lockstep-canary\/\d{8}T\d{6}Z-test0\/plain$/);
    assert.ok((plain?.latencyMs ?? 0) > 0 && (plain?.latencyMs ?? 0) < MINUTE);
    assert.deepEqual(
      [result.ruleId, result.destinationArn, result.left, result.refused],
      ["all", REPLICA_ARN, [], undefined],
    );
    await nothingIsLeft();
  });

  test("kinds are those that the rule selects: tags of its filter, KMS where it takes KMS, parts where they are asked for", async () => {
    await world.buckets();
    await world.permit({ kms: true });
    const { KeyMetadata } = await world.lab.kms().send(new CreateKeyCommand({}));
    const key = KeyMetadata?.Arn ?? "";
    const tag = { Key: "class", Value: "gold" };
    await rules(
      rule("tagged", {
        Filter: { And: { Prefix: "t/", Tags: [tag] } },
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        Destination: { Bucket: REPLICA_ARN, EncryptionConfiguration: { ReplicaKmsKeyID: key } },
      }),
    );
    const unknown = await flyOne();
    assert.deepEqual(story(unknown), ["tagged completed", "kms untried"]);
    assert.match(unknown.objects[1]?.says ?? "", /no KMS key is known.*--kms-key/);
    assert.deepEqual(story(await flyOne({ kmsKeyArn: key, multipart: true })), [
      "tagged completed",
      "kms completed",
      "multipart completed",
    ]);
    // The bucket's own default is a key that is known.
    await client.putBucketEncryption(SOURCE, { kind: "SSE-KMS", kmsKeyArn: key });
    assert.deepEqual(story(await flyOne()), ["tagged completed", "kms completed"]);
    await nothingIsLeft();
  });

  test("where KMS is the bucket's default and no rule takes KMS, the plain object is not a KMS one", async () => {
    await world.buckets();
    await rules(rule("plain"));
    const { KeyMetadata } = await world.lab.kms().send(new CreateKeyCommand({}));
    await client.putBucketEncryption(SOURCE, { kind: "SSE-KMS", kmsKeyArn: KeyMetadata?.Arn ?? "" });
    assert.deepEqual(story(await flyOne()), ["plain completed"]);
  });

  test("a denied role is told with the code and title of the catalogue, and its failure is taken off the record", async () => {
    await world.buckets();
    await world.permit({ but: ["s3:ReplicateObject"] });
    const result = await flyOne();
    assert.deepEqual(story(result), ["plain failed DstPutObjectNotPermitted", "marker untried"]);
    assert.match(
      result.objects[0]?.says ?? "",
      /^FAILED: The role may not write replicas to the destination \(DstPutObjectNotPermitted\): /,
    );
    await nothingIsLeft();
  });

  test("a marker that the role may not write is told, while the object has arrived", async () => {
    await world.buckets();
    await world.permit({ but: ["s3:ReplicateDelete"] });
    assert.deepEqual(story(await flyOne()), ["plain completed", "marker failed DstDelObjNotPermitted"]);
    await nothingIsLeft();
  });

  test("what has not arrived in time is late, and what arrives nevertheless is swept by the next run", async () => {
    await world.buckets();
    isEngineUp = false;
    const late = await flyOne();
    assert.deepEqual(story(late), ["plain late", "marker untried"]);
    assert.match(late.objects[0]?.says ?? "", /^it was PENDING for 900 s/);
    await nothingIsLeft();
    isEngineUp = true;
    const id = canaryId(Date.now() + world.lab.skewMs - 2000, "before");
    const left = { bucket: REPLICA, key: `.lockstep-canary/${id}/plain`, contentHeaders: {}, userMetadata: {} };
    await client.putObject({ ...left, body: Buffer.from("x") });
    await client.putObject({ ...left, bucket: SOURCE, body: Buffer.from("x") });
    const next = await flyOne({ word: "next" });
    assert.equal(next.swept, 2);
    await nothingIsLeft();
  });

  test("neither people's objects nor a canary that is under way are swept", async () => {
    await world.buckets();
    const id = canaryId(Date.now() + MINUTE, "other");
    const kept = [".lockstep-canary/notes", `.lockstep-canary/${id}/plain`];
    for (const key of kept) {
      await client.putObject({ bucket: REPLICA, key, body: Buffer.from("x"), contentHeaders: {}, userMetadata: {} });
    }
    assert.equal((await flyOne()).swept, 0);
    assert.deepEqual((await there(REPLICA)).toSorted(), kept.toSorted());
  });

  test("nothing is written into a bucket that retains every version, at either end", async () => {
    for (const bucket of [SOURCE, REPLICA]) {
      if (bucket === SOURCE) await world.buckets({}, [SOURCE, REPLICA]);
      await client.putObjectLock(bucket, { defaultRetention: { mode: "GOVERNANCE", days: 3 } });
      const { refused, objects } = await flyOne();
      assert.deepEqual([refused?.because, objects], ["kept", []]);
      assert.match(refused?.says ?? "", new RegExp(`^s3://${bucket} retains every version \\(GOVERNANCE, 3 days\\)`));
      await client.putObjectLock(bucket, {});
      await nothingIsLeft();
    }
  });

  test("nothing is written where the caller could not see or remove it: the permission is named", async () => {
    await world.buckets();
    const denied = (operation: string) => async () => {
      throw new S3Error("denied", { operation, status: 403, code: "AccessDenied" });
    };
    const cases: readonly (readonly [Partial<Store>, string])[] = [
      [{ deleteObject: denied("DeleteObject") }, "s3:DeleteObjectVersion"],
      [{ headObject: denied("HeadObject") }, "s3:GetObject"],
      [{ listObjectVersions: denied("ListObjectVersions") }, "s3:ListBucketVersions"],
    ];
    for (const [faults, permission] of cases) {
      for (const side of ["source", "destination"] as const) {
        const { refused, objects } = await flyOne({}, { [side]: faults });
        const bucket = side === "source" ? SOURCE : REPLICA;
        assert.deepEqual([refused?.because, objects], ["access", []]);
        assert.match(refused?.says ?? "", new RegExp(`^the caller lacks ${permission} on s3://${bucket}`));
      }
    }
    const { refused } = await flyOne({}, { source: { putObject: denied("PutObject") } });
    assert.match(refused?.says ?? "", /^the canary could not be written to s3:\/\/engine-source: AccessDenied \(403\)/);
    await nothingIsLeft();
  });

  test("a destination that is gone is told, and nothing is written", async () => {
    await world.buckets();
    await client.deleteBucket(REPLICA);
    const { refused } = await flyOne();
    assert.deepEqual(refused, { because: "absent", says: `there is no bucket ${REPLICA_ARN}` });
    assert.deepEqual(await there(SOURCE), []);
  });

  test("a replica that is not what was written is told: bytes, tags, metadata", async () => {
    await world.buckets();
    await rules(rule("tagged", { Filter: { Tag: { Key: "class", Value: "gold" } } }));
    const getObject: Store["getObject"] = async (request) => {
      const reply = await client.getObject(request);
      const bytes = await reply.body.bytes();
      bytes[0] = 0;
      const body = { ...reply.body, bytes: async () => bytes };
      return { head: { ...reply.head, userMetadata: {}, replicationStatus: "COMPLETED" }, body };
    };
    const getObjectTagging = async () => [{ key: "class", value: "iron" }];
    const result = await flyOne({}, { destination: { getObject, getObjectTagging } });
    assert.deepEqual(story(result), ["tagged differs"]);
    const says = result.objects[0]?.says ?? "";
    assert.match(says, /its 256 bytes are others than were written/);
    assert.match(says, /its user metadata lockstep-canary is missing, and not \d{8}T/);
    assert.match(says, /its tags are class=iron, and not class=gold/);
    assert.match(says, /it does not show that it is a replica/);
    await nothingIsLeft();
  });

  test("every enabled rule has a canary of its own; one that another outranks is not tried", async () => {
    await world.buckets();
    await rules(
      rule("low", { Priority: 1, Filter: { Prefix: "a/" } }),
      rule("high", { Priority: 2, Filter: { Prefix: "a/" } }),
      rule("off", { Priority: 3, Status: "Disabled", Filter: { Prefix: "b/" } }),
    );
    const results = await fly();
    assert.deepEqual(
      results.map((one) => [one.ruleId, ...story(one)]),
      [
        ["low", "plain untried"],
        ["high", "plain completed"],
      ],
    );
    assert.match(results[0]?.objects[0]?.says ?? "", /^rule high takes such objects/);
    await nothingIsLeft();
  });

  test("an interruption ends the waiting, and what was written is removed", async () => {
    await world.buckets();
    isEngineUp = false;
    const result = await flyOne({ signal: AbortSignal.abort() });
    assert.deepEqual(result.objects[0]?.says, "the canary was interrupted");
    await nothingIsLeft();
  });

  test("what would be written is told without writing it", async () => {
    await world.buckets({ prefix: "photos/" });
    const plans = await plannedCanaries(await surroundings(), { word: "plan", timeoutMs: MINUTE, multipart: true });
    assert.deepEqual(
      plans.map(({ rule: { id }, objects, marker }) => [id, marker, ...objects.map((one) => one.key)]),
      [["all", true, "photos/.lockstep-canary/ID/plain", "photos/.lockstep-canary/ID/multipart"]],
    );
    await nothingIsLeft();
  });
});
