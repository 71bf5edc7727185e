/** What `diagnose` answers, whether it was asked of a connection or of snapshots. */
import type { VersionExplanation } from "../../core/diagnose/explain-version.ts";
import { diagnosisWords, explanationWords } from "../../doctor/report.ts";
import type { CommandResult } from "../command.ts";
import { styled } from "../context.ts";
import type { LoggedDiagnosis } from "./logs.ts";

/** Of a bucket. */
export function diagnosed(diagnosis: LoggedDiagnosis): CommandResult {
  const isFinding = diagnosis.causes.length > 0 || diagnosis.unexplained.length > 0;
  return { status: isFinding ? 1 : 0, value: diagnosis, words: () => diagnosisLines(diagnosis) };
}

/** Of the versions of one key. */
export function explained(diagnosis: LoggedDiagnosis, versions: readonly VersionExplanation[]): CommandResult {
  const { status } = diagnosed(diagnosis);
  return {
    status,
    value: { ...diagnosis, versions },
    words: () => [...versions.map((one) => explanationWords(one, styled)), diagnosisLines(diagnosis)].join("\n\n"),
  };
}

/** For a terminal. */
export function diagnosisLines(diagnosis: LoggedDiagnosis): string {
  const { cloudTrail } = diagnosis;
  const unread = (cloudTrail?.unread ?? []).map(
    (one) => `${styled("yellow", "not read")} of ${cloudTrail?.from ?? ""}: ${one}`,
  );
  return [diagnosisWords(diagnosis, styled), ...unread].join("\n");
}
