/**
 * What somebody ordered to go wrong in a lab: throttles, faults, a full disk, a wrong clock. Nothing of it outlives the
 * process, and while nothing is ordered every call pays one comparison for it.
 *
 * Calls of S3 come by `disturb` on their way in, over HTTP and without, and bodies that are read by `spoil`. KMS comes
 * by `throttleKms`, also when S3 calls it.
 */
import { kmsError } from "../kms/errors.ts";
import { type Keys, ServiceError, type Skin } from "../model.ts";
import { s3Error } from "../s3/errors.ts";
import { type DisturbedCall, type FaultKind, Faults, isOfBody } from "./faults.ts";
import { storageFull } from "./full-disk.ts";
import { Throttles } from "./throttles.ts";

/** The connection is to be cut, without an answer or in the middle of one. No fault of ours. */
export class ConnectionCut extends Error {
  override readonly name = "ConnectionCut";
}

type Bytes = Uint8Array | AsyncIterable<Uint8Array>;

export class Disturbances {
  readonly throttles = new Throttles();
  readonly faults = new Faults();
  /** How far the lab's clock is ahead of the machine's. */
  clockOffsetMs = 0;
  isDiskFull = false;
  readonly #clock: () => number;
  #isOrdered = false;

  /** @param clock the machine's */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Undefined while nothing is ordered. */
  get active(): Disturbances | undefined {
    return this.#isOrdered ? this : undefined;
  }

  /** Replaces the throttle of its scope; without a rate it is taken away. */
  setThrottle(throttle: Parameters<Throttles["set"]>[0]): void {
    this.throttles.set(throttle, this.#clock());
    this.changed();
  }

  /** To be called after every change. */
  changed(): void {
    this.#isOrdered = this.isDiskFull || this.throttles.list.length > 0 || this.faults.list.length > 0;
  }

  /** Runs one operation of S3, as far as the orders let it. @throws ServiceError, ConnectionCut */
  async disturb<T>(call: DisturbedCall, work: () => T | Promise<T>): Promise<T> {
    const waitSeconds = this.throttles.take("s3", call.bucket, this.#clock());
    if (waitSeconds !== undefined) throw s3Error("SlowDown", { headers: { "retry-after": String(waitSeconds) } });
    if (this.isDiskFull && NEEDS_ROOM.test(call.operation)) throw storageFull();
    const fault = this.#take(call, false);
    if (fault === undefined) return work();
    if ("status" in fault) {
      throw new ServiceError(fault.code ?? "InternalError", fault.status, "A fault was ordered.");
    }
    if ("delayMs" in fault) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (!("reset" in fault)) return work();
    if (fault.reset === "after") await work();
    throw new ConnectionCut("a reset was ordered");
  }

  /** The bytes of a read, as far as the orders let them through. */
  spoil(call: DisturbedCall, body: Bytes): Bytes {
    const fault = this.#take(call, true);
    if (fault === undefined || !isOfBody(fault)) return body;
    return "truncateAt" in fault ? truncated(body, fault.truncateAt) : flipped(body, fault.flipAt);
  }

  /** @throws ServiceError ThrottlingException */
  throttleKms(): void {
    if (this.throttles.take("kms", undefined, this.#clock()) === undefined) return;
    throw kmsError(
      "ThrottlingException",
      "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    );
  }

  #take(call: DisturbedCall, body: boolean): FaultKind | undefined {
    const fault = this.faults.take(call, body);
    if (fault !== undefined) this.changed();
    return fault;
  }
}

/** Deletes, reads and aborts need no room. */
const NEEDS_ROOM = /^(?:Put|Create|Upload|Copy|Complete|Restore)/;

/** KMS as S3 uses it, throttled when that is ordered. */
export function throttledKeys(keys: Keys, disturbances: Disturbances): Keys {
  return {
    resolve: (...args) => keys.resolve(...args),
    async generateDataKey(...args) {
      disturbances.active?.throttleKms();
      return keys.generateDataKey(...args);
    },
    async encryptDataKey(...args) {
      disturbances.active?.throttleKms();
      return keys.encryptDataKey(...args);
    },
    async decryptDataKey(...args) {
      disturbances.active?.throttleKms();
      return keys.decryptDataKey(...args);
    },
  };
}

/** The same for those who call KMS themselves. */
export function throttledSkin(skin: Skin, disturbances: Disturbances): Skin {
  return {
    printError: (...args) => skin.printError(...args),
    async handle(call) {
      disturbances.active?.throttleKms();
      return skin.handle(call);
    },
  };
}

async function* truncated(body: Bytes, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of chunksOf(body)) {
    if (chunk.length > left) {
      if (left > 0) yield chunk.subarray(0, left);
      throw new ConnectionCut("a truncated body was ordered");
    }
    left -= chunk.length;
    yield chunk;
  }
}

async function* flipped(body: Bytes, position: number): AsyncGenerator<Uint8Array> {
  let start = 0;
  for await (const chunk of chunksOf(body)) {
    const at = position - start;
    start += chunk.length;
    if (at < 0 || at >= chunk.length) yield chunk;
    else {
      const changed = Buffer.from(chunk);
      changed[at] = (changed[at] ?? 0) ^ 1;
      yield changed;
    }
  }
}

async function* chunksOf(body: Bytes): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
