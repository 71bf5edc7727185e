/**
 * Follows one written object to the end of its replication: the status that its store shows, or the record of the engine, or
 * the replica itself, whichever there is.
 */
import type { Operation, VersionRef } from "../../core/model.ts";
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion } from "../../s3/store.ts";
import type { CanaryEnd, CanaryFate, CanaryWorld } from "./model.ts";

/** Often at first; later the time that has gone by is told to a tenth of it. */
const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 5000;

export interface Followed {
  readonly version: VersionRef;
  readonly operation: Extract<Operation, "put" | "deleteMarker">;
  readonly destinationArn: string;
  readonly destination: CanaryEnd;
  readonly writtenAtMs: number;
  readonly untilMs: number;
  /** Other destinations get it too: the status is of all of them. */
  readonly isShared: boolean;
}

export type Ending =
  | { readonly is: "arrived"; readonly atMs: number; readonly replica: ListedVersion }
  | { readonly is: "failed"; readonly fate?: CanaryFate }
  /** The store shows no status: no rule has taken it. */
  | { readonly is: "unselected" }
  | { readonly is: "late"; readonly fate?: CanaryFate };

/** Rejects with an S3Error where an end cannot be looked at any more. */
export async function follow(world: CanaryWorld, followed: Followed, signal: AbortSignal): Promise<Ending> {
  const { clock } = world;
  for (;;) {
    const ending = await look(world, followed);
    if (ending !== undefined) return ending;
    const nowMs = clock.nowMs();
    if (nowMs >= followed.untilMs || signal.aborted) return { is: "late", ...(await fateOf(world, followed)) };
    const waitMs = Math.min(Math.max((nowMs - followed.writtenAtMs) / 10, LOOK_MS_MIN), LOOK_MS_MAX);
    await clock.sleep(Math.min(waitMs, followed.untilMs - nowMs), signal);
  }
}

/** Undefined while it has not ended. */
async function look(world: CanaryWorld, followed: Followed): Promise<Ending | undefined> {
  // A delete marker shows no status. @source aws-replication.md §3.1
  if (!world.showsStatus || followed.operation === "deleteMarker") return await lookAtRecord(world, followed);
  const { replicationStatus: status } = await world.source.store.headObject(followed.version);
  switch (status) {
    case undefined:
      return { is: "unselected" };
    case "COMPLETED":
    case "COMPLETE":
      return await arrived(world, followed);
    case "FAILED": {
      // FAILED at any destination is shown; this one may have got it all the same.
      const there = followed.isShared ? await arrived(world, followed) : undefined;
      return there ?? { is: "failed", ...(await fateOf(world, followed)) };
    }
    default:
      return followed.isShared ? await arrived(world, followed) : undefined;
  }
}

async function lookAtRecord(world: CanaryWorld, followed: Followed): Promise<Ending | undefined> {
  const { fate } = await fateOf(world, followed);
  if (fate?.is === "failed") return { is: "failed", fate };
  // What waits may wait again after it was written: where there is a record it has the word.
  if (fate?.is === "pending") return undefined;
  return await arrived(world, followed);
}

/** The key is nobody else's, so what is there is the replica. */
async function arrived({ clock }: CanaryWorld, followed: Followed): Promise<Ending | undefined> {
  const { destination, version, operation } = followed;
  const atMs = clock.nowMs();
  const { versions } = await destination.store.listObjectVersions({
    bucket: destination.bucket,
    prefix: version.key,
  });
  const isMarker = operation === "deleteMarker";
  const replica = versions.find((one) => one.key === version.key && one.isDeleteMarker === isMarker);
  return replica === undefined ? undefined : { is: "arrived", atMs, replica };
}

async function fateOf(world: CanaryWorld, followed: Followed): Promise<{ readonly fate?: CanaryFate }> {
  const { version, operation, destinationArn } = followed;
  try {
    const fate = await world.fateOf(version, operation, destinationArn);
    return fate === undefined ? {} : { fate };
  } catch (error) {
    // Why it failed is more than whether: without it the canary has still something to tell.
    if (error instanceof S3Error) return {};
    throw error;
  }
}
