/** Gathers failed calls by cause, in bounded memory: counts, first and last, a few samples. */
import { objectArn } from "../arn.ts";
import { shortHash } from "../diagnose/hash.ts";
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import { REPLICATION_ACTIONS } from "../plan.ts";
import type { Broken, Change } from "./change.ts";
import type { DenyingPolicy } from "./denial-text.ts";
import { failureOf, type LogCall, roleOfPrincipal } from "./log-call.ts";
import type { LogCause, LogSample, OtherFailure } from "./log-report.ts";
import { type Course, isoSecond, onsetOf } from "./onset.ts";
import { SeenTimes } from "./seen-times.ts";

const CAUSES_MAX = 1000;
const OTHERS_MAX = 500;
/** Kinds of calls whose successes are remembered. */
const COURSES_MAX = 2000;
const SAMPLES_MAX = 5;

interface Gathered {
  readonly code: FailureCode;
  readonly operation: string;
  readonly principal: string;
  readonly bucket: string;
  readonly errorCode: string | undefined;
  readonly action: string | undefined;
  readonly policy: DenyingPolicy | undefined;
  readonly reason: string | undefined;
  /** Undefined from the moment that there are two. */
  resource: string | undefined;
  readonly pattern: string | undefined;
  status: number;
  count: number;
  firstMs: number;
  lastMs: number;
  readonly samples: LogSample[];
}

interface GatheredOther {
  readonly other: Omit<OtherFailure, "count" | "first" | "last">;
  count: number;
  firstMs: number;
  lastMs: number;
}

export class LogCauses {
  #failuresLeftOut = 0;
  #othersLeftOut = 0;
  readonly #causes = new Map<string, Gathered>();
  readonly #others = new Map<string, GatheredOther>();
  readonly #successes = new Map<string, SeenTimes>();
  /** Many calls of one kind follow each other. What it holds of a chunk is one chunk. */
  #last:
    | { readonly bucket: string; readonly operation: string; readonly principal: string; readonly times: SeenTimes }
    | undefined;

  get leftOut(): { readonly failures: number; readonly others: number } {
    return { failures: this.#failuresLeftOut, others: this.#othersLeftOut };
  }

  succeeded(bucket: string, operation: string, principal: string, atMs: number): void {
    const last = this.#last;
    if (last?.bucket === bucket && last.operation === operation && last.principal === principal) last.times.add(atMs);
    else this.#timesOf(bucket, operation, principal)?.add(atMs);
  }

  #timesOf(bucket: string, operation: string, principal: string): SeenTimes | undefined {
    const course = courseKey(bucket, operation, principal);
    let times = this.#successes.get(course);
    if (times === undefined) {
      if (this.#successes.size >= COURSES_MAX) return undefined;
      times = new SeenTimes();
      this.#successes.set(detached(course), times);
    }
    this.#last = { bucket, operation, principal, times };
    return times;
  }

  failed(call: LogCall): void {
    if (call.step === undefined) this.#failedOther(call);
    else this.#failedReplication(call, failureOf(call.step, call));
  }

  #failedReplication(call: LogCall, code: FailureCode): void {
    const { denial, errorCode = "", resource = "" } = call;
    const { kind = "", effect = "", arn = "" } = denial?.policy ?? {};
    const course = courseKey(call.bucket, call.operation, call.principal);
    const id = [code, course, errorCode, denial?.action ?? "", kind, effect, arn, resource].join("\n");
    let cause = this.#causes.get(id);
    if (cause === undefined) {
      if (this.#causes.size >= CAUSES_MAX) {
        this.#failuresLeftOut++;
        return;
      }
      cause = gatheredOf(call, code);
      this.#causes.set(detached(id), cause);
    }
    count(cause, call.atMs);
    if (cause.status === 0) cause.status = call.status;
    if (cause.resource !== undefined && cause.resource !== resourceOf(call)) cause.resource = undefined;
    if (cause.samples.length < SAMPLES_MAX) cause.samples.push(sampleOf(call));
  }

  #failedOther(call: LogCall): void {
    const { bucket, operation, errorCode, status } = call;
    const id = `${bucket}\n${operation}\n${errorCode ?? ""}\n${status}`;
    let found = this.#others.get(id);
    if (found === undefined) {
      if (this.#others.size >= OTHERS_MAX) {
        this.#othersLeftOut++;
        return;
      }
      const other = {
        bucket: detached(bucket),
        operation: detached(operation),
        ...(errorCode === undefined ? {} : { errorCode: detached(errorCode) }),
        ...(status === 0 ? {} : { httpStatus: status }),
      };
      found = { other, count: 0, firstMs: call.atMs, lastMs: call.atMs };
      this.#others.set(detached(id), found);
    }
    count(found, call.atMs);
  }

  /** The most frequent first. */
  causes(changes: readonly Change[]): LogCause[] {
    return this.#merged()
      .map((one) => this.#print(one, changes))
      .sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
  }

  others(): OtherFailure[] {
    return [...this.#others.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ other, count: times, firstMs, lastMs }) => ({
        ...other,
        count: times,
        first: isoSecond(firstMs),
        last: isoSecond(lastMs),
      }));
  }

  /** Access logs tell no reason. Where CloudTrail tells exactly one of the same calls, theirs is the same. */
  #merged(): Gathered[] {
    const merged: Gathered[] = [];
    const all = [...this.#causes.values()];
    const told = all.filter((one) => one.reason !== undefined).map((one) => ({ ...one, samples: [...one.samples] }));
    for (const one of all.filter((other) => other.reason === undefined)) {
      const alike = told.filter((other) => isAlike(one, other));
      const [same] = alike;
      if (same === undefined || alike.length > 1) merged.push(one);
      else {
        same.count += one.count;
        same.firstMs = Math.min(same.firstMs, one.firstMs);
        same.lastMs = Math.max(same.lastMs, one.lastMs);
        if (same.status === 0) same.status = one.status;
        same.samples.push(...one.samples.slice(0, SAMPLES_MAX - same.samples.length));
        if (same.resource !== one.resource) same.resource = undefined;
      }
    }
    return [...told, ...merged];
  }

  #print(cause: Gathered, changes: readonly Change[]): LogCause {
    const { code, operation, principal, bucket, errorCode, action, policy, reason, status } = cause;
    const entry = failureEntry(code);
    const resource = cause.resource ?? cause.pattern;
    return {
      id: shortHash([code, operation, principal, bucket, errorCode, action, policy?.kind, policy?.effect].join("\n")),
      code,
      class: entry.class,
      title: entry.title,
      ...(errorCode === undefined ? {} : { errorCode }),
      ...(status === 0 ? {} : { httpStatus: status }),
      operation,
      ...(action === undefined ? {} : { action }),
      ...(resource === undefined ? {} : { resource }),
      principal,
      ...(bucket === "" ? {} : { bucket }),
      ...(policy === undefined ? {} : { policy }),
      ...(reason === undefined ? {} : { reason }),
      confidence: isDenied(cause) && policy === undefined ? "likely" : "proven",
      count: cause.count,
      first: isoSecond(cause.firstMs),
      last: isoSecond(cause.lastMs),
      samples: cause.samples,
      onset: onsetOf(brokenOf(cause), this.#courseOf(cause), changes),
      remedy: entry.remedy,
    };
  }

  #courseOf({ bucket, operation, principal, firstMs, lastMs }: Gathered): Course {
    const successes = this.#successes.get(courseKey(bucket, operation, principal));
    const workedUntilMs = successes?.lastBefore(firstMs);
    const workedAgainMs = successes?.firstAfter(lastMs);
    const between = successes?.firstAfter(firstMs);
    return {
      firstMs,
      lastMs,
      ...(workedUntilMs === undefined ? {} : { workedUntilMs }),
      ...(workedAgainMs === undefined ? {} : { workedAgainMs }),
      isMixed: between !== undefined && between < lastMs,
    };
  }
}

function courseKey(bucket: string, operation: string, principal: string): string {
  return `${bucket}\n${operation}\n${principal}`;
}

function count(counted: { count: number; firstMs: number; lastMs: number }, atMs: number): void {
  counted.count++;
  counted.firstMs = Math.min(counted.firstMs, atMs);
  counted.lastMs = Math.max(counted.lastMs, atMs);
}

function gatheredOf(call: LogCall, code: FailureCode): Gathered {
  const { denial, errorCode, atMs } = call;
  const action = denial?.action ?? (isDenied({ code }) ? actionOf(call) : undefined);
  const resource = resourceOf(call);
  return {
    code,
    operation: detached(call.operation),
    principal: detached(call.principal),
    bucket: detached(call.bucket),
    errorCode: errorCode === undefined ? undefined : detached(errorCode),
    action,
    policy: denial?.policy,
    reason: denial?.reason,
    resource: resource === undefined ? undefined : detached(resource),
    pattern: call.resource === undefined && call.bucket !== "" ? objectArn(detached(call.bucket), "*") : undefined,
    status: call.status,
    count: 0,
    firstMs: atMs,
    lastMs: atMs,
    samples: [],
  };
}

function isDenied({ code }: { readonly code: FailureCode }): boolean {
  return code.endsWith("NotPermitted");
}

/** What a call needs, where no message says what was missing: a key's permission may be meant as well. */
function actionOf({ operation }: LogCall): string | undefined {
  const actions: Readonly<Record<string, string>> = REPLICATION_ACTIONS;
  return Object.hasOwn(actions, operation) ? actions[operation] : undefined;
}

function resourceOf({ denial, resource, bucket, key }: LogCall): string | undefined {
  return denial?.resource ?? resource ?? (bucket === "" || key === undefined ? undefined : objectArn(bucket, key));
}

function isAlike(one: Gathered, other: Gathered): boolean {
  return (
    one.code === other.code &&
    one.operation === other.operation &&
    one.bucket === other.bucket &&
    one.principal === other.principal &&
    one.errorCode === other.errorCode
  );
}

function brokenOf({ code, policy, action, bucket, principal, resource, pattern }: Gathered): Broken {
  const role = roleOfPrincipal(principal) ?? roleOfArn(resource);
  const isKey = pattern === undefined && resource?.includes(":kms:") === true;
  return {
    code,
    ...(policy === undefined ? {} : { policy: policy.kind }),
    ...(action === undefined ? {} : { action }),
    buckets: bucket === "" ? [] : [bucket],
    ...(role === undefined ? {} : { role }),
    keys: isKey ? [resource] : [],
  };
}

function roleOfArn(arn: string | undefined): string | undefined {
  return arn === undefined ? undefined : /:role\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
}

function sampleOf({ atMs, key, versionId, requestId }: LogCall): LogSample {
  return {
    at: isoSecond(atMs),
    ...(key === undefined ? {} : { key: detached(key) }),
    ...(versionId === undefined ? {} : { versionId: detached(versionId) }),
    requestId: detached(requestId),
  };
}

/** A copy: a slice of a line would keep the whole chunk that it was read with in memory. */
export function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
