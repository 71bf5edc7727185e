/** What holds a task up, in words, as `lockstep status s3://BUCKET/KEY` says it. Pure. */
import type { Reason } from "../../../explain.ts";
import { bucketName, momentWords, plural, spanWords } from "../../words.ts";

/** Counts of the queue end there. */
const COUNTED_MAX = 10_000;

export function reasonWords(reason: Reason, atMs: number): string {
  switch (reason.is) {
    case "failed":
      return "It is not tried again by itself: remove the cause, then resync.";
    case "underWay":
      return `Under way, in the hands of ${reason.engine}.`;
    case "noEngine": {
      const seen =
        reason.lastSeenAtMs === undefined ? "" : `; the last one was seen ${momentWords(reason.lastSeenAtMs)}`;
      return `No engine is at work${seen}.`;
    }
    case "paused":
      return `The bucket is paused since ${momentWords(reason.sinceMs)}.`;
    case "breaker": {
      const next =
        reason.nextTrialAtMs === undefined
          ? "it is being tried"
          : `asked again in ${spanWords(reason.nextTrialAtMs - atMs)}`;
      return `Nobody answers at the ${reason.side} ${bucketName(reason.name)} for ${spanWords(atMs - reason.sinceMs)}: ${next}.`;
    }
    case "behindItsKey":
      return `${counted(reason.tasks)} of the same key and destination ${reason.tasks === 1 ? "goes" : "go"} first.`;
    case "triedLater": {
      const why = reason.code === undefined ? "" : `, because it failed for now (${reason.code})`;
      return `Tried next in ${spanWords(reason.atMs - atMs)}${why}.`;
    }
    case "inQueue": {
      if (reason.tasks === 0) return "Due now, and next in its queue.";
      const soon = reason.inMs === undefined ? "" : `, about ${spanWords(reason.inMs)} at the rate of now`;
      return `Due now, behind ${counted(reason.tasks)} of its bucket and destination${soon}.`;
    }
  }
}

function counted(tasks: number): string {
  return tasks >= COUNTED_MAX ? `${COUNTED_MAX} tasks or more` : plural(tasks, "task");
}
