/**
 * What holds versions back, as a diagnosis gathers it. A finding speaks of no version in particular; versions with the
 * same finding have the same `key` and become one cause.
 */
import type { FailureCode } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import type { Edit } from "./patches.ts";
import type { Cause, Evidence } from "./report.ts";

export interface Finding {
  readonly key: string;
  readonly code: FailureCode;
  readonly rule?: string;
  readonly destination?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly confidence: Cause["confidence"];
  /** It rests on what could not be read: no recorded answer makes more of it than likely. */
  readonly guessed?: true;
  readonly evidence: readonly Evidence[];
  /** What to do, in a sentence. */
  readonly remedy: string;
  readonly edits: readonly Edit[];
  readonly resync: boolean;
}

/** The members of a finding that concerns one rule only. */
export function ruleMembers(rule: Rule): { readonly rule: string; readonly destination: string } {
  return { rule: rule.id, destination: rule.destination.bucketArn };
}
