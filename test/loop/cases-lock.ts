/** Cases of Object Lock: what protects a version has to be read, and written with its replica. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";

const LOCKED = { objectLock: "both" } as const;
const PROVEN = { class: "permission", confidence: "proven" } as const;
const PATCH = { by: "patch" } as const;

export const LOCK_CASES = {
  DstBucketObjectLockConfigMissing: {
    name: "the source has Object Lock, and the destination has not",
    set: { objectLock: "source" },
    kinds: ["retained", "held"],
    breakIt: async () => undefined,
    expect: { class: "configuration", confidence: "proven", affected: 2 },
    mend: { by: "patch", lasting: true },
  },
  SrcGetRetentionNotPermitted: {
    name: "the role may not read retention, which is asked of every version",
    set: LOCKED,
    kinds: ["plain", "retained"],
    breakIt: (set) => set.revoke("s3:GetObjectRetention"),
    expect: { ...PROVEN, action: "s3:GetObjectRetention", affected: 2 },
    mend: PATCH,
  },
  SrcGetLegalHoldNotPermitted: {
    name: "the role may not read legal holds, which are asked of every version",
    set: LOCKED,
    kinds: ["plain", "held"],
    breakIt: (set) => set.revoke("s3:GetObjectLegalHold"),
    expect: { ...PROVEN, action: "s3:GetObjectLegalHold", affected: 2 },
    mend: PATCH,
  },
  DstPutRetentionNotPermitted: {
    name: "the role may not write retention",
    set: LOCKED,
    kinds: ["plain", "retained"],
    breakIt: (set) => set.revoke("s3:PutObjectRetention"),
    expect: { ...PROVEN, action: "s3:PutObjectRetention", affected: 1 },
    mend: PATCH,
  },
  DstPutLegalHoldNotPermitted: {
    name: "the role may not write legal holds",
    set: LOCKED,
    kinds: ["plain", "held"],
    breakIt: (set) => set.revoke("s3:PutObjectLegalHold"),
    expect: { ...PROVEN, action: "s3:PutObjectLegalHold", affected: 1 },
    mend: PATCH,
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
