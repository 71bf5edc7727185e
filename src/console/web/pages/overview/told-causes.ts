/**
 * What the overview tells of causes: one entry for each, whether the figures, an alert or both know of it. Figures know how
 * many tasks are FAILED for a reason; alerts know which bucket, rule and destination it is, and who has been told.
 */
import type { Alert } from "../../../../monitor/alerts/model.ts";
import type { Overview, ReasonCount } from "../../../overview.ts";

export interface ToldCause {
  readonly code: string;
  /** Undefined while no alert knows of it: the alerts look every few seconds. */
  readonly alert?: Alert;
  readonly reason?: ReasonCount;
}

export interface ToldCauses {
  /** The most urgent first. */
  readonly causes: readonly ToldCause[];
  /** Those that are not listed. */
  readonly more: number;
  /** Alerts that are about something else. */
  readonly others: readonly Alert[];
}

/** More are a list of their own, and not an overview. */
export const CAUSES_TOLD_MAX = 10;

/** @param alerts the most urgent first, as the console tells them */
export function toldCauses({ byReason }: Pick<Overview, "byReason">, alerts: readonly Alert[]): ToldCauses {
  const failed = byReason.filter((one) => one.state === "FAILED");
  const active = alerts.filter((one) => one.state !== "resolved");
  // What is over and not yet told as over has no figures any more.
  const ofCauses = active.filter((one) => failed.some(({ code }) => code === one.code));
  const causes = [
    ...ofCauses.map((alert) => ({ code: alert.code ?? "", alert })),
    ...failed
      .filter(({ code }) => !ofCauses.some((one) => one.code === code))
      .map((reason) => ({ code: reason.code, reason })),
  ];
  return {
    causes: causes.slice(0, CAUSES_TOLD_MAX),
    more: Math.max(0, causes.length - CAUSES_TOLD_MAX),
    others: active.filter((one) => one.state === "firing" && !ofCauses.includes(one)),
  };
}

/** Whether it is an alert about this end, which nobody answers at. */
export function isOfEnd(alert: Alert, bucketOrArn: string): boolean {
  return alert.conditions.includes("breakerOpen") && (alert.destinationArn ?? alert.bucket) === bucketOrArn;
}
