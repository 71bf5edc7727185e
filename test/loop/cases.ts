/** The table of cases: one for every code of the catalogue, so that a code without a case does not compile. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { BATCH_CASES } from "./cases-batch.ts";
import { CONFIGURATION_CASES } from "./cases-configuration.ts";
import { ELIGIBILITY_CASES } from "./cases-eligibility.ts";
import { EXPLAINED_CASES } from "./cases-explained.ts";
import { LOCK_CASES } from "./cases-lock.ts";
import { PASSING_CASES } from "./cases-passing.ts";
import { PERMISSION_CASES } from "./cases-permission.ts";
import { STORE_CASES } from "./cases-store.ts";

export const CASES: Readonly<Record<FailureCode, LoopCase>> = {
  ...PERMISSION_CASES,
  ...CONFIGURATION_CASES,
  ...ELIGIBILITY_CASES,
  ...EXPLAINED_CASES,
  ...PASSING_CASES,
  ...STORE_CASES,
  ...BATCH_CASES,
  ...LOCK_CASES,
};
