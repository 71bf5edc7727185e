/** What a notification says: that something of a key has changed. What it has become is asked of the store. */
import type { Operation } from "../model.ts";

export interface Notice {
  /** As the store calls it. */
  readonly bucket: string;
  /** The keys that may be meant: more than one where it is not known how the sender encodes them. Never none. */
  readonly keys: readonly string[];
  readonly change: NoticedChange;
  /** Undefined: the key's current version. */
  readonly versionId?: string;
}

/** `versions`: a version came or went. Otherwise what else of a version has changed. */
export type NoticedChange = "versions" | Exclude<Operation, "put" | "deleteMarker" | "delete">;

/** What came of one body: a notification holds many events. Everything but `notices` is there to be shown and counted. */
export interface ReadNotification {
  readonly notices: readonly Notice[];
  /** Events that say nothing of versions, tags, lists or locks: reads, restores, transitions. */
  readonly ignored: number;
  /** What could not be understood, in words for a person. */
  readonly problems: readonly string[];
}

export const NOTHING_READ: ReadNotification = { notices: [], ignored: 0, problems: [] };

/** One reading of several. */
export function joined(parts: readonly ReadNotification[]): ReadNotification {
  return {
    notices: parts.flatMap((one) => one.notices),
    ignored: parts.reduce((sum, one) => sum + one.ignored, 0),
    problems: parts.flatMap((one) => one.problems),
  };
}

export function problem(says: string): ReadNotification {
  return { ...NOTHING_READ, problems: [says] };
}
