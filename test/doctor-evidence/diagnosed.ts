/** What the real binary's `diagnose` says of a bucket. */
import assert from "node:assert/strict";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { type Environment, lockstep } from "../e2e/binary.ts";

/** @param words options besides the bucket */
export async function diagnosisOf(
  bucket: string,
  environment: Environment,
  words: readonly string[],
): Promise<Diagnosis> {
  const { stdout, stderr } = await lockstep(["diagnose", `s3://${bucket}`, "--json", ...words], environment);
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Diagnosis;
}
