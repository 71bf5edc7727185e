/** The table of cases: one for every code of the catalogue, so that a code without a case does not compile. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { BATCH_CASES } from "./cases-batch.ts";
import { CONFIGURATION_CASES } from "./cases-configuration.ts";
import { ELIGIBILITY_CASES } from "./cases-eligibility.ts";
import { LOCK_CASES } from "./cases-lock.ts";
import { PASSING_CASES } from "./cases-passing.ts";
import { PERMISSION_CASES } from "./cases-permission.ts";
import { STORE_CASES } from "./cases-store.ts";

/** Codes that nothing in the tree gives yet, and what they wait for. */
export const PENDING_CASES = {
  SrcReplicationNotPending: "jobs of the lab: none of them meets it",
  DstPutAclNotPermitted: "access control lists in the lab",
  DstNewerVersionThere: "the engine between stores that mint version ids of their own: test/engine/minting.test.ts",
  DstVersionIdDiffers: "the engine between stores that mint version ids of their own",
  MarkerByLifecycle: "no listing tells a marker of Lifecycle from another",
  ModificationsNotReplicated: "diagnosis of changes of metadata",
  Outranked: "a rule that outranks another and takes nothing",
  OwnerOverridden: "diagnosis of changes of metadata",
  NeverAdmitted: "diagnosis of changes of metadata",
} as const satisfies Partial<Record<FailureCode, string>>;

type Waiting = keyof typeof PENDING_CASES;

export const CASES: Readonly<Record<Exclude<FailureCode, Waiting>, LoopCase>> = {
  ...PERMISSION_CASES,
  ...CONFIGURATION_CASES,
  ...ELIGIBILITY_CASES,
  ...PASSING_CASES,
  ...STORE_CASES,
  ...BATCH_CASES,
  ...LOCK_CASES,
};
