/** What a console would answer in a few situations, typed by the contract: pages are looked at and tested with these. */
import type { DeskBucket, DeskDiagnosis, DeskKey, KeysPage } from "../../src/console/desk.ts";
import type { KeyExplanation } from "../../src/console/explain.ts";
import type { DestinationStanding, Overview, ReplicationStanding } from "../../src/console/overview.ts";
import type { Proof } from "../../src/doctor/prove.ts";
import type { ResyncProgress } from "../../src/engine/resync/model.ts";

/** Everything that one situation answers, by path below /api/v1. */
export interface Scene {
  readonly overview: Overview;
  readonly series: unknown;
  readonly buckets: readonly DeskBucket[];
  readonly diagnosis: DeskDiagnosis | null;
  readonly keys: KeysPage;
  readonly key: DeskKey | undefined;
  readonly tasks: KeyExplanation;
  readonly proof: Proof;
  readonly jobs: readonly ResyncProgress[];
  readonly alerts: readonly unknown[];
  /** What else is answered, by path below /api/v1; what depends on the query is a function of it. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const arn = (bucket: string) => `arn:aws:s3:::${bucket}`;

function destination(bucket: string, told: Partial<DestinationStanding> = {}): DestinationStanding {
  return {
    destinationArn: arn(bucket),
    pending: 0,
    pendingBytes: 0,
    failed: 0,
    completed: 128_412,
    tasksPerSecond: 0,
    bytesPerSecond: 0,
    breakers: [],
    ...told,
  };
}

function replication(
  bucket: string,
  destinations: readonly DestinationStanding[],
  told: Partial<ReplicationStanding> = {},
): ReplicationStanding {
  return { name: bucket, bucket, showsStatus: true, destinations, ...told };
}

const LAG = { p50Ms: 42, p95Ms: 310, p99Ms: 1240, tasks: 5120 };

const QUIET: Overview = {
  atMs: NOW_MS,
  pending: 0,
  pendingBytes: 0,
  failed: 0,
  completed: 0,
  tasksPerSecond: 0,
  bytesPerSecond: 0,
  byReason: [],
  replications: [],
  engines: [
    {
      name: "engine-1",
      version: "0.1.0",
      startedAtMs: NOW_MS - 3_600_000,
      atMs: NOW_MS - 800,
      isAway: false,
      inFlight: 0,
      tasksPerSecond: 0,
    },
  ],
  jobs: [],
  published: [],
};

const BUSY_JOB: ResyncProgress = {
  id: "3f2a9c1e-0000-4000-8000-000000000000",
  kind: "resync",
  bucket: "photos",
  state: "running",
  stage: "finishing",
  request: { bucket: "photos", failed: true, untried: false, dryRun: false },
  dryRun: false,
  createdAtMs: NOW_MS - 95_000,
  foundFailed: 1630,
  foundUntried: 0,
  unreadable: 0,
  bytes: 9_120_000_000,
  completed: 1204,
  failed: 3,
  open: 40,
  gone: 0,
};

const BUSY: Overview = {
  ...QUIET,
  pending: 4812,
  pendingBytes: 18_223_000_000,
  oldestWrittenAtMs: NOW_MS - 754_000,
  failed: 1204,
  completed: 2_812_044,
  tasksPerSecond: 412.4,
  bytesPerSecond: 98_000_000,
  lag: LAG,
  etaMs: 11_700,
  byReason: [
    {
      code: "DstPutObjectNotPermitted",
      title: "The role may not replicate to the destination",
      state: "FAILED",
      tasks: 1166,
      bytes: 8_800_000_000,
    },
    {
      code: "SrcKmsKeyDecryptNotPermitted",
      title: "The role may not decrypt with the source's key",
      state: "FAILED",
      tasks: 38,
      bytes: 21_000_000,
    },
    {
      code: "DstUnavailable",
      title: "The destination does not answer",
      state: "PENDING",
      tasks: 310,
      bytes: 1_000_000,
    },
  ],
  replications: [
    replication("photos", [
      destination("photos-replica-eu", {
        pending: 3200,
        pendingBytes: 12_000_000_000,
        failed: 1166,
        tasksPerSecond: 301.2,
        bytesPerSecond: 82_000_000,
        lag: LAG,
      }),
      destination("archive", { tasksPerSecond: 98.1, bytesPerSecond: 12_000_000, lag: { ...LAG, p50Ms: 61 } }),
    ]),
    replication("invoices", [destination("archive", { failed: 38, completed: 40_112 })]),
    replication("telemetry-raw-2026-production-eu-central-1", [
      destination("telemetry-cold-storage-frankfurt-secondary", {
        pending: 1302,
        pendingBytes: 6_200_000_000,
        breakers: [
          {
            side: "destination",
            name: arn("telemetry-cold-storage-frankfurt-secondary"),
            sinceMs: NOW_MS - 184_000,
            nextTrialAtMs: NOW_MS + 9000,
            engine: "engine-1",
          } as DestinationStanding["breakers"][number],
        ],
      }),
    ]),
    replication("documents", [destination("documents-standby", { pending: 310, pendingBytes: 92_000_000 })], {
      pausedSinceMs: NOW_MS - 7_300_000,
    }),
    replication("documents-standby", [destination("documents", { completed: 912 })]),
    replication("thumbnails", [destination("archive", { tasksPerSecond: 13.1, bytesPerSecond: 800_000, lag: LAG })]),
  ],
  engines: [
    ...QUIET.engines.map((one) => ({ ...one, inFlight: 48, tasksPerSecond: 412.4 })),
    {
      name: "engine-2",
      version: "0.1.0",
      startedAtMs: NOW_MS - 90_000_000,
      atMs: NOW_MS - 64_000,
      isAway: true,
      inFlight: 0,
      tasksPerSecond: 0,
    },
  ],
  jobs: [BUSY_JOB],
  published: [
    {
      name: "invoices",
      bucket: "invoices",
      readAtMs: NOW_MS - 42_000,
      countedUntilMs: NOW_MS - 900_000,
      flows: [
        {
          ruleId: "everything",
          destinationArn: "arn:aws:s3:::invoices-dr",
          pending: { atMs: NOW_MS - 120_000, operations: 1840, bytes: 91_000_000, latencySeconds: 75 },
          completed: 48_211,
          failed: 12,
          failedLastHour: 3,
          endedLastHour: 9120,
        },
        {
          ruleId: "reports",
          destinationArn: "arn:aws:s3:::reports-dr",
          completed: 0,
          failed: 0,
          failedLastHour: 0,
          endedLastHour: 0,
        },
      ],
    },
  ],
};

function wave(of: number, swing: number, at: number): number {
  return Math.max(0, of + swing * Math.sin(at / 9) + (swing / 3) * Math.sin(at / 2.3));
}

const STEPS = 120;
const AT = Array.from({ length: STEPS }, (_, at) => NOW_MS - (STEPS - at) * 30_000);
export const SERIES = {
  stepMs: 30_000,
  atMs: AT,
  pending: AT.map((_, at) => Math.round(wave(2600, 1800, at))),
  pendingBytes: AT.map((_, at) => Math.round(wave(9e9, 6e9, at))),
  failed: AT.map((_, at) => (at < 70 ? 0 : Math.min(1204, (at - 70) * 60))),
  tasksPerSecond: AT.map((_, at) => (at > 40 && at < 46 ? null : wave(360, 120, at + 4))),
  bytesPerSecond: AT.map((_, at) => wave(8e7, 4e7, at)),
  lagP50Ms: AT.map((_, at) => wave(45, 20, at)),
  lagP99Ms: AT.map((_, at) => wave(900, 500, at + 3)),
};

const BUCKETS: readonly DeskBucket[] = BUSY.replications.map(({ bucket }, at) => ({
  bucket,
  name: bucket,
  rules: at + 1,
  cannot: at === 3 ? { fix: "The rules of this replication are kept in lockstep.yaml." } : {},
}));

const BEFORE = {
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "AllowReplication",
      Effect: "Allow",
      Principal: { AWS: "arn:aws:iam::111122223333:role/replication" },
      Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
      Resource: "arn:aws:s3:::photos-replica-eu/*",
    },
    {
      Sid: "OnlyEncrypted",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:ReplicateObject",
      Resource: "arn:aws:s3:::photos-replica-eu/*",
      Condition: { StringNotEquals: { "s3:x-amz-server-side-encryption": "aws:kms" } },
    },
  ],
};
const AFTER = { ...BEFORE, Statement: BEFORE.Statement.slice(0, 1) };

const DIFF = `--- bucket policy of photos-replica-eu
+++ bucket policy of photos-replica-eu
@@ -8,15 +8,5 @@
         "s3:ReplicateTags"
       ],
       "Resource": "arn:aws:s3:::photos-replica-eu/*"
-    },
-    {
-      "Sid": "OnlyEncrypted",
-      "Effect": "Deny",
-      "Principal": "*",
-      "Action": "s3:ReplicateObject",
-      "Resource": "arn:aws:s3:::photos-replica-eu/*"
     }
   ]
 }
`;

const SAMPLES = [
  { key: "2026/02/28/IMG_0412.jpg", versionId: "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY" },
  { key: "2026/02/28/IMG_0413.jpg", versionId: "BspXroDTDmJ3HL4kqtJlcprmSXd3dIbrHY" },
  { key: "2026/02/27/raw/DSC_99120.nef", versionId: "kqtJlcpXroDTDmJ3HL4rmSpXd3dIbrHY" },
];

export const DIAGNOSIS: DeskDiagnosis = {
  bucket: "photos",
  takenAt: "2026-03-01T11:57:00Z",
  scanned: {
    versions: 128_412,
    completed: 124_009,
    failed: 1204,
    pending: 3199,
    replica: 0,
    none: 0,
    unreadable: 0,
    silent: { notSelected: 12, beforeRule: 412, unreadableClass: 0, replicaSource: 0 },
  },
  causes: [
    {
      id: "c4d1a0",
      code: "DstPutObjectNotPermitted",
      class: "permission",
      title: "The bucket policy of photos-replica-eu denies s3:ReplicateObject to the replication role",
      rule: "everything",
      destination: arn("photos-replica-eu"),
      action: "s3:ReplicateObject",
      resource: "arn:aws:s3:::photos-replica-eu/*",
      confidence: "proven",
      since: "2026-03-01T09:12:44Z",
      onset: {
        began: "2026-03-01T09:12:44Z",
        workedUntil: "2026-03-01T09:12:31Z",
        change: {
          event: "PutBucketPolicy",
          on: "photos-replica-eu",
          by: "arn:aws:iam::444455556666:user/dana",
          at: "2026-03-01T09:12:38Z",
          secondsBefore: 6,
          eventId: "e1",
        },
        otherChanges: 0,
        isMixed: false,
        says: "It began at 09:12:44; it worked until 09:12:31. Six seconds before, dana changed the bucket policy of photos-replica-eu (PutBucketPolicy).",
      },
      affected: { versions: 1166, bytes: 8_800_000_000, samples: SAMPLES },
      evidence: [
        {
          kind: "policy",
          source: "the bucket policy of photos-replica-eu",
          says: 'Role replication (session s3-replication) may not s3:ReplicateObject on arn:aws:s3:::photos-replica-eu/2026/02/28/IMG_0412.jpg: statement "OnlyEncrypted" of the bucket policy of photos-replica-eu denies it.',
        },
        {
          kind: "response",
          source: "PutObject to photos-replica-eu",
          says: "403 AccessDenied, 1,166 times since 09:12:44",
        },
        { kind: "event", source: "CloudTrail", says: "PutBucketPolicy by dana at 09:12:38" },
      ],
      fix: {
        summary: 'Remove statement "OnlyEncrypted" from the bucket policy of photos-replica-eu',
        resync: true,
        patches: [
          { id: "p1", target: "bucket-policy", resource: arn("photos-replica-eu"), before: BEFORE, after: AFTER },
        ],
      },
    },
    {
      id: "a9f020",
      code: "SrcKmsKeyDecryptNotPermitted" as DeskDiagnosis["causes"][number]["code"],
      class: "encryption",
      title: "The key of the source may not be used by the replication role",
      rule: "everything",
      destination: arn("archive"),
      action: "kms:Decrypt",
      resource: "arn:aws:kms:us-east-1:111122223333:key/9b1d",
      confidence: "likely",
      since: "2026-02-27T17:00:00Z",
      affected: { versions: 38, bytes: 21_000_000, samples: SAMPLES.slice(0, 1) },
      evidence: [
        { kind: "key", source: "key 9b1d", says: "No statement of the key policy allows kms:Decrypt to the role." },
      ],
      fix: { summary: "The key is of another account: its owner has to allow the role", resync: true, patches: [] },
    },
  ],
  unexplained: [],
  notes: [
    {
      kind: "lifecycleActions",
      says: "What Lifecycle does to versions, expiring and moving them, is never replicated",
      instead: "Put the same Lifecycle rules on both buckets",
      versions: 412,
    },
  ],
  patches: {
    p1: {
      title: "Bucket policy of photos-replica-eu",
      diff: DIFF,
      awsCli: "aws s3api put-bucket-policy --bucket photos-replica-eu --policy file://policy.json",
      isLasting: false,
    },
  },
};

export const PROOF: Proof = {
  verdict: "proven",
  rows: [
    {
      of: "versions",
      name: "object, SSE-S3",
      key: "2026/02/28/IMG_0412.jpg",
      versions: 1166,
      causes: ["c4d1a0"],
      before: {
        fate: "fails",
        codes: ["DstPutObjectNotPermitted"],
      },
      after: { fate: "replicates", codes: [] },
      verdict: "healed",
      says: "healed: held back before, replicated now",
      assumed: [],
    },
    {
      of: "kind",
      name: "delete marker",
      key: "lockstep-marker",
      versions: 0,
      causes: [],
      before: { fate: "replicates", codes: [] },
      after: { fate: "replicates", codes: [] },
      verdict: "kept",
      says: "replicates as before",
      assumed: [],
    },
  ],
  untried: 0,
  assumed: [],
};

function keys(count: number): KeysPage {
  return {
    keys: Array.from({ length: count }, (_, at) => ({
      key: at === 0 ? "2026/02/28/IMG_0412.jpg" : `2026/02/28/IMG_${String(413 + at).padStart(6, "0")}.jpg`,
      versionId: `v${at}`,
      isDeleteMarker: at % 17 === 5,
      sizeBytes: at % 17 === 5 ? 0 : 180_000 + at * 977,
      writtenAtMs: NOW_MS - at * 61_000,
    })),
  };
}

const KEY: DeskKey = {
  bucket: "photos",
  key: "2026/02/28/IMG_0412.jpg",
  versions: [
    {
      key: "2026/02/28/IMG_0412.jpg",
      versionId: "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
      isDeleteMarker: false,
      status: "failed",
      written: "2026-03-01T09:14:02Z",
      sizeBytes: 4_812_331,
      encryption: { kind: "SSE-S3" },
      rules: [
        { rule: "everything", destination: arn("photos-replica-eu"), taken: true, says: "The rule takes the version" },
        {
          rule: "raw-only",
          destination: arn("archive"),
          taken: false,
          because: "prefixDiffers",
          says: 'The key does not begin with the rule\'s prefix "raw/"',
          change: "Write the object under raw/, or widen the rule's prefix",
        },
      ],
      changes: [],
      steps: [
        step(
          "assumeRole",
          "AssumeRole",
          "service",
          "sts:AssumeRole",
          true,
          "The service s3.amazonaws.com may assume the role replication.",
        ),
        step(
          "readVersion",
          "GetObject",
          "role",
          "s3:GetObjectVersionForReplication",
          true,
          'statement "Read" of the role policy allows it.',
        ),
        step(
          "writeReplica",
          "PutObject",
          "role",
          "s3:ReplicateObject",
          false,
          'Role replication may not s3:ReplicateObject: statement "OnlyEncrypted" of the bucket policy of photos-replica-eu denies it.',
        ),
      ],
      settings: [],
      failures: [
        {
          destinationArn: arn("photos-replica-eu"),
          ruleId: "everything",
          code: "DstPutObjectNotPermitted",
          step: "writeReplica",
          pending: false,
          attempts: 1,
          firstAttemptAtMs: NOW_MS - 9_000_000,
          lastAttemptAtMs: NOW_MS - 9_000_000,
          httpStatus: 403,
          errorCode: "AccessDenied",
          message: "Access Denied",
        },
      ],
      notes: [],
    },
    {
      key: "2026/02/28/IMG_0412.jpg",
      versionId: "0aXroDTDmJ3HL4kqtJlcprmSpXd3dIbr",
      isDeleteMarker: false,
      status: "completed",
      written: "2026-02-28T18:20:00Z",
      sizeBytes: 4_810_002,
      encryption: { kind: "SSE-S3" },
      rules: [
        { rule: "everything", destination: arn("photos-replica-eu"), taken: true, says: "The rule takes the version" },
      ],
      changes: [],
      steps: [],
      settings: [],
      failures: [],
      notes: [],
    },
  ],
  diagnosis: DIAGNOSIS,
};

function step(
  name: string,
  call: string,
  by: "service" | "role",
  action: string,
  allowed: boolean,
  says: string,
): DeskKey["versions"][number]["steps"][number] {
  const checks = [{ action, resource: "arn:aws:s3:::photos-replica-eu/2026/02/28/IMG_0412.jpg", allowed, says }];
  return { rule: "everything", step: name, call, by, checks } as DeskKey["versions"][number]["steps"][number];
}

const TASKS: KeyExplanation = {
  bucket: "photos",
  key: KEY.key,
  atMs: NOW_MS,
  hasMore: false,
  tasks: [
    {
      versionId: "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
      operation: "put",
      destinationArn: arn("photos-replica-eu"),
      ruleId: "everything",
      status: "FAILED",
      state: "parked",
      origin: "live",
      sizeBytes: 4_812_331,
      writtenAtMs: NOW_MS - 9_958_000,
      attempts: 1,
      lastAttemptAtMs: NOW_MS - 9_000_000,
      failure: {
        code: "DstPutObjectNotPermitted",
        title: "The role may not replicate to the destination",
        message: "Access Denied",
      },
      because: [{ is: "failed", code: "DstPutObjectNotPermitted" }],
    },
  ],
};

const NOTHING: Scene = {
  overview: QUIET,
  series: Object.fromEntries(Object.entries(SERIES).map(([name, value]) => [name, Array.isArray(value) ? [] : value])),
  buckets: [],
  diagnosis: null,
  keys: { keys: [] },
  key: undefined,
  tasks: { bucket: "", key: "", atMs: NOW_MS, hasMore: false, tasks: [] },
  proof: PROOF,
  jobs: [],
  alerts: [],
};

const FULL: Scene = {
  overview: BUSY,
  series: SERIES,
  buckets: BUCKETS,
  diagnosis: DIAGNOSIS,
  keys: keys(120),
  key: KEY,
  tasks: TASKS,
  proof: PROOF,
  jobs: [BUSY_JOB],
  alerts: [],
};

/** A hundred thousand failures of a hundred flows, and as many keys. */
const MANY: Scene = {
  ...FULL,
  overview: {
    ...BUSY,
    failed: 100_000,
    replications: Array.from({ length: 100 }, (_, at) =>
      replication(`bucket-${at}`, [destination(`replica-${at % 7}`, { failed: 1000 })]),
    ),
  },
  keys: keys(100_000),
};

export const SCENES = { nothing: NOTHING, full: FULL, many: MANY };
