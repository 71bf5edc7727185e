/**
 * What a rehearsal is asked for and answers: samples of objects are written into a lab that is furnished with facts, and
 * replicated there. The lab itself is handed in by `cli`.
 */
import type { Setup } from "../core/diagnose/facts.ts";
import type { SkipReason } from "../core/eligibility.ts";
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { AclGrant, Encryption, Tag } from "../core/model.ts";

/** An object, or a delete marker, of one kind. */
export interface Sample {
  readonly key: string;
  readonly isDeleteMarker?: true;
  readonly encryption: Encryption;
  readonly tags: readonly Tag[];
  readonly isMultipart?: true;
  readonly storageClass: string;
  readonly retained?: true;
  readonly held?: true;
  /** It belongs to another account than the bucket, and lets the bucket's owner do this with it. */
  readonly foreign?: { readonly bucketOwnerMay: readonly AclGrant["permission"][] };
  readonly isPublic?: true;
}

/** What became of a sample under one rule. */
export type Cell = {
  readonly rule: string;
  readonly destination: string;
  /** What could not be read and has a say in it: then it is less certain. */
  readonly assumed: readonly string[];
} & (
  | { readonly outcome: "completed" }
  | {
      readonly outcome: "skipped";
      readonly because: SkipReason["reason"];
      readonly code: FailureCode;
      readonly says: string;
    }
  /** `pending`: it would be tried again by itself. */
  | { readonly outcome: "failed" | "pending"; readonly code: FailureCode; readonly step: string; readonly says: string }
);

export interface Rehearsed {
  readonly sample: Sample;
  /** One for every rule, in document order. */
  readonly cells: readonly Cell[];
  /** Why it could not be written in the first place; then there are no cells. */
  readonly refused?: string;
}

/** Writes the samples under the setup and replicates them. Answers in the order of the samples. */
export type Rehearse = (setup: Setup, samples: readonly Sample[]) => Promise<readonly Rehearsed[]>;

/** What became of a sample at all destinations together. */
export type Fate = "replicates" | "fails" | "pending" | "untaken" | "refused";

export function fateOf({ cells, refused }: Rehearsed): Fate {
  if (refused !== undefined) return "refused";
  if (cells.some((one) => one.outcome === "failed")) return "fails";
  if (cells.some((one) => one.outcome === "pending")) return "pending";
  return cells.some((one) => one.outcome === "completed") ? "replicates" : "untaken";
}
