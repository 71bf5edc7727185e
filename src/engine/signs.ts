/** What a try tells of the stores at both of its ends: whether they are there, and whether they are busy. */
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { Sign } from "./breaker.ts";
import type { CopyOutcome } from "./copy.ts";

export interface Signs {
  readonly source: Sign;
  readonly destination: Sign;
}

export const NO_SIGNS: Signs = { source: "silent", destination: "silent" };

/** There was no answer, or one that only says that nobody could give one. */
const AWAY: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "DnsFailed",
  "TlsFailed",
  "EndpointUnreachable",
  "ConnectionBroken",
  "StoreUnavailable",
]);

const BUSY: ReadonlySet<FailureCode> = new Set<FailureCode>(["RequestThrottled", "KmsThrottled"]);

/** Pure. Every plan reads the source before it writes: a destination that spoke has heard from a source that is there. */
export function signsOf(outcome: CopyOutcome): Signs {
  switch (outcome.done) {
    case true:
      return { source: "there", destination: "there" };
    case "unwanted":
      return { source: "there", destination: "silent" };
    case "lost":
      return NO_SIGNS;
    case false: {
      const sign = signOf(outcome);
      if (outcome.side === "destination") return { source: "there", destination: sign };
      return outcome.side === "source" ? { source: sign, destination: "silent" } : NO_SIGNS;
    }
  }
}

function signOf({ code, failure: { httpStatus } }: Extract<CopyOutcome, { readonly done: false }>): Sign {
  if (BUSY.has(code)) return "busy";
  // A conflict, or an upload that is gone, passes like an outage and is none.
  if (AWAY.has(code)) return httpStatus === undefined || httpStatus >= 500 ? "away" : "there";
  return httpStatus === undefined ? "silent" : "there";
}
