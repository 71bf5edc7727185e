/** Cases of buckets, keys and rules that are not as replication needs them, and of versions that are gone. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { Discrepancy } from "../../src/engine/run.ts";
import type { LoopCase } from "./case.ts";
import { closedPort } from "./disturbances.ts";
import { ownerOf, removeAll, tagAll } from "./objects.ts";
import { changeStatement, policy } from "./policies.ts";
import { REPLICA_ARN, REPLICATION_BY_ROLE, type Standard } from "./standard.ts";
import { REPLICA, REPLICA_REGION, SOURCE } from "./world.ts";

const PROVEN = { confidence: "proven" } as const;
const PLAIN = { contentHeaders: {}, userMetadata: {} };
const PATCH = { by: "patch" } as const;
/** There is nothing to replicate: a resync takes it off the record. */
const FORGET = { by: "design", wayOut: async ({ world }: Standard) => void (await world.resync()) } as const;

/** Keeps versions PENDING until `endOutage`. */
async function outage({ world }: Standard): Promise<void> {
  world.sites.leadTo({ endpoint: await closedPort() });
}

async function endOutage({ world }: Standard): Promise<void> {
  world.sites.leadTo(undefined);
  await world.settleRetries();
}

export const CONFIGURATION_CASES = {
  DstBucketNotFound: {
    name: "the destination bucket was deleted",
    kinds: ["plain", "kms", "marker"],
    breakIt: async ({ replica }) => void (await replica.s3.deleteBucket({ Bucket: REPLICA })),
    expect: { ...PROVEN, class: "configuration", affected: 4 },
    mend: { by: "decision", person: makeReplicaBucketAgain },
  },
  DstBucketUnversioned: {
    name: "somebody suspends the destination's versioning",
    kinds: ["plain", "kms", "marker"],
    breakIt: async ({ replica }) => {
      await replica.s3.putBucketVersioning({ Bucket: REPLICA, VersioningConfiguration: { Status: "Suspended" } });
    },
    expect: { ...PROVEN, class: "configuration", affected: 4, says: /Suspended/ },
    mend: PATCH,
  },
  DstKmsKeyInvalidState: {
    name: "the destination's key is disabled",
    kinds: ["plain", "kms", "bucketKey"],
    breakIt: async ({ replica }) => void (await replica.kms.disableKey({ KeyId: replica.keyArn })),
    expect: { ...PROVEN, class: "encryption", affected: 2, says: /Disabled/ },
    mend: PATCH,
  },
  DstKmsKeyNotFound: {
    name: "the rule names a key that does not exist",
    set: { sameAccount: true },
    kinds: ["plain", "kms"],
    breakIt: async (set) => {
      const missing = set.replica.keyArn.replace(/[^/]+$/, "00000000-0000-4000-8000-000000000000");
      await set.editRolePolicy((held) =>
        changeStatement(held, "UseReplicaKey", (one) => ({ ...one, Resource: [set.replica.keyArn, missing] })),
      );
      await set.editRule((rule) => ({
        ...rule,
        Destination: { Bucket: REPLICA_ARN, EncryptionConfiguration: { ReplicaKmsKeyID: missing } },
      }));
    },
    expect: { ...PROVEN, class: "encryption", affected: 1 },
    mend: PATCH,
  },
  SrcKmsKeyInvalidState: {
    name: "the source's key is to be deleted",
    kinds: [],
    breakIt: async () => undefined,
    meanwhile: async (set) => {
      await outage(set);
      const store = await ownerOf(set, "source");
      const encryption = { kind: "SSE-KMS", kmsKeyArn: set.source.keyArn } as const;
      await store.putObject({ bucket: SOURCE, key: "secret", body: Buffer.from("s"), encryption, ...PLAIN });
      await set.world.settle();
      await set.source.kms.scheduleKeyDeletion({ KeyId: set.source.keyArn, PendingWindowInDays: 7 });
      await endOutage(set);
    },
    expect: { ...PROVEN, class: "encryption", affected: 1, says: /PendingDeletion/ },
    mend: PATCH,
  },
  SrcBucketReplicationConfigMissing: {
    name: "the configuration is deleted while versions are PENDING",
    kinds: ["plain"],
    breakIt: outage,
    meanwhile: async (set) => {
      await set.source.s3.deleteBucketReplication({ Bucket: SOURCE });
      await endOutage(set);
    },
    expect: { ...PROVEN, class: "configuration", affected: 1 },
    mend: { by: "decision", person: (set) => set.putStandardRule() },
  },
  SrcObjectNotEligible: {
    name: "the rule is disabled while versions are PENDING",
    kinds: ["plain"],
    breakIt: outage,
    meanwhile: async (set) => {
      await set.editRule((rule) => ({ ...rule, Status: "Disabled" }));
      await endOutage(set);
    },
    expect: { ...PROVEN, class: "eligibility", affected: 1 },
    mend: { by: "decision", person: (set) => set.putStandardRule() },
  },
  SrcVersionNotFound: {
    name: "a version is removed for good while it is PENDING",
    kinds: ["plain"],
    breakIt: outage,
    meanwhile: async (set) => {
      await removeAll(set, "source");
      await endOutage(set);
    },
    expect: { ...PROVEN, class: "storage", affected: 1, says: /no such version any more/ },
    mend: FORGET,
  },
  SrcObjectNotFound: {
    name: "a version is removed for good while a change of its tags is PENDING",
    kinds: ["plain"],
    breakIt: async () => undefined,
    meanwhile: async (set) => {
      await outage(set);
      await tagAll(set);
      await set.world.settle();
      await removeAll(set, "source");
      await endOutage(set);
    },
    expect: { ...PROVEN, class: "storage", affected: 1, says: /no such version any more/ },
    mend: FORGET,
    // The replica stays: what is removed for good at the source is not removed there.
    except: () => true,
  },
  SrcBucketNotFound: {
    name: "the source bucket goes while a version of it is read",
    kinds: ["plain"],
    breakIt: async (set) =>
      set.world.sites.before("source", "getObject", async () => {
        await removeAll(set, "source");
        await set.source.s3.deleteBucket({ Bucket: SOURCE });
      }),
    expect: { refused: /there is no bucket loop-source .*lockstep resync s3:\/\/loop-source --gone forgets them/ },
    mend: { by: "design", wayOut: async () => undefined },
  },
  SrcReplicationNotPending: {
    name: "a version is asked for twice",
    onRecord: "the lab tells of no version that it was replicated meanwhile",
    kinds: ["plain"],
    breakIt: async ({ world }) => {
      const [code, at] = [
        "SrcReplicationNotPending",
        { operation: "GetObject", bucket: SOURCE, key: "plain/1" },
      ] as const;
      world.sites.fault = new Discrepancy(code, "said by a test", at);
    },
    expect: { class: "storage", affected: 1, confidence: "proven", says: /said by a test/ },
    mend: { by: "decision", person: async () => undefined },
  },
  DstVersionNotFound: {
    name: "tags change after the replica was removed for good",
    kinds: ["plain"],
    breakIt: async () => undefined,
    meanwhile: async (set) => {
      await removeAll(set, "replica");
      await tagAll(set);
    },
    expect: { ...PROVEN, class: "storage", affected: 1 },
    mend: { by: "decision", person: async () => undefined },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;

async function makeReplicaBucketAgain(set: Standard): Promise<void> {
  const { s3 } = set.replica;
  await s3.createBucket({
    Bucket: REPLICA,
    CreateBucketConfiguration: { LocationConstraint: REPLICA_REGION },
  });
  await s3.putBucketVersioning({ Bucket: REPLICA, VersioningConfiguration: { Status: "Enabled" } });
  await set.putBucketPolicy("replica", policy(REPLICATION_BY_ROLE));
}
