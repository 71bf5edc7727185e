/** Cases that only Batch Replication jobs meet: their reports say them, row by row. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { INITIATE, letInitiate, prepareBatch, runJob } from "./batch.ts";
import type { LoopCase } from "./case.ts";
import { ownerOf, removeAll, versionsOf, write } from "./objects.ts";
import { allow, policy } from "./policies.ts";
import { ORIGIN, type Standard } from "./standard.ts";
import { REPLICA, REPLICA_REGION, SOURCE } from "./world.ts";

/** What is in the source already, and no rule took. */
async function writeBeforeTheRule(set: Standard): Promise<void> {
  await set.source.s3.deleteBucketReplication({ Bucket: SOURCE });
  await write(set, ["plain"]);
  await set.putStandardRule();
}

async function linesOf(set: Standard): Promise<string[]> {
  const listed = await versionsOf(await ownerOf(set, "source"), SOURCE);
  return listed.map((one) => `${SOURCE},${one.key},${one.versionId}`);
}

async function job(set: Standard, region?: string): Promise<readonly string[]> {
  return await runJob(set, { lines: await linesOf(set), ...(region === undefined ? {} : { region }) });
}

const again = { by: "design", wayOut: async (set: Standard) => void (await job(set)) } as const;

export const BATCH_CASES = {
  InitiateReplicationNotPermitted: {
    name: "the job's role may not initiate replication",
    kinds: [],
    breakIt: async (set) => {
      await prepareBatch(set, policy(allow("s3:GetObject", "arn:aws:s3:::loop-source/*")));
      await writeBeforeTheRule(set);
    },
    expect: { reported: job, said: ["NeverTried"] },
    mend: {
      by: "design",
      wayOut: async (set) => {
        await letInitiate(set, INITIATE);
        await job(set);
      },
    },
  },
  SrcBucketInvalidRegion: {
    name: "the job is made in another Region than the source's",
    kinds: [],
    breakIt: async (set) => {
      await prepareBatch(set);
      await writeBeforeTheRule(set);
    },
    expect: { reported: (set) => job(set, REPLICA_REGION), said: ["NeverTried"] },
    mend: again,
  },
  DstBucketInvalidRegion: {
    name: "the destination moves to another Region while the job waits for its confirmation",
    set: { sameAccount: true },
    kinds: [],
    breakIt: async (set) => {
      await prepareBatch(set);
      await writeBeforeTheRule(set);
    },
    expect: {
      reported: async (set) => {
        const place = async (region: "eu-central-1" | "eu-west-1") => {
          // Only the endpoint of us-east-1 makes buckets anywhere.
          const { s3 } = set.source;
          await s3.deleteBucket({ Bucket: REPLICA });
          await s3.createBucket({ Bucket: REPLICA, CreateBucketConfiguration: { LocationConstraint: region } });
          await s3.putBucketVersioning({ Bucket: REPLICA, VersioningConfiguration: { Status: "Enabled" } });
        };
        const outcomes = await runJob(set, { lines: await linesOf(set), meanwhile: () => place("eu-central-1") });
        await place("eu-west-1");
        return outcomes;
      },
      said: ["NeverTried"],
    },
    mend: again,
  },
  DstObjectHardDeleted: {
    name: "the replica was removed for good",
    kinds: ["plain"],
    breakIt: (set) => prepareBatch(set),
    expect: {
      reported: async (set) => {
        await removeAll(set, "replica");
        return await job(set);
      },
      // COMPLETED says what happened once, not what is there.
      said: ["ReplicaMissing"],
    },
    mend: {
      by: "design",
      // A copy in place is a new version, and replicates.
      wayOut: async (set) => {
        const { s3 } = set.source;
        const from = { CopySource: `${SOURCE}/plain/1`, MetadataDirective: "REPLACE" } as const;
        await s3.copyObject({ Bucket: SOURCE, Key: "plain/1", ...from });
      },
    },
    except: (one) => !one.isLatest,
  },
  ReplicaMissing: {
    name: "the destination bucket was deleted and made again: history does not follow",
    set: { sameAccount: true },
    kinds: ["plain", "tagged", "kms"],
    breakIt: (set) => prepareBatch(set),
    meanwhile: async (set) => {
      await removeAll(set, "replica");
      await set.replica.s3.deleteBucket({ Bucket: REPLICA });
      await set.makeReplicaBucket();
    },
    expect: { class: "storage", confidence: "likely", affected: 3, recorded: [] },
    mend: again,
  },
  SourceIsReplica: {
    name: "the source's objects are replicas of a third bucket's",
    set: { sameAccount: true },
    kinds: [],
    breakIt: async (set) => {
      await prepareBatch(set);
      await set.makeOrigin();
      await set.source.s3.putObject({ Bucket: ORIGIN, Key: "passed on", Body: "x" });
    },
    expect: { class: "eligibility", confidence: "proven", affected: 1, recorded: [] },
    mend: again,
    // It stays a replica at both ends.
    except: () => true,
  },
  SrcKeyNotFound: {
    name: "the manifest names a key that was never there",
    kinds: ["plain"],
    breakIt: (set) => prepareBatch(set),
    expect: {
      reported: async (set) => {
        const [line = ""] = await linesOf(set);
        return await runJob(set, { lines: [line.replace("plain/1", "never")] });
      },
      said: [],
    },
    mend: { by: "design", wayOut: async () => undefined },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
