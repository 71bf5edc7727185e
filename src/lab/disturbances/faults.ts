/**
 * Faults that somebody ordered: of which calls, how often, and what goes wrong. Each is used up by the calls that it hits.
 *
 * A fault of a body hits GetObject; the others hit any operation, or the one that they name.
 */

/** What goes wrong. */
export type FaultKind =
  /** The body ends after so many bytes, and the connection with it. */
  | { readonly truncateAt: number }
  /** One bit of the byte at this position is another one. */
  | { readonly flipAt: number }
  | { readonly delayMs: number }
  /** The connection is reset before anything is done, or when it is done and before it is answered. */
  | { readonly reset: "before" | "after" }
  | { readonly status: number; readonly code?: string };

export interface FaultScope {
  readonly bucket?: string;
  /** Of keys. */
  readonly prefix?: string;
  /** By its name in the API reference. */
  readonly operation?: string;
}

export type FaultOrder = FaultScope & { readonly kind: FaultKind; readonly times: number };
export type Fault = FaultOrder & { readonly id: number };

export const FAULTS_MAX = 100;

/** A call of S3. */
export interface DisturbedCall {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
}

export class Faults {
  #orders: (Fault & { times: number })[] = [];
  #lastId = 0;

  /** Those that have calls left to hit. */
  get list(): readonly Fault[] {
    return this.#orders;
  }

  add(order: FaultOrder): Fault {
    const fault = { ...order, id: ++this.#lastId };
    this.#orders.push(fault);
    return { ...fault };
  }

  /** @param id undefined for all */
  remove(id?: number): void {
    this.#orders = id === undefined ? [] : this.#orders.filter((one) => one.id !== id);
  }

  /** The first fault that hits the call; it has one time less then. @param body whether those of bodies are meant */
  take(call: DisturbedCall, body: boolean): FaultKind | undefined {
    const fault = this.#orders.find((one) => isOfBody(one.kind) === body && hits(one, call));
    if (fault === undefined) return undefined;
    fault.times--;
    if (fault.times === 0) this.remove(fault.id);
    return fault.kind;
  }
}

function hits({ bucket, prefix, operation }: FaultScope, call: DisturbedCall): boolean {
  return (
    (bucket === undefined || bucket === call.bucket) &&
    (prefix === undefined || call.key.startsWith(prefix)) &&
    (operation === undefined || operation === call.operation)
  );
}

export function isOfBody(kind: FaultKind): kind is Extract<FaultKind, { truncateAt: number } | { flipAt: number }> {
  return "truncateAt" in kind || "flipAt" in kind;
}
