/** What every operation of S3 works with. Put together by `lab.ts`; the operations are functions over it. */
import type { Database } from "../../ledger/database.ts";
import type { Blobs } from "../blobs.ts";
import type { Disturbances } from "../disturbances/disturbances.ts";
import type { FlavourChoice } from "../flavours/flavours.ts";
import type { Authoriser, Identity, Keys } from "../model.ts";
import type { Buckets } from "./bucket.ts";
import type { EventQueues } from "./events/delivery.ts";
import type { Webhooks } from "./events/webhooks.ts";
import type { Quotas } from "./quotas.ts";
import type { Sequence } from "./sequence.ts";

export interface S3Service {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly sequence: Sequence;
  readonly buckets: Buckets;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  readonly keys: Keys;
  /** The lab's own key, under which SSE-S3 wraps data keys. */
  readonly serviceKey: ServiceKey;
  readonly changeListeners: Set<() => void>;
  /** Told after commits that added events. */
  readonly eventListeners: Set<() => void>;
  /** Where events go to. */
  readonly queues: EventQueues;
  readonly webhooks: Webhooks;
  readonly quotas: Quotas;
  readonly disturbances: Disturbances;
  /** Whose store the lab does as at the moment. */
  readonly flavour: FlavourChoice;
}

/** Wraps and unwraps data keys; `context` is bound to the wrapped key. */
export interface ServiceKey {
  wrapServiceKey(dataKey: Uint8Array, context: string): Uint8Array;
  unwrapServiceKey(wrapped: Uint8Array, context: string): Uint8Array;
}
