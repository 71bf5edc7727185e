/** Cases of silence: versions that no rule took, or that nobody has tried again. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { ownerOf, versionsOf } from "./objects.ts";
import type { Standard } from "./standard.ts";
import { REPLICA, SOURCE } from "./world.ts";

const SILENT = { class: "eligibility", confidence: "proven", recorded: [] } as const;
const nothing = async () => undefined;
const standardRule = { by: "decision", person: (set: Standard) => set.putStandardRule() } as const;

export const ELIGIBILITY_CASES = {
  NoConfiguration: {
    name: "the source has no replication configuration",
    kinds: ["plain", "kms", "marker"],
    breakIt: async ({ source }) => void (await source.s3.deleteBucketReplication({ Bucket: SOURCE })),
    expect: { ...SILENT, affected: 4 },
    mend: standardRule,
  },
  RuleDisabled: {
    name: "the rule is disabled",
    kinds: ["plain", "kms", "marker"],
    breakIt: (set) => set.editRule((rule) => ({ ...rule, Status: "Disabled" })),
    expect: { ...SILENT, affected: 4 },
    mend: standardRule,
  },
  PrefixDiffers: {
    name: "the rule's prefix begins with a slash",
    kinds: ["plain"],
    breakIt: (set) => set.editRule((rule) => ({ ...rule, Filter: { Prefix: "/plain/" } })),
    expect: { ...SILENT, affected: 1 },
    mend: { by: "patch" },
  },
  TagsDiffer: {
    name: "the rule asks for a tag that comes only after the object",
    kinds: ["plain", "tagged"],
    breakIt: (set) =>
      set.editRule((rule) => ({
        ...rule,
        DeleteMarkerReplication: { Status: "Disabled" },
        Filter: { Tag: { Key: "team", Value: "blue" } },
      })),
    expect: { ...SILENT, affected: 1 },
    mend: {
      by: "decision",
      person: async (set) => {
        const store = await ownerOf(set, "source");
        const plain = (await versionsOf(store, SOURCE)).find((one) => one.key.startsWith("plain"));
        const { key = "", versionId = "" } = plain ?? {};
        await store.putObjectTagging({ bucket: SOURCE, key, versionId, tags: [{ key: "team", value: "blue" }] });
      },
    },
  },
  KmsNotSelected: {
    name: "the rule says nothing of KMS",
    kinds: ["plain", "kms", "bucketKey"],
    breakIt: (set) =>
      set.editRule((rule) => ({
        ...rule,
        SourceSelectionCriteria: undefined,
        Destination: { Bucket: rule.Destination?.Bucket, Account: set.replica.account },
      })),
    expect: { ...SILENT, affected: 2 },
    mend: { by: "patch" },
  },
  DeleteMarkersNotReplicated: {
    name: "the rule leaves delete markers out",
    kinds: ["plain", "marker"],
    breakIt: (set) => set.editRule((rule) => ({ ...rule, DeleteMarkerReplication: { Status: "Disabled" } })),
    expect: { ...SILENT, affected: 1 },
    mend: standardRule,
  },
  MarkerByLifecycle: {
    name: "Lifecycle expires an object that was replicated",
    kinds: ["plain"],
    breakIt: nothing,
    meanwhile: ({ world }) => world.order("POST", `buckets/${SOURCE}/expire`, { key: "plain/1" }),
    expect: { ...SILENT, confidence: "possible", affected: 1, says: /Lifecycle made them, or/ },
    mend: {
      by: "design",
      // The same Lifecycle rule there: each bucket has a marker of its own.
      wayOut: ({ world }) => world.order("POST", `buckets/${REPLICA}/expire`, { key: "plain/1" }),
    },
    except: (one) => one.isDeleteMarker,
  },
  SourceArchived: {
    name: "an object is written to an archive",
    kinds: ["plain"],
    breakIt: async ({ source }) => {
      await source.s3.putObject({ Bucket: SOURCE, Key: "archived", Body: "x", StorageClass: "GLACIER" });
    },
    expect: { ...SILENT, affected: 1 },
    mend: {
      by: "design",
      // A copy in a class that can be read replicates; the archived version stays behind.
      wayOut: async ({ source }) => void (await source.s3.putObject({ Bucket: SOURCE, Key: "archived", Body: "x" })),
    },
    except: (one) => one.key === "archived" && one.storageClass === "GLACIER",
    stillSaid: ["SourceArchived"],
  },
  NeverTried: {
    name: "versions are older than the rule",
    kinds: [],
    breakIt: async ({ source }) => void (await source.s3.deleteBucketReplication({ Bucket: SOURCE })),
    meanwhile: async (set) => {
      await set.source.s3.putObject({ Bucket: SOURCE, Key: "old", Body: "x" });
      await set.putStandardRule();
    },
    expect: { ...SILENT, confidence: "likely", affected: 1 },
    mend: { by: "decision", person: nothing },
  },
  RetryNeeded: {
    name: "somebody has put right by hand what versions failed for",
    kinds: ["plain", "kms", "marker"],
    breakIt: (set) => set.revoke("s3:ReplicateObject"),
    meanwhile: async (set) => set.putStandardRolePolicy(),
    expect: { ...SILENT, confidence: "likely", affected: 3, recorded: ["DstPutObjectNotPermitted"] },
    mend: { by: "decision", person: nothing },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
