/** One call of CloudTrail on its way through an operation: who asks, in which Region, what for, and whether it may. */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Authoriser, Caller } from "../model.ts";
import { cloudTrailError, trailNotFound } from "./errors.ts";
import type { EventHistory } from "./history.ts";
import type { Input } from "./input.ts";
import type { Trail } from "./model.ts";
import type { Trails } from "./trails.ts";

export interface CloudTrailParts {
  readonly trails: Trails;
  readonly history: EventHistory;
  readonly authoriser: Authoriser;
  readonly clock: () => number;
}

/** An operation: the members of its answer. */
export type CloudTrailOperation = (request: CloudTrailRequest) => Promise<Readonly<Record<string, unknown>>>;

export class CloudTrailRequest {
  readonly trails: Trails;
  readonly history: EventHistory;
  readonly account: string;
  readonly region: string;
  readonly input: Input;
  readonly nowMs: number;
  readonly #action: string;
  readonly #caller: Caller;
  readonly #context: RequestContext;
  readonly #authoriser: Authoriser;

  constructor(
    parts: CloudTrailParts,
    call: {
      readonly caller: Caller;
      readonly region: string;
      readonly action: string;
      readonly input: Input;
      readonly context: RequestContext;
    },
  ) {
    const { principal } = call.caller;
    if (!("accountId" in principal)) throw cloudTrailError("AccessDeniedException", "Access Denied");
    this.trails = parts.trails;
    this.history = parts.history;
    this.nowMs = parts.clock();
    this.account = principal.accountId;
    this.region = call.region;
    this.input = call.input;
    this.#action = `cloudtrail:${call.action}`;
    this.#caller = call.caller;
    this.#context = call.context;
    this.#authoriser = parts.authoriser;
  }

  /** @throws ServiceError AccessDeniedException */
  authorise(resource = "*"): void {
    const ask = { action: this.#action, resource, resourceAccount: this.account, context: this.#context };
    const decision = this.#authoriser.decide(this.#caller, ask);
    if (decision.allowed) return;
    throw cloudTrailError("AccessDeniedException", this.#authoriser.denial(this.#caller, ask, decision));
  }

  arnOf(name: string, region = this.region): string {
    return `arn:aws:cloudtrail:${region}:${this.account}:trail/${name}`;
  }

  /** The trail that `member` names, by name or ARN, after asking for permission. @throws ServiceError TrailNotFoundException */
  trail(member: string): Trail {
    const named = this.input.text(member);
    const arn = named.startsWith("arn:") ? named : this.arnOf(named);
    this.authorise(arn);
    const found = this.trails.records.get(arn) ?? this.shadow(named);
    if (found === undefined || found.account !== this.account) throw trailNotFound(named, this.account);
    return found;
  }

  /** Changes go to the Region that a trail is at home in. @throws ServiceError InvalidHomeRegionException */
  ownTrail(member: string): Trail {
    const trail = this.trail(member);
    if (trail.homeRegion === this.region) return trail;
    const says = `Trail ${trail.arn} is in its home region ${trail.homeRegion}.`;
    throw cloudTrailError("InvalidHomeRegionException", says);
  }

  /** Trails of all Regions are seen from every one. */
  shadow(name: string): Trail | undefined {
    return this.seen().find((one) => one.name === name);
  }

  /** The account's trails, as this Region sees them. */
  seen(withShadows = true): Trail[] {
    return [...this.trails.records.values()].filter(
      ({ account, homeRegion, isMultiRegion }) =>
        account === this.account && (homeRegion === this.region || (withShadows && isMultiRegion)),
    );
  }
}

/** Times on the wire: seconds since 1970. */
export function seconds(ms: number): number {
  return ms / 1000;
}
