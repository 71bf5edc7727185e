/** Cases of destinations that are another store than AWS's, and answer what AWS never answers. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { answering } from "./disturbances.ts";
import type { Standard } from "./standard.ts";

function answers(status: number, code?: string): (set: Standard) => Promise<void> {
  return async ({ world }) => world.sites.leadTo({ endpoint: await answering(world, status, code) });
}

const straight = { by: "decision", person: async ({ world }: Standard) => world.sites.leadTo(undefined) } as const;

export const STORE_CASES = {
  DstQuotaExceeded: {
    name: "the destination's quota is used up",
    kinds: ["plain", "kms"],
    breakIt: answers(403, "QuotaExceeded"),
    expect: { class: "storage", affected: 2, confidence: "proven", says: /403 QuotaExceeded/ },
    mend: straight,
  },
  UnknownAnswer: {
    name: "the destination gives an answer that nobody knows",
    kinds: ["plain", "kms"],
    breakIt: answers(418, "ShortAndStout"),
    expect: { class: "unknown", affected: 2, confidence: "proven", says: /418 ShortAndStout/ },
    mend: straight,
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
