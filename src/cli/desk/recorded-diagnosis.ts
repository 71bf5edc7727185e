/**
 * A diagnosis by what the engine has recorded alone: between stores that show no status of a version, the ledger is the only
 * witness. One cause for each answer of each destination under each rule; what each was is kept word for word.
 */
import { shortHash } from "../../core/diagnose/hash.ts";
import { responseEvidence } from "../../core/diagnose/records.ts";
import type { Cause, Diagnosis } from "../../core/diagnose/report.ts";
import { type FailureCode, failureCode, failureEntry } from "../../core/failures/catalogue.ts";
import type { Ledger, TaskRow } from "../../ledger/ledger.ts";

interface Group {
  readonly code: FailureCode;
  readonly row: TaskRow;
  versions: number;
  bytes: number;
  sinceMs: number;
  isParked: boolean;
  readonly samples: { readonly key: string; readonly versionId: string }[];
}

export interface RecordedRequest {
  readonly bucket: string;
  /** Only this key. */
  readonly key?: string;
  readonly nowMs: number;
  /** Called with the number of tasks seen so far; what it throws ends the look. */
  readonly onSeen?: (tasks: number) => void;
}

const PAGE = 1000;
const SAMPLES_MAX = 5;

export async function recordedDiagnosis(
  ledger: Pick<Ledger, "counts" | "list">,
  { bucket, key, nowMs, onSeen }: RecordedRequest,
): Promise<Diagnosis> {
  const counts = await ledger.counts(bucket);
  const tasksIn = (...states: readonly string[]) =>
    counts.filter((one) => states.includes(one.state)).reduce((sum, one) => sum + one.tasks, 0);
  const codes = [...new Set(counts.flatMap((one) => one.failureCode ?? []))];
  const groups = new Map<string, Group>();
  let seen = 0;
  let after: string | undefined;
  while (codes.length > 0) {
    const selection = { bucket, failureCodes: codes, ...(key === undefined ? {} : { key }) };
    const page = await ledger.list(selection, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const row of page.tasks) count(groups, row);
    seen += page.tasks.length;
    onSeen?.(seen);
    after = page.next;
    if (after === undefined) break;
  }
  const causes = [...groups].map(([name, group]) => causeOf(name, group));
  return {
    bucket,
    takenAt: new Date(nowMs).toISOString(),
    scanned: {
      versions: tasksIn("completed", "parked", "waiting", "leased"),
      completed: tasksIn("completed"),
      failed: tasksIn("parked"),
      pending: tasksIn("waiting", "leased"),
      replica: 0,
      none: 0,
      unreadable: 0,
      silent: { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 0 },
    },
    causes: causes.toSorted((one, other) => other.affected.versions - one.affected.versions),
    unexplained: [],
    notes: [],
  };
}

function count(groups: Map<string, Group>, row: TaskRow): void {
  const { failure, ruleId, destinationArn, version, sizeBytes, writtenAtMs } = row;
  if (failure === undefined) return;
  const code = failureCode(failure.code) ?? "UnknownAnswer";
  const name = `${code} ${ruleId} ${destinationArn}`;
  const group = groups.get(name) ?? {
    code,
    row,
    versions: 0,
    bytes: 0,
    sinceMs: writtenAtMs,
    isParked: false,
    samples: [],
  };
  groups.set(name, group);
  group.versions++;
  group.bytes += sizeBytes;
  group.sinceMs = Math.min(group.sinceMs, writtenAtMs);
  group.isParked ||= row.state === "parked";
  const { key, versionId } = version;
  if (group.samples.length < SAMPLES_MAX) group.samples.push({ key, versionId });
}

function causeOf(name: string, group: Group): Cause {
  const { code, row, versions, bytes, sinceMs, isParked, samples } = group;
  const { class: kind, title, remedy } = failureEntry(code);
  const { ruleId: rule, destinationArn: destination, failure, attempts } = row;
  const evidence =
    failure === undefined
      ? []
      : [responseEvidence({ ...failure, destinationArn: destination, ruleId: rule, attempts, pending: !isParked })];
  return {
    id: `c-${shortHash(name)}`,
    code,
    class: kind,
    title,
    rule,
    destination,
    confidence: "proven",
    since: new Date(sinceMs).toISOString(),
    affected: { versions, bytes, samples },
    evidence,
    fix: { summary: remedy, patches: [], resync: isParked },
  };
}
