/** `audit --repair`: has the engine replicate what the audit has found missing, and says what is left to a person. */
import type { AuditReport } from "../../doctor/audit/report.ts";
import { plural } from "../../doctor/report.ts";
import type { CommandResult } from "../command.ts";
import type { ConsoleClient } from "../console-client.ts";
import { type Context, styled } from "../context.ts";
import { resync } from "../jobs/resyncing.ts";

/** What a resync brings. Others need a hand: what differs in place is not written over. */
const BROUGHT: ReadonlySet<string> = new Set(["missing", "explained", "deleteMarker"]);
const NOT_BROUGHT: ReadonlySet<string> = new Set([
  "MarkerOnlyThere",
  "MarkerIsObject",
  "ObjectIsMarker",
  "NewerVersionThere",
  // The ledger's map holds it: who removes a replica for good has removed it.
  "ReplicaRemoved",
]);

/** @param bucket as the engine calls it */
export async function repair(
  report: AuditReport,
  { bucket, engine }: { readonly bucket: string; readonly engine: ConsoleClient | undefined },
  context: Context,
): Promise<CommandResult | undefined> {
  const exceptions = report.reasons.filter((one) => !one.isExpected);
  const count = (isBrought: boolean) =>
    exceptions
      .filter((one) => (BROUGHT.has(one.verdict) && !NOT_BROUGHT.has(one.reason)) === isBrought)
      .reduce((sum, one) => sum + one.versions, 0);
  if (exceptions.length === 0) return undefined;
  const [brought, left] = [count(true), count(false)];
  if (engine === undefined) {
    const type = `lockstep resync s3://${bucket} --via batch --status COMPLETED`;
    const says = `No engine is known. On AWS S3 Batch Replication does it: ${type}, and without --status what FAILED; elsewhere give --server and --token-file.`;
    return { status: 3, value: { brought: 0, left: brought + left, says }, words: () => styled("yellow", says) };
  }
  const leftSays =
    left === 0
      ? ""
      : `${plural(left, "difference")} left: what is there and differs is not written over; see what to do above.`;
  if (brought === 0) {
    return { status: 1, value: { brought, left, says: leftSays }, words: () => styled("yellow", leftSays) };
  }
  const request = {
    bucket,
    failed: true,
    untried: true,
    arrived: ["COMPLETED" as const],
    dryRun: false,
    ...(report.prefix === "" ? {} : { prefix: report.prefix }),
  };
  const job = await resync(engine, request, { detach: false }, context);
  const isWhole = job.status === 0 && left === 0;
  return {
    status: isWhole ? 0 : job.status === 0 ? 1 : job.status,
    value: { brought, left, job: job.value },
    words: () =>
      [
        job.words(),
        ...(left === 0 ? [] : [styled("yellow", leftSays)]),
        "Audit again to see that nothing is left.",
      ].join("\n"),
  };
}
