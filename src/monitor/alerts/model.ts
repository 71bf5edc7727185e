/**
 * The nouns of alerts: what a condition finds (a sign), what is made of it (an alert), and what is sent (a message).
 *
 * A cause is a bucket, a rule, a destination and a failure's code. Signs of one cause are of one group, whatever
 * conditions found them, and a group is told of in one message.
 */

export const CONDITIONS = [
  "newCause",
  "failed",
  "redriven",
  "lag",
  "backlogGrowing",
  "oldestPending",
  "breakerOpen",
  "canaryFailed",
  "auditDifferences",
  "checkFailed",
  "drift",
] as const;

export type ConditionName = (typeof CONDITIONS)[number];

/** The least severe first. */
export const SEVERITIES = ["info", "warning", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** What an alert is about, as commands and configurations call it. */
export interface Subject {
  /** The replication's name, or the bucket's where none is known. */
  readonly replication: string;
  readonly bucket?: string;
  readonly ruleId?: string;
  readonly destinationArn?: string;
  /** Of the failure catalogue. */
  readonly code?: string;
}

/** Something that a condition sees at one moment. */
export interface Sign {
  readonly condition: ConditionName;
  /** Unique within its condition, and the same whenever the same thing is seen. */
  readonly key: string;
  /** What it is told together with. */
  readonly group: string;
  readonly severity: Severity;
  /** False: between both bounds. That begins nothing and ends nothing. */
  readonly isOver: boolean;
  /** One sentence: the cause. */
  readonly title: string;
  /** One or two sentences: how it is now, and since when. */
  readonly says: string;
  readonly counts: Readonly<Record<string, number>>;
  /** What to type. */
  readonly command: string;
  readonly subject: Subject;
}

export type AlertState = "pending" | "firing" | "resolved";

/** One group as it is shown and sent: what its most severe sign says, and the counts of all. */
export interface Alert {
  /** 12 hexadecimal digits of the group. */
  readonly id: string;
  readonly condition: ConditionName;
  /** All that hold, the most severe first. */
  readonly conditions: readonly ConditionName[];
  readonly state: AlertState;
  readonly severity: Severity;
  readonly title: string;
  readonly says: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly command: string;
  /** The replication's name. */
  readonly subject: string;
  readonly bucket?: string;
  readonly ruleId?: string;
  readonly destinationArn?: string;
  readonly code?: string;
  /** A version that it happened to. */
  readonly exampleKey?: string;
  readonly sinceMs: number;
  readonly firedAtMs?: number;
  readonly resolvedAtMs?: number;
  readonly silencedUntilMs?: number;
}

/** Nothing is sent of a group until then. */
export interface Silence {
  /** The alert's. */
  readonly id: string;
  readonly untilMs: number;
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
}

/** What sinks bring somewhere. */
export interface Message {
  /** Unique for ever; the same when it is sent again. */
  readonly id: string;
  readonly status: "firing" | "resolved";
  readonly kind: "alert" | "digest" | "test";
  /** The same for all messages of one group, or of one digest. */
  readonly thread: string;
  readonly severity: Severity;
  readonly atMs: number;
  /** Of a digest the most severe ones. */
  readonly alerts: readonly Alert[];
  /** Those that are not listed. */
  readonly more: number;
}

export function isAsSevere(one: Severity, as: Severity): boolean {
  return SEVERITIES.indexOf(one) >= SEVERITIES.indexOf(as);
}
