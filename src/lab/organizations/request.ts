/**
 * One call of AWS Organizations on its way through an operation: who asks, for which organisation, and whether it may.
 *
 * Two things decide. The caller's own policies must allow the action; and all but a few operations belong to the
 * management account alone, whatever a member account's policies say. Delegated administrators are not emulated.
 */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Authoriser, Caller, Identity } from "../model.ts";
import { pageOf } from "../pages.ts";
import { notForMembers, notInUse, organizationsError } from "./errors.ts";
import type { Input } from "./input.ts";
import { type Organization, organizationArn, type Policy, policyArn } from "./model.ts";
import type { OrganizationTree } from "./tree.ts";

/** What the operations are built on. */
export interface OrganizationsParts {
  readonly tree: OrganizationTree;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  readonly clock: () => number;
}

/** An operation: the members of its answer, or nothing. */
export type OrganizationsOperation = (
  request: OrganizationsRequest,
) => Promise<Readonly<Record<string, unknown>> | undefined>;

const PAGE = { min: 1, max: 20 };
const ACCOUNT_ID = /^\d{12}$/;

export class OrganizationsRequest {
  readonly tree: OrganizationTree;
  readonly identity: Identity;
  readonly caller: Caller;
  readonly accountId: string;
  readonly input: Input;
  readonly nowMs: number;
  readonly #action: string;
  readonly #context: RequestContext;
  readonly #authoriser: Authoriser;

  constructor(
    parts: OrganizationsParts,
    call: {
      readonly caller: Caller;
      readonly action: string;
      readonly input: Input;
      readonly context: RequestContext;
    },
  ) {
    const { principal } = call.caller;
    if (principal.kind === "service" || principal.kind === "anonymous") throw notForMembers();
    this.tree = parts.tree;
    this.identity = parts.identity;
    this.nowMs = parts.clock();
    this.caller = call.caller;
    this.accountId = principal.accountId;
    this.input = call.input;
    this.#action = `organizations:${call.action}`;
    this.#context = call.context;
    this.#authoriser = parts.authoriser;
  }

  /** @throws ServiceError AccessDeniedException */
  authorise(resource: string, context: RequestContext = {}): void {
    const ask = {
      action: this.#action,
      resource,
      resourceAccount: this.accountId,
      context: { ...this.#context, ...context },
    };
    const decision = this.#authoriser.decide(this.caller, ask);
    if (decision.allowed) return;
    throw organizationsError("AccessDeniedException", this.#authoriser.denial(this.caller, ask, decision));
  }

  /** The caller's organisation. @throws ServiceError AWSOrganizationsNotInUseException */
  organization(): Organization {
    const found = this.tree.organizationOf(this.accountId);
    if (found === undefined) throw notInUse();
    return found;
  }

  /**
   * The organisation that the caller's account manages, after asking for permission.
   *
   * @param resourceId of the root, unit, account or policy that is acted on; without one the action is on no resource
   * @throws ServiceError AWSOrganizationsNotInUseException, AccessDeniedException
   */
  managed(resourceId?: string, context?: RequestContext): Organization {
    const organization = this.organization();
    this.authorise(resourceId === undefined ? "*" : this.#arnOf(organization, resourceId), context);
    if (organization.managementAccountId !== this.accountId) throw notForMembers();
    return organization;
  }

  /** @throws ServiceError PolicyNotFoundException */
  policy(organization: Organization, policyId: string): Policy {
    const found = this.tree.policy(organization, policyId);
    if (found === undefined)
      throw organizationsError(
        "PolicyNotFoundException",
        "We can't find a policy with the PolicyId that you specified.",
      );
    return found;
  }

  /** One page of what was found, in the order of `keyOf`, under the name that the answer gives to the list. */
  page<T>(
    member: string,
    items: readonly T[],
    keyOf: (item: T) => string,
    print: (item: T) => unknown,
  ): Readonly<Record<string, unknown>> {
    const limit = this.input.integer("MaxResults", PAGE) ?? PAGE.max;
    const page = pageOf(items, keyOf, { limit, marker: this.input.optionalText("NextToken", { max: 100_000 }) });
    return { [member]: page.items.map(print), ...(page.marker === undefined ? {} : { NextToken: page.marker }) };
  }

  #arnOf(organization: Organization, id: string): string {
    if (ACCOUNT_ID.test(id)) return organizationArn(organization, "account", id);
    const policy = this.tree.policy(organization, id);
    if (policy !== undefined) return policyArn(organization, policy);
    return organizationArn(organization, id.startsWith("r-") ? "root" : "ou", id);
  }
}

/** Times on the wire: seconds since 1970. */
export function seconds(ms: number): number {
  return ms / 1000;
}
