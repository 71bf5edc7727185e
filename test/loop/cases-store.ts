/** Cases of destinations that are another store than AWS's, and answer what AWS never answers. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { answering, storingOtherwise } from "./disturbances.ts";
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
  BodyTooLarge: {
    name: "the destination takes no objects of this size",
    kinds: ["plain", "kms"],
    breakIt: answers(400, "EntityTooLarge"),
    expect: { class: "storage", affected: 2, confidence: "proven", says: /400 EntityTooLarge/ },
    mend: straight,
  },
  FeatureUnsupported: {
    name: "the destination does not know what the version needs",
    kinds: ["plain", "kms"],
    breakIt: answers(501, "NotImplemented"),
    expect: { class: "configuration", affected: 2, confidence: "proven", says: /501 NotImplemented/ },
    mend: straight,
  },
  ReplicaAltered: {
    name: "the destination stores other bytes than were sent",
    kinds: ["plain"],
    breakIt: async ({ world }) => world.sites.leadTo({ endpoint: await storingOtherwise(world) }),
    expect: { class: "integrity", affected: 1, confidence: "proven", says: /was stored with the ETag 0+/ },
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
