/** `resync --copy-in-place`: what is done for versions whose replicas were removed for good, after somebody was asked. */
import { selectVersions } from "../../core/batch/select.ts";
import { type Copies, copyInPlace, findRemovedReplicas, NOT_COPIED } from "../../doctor/batch/copy-in-place.ts";
import { type Verification, verify } from "../../doctor/batch/verify.ts";
import { plural, sizeWords } from "../../doctor/report.ts";
import { sleep } from "../clock.ts";
import type { CommandResult } from "../command.ts";
import { confirm, requireConsent } from "../confirming.ts";
import type { Connection } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { lookAtVersions } from "./look.ts";
import { VERIFY_MS_MAX, verifiedWords } from "./outcome.ts";
import type { BatchRequest } from "./request.ts";

interface CopyOutcome {
  readonly via: "copy";
  readonly bucket: string;
  readonly state: "dryRun" | "declined" | "over";
  /** Versions that a destination does not hold any more. */
  readonly removed: { readonly versions: number; readonly bytes: number };
  readonly copied: number;
  readonly left: Copies["left"];
  readonly verified?: Verification;
}

/** @throws UsageError, S3Error */
export async function resyncByCopy(
  connection: Connection,
  request: BatchRequest,
  context: Context,
): Promise<CommandResult> {
  const { bucket, dryRun, isAgreed, limit, selection } = request;
  if (!dryRun) requireConsent(context, isAgreed, "objects are to be copied");
  const arrived = { ...selection, statuses: ["COMPLETED" as const] };
  const facts = await lookAtVersions(connection, { ...request, selection: arrived }, context);
  const { versions } = selectVersions(facts, arrived);
  const found = (await findRemovedReplicas(connection, facts, versions)).slice(0, limit);
  const bytes = found.reduce((sum, one) => sum + one.sizeBytes, 0);
  const removed = { versions: found.length, bytes };
  const nothing = { via: "copy", bucket, removed, copied: 0, left: [] } as const;
  if (dryRun) return resultOf({ ...nothing, state: "dryRun" });
  if (found.length === 0) return resultOf({ ...nothing, state: "over" });
  context.stderr.write(`${WARNING}\n`);
  const question = `Copy ${plural(found.length, "object")} (${sizeWords(bytes)}) of s3://${bucket} onto themselves?`;
  if (!(await confirm(context, question, isAgreed))) return resultOf({ ...nothing, state: "declined" });
  const { store } = await connection.bucket(bucket);
  const { copied, left } = await copyInPlace(store, found);
  const untilMs = context.clock() + VERIFY_MS_MAX;
  const verified = await verify(store, copied, {
    sleep: (ms) => sleep(ms, context.interrupted),
    isOver: () => context.interrupted.aborted || context.clock() >= untilMs,
  });
  return resultOf({ ...nothing, state: "over", copied: copied.length, left, verified });
}

const WARNING =
  "Copying onto itself makes new versions: they are stored and paid for besides the old ones, and have new ids and times.";

function resultOf(outcome: CopyOutcome): CommandResult {
  const { state, removed, left, verified } = outcome;
  const isClean = left.length === 0 && (verified === undefined || verified.completed === verified.looked);
  const isDone = state === "dryRun" ? removed.versions === 0 : state === "over" && isClean;
  return { status: isDone ? 0 : 1, value: outcome, words: () => linesOf(outcome).join("\n") };
}

function linesOf({ bucket, state, removed, copied, left, verified }: CopyOutcome): string[] {
  const lines = [
    `${plural(removed.versions, "version")} of s3://${bucket} lost the replica, ${sizeWords(removed.bytes)}`,
  ];
  if (state !== "over") return [...lines, "Nothing was copied."];
  lines.push(`${copied} copied onto themselves`);
  for (const { key, because } of left) lines.push(styled("yellow", `left as it is: ${key}: ${NOT_COPIED[because]}`));
  if (verified !== undefined && verified.looked > 0) lines.push(`after      ${verifiedWords(verified)}`);
  return lines;
}
