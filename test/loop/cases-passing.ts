/** Cases that pass by themselves: the versions stay PENDING, with the reason, until the disturbance is over. */
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import { answering, closedPort, resetting, selfSigned, UNKNOWN_HOST } from "./disturbances.ts";
import type { Standard } from "./standard.ts";
import { REPLICA, SOURCE, type World } from "./world.ts";

const straight = { by: "passing", end: async ({ world }: Standard) => world.sites.leadTo(undefined) } as const;

function leadTo(endpointOf: (world: World) => Promise<string>): (set: Standard) => Promise<void> {
  return async ({ world }) => world.sites.leadTo({ endpoint: await endpointOf(world) });
}

/** By a call of the lab's own. */
function ordered(...order: Parameters<World["order"]>): (set: Standard) => Promise<void> {
  return ({ world }) => world.order(...order);
}

const nothing = async () => undefined;
/** Until it is taken back. */
const OFTEN = { times: 1000 } as const;
const noMoreFaults = { by: "passing", end: ordered("DELETE", "faults") } as const;
const NETWORK = { class: "network", affected: 2, confidence: "proven" } as const;
const TRANSIENT = { class: "transient", affected: 2, confidence: "proven" } as const;
const SKEW_MS = 20 * 60_000;

export const PASSING_CASES = {
  EndpointUnreachable: {
    name: "nobody listens at the destination's port",
    kinds: ["plain", "kms"],
    breakIt: leadTo(closedPort),
    expect: NETWORK,
    mend: straight,
  },
  DnsFailed: {
    name: "the destination's name does not resolve",
    kinds: ["plain", "kms"],
    breakIt: leadTo(async () => UNKNOWN_HOST),
    expect: NETWORK,
    mend: straight,
  },
  TlsFailed: {
    name: "the destination's certificate is its own",
    kinds: ["plain", "kms"],
    breakIt: leadTo(selfSigned),
    expect: NETWORK,
    mend: straight,
  },
  ConnectionBroken: {
    name: "the destination breaks every connection",
    kinds: ["plain", "kms"],
    breakIt: leadTo(resetting),
    expect: NETWORK,
    mend: straight,
  },
  StoreUnavailable: {
    name: "the destination answers 500",
    kinds: ["plain", "kms"],
    breakIt: ordered("POST", "faults", { ...OFTEN, bucket: REPLICA, operation: "PutObject", status: 500 }),
    expect: { ...TRANSIENT, says: /500 InternalError/ },
    mend: noMoreFaults,
  },
  RequestThrottled: {
    name: "the destination asks to slow down",
    kinds: ["plain", "kms"],
    breakIt: ordered("PUT", "throttle", { service: "s3", bucket: REPLICA, requestsPerSecond: 0 }),
    expect: { ...TRANSIENT, says: /503 SlowDown/ },
    mend: {
      by: "passing",
      end: ordered("PUT", "throttle", { service: "s3", bucket: REPLICA, requestsPerSecond: null }),
    },
  },
  KmsThrottled: {
    name: "KMS asks to slow down",
    kinds: ["plain", "kms", "bucketKey"],
    breakIt: nothing,
    late: ordered("PUT", "throttle", { service: "kms", requestsPerSecond: 0 }),
    expect: TRANSIENT,
    mend: { by: "passing", end: ordered("PUT", "throttle", { service: "kms", requestsPerSecond: null }) },
  },
  CredentialsExpired: {
    name: "the session's token is not good any more",
    kinds: ["plain", "kms"],
    breakIt: async ({ world }) =>
      world.sites.leadTo({
        endpoint: world.endpoint,
        credentials: (session) => ({ ...session, sessionToken: `${session.sessionToken ?? ""}0` }),
      }),
    expect: TRANSIENT,
    mend: straight,
  },
  ClockSkewed: {
    name: "the machine's clock is 20 minutes ahead of the destination's",
    kinds: ["plain", "kms"],
    breakIt: async ({ world }) => world.sites.leadTo({ endpoint: world.endpoint, clockAheadMs: SKEW_MS }),
    expect: { ...TRANSIENT, says: /403 RequestTimeTooSkewed/ },
    mend: straight,
  },
  ChecksumMismatch: {
    name: "the bytes that arrive are not those that are stored",
    kinds: ["plain", "kms"],
    breakIt: ordered("POST", "faults", { ...OFTEN, bucket: SOURCE, flipAt: 500 }),
    expect: { ...TRANSIENT, class: "integrity" },
    mend: noMoreFaults,
  },
  TruncatedBody: {
    name: "the source's body ends before its announced length",
    kinds: ["plain", "kms"],
    breakIt: ordered("POST", "faults", { ...OFTEN, bucket: SOURCE, truncateAt: 500 }),
    expect: { ...TRANSIENT, class: "integrity" },
    mend: noMoreFaults,
  },
  DstStorageFull: {
    name: "the destination's disk has no room left",
    kinds: ["plain", "kms"],
    breakIt: nothing,
    late: ordered("PUT", "disk", { full: true }),
    expect: { ...TRANSIENT, class: "storage", says: /507 XMinioStorageFull/ },
    mend: { by: "passing", end: ordered("PUT", "disk", { full: false }) },
  },
  SourceChanged: {
    name: "the source says that it is not what it was",
    kinds: ["plain", "kms"],
    breakIt: async ({ world }) =>
      world.sites.leadTo({ endpoint: await answering(world, 412, "PreconditionFailed") }, "source"),
    expect: TRANSIENT,
    mend: { by: "passing", end: async ({ world }) => world.sites.leadTo(undefined, "source") },
  },
  EngineFault: {
    name: "the engine meets a fault of its own",
    kinds: ["plain"],
    breakIt: async ({ world }) => {
      world.sites.fault = new TypeError("said by a test");
    },
    expect: { class: "unknown", affected: 1, confidence: "proven", says: /said by a test/ },
    mend: { by: "passing", end: async () => undefined },
  },
} as const satisfies Partial<Record<FailureCode, LoopCase>>;
