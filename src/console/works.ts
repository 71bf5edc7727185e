/**
 * Long actions that a person begins in the console and watches: a diagnosis, a proof, an application. Each is told by its
 * id while it runs and for a while after; the page hears of every change by server-sent events.
 */
import type { WorkProgress } from "./desk.ts";

export type WorkKind = "diagnose" | "prove" | "apply" | "undo" | "rehearse";

export interface Work<Result = unknown> {
  readonly id: string;
  readonly kind: WorkKind;
  readonly bucket: string;
  /** Where it is of one cause. */
  readonly causeId?: string;
  readonly state: "running" | "done" | "failed" | "cancelled";
  /** Who began it. */
  readonly by: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly progress: WorkProgress;
  readonly result?: Result;
  /** What went wrong, and what to do. */
  readonly error?: string;
}
