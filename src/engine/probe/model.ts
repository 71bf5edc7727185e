/** What a probe looks at, what it can find, and what it reports. Names and codes are stable: scripts read them. */
import type { FailureCode } from "../../core/failures/catalogue.ts";
import type { Capabilities } from "../../s3/capabilities.ts";

/** In the order in which they are run. `quota` is there only when one was met. */
export const PHASES = [
  "reach",
  "auth",
  "versioning",
  "put",
  "identity",
  "multipart",
  "tags",
  "checksums",
  "condition",
  "lock",
  "marker",
  "version-delete",
  "quota",
  "clean-up",
] as const;

export type PhaseName = (typeof PHASES)[number];

/** Every check, and whether replication into the bucket needs it. The part in front of the dot is its phase. */
export const CHECKS = {
  "reach.answer": { needed: true },
  "reach.bucket": { needed: true },
  "auth.credentials": { needed: true },
  "auth.list": { needed: false },
  "versioning.enabled": { needed: true },
  "put.write": { needed: true },
  "put.bytes": { needed: true },
  "put.metadata": { needed: true },
  "put.any-text": { needed: false },
  "put.etag": { needed: false },
  "identity.version-id": { needed: false },
  "identity.last-modified": { needed: false },
  "multipart.upload": { needed: true },
  "multipart.bytes": { needed: true },
  "multipart.etag": { needed: false },
  "multipart.complete-etag": { needed: false },
  "multipart.part-reads": { needed: false },
  "multipart.metadata": { needed: true },
  "multipart.tags": { needed: false },
  "tags.on-put": { needed: false },
  "tags.replace": { needed: false },
  "checksums.CRC64NVME": { needed: false },
  "checksums.CRC32C": { needed: false },
  "checksums.CRC32": { needed: false },
  "checksums.SHA256": { needed: false },
  "checksums.SHA1": { needed: false },
  "condition.only-if-absent": { needed: false },
  "lock.configured": { needed: false },
  "lock.on-put": { needed: false },
  "lock.protects": { needed: false },
  "marker.write": { needed: true },
  "marker.hides": { needed: true },
  "marker.head": { needed: false },
  "version-delete.removes": { needed: false },
  "quota.room": { needed: true },
  "clean-up.empty": { needed: true },
} as const satisfies Record<`${PhaseName}.${string}`, { readonly needed: boolean }>;

export type CheckId = keyof typeof CHECKS;

/**
 * - `ok`: as Amazon S3 does it.
 * - `absent`: the store, or the bucket, does not have it.
 * - `refused`: it may be there, but the caller may not, or a quota is full.
 * - `differs`: it works otherwise than at Amazon S3, and the engine can live with that.
 * - `broken`: no answer, an answer that means nothing, or other bytes than were written.
 * - `untried`: something before it, or an interruption, kept it from being tried.
 */
export type CheckCode = "ok" | "absent" | "refused" | "differs" | "broken" | "untried";

/** An error as the store, or the network, answered it. */
export interface RawAnswer {
  readonly operation: string;
  readonly status?: number;
  readonly code?: string;
  readonly network?: string;
  readonly requestId?: string;
  readonly message: string;
}

export interface Check {
  readonly id: CheckId;
  readonly code: CheckCode;
  /** One sentence for a person. */
  readonly says: string;
  /** What the engine would call it in a replication. */
  readonly failure?: FailureCode;
  readonly answer?: RawAnswer;
}

/** A key that a phase writes. */
export interface PlannedWrite {
  readonly phase: PhaseName;
  /** Behind the probe's prefix. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Versions and markers, at the most. */
  readonly versionsMax: number;
  readonly what: string;
}

/** A version that could not be removed. */
export interface LeftBehind {
  readonly key: string;
  readonly versionId?: string;
  /** Of a multipart upload that was not aborted. */
  readonly uploadId?: string;
  readonly because: string;
}

export interface ProbeReport {
  readonly bucket: string;
  /** Everything that was written has a key that begins so. */
  readonly prefix: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly checks: readonly Check[];
  /** Empty unless the clean-up failed. */
  readonly left: readonly LeftBehind[];
  /** What was found out for sure; the rest has to be assumed. */
  readonly found: Partial<Capabilities>;
}

export function phaseOf(id: CheckId): PhaseName {
  return id.slice(0, id.indexOf(".")) as PhaseName;
}
