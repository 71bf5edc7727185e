/** How many requests per second a service takes: token buckets over the lab's clock. */

export interface Throttle {
  readonly service: "s3" | "kms";
  /** Only this bucket; undefined for the whole service. */
  readonly bucket?: string;
  /** 0 refuses everything. */
  readonly requestsPerSecond: number;
}

interface TokenBucket extends Throttle {
  tokens: number;
  filledAtMs: number;
}

export class Throttles {
  #buckets: TokenBucket[] = [];

  get list(): readonly Throttle[] {
    return this.#buckets.map(({ tokens: _tokens, filledAtMs: _at, ...throttle }) => throttle);
  }

  /** Replaces the throttle of the same scope. @param requestsPerSecond undefined takes it away */
  set({ requestsPerSecond, ...scope }: Partial<Throttle> & Pick<Throttle, "service">, nowMs: number): void {
    this.#buckets = this.#buckets.filter((one) => one.service !== scope.service || one.bucket !== scope.bucket);
    if (requestsPerSecond === undefined) return;
    const tokens = capacityOf(requestsPerSecond);
    this.#buckets.push({ ...scope, requestsPerSecond, tokens, filledAtMs: nowMs });
  }

  /** Counts one request. Returns the seconds after which the next one may come, when this one comes too early. */
  take(service: Throttle["service"], bucket: string | undefined, nowMs: number): number | undefined {
    let waitSeconds: number | undefined;
    for (const one of this.#buckets) {
      if (one.service !== service || (one.bucket !== undefined && one.bucket !== bucket)) continue;
      fill(one, nowMs);
      if (one.tokens >= 1) one.tokens -= 1;
      else waitSeconds = Math.max(waitSeconds ?? 1, waitOf(one));
    }
    return waitSeconds;
  }
}

function fill(bucket: TokenBucket, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
  const { requestsPerSecond } = bucket;
  bucket.tokens = Math.min(capacityOf(requestsPerSecond), bucket.tokens + (elapsedMs * requestsPerSecond) / 1000);
  bucket.filledAtMs = nowMs;
}

/** One second's worth. */
function capacityOf(requestsPerSecond: number): number {
  return requestsPerSecond === 0 ? 0 : Math.max(1, requestsPerSecond);
}

const WAIT_SECONDS_MAX = 60;

function waitOf({ tokens, requestsPerSecond }: TokenBucket): number {
  if (requestsPerSecond === 0) return WAIT_SECONDS_MAX;
  return Math.min(WAIT_SECONDS_MAX, Math.ceil((1 - tokens) / requestsPerSecond));
}
