/** What watches found, as pages ask for it: results, and when the next ones are. */
import type { WatchKind, WatchResult, WatchVerdict } from "../../../../monitor/history.ts";
import type { ScheduleStanding } from "../../../../monitor/schedules.ts";
import { addressOf, get, post } from "../../api.ts";
import type { Tone } from "../../parts/badge.tsx";
import { bucketName } from "../../words.ts";

export interface WatchesAnswer {
  /** The youngest first. */
  readonly results: readonly WatchResult[];
  readonly schedules: readonly ScheduleStanding[];
}

export const watchesOf = (kind: WatchKind | undefined, signal?: AbortSignal) =>
  get<WatchesAnswer>("watches", { kind }, signal);

export const beginWatch = ({ kind, subject }: Pick<WatchResult, "kind" | "subject">) =>
  post(`watches/${kind}/${encodeURIComponent(subject)}/run`);

export const reportAddress = (path: string) => addressOf("watches/report", { path });

export const KINDS: Readonly<Record<WatchKind, string>> = {
  canary: "Canary",
  probe: "Probe",
  audit: "Audit",
  rehearse: "Rehearsal",
  lint: "Lint",
};

export const VERDICTS: Readonly<Record<WatchVerdict, { readonly tone: Tone; readonly says: string }>> = {
  ok: { tone: "good", says: "fine" },
  findings: { tone: "bad", says: "something is wrong" },
  failed: { tone: "warn", says: "could not be done" },
};

/** What a series of results is of: `photos`, `photos, rule all → photos-replica`. */
export function seriesName({ subject, ruleId, destinationArn }: WatchResult): string {
  const rule = ruleId === undefined ? "" : `, rule ${ruleId}`;
  return `${subject}${rule}${destinationArn === undefined ? "" : ` → ${bucketName(destinationArn)}`}`;
}

/** Results of one kind, subject, rule and destination, each the youngest first. */
export function seriesIn(results: readonly WatchResult[]): ReadonlyMap<string, readonly WatchResult[]> {
  const series = new Map<string, WatchResult[]>();
  for (const one of results) {
    const name = `${KINDS[one.kind]} ${seriesName(one)}`;
    const before = series.get(name) ?? [];
    before.push(one);
    series.set(name, before);
  }
  return series;
}
