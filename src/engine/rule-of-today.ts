/**
 * FAILED tasks whose rule is gone: it was renamed, disabled or removed, or a configuration without rule ids was put once
 * more. Under their old rule they would fail for ever, though another one may write to the same destination now.
 */
import { eligibility } from "../core/eligibility.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import type { TaskRow } from "../ledger/ledger.ts";
import type { Sites } from "./ports.ts";
import { markerOf, objectOf } from "./source-version.ts";

/** Whether the task's rule is there and enabled. */
export function hasRule(task: TaskRow, configuration: ReplicationConfiguration): boolean {
  return configuration.rules.some(
    (rule) => rule.enabled && rule.id === task.ruleId && rule.destination.bucketArn === task.destinationArn,
  );
}

/** The rule that takes the task's version to its destination today; undefined when none does, or that cannot be told. */
export async function ruleIdOfToday(
  task: TaskRow,
  configuration: ReplicationConfiguration,
  sites: Pick<Sites, "reader">,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { version, operation, destinationArn, writtenAtMs } = task;
  const found =
    operation === "deleteMarker"
      ? markerOf({ ...version, lastModifiedMs: writtenAtMs, storageClass: "STANDARD" })
      : await objectOf(sites.reader(version.bucket), version, configuration, signal);
  if (found === undefined || found === "unreadable") return undefined;
  const { taken } = eligibility(configuration, found, operation);
  return taken.find((rule) => rule.destination.bucketArn === destinationArn)?.id;
}
