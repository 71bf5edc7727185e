/** Cases in which nothing is held back: a rule leaves something alone by design, and says so when it is asked. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { REPLICA_ARN, RULE, type Standard } from "./standard.ts";
import { REPLICA, SOURCE } from "./world.ts";

/** Two rules for one destination; of two that take a version the one with the higher priority does. */
async function putTwoRules(set: Standard, second: { readonly priority: number }): Promise<void> {
  const { ReplicationConfiguration } = await set.source.s3.getBucketReplication({ Bucket: SOURCE });
  const [first] = ReplicationConfiguration?.Rules ?? [];
  const common = { ...first, Status: "Enabled", Destination: { ...first?.Destination, Bucket: REPLICA_ARN } } as const;
  await set.putRules([
    { ...common, ID: RULE, Priority: 5, Filter: { Prefix: "" } },
    { ...common, ID: "second", Priority: second.priority, Filter: { Prefix: "plain/" } },
  ]);
}

export const EXPLAINED_CASES = {
  Outranked: {
    name: "two rules have one destination, and one of them never has a say",
    kinds: ["plain"],
    breakIt: (set) => putTwoRules(set, { priority: 1 }),
    expect: { explained: { key: "plain/1", rule: "second", because: "outranked" } },
    mend: { by: "design", wayOut: (set) => putTwoRules(set, { priority: 9 }) },
  },
  NeverAdmitted: {
    name: "the object is older than the rule, and its tags change",
    kinds: [],
    breakIt: async (set) => {
      await set.source.s3.deleteBucketReplication({ Bucket: SOURCE });
      await set.source.s3.putObject({ Bucket: SOURCE, Key: "old", Body: "x" });
      await set.putStandardRule();
      const Tagging = { TagSet: [{ Key: "added", Value: "later" }] };
      await set.source.s3.putObjectTagging({ Bucket: SOURCE, Key: "old", Tagging });
    },
    expect: { explained: { key: "old", rule: RULE, because: "neverAdmitted" }, said: ["NeverTried"] },
    mend: { by: "design", wayOut: async ({ world }) => void (await world.resync()) },
  },
  OwnerOverridden: {
    name: "replicas belong to the destination's owner, so grants at the source stay there",
    kinds: [],
    breakIt: async (set) => {
      await set.overrideOwner();
      await set.allowPublicLists("source");
      await set.source.s3.putObject({ Bucket: SOURCE, Key: "open", Body: "x", ACL: "authenticated-read" });
    },
    expect: { explained: { key: "open", rule: RULE, because: "ownerOverridden", note: "listLeftBehind" } },
    mend: { by: "design", wayOut: (set) => set.putStandardRule() },
  },
  ModificationsNotReplicated: {
    name: "somebody tags a replica, and the rule back says nothing of replicas' changes",
    set: { sameAccount: true },
    kinds: ["plain"],
    breakIt: async (set) => {
      await set.makeTwoWay();
      await set.editRule((rule) => ({ ...rule, SourceSelectionCriteria: { ...KMS_SELECTED } }));
      await editBack(set, "Disabled");
    },
    meanwhile: async ({ replica }) => {
      const Tagging = { TagSet: [{ Key: "added", Value: "there" }] };
      await replica.s3.putObjectTagging({ Bucket: REPLICA, Key: "plain/1", Tagging });
    },
    expect: {
      explained: {
        bucket: REPLICA,
        key: "plain/1",
        rule: "back",
        because: "modificationsNotReplicated",
        note: "tagsDiffer",
      },
    },
    mend: {
      by: "design",
      wayOut: async (set) => {
        await editBack(set, "Enabled");
        // From now on: what was changed before is changed once more.
        const Tagging = { TagSet: [{ Key: "added", Value: "once more" }] };
        await set.replica.s3.putObjectTagging({ Bucket: REPLICA, Key: "plain/1", Tagging });
      },
    },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;

const KMS_SELECTED = { SseKmsEncryptedObjects: { Status: "Enabled" } } as const;

/** Whether changes of replicas go back. */
async function editBack({ replica }: Standard, Status: "Enabled" | "Disabled"): Promise<void> {
  const { s3 } = replica;
  const { ReplicationConfiguration } = await s3.getBucketReplication({ Bucket: REPLICA });
  const Rules = (ReplicationConfiguration?.Rules ?? []).map((rule) => ({
    ...rule,
    SourceSelectionCriteria: { ReplicaModifications: { Status } },
  }));
  await s3.putBucketReplication({
    Bucket: REPLICA,
    ReplicationConfiguration: { ...ReplicationConfiguration, Rules, Role: ReplicationConfiguration?.Role },
  });
}
