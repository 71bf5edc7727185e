/** What a canary is asked for, what it works with, and what it tells. Plain data and ports. */
import type { Operation, ReplicationConfiguration, VersionRef } from "../../core/model.ts";
import type { BucketSettings } from "../../s3/settings.ts";
import type { Store } from "../../s3/store.ts";
import type { Clock } from "../ports.ts";

/** A bucket at one end, as its own store knows it. Calls are the caller's: not those of the replication role. */
export interface CanaryEnd {
  readonly bucket: string;
  readonly store: Store;
  readonly settings: BucketSettings;
}

/** What is on record of a task, where somebody keeps a record. */
export type CanaryFate =
  | { readonly is: "completed" }
  | { readonly is: "failed"; readonly code: string; readonly message: string }
  /** With why it was not done when it was last tried. */
  | { readonly is: "pending"; readonly code?: string; readonly message?: string };

export interface CanaryWorld {
  readonly configuration: ReplicationConfiguration;
  readonly source: CanaryEnd;
  /** By ARN; rejects with an S3Error where the bucket is not there. */
  destination(arn: string): Promise<CanaryEnd>;
  /** The source shows `x-amz-replication-status`; else the record and the destination tell. */
  readonly showsStatus: boolean;
  /**
   * What is on record of one task, by its version at the source; undefined where nobody knows. Where the source shows the
   * status it is asked only why.
   */
  fateOf(version: VersionRef, operation: Operation, destinationArn: string): Promise<CanaryFate | undefined>;
  /** Takes the tasks of keys under a prefix off the record, for their versions are gone. */
  forget(prefix: string): Promise<void>;
  readonly clock: Clock;
}

export interface CanaryOptions {
  /** Names this run: small letters and digits that no other run has. */
  readonly word: string;
  /** How long an object may take to arrive. */
  readonly timeoutMs: number;
  /** An object of two parts too: 5 MiB and a little. */
  readonly multipart: boolean;
  /** Key ARN that objects of rules for KMS are encrypted with; default: the key that is the bucket's default. */
  readonly kmsKeyArn?: string;
  /** Ends the waiting; what was written is removed all the same. */
  readonly signal?: AbortSignal;
}

/** `marker`: the delete marker of the first object. */
export type CanaryKind = "plain" | "tagged" | "kms" | "multipart" | "marker";

/**
 * `completed`: it arrived, and is what was written. `failed`: it is FAILED, or no rule took it at the store. `late`: it had
 * not arrived in time. `differs`: it arrived, and is something else. `untried`: it was not written, and `says` why.
 */
export type CanaryOutcome = "completed" | "failed" | "late" | "differs" | "untried";

export interface CanaryObject {
  readonly kind: CanaryKind;
  readonly key: string;
  readonly outcome: CanaryOutcome;
  /** From the answer to its writing until it was seen to be COMPLETED. */
  readonly latencyMs?: number;
  /** Of the catalogue, where it is known. */
  readonly code?: string;
  readonly says: string;
}

/** Why nothing was written for a rule. */
export interface CanaryRefusal {
  /**
   * `access`: the caller may not, or nobody answers. `kept`: what is written could not be removed again. `absent`: there is no
   * such destination.
   */
  readonly because: "access" | "kept" | "absent";
  readonly says: string;
}

export interface LeftCanary {
  readonly bucket: string;
  readonly key: string;
  readonly because: string;
}

export interface CanaryResult {
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly objects: readonly CanaryObject[];
  readonly refused?: CanaryRefusal;
  /** Versions of earlier canaries that were found and removed. */
  readonly swept: number;
  /** What could not be removed. */
  readonly left: readonly LeftCanary[];
}
