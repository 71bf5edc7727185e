/**
 * Every reason why a version is not at its destination, as a closed table: AWS's own failure reasons, and ours for
 * what AWS has no word for. Codes with origin "lockstep" must never be shown as AWS's.
 *
 * `retry: "later"` keeps the version PENDING: the cause passes by itself. `retry: "never"` makes it FAILED: somebody has
 * to change something first.
 */
import { AWS_REASONS } from "./aws-reasons.ts";
import type { FailureEntry } from "./entry.ts";
import { OWN_REASONS } from "./own-reasons.ts";
import { SILENT_REASONS } from "./silent-reasons.ts";

export type { EvidenceKind, FailureClass, FailureEntry, PatchTarget } from "./entry.ts";

export const FAILURES = { ...AWS_REASONS, ...OWN_REASONS, ...SILENT_REASONS } as const satisfies Record<
  string,
  FailureEntry
>;

export type FailureCode = keyof typeof FAILURES;

/** Spellings that AWS used in other documents or years. */
const ALIASES: ReadonlyMap<string, FailureCode> = new Map([
  ["DstMultipartPartUploadNotPermitted", "DstMultipartUploadNotPermitted"],
  ["SrcGetObjNotPermitted", "SrcGetObjectNotPermitted"],
]);

/** The code that a store, an event or a report names; undefined when it is none of the catalogue. */
export function failureCode(name: string): FailureCode | undefined {
  return isFailureCode(name) ? name : ALIASES.get(name);
}

export function isFailureCode(name: string): name is FailureCode {
  return Object.hasOwn(FAILURES, name);
}

export function failureEntry(code: FailureCode): FailureEntry {
  return FAILURES[code];
}
