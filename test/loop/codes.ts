/** The codes of a diagnosis's causes, the widest first. */
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";

export function codesOf(said: Diagnosis): FailureCode[] {
  return said.causes.map((cause) => cause.code);
}
