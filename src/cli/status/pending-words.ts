/** Why a version is PENDING or FAILED, for a person: each destination with its place in the queue and its next try. */

import type { KeyExplanation, Reason, TaskExplanation } from "../../console/explain.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { unreachable } from "../../core/assert.ts";
import { failureCode, failureEntry } from "../../core/failures/catalogue.ts";
import { type Ink, plural } from "../../doctor/report.ts";
import { momentWords, spanWords } from "../moments.ts";

/** Counts of the queue end there. */
const COUNTED_MAX = 10_000;

export function pendingWords(explanation: KeyExplanation, ink: Ink): string {
  const { bucket, key, tasks, hasMore, atMs } = explanation;
  const lines = [ink("bold", `s3://${bucket}/${key}`)];
  if (tasks.length === 0) {
    lines.push(
      "Nothing of it is waiting and nothing has FAILED: it is COMPLETED, or no rule takes it.",
      `lockstep diagnose s3://${bucket}/${key} says which.`,
    );
  }
  for (const one of tasks) lines.push(...taskLines(one, { bucket, atMs }, ink));
  if (hasMore) lines.push(`and more behind these ${tasks.length}`);
  return lines.join("\n");
}

interface Place {
  readonly bucket: string;
  readonly atMs: number;
}

function taskLines(task: TaskExplanation, place: Place, ink: Ink): string[] {
  const { versionId, operation, destinationArn, status, attempts, failure, ruleId, jobId } = task;
  const where = `s3://${bucketOfArn(destinationArn) ?? destinationArn}`;
  const head = `${versionId}  ${operation} → ${where}  ${ink(status === "FAILED" ? "red" : "yellow", status)}`;
  const asked = jobId === undefined ? "" : `, asked for by job ${jobId}`;
  const tried = attempts === 0 ? "not tried yet" : `tried ${plural(attempts, "time")}`;
  const lines = ["", head, `   rule ${ruleId}, ${tried}${asked}`];
  if (failure !== undefined)
    lines.push(`   last failure ${ink("cyan", failure.code)}: ${failure.title}: ${failure.message}`);
  for (const one of task.because) lines.push(`   ${reasonWords(one, place)}`);
  return lines;
}

function reasonWords(reason: Reason, { bucket, atMs }: Place): string {
  switch (reason.is) {
    case "failed": {
      const code = failureCode(reason.code);
      const remedy = code === undefined ? "" : `${failureEntry(code).remedy}; `;
      return `it is not tried again by itself: ${remedy}then lockstep resync s3://${bucket}`;
    }
    case "underWay":
      return `under way, in the hands of ${reason.engine}`;
    case "noEngine": {
      const seen =
        reason.lastSeenAtMs === undefined ? "" : `; the last one was seen ${momentWords(reason.lastSeenAtMs)}`;
      return `no engine is at work${seen}`;
    }
    case "paused":
      return `s3://${bucket} is paused since ${momentWords(reason.sinceMs)}: lockstep resume s3://${bucket}`;
    case "breaker": {
      const end = bucketOfArn(reason.name) ?? reason.name;
      const next =
        reason.nextTrialAtMs === undefined
          ? "it is being tried"
          : `asked again in ${spanWords(reason.nextTrialAtMs - atMs)}`;
      return `nobody answers at the ${reason.side} s3://${end} for ${spanWords(atMs - reason.sinceMs)}: ${next} (${reason.engine})`;
    }
    case "behindItsKey":
      return `${counted(reason.tasks)} of the same key and destination ${reason.tasks === 1 ? "goes" : "go"} first`;
    case "triedLater": {
      const why = reason.code === undefined ? "" : ", because it failed for now";
      return `tried next in ${spanWords(reason.atMs - atMs)}, at ${momentWords(reason.atMs)}${why}`;
    }
    case "inQueue": {
      const soon = reason.inMs === undefined ? "" : `, about ${spanWords(reason.inMs)} at the rate of now`;
      return reason.tasks === 0
        ? "due now, and next in its queue"
        : `due now, behind ${counted(reason.tasks)} of its bucket and destination${soon}`;
    }
    default:
      return unreachable(reason);
  }
}

function counted(tasks: number): string {
  return tasks >= COUNTED_MAX ? `${COUNTED_MAX} tasks or more` : plural(tasks, "task");
}
