/**
 * Joins a diagnosis with what logs tell: since when each cause is there, and what had been changed just before. Adds to
 * causes, and takes nothing of them away.
 */
import { bucketOfArn, parseArn } from "../arn.ts";
import type { Facts } from "../diagnose/facts.ts";
import type { Cause, Diagnosis } from "../diagnose/report.ts";
import type { PatchTarget } from "../failures/catalogue.ts";
import { areasBehind, type Broken, type Change, type ChangeArea } from "./change.ts";
import type { LogCause } from "./log-report.ts";
import { type Course, onsetOf } from "./onset.ts";

export interface LogEvidence {
  readonly changes: readonly Change[];
  /** Failed calls by cause, where data events or access logs were read. */
  readonly causes: readonly LogCause[];
  /** As evidence names it: `CloudTrail`. */
  readonly source: string;
}

/** Pure. Causes that no change makes, and those that nothing dates, stay as they are. */
export function withOnsets(diagnosis: Diagnosis, facts: Facts, logs: LogEvidence): Diagnosis {
  return { ...diagnosis, causes: diagnosis.causes.map((one) => withOnset(one, facts, logs)) };
}

function withOnset(cause: Cause, facts: Facts, { changes, causes, source }: LogEvidence): Cause {
  const broken = brokenOf(cause, facts);
  const logged = causes.find((one) => one.code === cause.code && broken.buckets.includes(one.bucket ?? ""));
  const course = courseOf(cause, facts, logged);
  if (course === undefined || areasBehind(broken).length === 0) return cause;
  const onset = onsetOf(broken, course, changes);
  if (onset.change === undefined && logged === undefined) return cause;
  return { ...cause, onset, evidence: [...cause.evidence, { kind: "log", source, says: onset.says }] };
}

function brokenOf(cause: Cause, facts: Facts): Broken {
  const { patches } = cause.fix;
  const destination = cause.destination === undefined ? undefined : bucketOfArn(cause.destination);
  const role = roleNameOf(facts);
  const named = [cause.resource, ...patches.map((one) => one.resource)];
  return {
    code: cause.code,
    ...(cause.action === undefined ? {} : { action: cause.action }),
    buckets: [facts.source.name, ...(destination === undefined ? [] : [destination])],
    ...(role === undefined ? {} : { role }),
    keys: named.filter((one) => one !== undefined && parseArn(one)?.service === "kms").flatMap((one) => one ?? []),
    ...(patches.length === 0 ? {} : { areas: patches.flatMap(({ target }) => BY_TARGET[target]) }),
  };
}

function roleNameOf({ role }: Facts): string | undefined {
  return role.state === "read" ? role.value.name : undefined;
}

/** What may have been changed, where a patch of this document mends it. */
const BY_TARGET: Readonly<Record<PatchTarget, readonly ChangeArea[]>> = {
  // Within an account a bucket's policy may have allowed what the role's never did.
  "iam-role-policy": ["role", "rolePolicy", "bucketPolicy", "replication"],
  "iam-role": ["role"],
  "iam-trust-policy": ["trust", "role", "replication"],
  "iam-boundary-policy": ["boundary"],
  "organization-policy": ["organization"],
  "bucket-policy": ["bucketPolicy", "replication"],
  replication: ["replication"],
  versioning: ["versioning", "bucket", "replication"],
  ownership: ["ownership"],
  encryption: ["encryption"],
  "object-lock": ["objectLock", "bucket", "replication"],
  "request-payment": ["ownership"],
  "kms-key-policy": ["keyPolicy", "replication"],
  "kms-key-state": ["keyState"],
};

/** The log's own course, else the first recorded try, else when the oldest version that is concerned was written. */
function courseOf(cause: Cause, facts: Facts, logged: LogCause | undefined): Course | undefined {
  if (logged !== undefined) {
    const { workedUntil, recovered } = logged.onset;
    return {
      firstMs: Date.parse(logged.first),
      lastMs: Date.parse(logged.last),
      ...(workedUntil === undefined ? {} : { workedUntilMs: Date.parse(workedUntil) }),
      ...(recovered === undefined ? {} : { workedAgainMs: Date.parse(recovered) }),
      isMixed: logged.onset.isMixed,
    };
  }
  const firstMs = firstTryMs(cause, facts) ?? Date.parse(cause.since ?? "");
  return Number.isFinite(firstMs) ? { firstMs, lastMs: firstMs, isMixed: false } : undefined;
}

function firstTryMs({ code, destination }: Cause, facts: Facts): number | undefined {
  let first: number | undefined;
  for (const { failures } of facts.versions) {
    for (const one of failures) {
      if (one.code !== code || one.destinationArn !== destination || one.firstAttemptAtMs === undefined) continue;
      if (first === undefined || one.firstAttemptAtMs < first) first = one.firstAttemptAtMs;
    }
  }
  return first;
}

/** What a history has to be asked for, each thing in its Region. */
export interface Lookup {
  readonly resourceName: string;
  readonly region: string;
}

/** Events of IAM are told in one Region only. */
const GLOBAL_REGION = "us-east-1";

/** The buckets, the role, its managed policies and the keys on which replication depends. */
export function lookupsFor(facts: Facts, defaultRegion: string): Lookup[] {
  const buckets = [facts.source, ...Object.values(facts.destinations)].map(({ name, region }) => ({
    resourceName: name,
    region: region.state === "read" ? region.value : defaultRegion,
  }));
  const role = facts.role.state === "read" ? facts.role.value : undefined;
  const policies = [...(role?.policies ?? []).map((one) => one.arn), role?.boundary?.arn];
  const ofIam = [role?.name, ...policies].filter((one) => one !== undefined);
  const keys = Object.keys(facts.keys).flatMap((resourceName) => {
    const region = parseArn(resourceName)?.region;
    return region === undefined ? [] : [{ resourceName, region }];
  });
  return [...buckets, ...ofIam.map((resourceName) => ({ resourceName, region: GLOBAL_REGION })), ...keys];
}

/** How far back a history has to be read: to a while before the oldest cause. Undefined without any that something dates. */
export function oldestCauseMs(diagnosis: Diagnosis, facts: Facts): number | undefined {
  const times = diagnosis.causes.flatMap((one) => courseOf(one, facts, undefined)?.firstMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
