/** What a console would answer for the pages of rules, watches, alerts, jobs, changes and the lab; typed by the contract. */

import type { Change } from "../../src/console/changes.ts";
import type { DeskRehearsal, DeskRules } from "../../src/console/desk.ts";
import type { LabView } from "../../src/console/lab-desk.ts";
import { overlapsOf } from "../../src/core/config/overlaps.ts";
import { eligibility, type Verdict } from "../../src/core/eligibility.ts";
import type { LintFinding } from "../../src/core/lint/model.ts";
import type { Rule } from "../../src/core/model.ts";
import type { ResyncProgress } from "../../src/engine/resync/model.ts";
import type { Alert } from "../../src/monitor/alerts/model.ts";
import type { WatchResult } from "../../src/monitor/history.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const arn = (bucket: string) => `arn:aws:s3:::${bucket}`;

function rule(id: string, priority: number, told: Partial<Rule> = {}, to = "photos-replica-eu"): Rule {
  return {
    id,
    priority,
    enabled: true,
    prefix: "",
    tags: [],
    deleteMarkers: false,
    kmsObjects: false,
    replicaModifications: false,
    destination: { bucketArn: arn(to), ownerOverride: false, metrics: true },
    ...told,
  };
}

const RULES: readonly Rule[] = [
  rule("everything", 1, { deleteMarkers: true }),
  rule("raw-in-archive", 5, { prefix: "raw/", kmsObjects: true }, "archive"),
  rule("red-team", 8, { prefix: "docs/", tags: [{ key: "team", value: "red" }] }),
  rule("docs", 4, { prefix: "docs/", deleteMarkers: true }),
  rule("docs-2019", 2, { prefix: "docs/2019/" }),
  rule("thumbnails", 3, { prefix: "thumbs/", enabled: false }),
];

const TEXT = `{
  "Role": "arn:aws:iam::111122223333:role/replication",
  "Rules": [
    {
      "ID": "everything",
      "Priority": 1,
      "Status": "Enabled",
      "Filter": {},
      "DeleteMarkerReplication": { "Status": "Enabled" },
      "Destination": { "Bucket": "arn:aws:s3:::photos-replica-eu" }
    },
    {
      "ID": "docs-2019",
      "Priority": 2,
      "Status": "Enabled",
      "Filter": { "Prefix": "docs/2019/" },
      "DeleteMarkerReplication": { "Status": "Disabled" },
      "Destination": { "Bucket": "arn:aws:s3:::photos-replica-eu" }
    }
  ]
}
`;

export const FINDING: LintFinding = {
  file: "photos",
  line: 16,
  column: 19,
  path: "Rules[1].Filter.Prefix",
  rule: "rule-shadowed",
  severity: "warning",
  says: 'Rule "docs" has the higher priority and selects everything that Rule "docs-2019" would',
  remedy: "Raise its priority above the other's, or remove it",
};

const KMS: LintFinding = {
  ...FINDING,
  line: 5,
  column: 7,
  path: "Rules[0]",
  rule: "kms-objects-not-selected",
  severity: "note",
  says: 'Rule "everything" does not select versions that KMS encrypts',
  remedy: "Add SourceSelectionCriteria.SseKmsEncryptedObjects and a ReplicaKmsKeyID, if the bucket has such versions",
};

export const ROLE_ERROR: LintFinding = {
  ...FINDING,
  line: 2,
  column: 3,
  path: "Role",
  rule: "malformed-xml",
  severity: "error",
  says: "Role is missing",
  remedy: "Write the element as the schema has it",
};

export const DESK_RULES: DeskRules = {
  bucket: "photos",
  text: TEXT,
  form: "json",
  digest: "d1",
  role: "arn:aws:iam::111122223333:role/replication",
  rules: RULES,
  findings: [FINDING, KMS],
  overlaps: overlapsOf(RULES),
};

/** By the product's own rule, as the desk does it. */
export function verdictOf(object: {
  readonly key: string;
  readonly isDeleteMarker: boolean;
  readonly tags: Rule["tags"];
  readonly encryption: "SSE-S3";
  readonly storageClass: string;
}): Verdict {
  const { encryption, ...rest } = object;
  const version = { ...rest, encryption: { kind: encryption } };
  return eligibility(
    { roleArn: "", schema: "V2", rules: RULES },
    version,
    object.isDeleteMarker ? "deleteMarker" : "put",
  );
}

export const REHEARSAL: DeskRehearsal = {
  bucket: "photos",
  withChange: true,
  kinds: [
    {
      name: "plain",
      rule: "everything",
      fate: "replicates",
      cells: [{ rule: "everything", destination: arn("photos-replica-eu"), assumed: [], outcome: "completed" }],
      change: "kept",
    },
    {
      name: "SSE-KMS",
      rule: "raw-in-archive",
      fate: "fails",
      cells: [
        {
          rule: "raw-in-archive",
          destination: arn("archive"),
          assumed: ["the key policy of 9b1d"],
          outcome: "failed",
          code: "DstKmsKeyInvalidState" as never,
          step: "putObject",
          says: "The key of the replicas does not let the role encrypt",
        },
      ],
      change: "broken",
    },
    {
      name: "delete marker",
      rule: "docs",
      fate: "replicates",
      cells: [{ rule: "docs", destination: arn("photos-replica-eu"), assumed: [], outcome: "completed" }],
      change: "healed",
    },
  ],
};

function audits(nowMs: number): readonly WatchResult[] {
  return Array.from({ length: 14 }, (_, at): WatchResult => {
    const missing = Math.max(0, 40 - at * 5 + (at === 3 ? 60 : 0));
    return {
      kind: "audit",
      subject: "photos",
      atMs: nowMs - (13 - at) * 24 * HOUR_MS - 2 * HOUR_MS,
      tookMs: 41_000 + at * 900,
      verdict: missing === 0 ? "ok" : "findings",
      says:
        missing === 0
          ? "both ends hold the same"
          : `${missing} versions are missing: run lockstep audit s3://photos --repair`,
      counts: {
        versions: 128_000 + at * 31,
        exceptions: missing,
        coverage: 1 - missing / 128_000,
        equal: 128_000 + at * 31 - missing,
        missing,
        explained: 12,
        extra: 0,
      },
      report: `/var/lib/lockstep/audits/photos-${at}`,
    };
  }).toReversed();
}

function canaries(nowMs: number): readonly WatchResult[] {
  return ["everything", "raw-in-archive"].flatMap((ruleId, which) =>
    Array.from({ length: 48 }, (_, at): WatchResult => {
      const isBad = which === 1 && at > 44;
      return {
        kind: "canary",
        subject: "photos",
        ruleId,
        destinationArn: arn(which === 0 ? "photos-replica-eu" : "archive"),
        atMs: nowMs - (47 - at) * 5 * MINUTE_MS,
        tookMs: 2400,
        verdict: isBad ? "findings" : "ok",
        says: isBad
          ? "the SSE-KMS object is FAILED: The role may not encrypt with the replicas' key; run lockstep diagnose s3://photos"
          : "3 objects arrived, as they were written, and were removed again",
        counts: { objects: 3, completed: isBad ? 2 : 3, ...(isBad ? {} : { latencyMs: 900 + 500 * Math.sin(at / 5) }) },
      };
    }).toReversed(),
  );
}

function others(nowMs: number): readonly WatchResult[] {
  return [
    {
      kind: "probe",
      subject: "photos",
      atMs: nowMs - 3 * HOUR_MS,
      tookMs: 4100,
      verdict: "ok",
      says: "the role may do what every rule needs",
      counts: { checks: 42 },
    },
    {
      kind: "lint",
      subject: "invoices",
      atMs: nowMs - 9 * HOUR_MS,
      tookMs: 120,
      verdict: "failed",
      says: "the configuration could not be read: 403 AccessDenied; allow s3:GetReplicationConfiguration",
      counts: {},
    },
  ];
}

const job = (nowMs: number, told: Partial<ResyncProgress>): ResyncProgress => ({
  id: "9b1d0000-0000-4000-8000-000000000000",
  kind: "resync",
  bucket: "photos",
  state: "done",
  stage: "finishing",
  request: { bucket: "photos", failed: true, untried: false, dryRun: false },
  dryRun: false,
  createdAtMs: nowMs - 5 * HOUR_MS,
  endedAtMs: nowMs - 5 * HOUR_MS + 93_000,
  foundFailed: 412,
  foundUntried: 0,
  unreadable: 0,
  bytes: 3_120_000_000,
  completed: 412,
  failed: 0,
  open: 0,
  gone: 0,
  ...told,
});

export function endedJobs(nowMs: number): readonly ResyncProgress[] {
  return [
    job(nowMs, {
      id: "p",
      state: "paused",
      request: { bucket: "invoices", failed: false, untried: true, prefix: "2025/", dryRun: false, canary: 10 },
      bucket: "invoices",
      stage: "canary",
      endedAtMs: nowMs,
      createdAtMs: nowMs - 640_000,
      foundFailed: 0,
      foundUntried: 10,
      completed: 7,
      failed: 1,
      open: 2,
    }),
    job(nowMs, {}),
    job(nowMs, {
      id: "b",
      state: "broken",
      completed: 120,
      failed: 31,
      createdAtMs: nowMs - 20 * HOUR_MS,
      endedAtMs: nowMs - 20 * HOUR_MS + 12_000,
      request: {
        bucket: "photos",
        failed: true,
        failureCodes: ["DstPutObjectNotPermitted"],
        untried: false,
        dryRun: false,
        canary: 100,
      },
      error: "31 of the canary's 100 tasks are FAILED again; nothing more was tried",
    }),
    job(nowMs, { id: "c", dryRun: true, request: { bucket: "photos", failed: true, untried: true, dryRun: true } }),
  ];
}

export function alertsAt(nowMs: number): readonly Alert[] {
  return [
    {
      id: "e1b2c3d4e5f6",
      condition: "drift",
      conditions: ["drift"],
      state: "firing",
      severity: "warning",
      title: "photos: the bucket policy of photos-replica-eu has changed",
      says: "It is not what it was last known to be.",
      counts: {},
      command: "lockstep alerts accept",
      subject: "photos",
      sinceMs: nowMs - 60_000,
      firedAtMs: nowMs - 60_000,
    },
    {
      id: "a1b2c3d4e5f6",
      condition: "newCause",
      conditions: ["newCause"],
      state: "firing",
      severity: "critical",
      title: "The bucket policy of photos-replica-eu denies s3:ReplicateObject to the replication role",
      says: "1,166 versions of photos are FAILED since 09:12:44, and more follow: everything that rule everything takes.",
      counts: { failed: 1166, pending: 0 },
      command: "lockstep fix s3://photos --cause c4d1a0",
      subject: "photos",
      sinceMs: nowMs - 2.8 * HOUR_MS,
      firedAtMs: nowMs - 2.7 * HOUR_MS,
    },
    {
      id: "b1b2c3d4e5f6",
      condition: "breakerOpen",
      conditions: ["breakerOpen"],
      state: "firing",
      severity: "warning",
      title: "telemetry-cold-storage-frankfurt-secondary does not answer",
      says: "Nothing is sent there until it answers again; 1,302 versions wait.",
      counts: { pending: 1302 },
      command: "lockstep status",
      subject: "telemetry-raw-2026-production-eu-central-1",
      sinceMs: nowMs - 184_000,
      firedAtMs: nowMs - 124_000,
      silencedUntilMs: nowMs + 2 * HOUR_MS,
    },
    {
      id: "c1b2c3d4e5f6",
      condition: "lag",
      conditions: ["lag"],
      state: "pending",
      severity: "warning",
      title: "Replication of photos lags behind its objective of 60 s",
      says: "The slowest hundredth takes 74 s now.",
      counts: { p99Seconds: 74 },
      command: "lockstep status photos",
      subject: "photos",
      sinceMs: nowMs - 90_000,
    },
    {
      id: "d1b2c3d4e5f6",
      condition: "canaryFailed",
      conditions: ["canaryFailed"],
      state: "resolved",
      severity: "critical",
      title: "The canary of invoices does not arrive",
      says: "It arrived again at 11:20.",
      counts: {},
      command: "lockstep canary s3://invoices",
      subject: "invoices",
      sinceMs: nowMs - 9 * HOUR_MS,
      firedAtMs: nowMs - 9 * HOUR_MS,
      resolvedAtMs: nowMs - 40 * MINUTE_MS,
    },
  ];
}

const change = (atMs: number, told: Partial<Change>): Change => ({
  atMs,
  by: "dana",
  role: "operator",
  from: "127.0.0.1",
  action: "Pauses a job",
  subject: "3f2a9c1e",
  outcome: "done",
  ...told,
});

const LAB: LabView = {
  accounts: [{ id: "111122223333", name: "example" }, { id: "444455556666" }],
  buckets: [
    { name: "photos", account: "111122223333", region: "us-east-1", versioning: "Enabled", rules: 6 },
    { name: "photos-replica-eu", account: "444455556666", region: "eu-west-1", versioning: "Enabled", rules: 0 },
    { name: "scratch", account: "111122223333", region: "us-east-1", versioning: "", rules: 0 },
  ],
  disturbances: [
    { id: "f1", kind: "status", says: "the next 10 PutObject requests to photos-replica-eu are answered 503" },
  ],
};

function watchesOf(nowMs: number, kind: string | null): unknown {
  const isAsked = (one: { readonly kind: string }) => kind === null || one.kind === kind;
  const results = [...canaries(nowMs), ...others(nowMs), ...audits(nowMs)];
  const schedules = [
    { kind: "canary", subject: "photos", when: "every 5m", nextAtMs: nowMs + 130_000, isRunning: false },
    { kind: "probe", subject: "photos", when: "0 6 * * *", nextAtMs: nowMs + 6 * HOUR_MS, isRunning: false },
    { kind: "audit", subject: "photos", when: "0 10 * * *", nextAtMs: nowMs + 22 * HOUR_MS, isRunning: true },
  ];
  return {
    results: results.filter(isAsked).toSorted((one, other) => other.atMs - one.atMs),
    schedules: schedules.filter(isAsked),
  };
}

/** By path below /api/v1. */
export function watchAnswers(nowMs: number): Readonly<Record<string, unknown>> {
  return {
    rules: DESK_RULES,
    watches: (query: URLSearchParams) => watchesOf(nowMs, query.get("kind")),
    alerts: {
      alerts: alertsAt(nowMs),
      silences: [],
      outbox: { waiting: 2, oldestAtMs: nowMs - 340_000, lastError: "slack: 503 Service Unavailable", givenUp: 0 },
      accepted: [],
    },
    changes: {
      changes: [
        change(nowMs - 40_000, {}),
        change(nowMs - HOUR_MS, {
          action: "Saves the rules of a bucket",
          subject: "photos",
          outcome: "refused",
          says: "the rules are not those of the digest any more",
        }),
        change(nowMs - 3 * HOUR_MS, { action: "Applies patches", subject: "photos c4d1a0", by: "token" }),
        change(nowMs - 26 * HOUR_MS, {
          action: "Begins a resync",
          subject: "photos",
          outcome: "failed",
          says: "the ledger cannot be reached",
        }),
      ],
    },
    lab: LAB,
  };
}
