/**
 * What a diagnosis says: the stable JSON of `lockstep diagnose --json`. Fields are added, never renamed.
 */
import type { DocumentValue } from "../config/document.ts";
import type { EvidenceKind, FailureClass, FailureCode, PatchTarget } from "../failures/catalogue.ts";

import type { Onset } from "../logs/onset.ts";
import type { Note } from "./by-design.ts";

export type { PatchTarget } from "../failures/catalogue.ts";

export interface Diagnosis {
  readonly bucket: string;
  /** ISO 8601 */
  readonly takenAt: string;
  readonly scanned: Scanned;
  /** The widest first. */
  readonly causes: readonly Cause[];
  readonly unexplained: readonly Unexplained[];
  /** How many there are, where not all of them are listed. */
  readonly unexplainedVersions?: number;
  /** What is by design, and how many versions show it: never counted among the causes. */
  readonly notes: readonly CountedNote[];
  /** What the versions are known from; without it each was looked at. */
  readonly sources?: readonly EvidenceSource[];
}

export interface EvidenceSource {
  readonly kind: "inventory" | "events" | "report" | "walk";
  readonly name: string;
  /** ISO 8601: what happened since is not in it. */
  readonly takenAt?: string;
  /** What was taken from it, and what was not. */
  readonly says: string;
}

export interface CountedNote extends Note {
  readonly versions: number;
}

export interface Scanned {
  readonly versions: number;
  readonly completed: number;
  readonly failed: number;
  readonly pending: number;
  readonly replica: number;
  /** Versions that carry no status: no rule took them when they were written. */
  readonly none: number;
  /** Versions of which the caller may not read more than the name. */
  readonly unreadable: number;
  /** Of those without a status of their own, why: S3 says nothing of them. */
  readonly silent: Silent;
}

/** @source aws-replication.md §2.1 */
export interface Silent {
  /** No rule takes them: prefix, tags, disabled, KMS, markers. */
  readonly notSelected: number;
  /** A rule takes them now, and did not when they were written. */
  readonly beforeRule: number;
  /** Archived: they cannot be read. */
  readonly unreadableClass: number;
  /** Replicas that a rule would take if they were none. */
  readonly replicaSource: number;
}

/** Something that a person can change, and the versions that it holds back. */
export interface Cause {
  /** The same for the same cause on every run. */
  readonly id: string;
  readonly code: FailureCode;
  readonly class: FailureClass;
  readonly title: string;
  readonly rule?: string;
  readonly destination?: string;
  readonly action?: string;
  readonly resource?: string;
  /** proven: the evaluation or a recorded answer shows it. */
  readonly confidence: "proven" | "likely" | "possible";
  /** ISO 8601: when the oldest affected version was written. */
  readonly since?: string;
  /** When it began and what had been changed before, where logs tell it. */
  readonly onset?: Onset;
  readonly affected: {
    readonly versions: number;
    readonly bytes: number;
    readonly samples: readonly { readonly key: string; readonly versionId: string }[];
  };
  readonly evidence: readonly Evidence[];
  readonly fix: Fix;
}

export interface Evidence {
  readonly kind: EvidenceKind;
  readonly source: string;
  readonly says: string;
}

export interface Fix {
  readonly summary: string;
  /** Empty when a person has to decide, or when nothing is left but to replicate again. */
  readonly patches: readonly Patch[];
  /** Whether the affected versions have to be replicated again afterwards. */
  readonly resync: boolean;
}

/** A reversible change of one document. */
export interface Patch {
  readonly id: string;
  readonly target: PatchTarget;
  /** ARN of what the document belongs to; of an organisation's policy its id. */
  readonly resource: string;
  /** Name of the document, where the resource has several: an inline policy's name, a managed policy's ARN. */
  readonly name?: string;
  /** null: there is none. */
  readonly before: DocumentValue;
  readonly after: DocumentValue;
}

export interface Unexplained {
  readonly key: string;
  readonly versionId: string;
  readonly status: string;
  /** What would decide it. */
  readonly missing: string;
}
