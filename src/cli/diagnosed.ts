/** What `diagnose` answers, whether it was asked of a connection or of snapshots. */
import type { VersionExplanation } from "../core/diagnose/explain-version.ts";
import type { Diagnosis } from "../core/diagnose/report.ts";
import { diagnosisWords, explanationWords } from "../doctor/report.ts";
import type { CommandResult } from "./command.ts";
import { styled } from "./context.ts";

/** Of a bucket. */
export function diagnosed(diagnosis: Diagnosis): CommandResult {
  const isFinding = diagnosis.causes.length > 0 || diagnosis.unexplained.length > 0;
  return { status: isFinding ? 1 : 0, value: diagnosis, words: () => diagnosisWords(diagnosis, styled) };
}

/** Of the versions of one key. */
export function explained(diagnosis: Diagnosis, versions: readonly VersionExplanation[]): CommandResult {
  const { status } = diagnosed(diagnosis);
  return {
    status,
    value: { ...diagnosis, versions },
    words: () =>
      [...versions.map((one) => explanationWords(one, styled)), diagnosisWords(diagnosis, styled)].join("\n\n"),
  };
}
