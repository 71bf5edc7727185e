/** `audit --repair`: has the engine replicate what the audit has found missing, and says what is left to a person. */
import type { AuditReport } from "../../doctor/audit/report.ts";
import { plural } from "../../doctor/report.ts";
import type { CommandResult } from "../command.ts";
import type { ConsoleClient } from "../console-client.ts";
import { type Context, styled } from "../context.ts";
import { resync } from "../jobs/resyncing.ts";

const IMMUTABLE =
  "no store changes bytes or metadata of a version that is there, and a second replica of it would stand above the newer " +
  "ones; copy the object in place at the source: the copy is a new version, and replicates";
const NOT_REMOVED = "nothing is removed at the destination: remove it there, if it is not wanted";

/** What a resync does not bring, and why; all else that is an exception it does. */
const NOT_BROUGHT: Readonly<Record<string, string>> = {
  SizeDiffers: IMMUTABLE,
  ChecksumDiffers: IMMUTABLE,
  BytesDiffer: IMMUTABLE,
  MetadataDiffers: IMMUTABLE,
  OrderDiffers: "the order of versions is that of their writing; copy the current object in place at the source",
  NewerVersionThere: "it could only be put on top of the newer ones; copy it by hand where it is needed",
  // The ledger's map holds it: who removes a replica for good has removed it.
  ReplicaRemoved:
    "somebody has removed the replica for good, and what was replicated is not brought twice; copy the object in place at the source",
  MarkerOnlyThere: NOT_REMOVED,
  MarkerIsObject: NOT_REMOVED,
  ObjectIsMarker: NOT_REMOVED,
  OnlyThere: NOT_REMOVED,
  WrittenThere: NOT_REMOVED,
};

/** @param bucket as the engine calls it */
export async function repair(
  report: AuditReport,
  { bucket, engine }: { readonly bucket: string; readonly engine: ConsoleClient | undefined },
  context: Context,
): Promise<CommandResult | undefined> {
  const exceptions = report.reasons.filter((one) => !one.isExpected);
  if (exceptions.length === 0) return undefined;
  const leftOver = exceptions.flatMap(({ reason, versions }) => {
    const why = NOT_BROUGHT[reason];
    return why === undefined ? [] : [{ reason, versions, why }];
  });
  const versionsOf = (kinds: readonly { readonly versions: number }[]) =>
    kinds.reduce((sum, one) => sum + one.versions, 0);
  const left = versionsOf(leftOver);
  const brought = versionsOf(exceptions) - left;
  if (engine === undefined) {
    const type = `lockstep resync s3://${bucket} --via batch --status COMPLETED`;
    const says = `No engine is known. On AWS S3 Batch Replication does it: ${type}, and without --status what FAILED; elsewhere give --server and --token-file.`;
    return { status: 3, value: { brought: 0, left: brought + left, says }, words: () => styled("yellow", says) };
  }
  const leftSays = leftOver
    .map(({ reason, versions, why }) => `Not repaired: ${plural(versions, "difference")} ${reason}: ${why}.`)
    .join("\n");
  if (brought === 0) {
    return { status: 1, value: { brought, left, leftOver, says: leftSays }, words: () => styled("yellow", leftSays) };
  }
  const request = {
    bucket,
    failed: true,
    untried: true,
    arrived: ["COMPLETED" as const],
    ...(exceptions.some((one) => one.verdict === "tags") ? { metadata: true } : {}),
    dryRun: false,
    ...(report.prefix === "" ? {} : { prefix: report.prefix }),
  };
  const job = await resync(engine, request, { detach: false }, context);
  const isWhole = job.status === 0 && left === 0;
  return {
    status: isWhole ? 0 : job.status === 0 ? 1 : job.status,
    value: { brought, left, leftOver, job: job.value },
    words: () =>
      [
        job.words(),
        ...(left === 0 ? [] : [styled("yellow", leftSays)]),
        "Audit again to see that nothing is left.",
      ].join("\n"),
  };
}
