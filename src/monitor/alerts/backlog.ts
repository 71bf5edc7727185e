/**
 * How each stream's backlog has moved: a sample every minute over half an hour, and since when there has been one at all.
 *
 * A backlog grows when it never drained as far as before: its least value in each third of the window is above that of
 * the third before. Peaks and short dips do not count.
 */
import type { Observation } from "../observation.ts";

/** The window. */
export const GROWTH_MS = 30 * 60_000;
const SAMPLE_MS = 60_000;
const PARTS = 3;

/** What is not done of one bucket and one destination. */
export interface Backlog {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly pending: number;
  readonly bytes: number;
  /** When the oldest version of it was written. */
  readonly oldestWrittenAtMs?: number;
}

/** What is remembered of one stream, by `streamName`. */
export interface BacklogTrack {
  /** Since then there has been a backlog whenever somebody looked. */
  readonly pendingSinceMs?: number;
  /** The oldest first. */
  readonly samples: readonly (readonly [atMs: number, pending: number])[];
}

export type BacklogTracks = Readonly<Record<string, BacklogTrack>>;

/** What the ledger counts, and what stores publish of the replication that they do themselves. */
export function backlogsOf({ counts, published = [] }: Pick<Observation, "counts" | "published">): readonly Backlog[] {
  const found = new Map<string, Backlog>();
  for (const { bucket, flows } of published) {
    for (const { destinationArn, pending } of flows) {
      if (pending === undefined) continue;
      const name = streamName({ bucket, destinationArn });
      const before = found.get(name);
      const { operations, bytes, latencySeconds, atMs } = pending;
      const oldest = Math.min(before?.oldestWrittenAtMs ?? Infinity, atMs - latencySeconds * 1000);
      found.set(name, {
        bucket,
        destinationArn,
        pending: (before?.pending ?? 0) + operations,
        bytes: (before?.bytes ?? 0) + bytes,
        oldestWrittenAtMs: oldest,
      });
    }
  }
  for (const { state, bucket, destinationArn, tasks, bytes, oldestWrittenAtMs } of counts) {
    if (state !== "waiting" && state !== "leased") continue;
    const name = streamName({ bucket, destinationArn });
    const before = found.get(name);
    const oldest = Math.min(before?.oldestWrittenAtMs ?? Infinity, oldestWrittenAtMs ?? Infinity);
    found.set(name, {
      bucket,
      destinationArn,
      pending: (before?.pending ?? 0) + tasks,
      bytes: (before?.bytes ?? 0) + bytes,
      ...(oldest === Infinity ? {} : { oldestWrittenAtMs: oldest }),
    });
  }
  return [...found.values()].filter((one) => one.pending > 0);
}

export function streamName({ bucket, destinationArn }: Pick<Backlog, "bucket" | "destinationArn">): string {
  return `${bucket} ${destinationArn}`;
}

/** Takes a look into account; streams without a backlog are forgotten when their samples are old. */
export function tracked(before: BacklogTracks, backlogs: readonly Backlog[], nowMs: number): BacklogTracks {
  const now = new Map(backlogs.map((one) => [streamName(one), one.pending]));
  const names = new Set([...Object.keys(before), ...now.keys()]);
  const tracks: Record<string, BacklogTrack> = {};
  for (const name of names) {
    const { samples = [], pendingSinceMs = nowMs } = before[name] ?? {};
    const pending = now.get(name) ?? 0;
    const recent = samples.filter(([atMs]) => nowMs - atMs <= GROWTH_MS);
    const isDue = nowMs - (recent.at(-1)?.[0] ?? -Infinity) >= SAMPLE_MS;
    const kept = isDue ? [...recent, [nowMs, pending] as const] : recent;
    if (pending === 0 && kept.every(([, count]) => count === 0)) continue;
    tracks[name] = { samples: kept, ...(pending > 0 ? { pendingSinceMs } : {}) };
  }
  return tracks;
}

/** By how much a backlog has grown over the window; 0 when it has not, or when the window is not full. */
export function growthOf({ samples }: BacklogTrack, nowMs: number): number {
  const [first] = samples;
  // A sample may be a little younger than the window is long.
  if (first === undefined || nowMs - first[0] < GROWTH_MS - 2 * SAMPLE_MS) return 0;
  const least = Array.from({ length: PARTS }, (_, part) => {
    const fromMs = nowMs - GROWTH_MS + (part * GROWTH_MS) / PARTS;
    const untilMs = fromMs + GROWTH_MS / PARTS;
    const within = samples.filter(([atMs]) => atMs >= fromMs && (atMs < untilMs || part === PARTS - 1));
    return Math.min(...within.map(([, pending]) => pending));
  });
  const grows = least.every((one, index) => Number.isFinite(one) && (index === 0 || one > (least[index - 1] ?? 0)));
  return grows ? (least.at(-1) ?? 0) - (least[0] ?? 0) : 0;
}
