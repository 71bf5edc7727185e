/** Cases of destinations that are another store than AWS's, and answer what AWS never answers. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { Discrepancy } from "../../src/engine/run.ts";
import type { LoopCase } from "./case.ts";
import { answering, storingOtherwise } from "./disturbances.ts";
import { removeAll, tagAll } from "./objects.ts";
import { allow, withStatement } from "./policies.ts";
import { REPLICA_ARN, type Standard } from "./standard.ts";
import { REPLICA } from "./world.ts";

function answers(status: number, code?: string): (set: Standard) => Promise<void> {
  return async ({ world }) => world.sites.leadTo({ endpoint: await answering(world, status, code) });
}

const straight = { by: "decision", person: async ({ world }: Standard) => world.sites.leadTo(undefined) } as const;

export const STORE_CASES = {
  DstQuotaExceeded: {
    name: "the destination's quota is used up",
    kinds: ["plain", "kms"],
    breakIt: ({ world }) => world.order("PUT", `buckets/${REPLICA}/quota`, { bytes: null, objects: 0 }),
    expect: { class: "storage", affected: 2, confidence: "proven", says: /403 QuotaExceeded/ },
    mend: {
      by: "decision",
      person: ({ world }) => world.order("PUT", `buckets/${REPLICA}/quota`, { bytes: null, objects: null }),
    },
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
  DstNewerVersionThere: {
    name: "an older version would be put on top of a newer one",
    onRecord: "the lab puts replicas where they belong; test/engine/minting.test.ts has a store that cannot",
    kinds: ["plain"],
    breakIt: async ({ world }) => {
      const at = { operation: "PutObject", bucket: REPLICA, key: "plain/1" };
      world.sites.fault = new Discrepancy("DstNewerVersionThere", "said by a test", at);
    },
    expect: { class: "configuration", affected: 1, confidence: "proven", says: /said by a test/ },
    mend: { by: "decision", person: async () => undefined },
  },
  DstVersionIdDiffers: {
    name: "the destination gives replicas ids of its own, and tags change",
    set: { sameAccount: true },
    kinds: ["plain"],
    breakIt: async (set) => {
      set.world.sites.mintsIds = true;
      // Whoever may not look there cannot tell it from a replica that is missing.
      await set.editRolePolicy((held) =>
        withStatement(held, allow("s3:GetObjectVersionForReplication", `${REPLICA_ARN}/*`)),
      );
    },
    meanwhile: (set) => tagAll(set),
    expect: {
      class: "configuration",
      affected: 1,
      confidence: "proven",
      says: /is at the destination as version their/,
    },
    mend: {
      by: "decision",
      person: async (set) => {
        set.world.sites.mintsIds = false;
        await removeAll(set, "replica");
        // The change finds now that the replica is missing, and the next resync brings it.
        await set.world.resync();
      },
    },
  },
  UnknownAnswer: {
    name: "the destination gives an answer that nobody knows",
    kinds: ["plain", "kms"],
    breakIt: answers(418, "ShortAndStout"),
    expect: { class: "unknown", affected: 2, confidence: "proven", says: /418 ShortAndStout/ },
    mend: straight,
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
