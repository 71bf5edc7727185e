/**
 * What the calls of the API answer, as schemas: printed into the OpenAPI document, and checked against live answers by a test
 * of the real binary. Those that a type of the sources tells whole are bound to it by the compiler. Of the larger documents
 * (diagnoses, explanations, policies) the outer members stand here; they may get further ones.
 */
import { z } from "zod";
import type { ResyncProgress } from "../engine/resync/model.ts";
import type { Count } from "../ledger/ledger.ts";
import type { SinkTest } from "../monitor/alerts/alerting.ts";
import type { DocumentDigest } from "../monitor/alerts/drift.ts";
import { CONDITIONS, SEVERITIES, type Silence } from "../monitor/alerts/model.ts";
import type { WatchResult } from "../monitor/history.ts";
import type { Published } from "../monitor/published.ts";
import type { ScheduleStanding } from "../monitor/schedules.ts";
import type { Change } from "./changes.ts";
import type { DeskBucket, KeysPage } from "./desk.ts";
import type { LabView } from "./lab-desk.ts";
import type { Overview } from "./overview.ts";
import type { KnownReplication } from "./replications.ts";
import type { AlertsAnswer } from "./routes/alerts.ts";
import type { SessionTold } from "./routes/session.ts";
import type { Work } from "./works.ts";

const text = z.string();
const count = z.number();
const flag = z.boolean();
const maybeText = text.exactOptional();
const maybeCount = count.exactOptional();
const open = z.looseObject({});
const role = z.enum(["viewer", "operator"]);
const operation = z.enum(["put", "deleteMarker", "tags", "acl", "retention", "legalHold", "delete"]);

const session = z.object({ user: text, role, csrf: text, expiresAtMs: maybeCount }) satisfies z.ZodType<SessionTold>;

const digest = z.object({ replication: text, what: text, digest: text }) satisfies z.ZodType<DocumentDigest>;

const change = z.object({
  atMs: count,
  by: text,
  role,
  from: text,
  action: text,
  subject: text,
  outcome: z.enum(["begun", "done", "refused", "failed"]),
  says: maybeText,
}) satisfies z.ZodType<Change>;

const job = z.object({
  id: text,
  kind: z.literal("resync"),
  bucket: text,
  state: z.enum(["running", "paused", "done", "cancelled", "broken"]),
  stage: z.enum(["canary", "listing", "finishing"]),
  request: z.object({
    bucket: text,
    failed: flag,
    failureCodes: z.array(text).exactOptional(),
    untried: flag,
    arrived: z.array(z.enum(["COMPLETED", "REPLICA"])).exactOptional(),
    prefix: maybeText,
    sinceMs: maybeCount,
    untilMs: maybeCount,
    dryRun: flag,
    canary: maybeCount,
    limit: maybeCount,
  }),
  dryRun: flag,
  createdAtMs: count,
  endedAtMs: maybeCount,
  foundFailed: count,
  foundUntried: count,
  unreadable: count,
  bytes: count,
  completed: count,
  failed: count,
  open: count,
  gone: count,
  error: maybeText,
}) satisfies z.ZodType<ResyncProgress>;

const standing = {
  pending: count,
  pendingBytes: count,
  oldestWrittenAtMs: maybeCount,
  failed: count,
  completed: count,
  tasksPerSecond: count,
  bytesPerSecond: count,
  lag: z.object({ p50Ms: count, p95Ms: count, p99Ms: count, tasks: count }).exactOptional(),
  etaMs: maybeCount,
};

const replication = z.object({
  name: text,
  bucket: text,
  showsStatus: flag,
  pausedSinceMs: maybeCount,
}) satisfies z.ZodType<KnownReplication>;

const published = z.object({
  name: text,
  bucket: text,
  readAtMs: count,
  countedUntilMs: count,
  flows: z.array(
    z.object({
      ruleId: text,
      destinationArn: text,
      pending: z.object({ atMs: count, operations: count, bytes: count, latencySeconds: count }).exactOptional(),
      completed: count,
      failed: count,
      failedLastHour: count,
      endedLastHour: count,
    }),
  ),
}) satisfies z.ZodType<Published>;
const breaker = z.looseObject({ engine: text, name: text, sinceMs: count, nextTrialAtMs: maybeCount });
const overview = z.object({
  ...standing,
  atMs: count,
  byReason: z.array(
    z.object({ code: text, title: text, state: z.enum(["FAILED", "PENDING"]), tasks: count, bytes: count }),
  ),
  replications: z.array(
    replication.extend({
      destinations: z.array(z.object({ ...standing, destinationArn: text, breakers: z.array(breaker) })),
    }),
  ),
  engines: z.array(
    z.object({
      name: text,
      version: text,
      startedAtMs: count,
      atMs: count,
      isAway: flag,
      inFlight: count,
      tasksPerSecond: count,
    }),
  ),
  jobs: z.array(job),
  published: z.array(published),
}) satisfies z.ZodType<Omit<Overview, "replications">>;

const tasks = z.object({
  bucket: text,
  ruleId: text,
  destinationArn: text,
  operation,
  state: z.enum(["waiting", "leased", "parked", "completed"]),
  failureCode: maybeText,
  tasks: count,
  bytes: count,
  oldestWrittenAtMs: maybeCount,
}) satisfies z.ZodType<Count>;

const failure = z.looseObject({
  key: text,
  versionId: text,
  destinationArn: text,
  ruleId: text,
  code: text,
  step: text,
  pending: flag,
  attempts: count,
  message: text,
});

const bucket = z.object({
  bucket: text,
  name: text,
  rules: count,
  cannot: z.object({ diagnose: maybeText, fix: maybeText, editRules: maybeText, rehearse: maybeText }),
}) satisfies z.ZodType<DeskBucket>;

const keys = z.object({
  keys: z.array(z.object({ key: text, versionId: text, isDeleteMarker: flag, sizeBytes: count, writtenAtMs: count })),
  next: maybeText,
}) satisfies z.ZodType<KeysPage>;

const diagnosis = z.looseObject({
  bucket: text,
  takenAt: text,
  scanned: z.looseObject({ versions: count, completed: count, failed: count, pending: count, replica: count }),
  causes: z.array(z.looseObject({ id: text, code: text, title: text, confidence: text, evidence: z.array(open) })),
  unexplained: z.array(open),
  notes: z.array(open),
});

const finding = z.looseObject({
  file: text,
  line: count,
  column: count,
  path: text,
  rule: text,
  severity: text,
  says: text,
  remedy: text,
});

const work = z.object({
  id: text,
  kind: z.enum(["diagnose", "prove", "apply", "undo", "rehearse"]),
  bucket: text,
  causeId: maybeText,
  state: z.enum(["running", "done", "failed", "cancelled"]),
  by: text,
  startedAtMs: count,
  endedAtMs: maybeCount,
  progress: z.object({ says: text, done: maybeCount, total: maybeCount }),
  result: z.unknown().exactOptional(),
  error: maybeText,
}) satisfies z.ZodType<Work>;

const alert = z.looseObject({
  id: text,
  condition: z.enum(CONDITIONS),
  conditions: z.array(z.enum(CONDITIONS)),
  state: z.enum(["pending", "firing", "resolved"]),
  severity: z.enum(SEVERITIES),
  title: text,
  says: text,
  counts: z.record(text, count),
  command: text,
  subject: text,
  sinceMs: count,
});

const silence = z.object({
  id: text,
  untilMs: count,
  by: text,
  why: text,
  atMs: count,
}) satisfies z.ZodType<Silence>;

const outbox = z.object({
  waiting: count,
  oldestAtMs: maybeCount,
  lastError: maybeText,
  givenUp: count,
}) satisfies z.ZodType<AlertsAnswer["outbox"]>;

const sinkTest = z.object({ sink: text, ok: flag, says: maybeText }) satisfies z.ZodType<SinkTest>;

const watchKind = z.enum(["canary", "probe", "audit", "rehearse", "lint"]);
const watched = z.object({
  kind: watchKind,
  subject: text,
  ruleId: maybeText,
  destinationArn: maybeText,
  atMs: count,
  tookMs: count,
  verdict: z.enum(["ok", "findings", "failed"]),
  says: text,
  counts: z.record(text, count),
  report: maybeText,
}) satisfies z.ZodType<WatchResult>;
const schedule = z.object({
  kind: watchKind,
  subject: text,
  when: text,
  nextAtMs: maybeCount,
  isRunning: flag,
}) satisfies z.ZodType<ScheduleStanding>;

const lab = z.object({
  accounts: z.array(z.object({ id: text, name: maybeText })),
  buckets: z.array(
    z.object({
      name: text,
      account: text,
      region: text,
      versioning: z.enum(["", "Enabled", "Suspended"]),
      rules: count,
    }),
  ),
  disturbances: z.array(
    z.object({
      id: text,
      kind: z.enum(["delay", "reset", "status", "truncate", "flip", "throttle", "diskFull", "clock"]),
      says: text,
    }),
  ),
}) satisfies z.ZodType<LabView>;

const course = z.array(count.nullable());

/** By what routes say that they answer. */
export const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  SessionTold: session,
  "{ok: true}": z.object({ ok: z.literal(true) }),
  "{version, mode, hasLab, lab?, canDiagnose, hasUsers}": z.object({
    version: text,
    mode: z.enum(["up", "run"]),
    hasLab: flag,
    lab: z.object({ endpoint: text }).exactOptional(),
    canDiagnose: flag,
    hasUsers: flag,
  }),
  "{changes: Change[]}": z.object({ changes: z.array(change) }),
  Overview: overview,
  "{replications: KnownReplication[]}": z.object({ replications: z.array(replication) }),
  KnownReplication: replication,
  "{counts: Count[]}": z.object({ counts: z.array(tasks) }),
  FailurePage: z.object({ failures: z.array(failure), next: maybeText }),
  KeyExplanation: z.object({ bucket: text, key: text, atMs: count, tasks: z.array(open), hasMore: flag }),
  "{jobs: ResyncProgress[]}": z.object({ jobs: z.array(job) }),
  ResyncProgress: job,
  "{buckets: DeskBucket[]}": z.object({ buckets: z.array(bucket) }),
  "{diagnosis: DeskDiagnosis | null}": z.object({ diagnosis: diagnosis.nullable() }),
  "{applications: Application[]}": z.object({
    applications: z.array(
      z.looseObject({ id: text, bucket: text, endpoint: text, accountId: text, appliedAt: text, undoneAt: maybeText }),
    ),
  }),
  KeysPage: keys,
  DeskKey: z.object({ bucket: text, key: text, versions: z.array(open), diagnosis }),
  DeskRules: z.object({
    bucket: text,
    text: text.nullable(),
    form: z.enum(["xml", "json", "yaml"]),
    digest: text,
    role: text,
    rules: z.array(open),
    findings: z.array(finding),
    overlaps: z.array(open),
  }),
  Verdict: z.object({ outcomes: z.array(z.looseObject({ rule: open, taken: flag })), taken: z.array(open) }),
  "{findings: LintFinding[]}": z.object({ findings: z.array(finding) }),
  "{works: Work[]}": z.object({ works: z.array(work) }),
  Work: work,
  AlertsAnswer: z.object({ alerts: z.array(alert), silences: z.array(silence), outbox }),
  Alert: alert,
  "{tests: SinkTest[]}": z.object({ tests: z.array(sinkTest) }),
  "{accepted: number}": z.object({ accepted: count }),
  "{id: string}": z.object({ id: text }),
  "{accepted: DocumentDigest[]}": z.object({ accepted: z.array(digest) }),
  "{results: WatchResult[], schedules: ScheduleStanding[]}": z.object({
    results: z.array(watched),
    schedules: z.array(schedule),
  }),
  "{kind, subject, isRunning}": z.object({ kind: watchKind, subject: text, isRunning: flag }),
  "{discarded: number}": z.object({ discarded: count }),
  LabView: lab,
  "{versionId: string}": z.object({ versionId: text }),
  "{versionId?: string}": z.object({ versionId: maybeText }),
  ToldSeries: z.object({
    stepMs: count,
    atMs: z.array(count),
    pending: course,
    pendingBytes: course,
    failed: course,
    tasksPerSecond: course,
    bytesPerSecond: course,
    lagP50Ms: course,
    lagP99Ms: course,
  }),
};
