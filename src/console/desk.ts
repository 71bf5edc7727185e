/**
 * The desk at which a person examines and mends: the port behind the console's causes, objects and rules. `cli` builds it
 * of the same functions that the commands are made of, with the credentials of the process; the console knows neither.
 *
 * Shapes are those of the commands' `--json`, so that whoever knows one knows the other.
 */
import type { RuleOverlap } from "../core/config/overlaps.ts";
import type { VersionExplanation } from "../core/diagnose/explain-version.ts";
import type { Diagnosis, Patch } from "../core/diagnose/report.ts";
import type { Verdict } from "../core/eligibility.ts";
import type { LintFinding } from "../core/lint/model.ts";
import type { Rule } from "../core/model.ts";
import type { Application } from "../doctor/history.ts";
import type { Proof } from "../doctor/prove.ts";
import type { Cell, Fate } from "../doctor/rehearsal.ts";

export interface Desk {
  /** Buckets that can be examined here, by name. */
  buckets(): Promise<readonly DeskBucket[]>;
  /** Changes nothing. */
  diagnose(bucket: string, told: Told): Promise<DeskDiagnosis>;
  /** One page of keys in order, with the latest version of each. */
  keys(bucket: string, page: KeysRequest): Promise<KeysPage>;
  /** Every version of a key, and why each is where it is. @throws S3Error 404 when there is none */
  explain(bucket: string, key: string): Promise<DeskKey>;
  /** Tries the patches of a cause, or of all, in a lab in memory. */
  prove(bucket: string, causeId: string | undefined, told: Told): Promise<Proof>;
  /** Proves, checks permissions, writes, reads back. @throws RefusedError with the reason; then nothing was written */
  apply(bucket: string, causeId: string | undefined, told: Told): Promise<Applied>;
  undo(
    bucket: string,
    id: string,
    told: Told,
  ): Promise<{ readonly undone: string; readonly restored: readonly Patch[] }>;
  /** What was applied, the youngest first. */
  applications(bucket?: string): Promise<readonly Application[]>;
  rules(bucket: string): Promise<DeskRules>;
  /** Why each rule takes an object like this one, or does not. */
  tryRules(bucket: string, sample: TriedObject): Promise<Verdict>;
  /** Problems of a text that would be the bucket's configuration. */
  lint(bucket: string, text: string): Promise<readonly LintFinding[]>;
  /** Every kind of object through the bucket's rules, or through those of a text beside them. */
  rehearse(bucket: string, text: string | undefined, told: Told): Promise<DeskRehearsal>;
  /** @throws ChangedError when the rules are not those of the digest any more */
  saveRules(bucket: string, text: string, digest: string, by?: string): Promise<DeskRules>;
}

/** How long work tells how far it has come, and is told to end. */
export interface Told {
  readonly onProgress: (progress: WorkProgress) => void;
  readonly signal: AbortSignal;
  /** Who asked for it. */
  readonly by?: string;
}

export interface WorkProgress {
  /** `looking at versions` */
  readonly says: string;
  readonly done?: number;
  readonly total?: number;
}

export interface DeskBucket {
  readonly bucket: string;
  /** As commands call it: a replication's name where it has one. */
  readonly name: string;
  readonly rules: number;
  /** What cannot be done with it here, and why: rules that are kept in a file cannot be saved. */
  readonly cannot: Readonly<Partial<Record<"diagnose" | "fix" | "editRules" | "rehearse", string>>>;
}

/** As `lockstep diagnose --json`, with every patch as it is shown. */
export interface DeskDiagnosis extends Diagnosis {
  readonly patches: Readonly<Record<string, ShownPatch>>;
}

/** By the patch's id. */
export interface ShownPatch {
  readonly title: string;
  /** Unified. */
  readonly diff: string;
  readonly awsCli: string;
  /** Nothing takes it back. */
  readonly isLasting: boolean;
}

export interface Applied {
  /** What takes it back. */
  readonly undo: string;
  readonly applied: readonly Patch[];
  readonly leftOut: readonly Patch[];
  /** Causes whose samples show them no longer, and that still show them. */
  readonly gone: readonly string[];
  readonly left: readonly string[];
}

export interface KeysRequest {
  readonly prefix?: string;
  readonly after?: string;
  /** 1..1000 */
  readonly limit: number;
}

export interface KeysPage {
  readonly keys: readonly {
    readonly key: string;
    readonly versionId: string;
    readonly isDeleteMarker: boolean;
    readonly sizeBytes: number;
    readonly writtenAtMs: number;
  }[];
  readonly next?: string;
}

export interface DeskKey {
  readonly bucket: string;
  readonly key: string;
  /** The youngest first. */
  readonly versions: readonly VersionExplanation[];
  readonly diagnosis: Diagnosis;
}

export interface DeskRules {
  readonly bucket: string;
  /** The configuration as it is written; null when there is none. */
  readonly text: string | null;
  readonly form: "xml" | "json" | "yaml";
  /** Of the text: what `saveRules` asks for. */
  readonly digest: string;
  readonly role: string;
  readonly rules: readonly Rule[];
  readonly findings: readonly LintFinding[];
  readonly overlaps: readonly RuleOverlap[];
}

export interface TriedObject {
  readonly key: string;
  readonly isDeleteMarker: boolean;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly encryption: "SSE-S3" | "SSE-KMS" | "DSSE-KMS" | "SSE-C" | "NOT-SSE";
  readonly storageClass: string;
}

export interface DeskRehearsal {
  readonly bucket: string;
  readonly withChange: boolean;
  readonly kinds: readonly {
    readonly name: string;
    readonly rule: string;
    readonly fate: Fate;
    readonly cells: readonly Cell[];
    /** With the change, where there is one. */
    readonly change?: "healed" | "broken" | "kept" | "apart";
  }[];
}
