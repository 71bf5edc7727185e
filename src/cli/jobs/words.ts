/** Jobs, in words. */
import { type Ink, sizeWords } from "../../doctor/report.ts";
import type { ResyncProgress } from "../../engine/resync/model.ts";
import { momentWords } from "../moments.ts";

/** So many characters tell jobs apart, for a person. */
export const ID_SHOWN = 8;

const COLOURS: Readonly<Record<ResyncProgress["state"], Parameters<Ink>[0]>> = {
  running: "cyan",
  paused: "yellow",
  done: "green",
  cancelled: "dim",
  broken: "red",
};

/** `3f2a9c1e running s3://photos: 120 completed, 3 failed, 40 under way of 163 found` */
export function jobLine(job: ResyncProgress, ink: Ink): string {
  const { id, state, stage, bucket, dryRun, completed, failed, open, bytes, createdAtMs, error } = job;
  const found = job.foundFailed + job.foundUntried;
  const at = state === "running" ? ` (${stage})` : "";
  const done = dryRun
    ? `${found} found, a dry run`
    : `${completed} completed, ${failed} failed, ${open} under way of ${found} found`;
  const line = `${id.slice(0, ID_SHOWN)} ${ink(COLOURS[state], state)}${at} s3://${bucket}: ${done}, ${sizeWords(bytes)}`;
  return `${line}; begun ${momentWords(createdAtMs)}${error === undefined ? "" : `; ${error}`}`;
}
