/** Short messages about what has just happened; what went wrong stays until it is put away. */
import { signal } from "@preact/signals";

export interface Toast {
  readonly id: number;
  readonly tone: "good" | "bad" | "plain";
  readonly says: string;
}

const SHOWN_MS = 6000;
const TOASTS_MAX = 4;

export const toasts = signal<readonly Toast[]>([]);
let last = 0;

export function tell(says: string, tone: Toast["tone"] = "plain"): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value, { id, tone, says }].slice(-TOASTS_MAX);
  if (tone !== "bad") setTimeout(() => putAway(id), SHOWN_MS);
}

export function putAway(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/** What was thrown, in words for the person. */
export function sayError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
