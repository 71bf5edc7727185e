/**
 * Decides what callers of the lab may do: puts together the request and the policies that have a say, and asks the
 * evaluator. Knows no service: the resource's side of a decision is handed in (`Ask`).
 */
import { principalContext } from "../core/iam/context.ts";
import { evaluate, type Policies } from "../core/iam/evaluate.ts";
import { accessDeniedMessage, isToldWhy } from "../core/iam/explain.ts";
import type { AccessRequest, RequestContext } from "../core/iam/model.ts";
import { type AccountCaps, type Ask, type Authoriser, type Caller, type Caps, ServiceError } from "./model.ts";

/** Where a request came from. A service's own calls come from nowhere that a customer could name. */
const NETWORK_KEYS = ["aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"] as const;

const UNCAPPED: AccountCaps = { capsOf: () => undefined };

/** @param accounts how organisations cap accounts; without it there are none */
export function createAuthoriser(accounts: AccountCaps = UNCAPPED): Authoriser {
  /** Callers are made once and used often; their keys are the same until their organisation changes. */
  const callerKeys = new WeakMap<Caller, { readonly caps: Caps | undefined; readonly keys: RequestContext }>();

  function capsOfCaller({ principal }: Caller): Caps | undefined {
    return "accountId" in principal ? accounts.capsOf(principal.accountId) : undefined;
  }

  function keysOf(caller: Caller): RequestContext {
    const caps = capsOfCaller(caller);
    const known = callerKeys.get(caller);
    if (known !== undefined && known.caps === caps) return known.keys;
    const keys = { ...principalContext(caller.principal), ...caller.context, ...caps?.principal };
    callerKeys.set(caller, { caps, keys });
    return keys;
  }

  function contextOf(caller: Caller, ask: Ask): RequestContext {
    // Not spread: that takes 20 times as long on Node 20, and every request of the lab comes by here.
    const resource = { "aws:resourceaccount": ask.resourceAccount };
    const organization = accounts.capsOf(ask.resourceAccount)?.resource;
    const context: Record<string, string | readonly string[]> = Object.assign(
      {},
      ask.context,
      keysOf(caller),
      resource,
      organization,
    );
    // @source aws-replication.md §5.7
    if (caller.invokedBy !== undefined) for (const key of NETWORK_KEYS) if (key in context) delete context[key];
    return context;
  }

  function requestOf(caller: Caller, ask: Ask): AccessRequest {
    const { action, resource, resourceAccount } = ask;
    return { principal: caller.principal, action, resource, resourceAccount, context: contextOf(caller, ask) };
  }

  const decide: Authoriser["decide"] = (caller, ask) => {
    const policies = policiesOf(caller, ask);
    const scps = capsOfCaller(caller)?.scps;
    const rcps = accounts.capsOf(ask.resourceAccount)?.rcps;
    if (scps !== undefined) policies.scps = scps;
    if (rcps !== undefined) policies.rcps = rcps;
    return evaluate(requestOf(caller, ask), policies);
  };

  const denial: Authoriser["denial"] = (caller, ask, decision) => accessDeniedMessage(requestOf(caller, ask), decision);

  return {
    decide,
    denial,
    tellsReason: (caller, ask) => isToldWhy(requestOf(caller, ask)),
    require(caller, ask) {
      const decision = decide(caller, ask);
      if (!decision.allowed) throw new ServiceError("AccessDenied", 403, denial(caller, ask, decision));
    },
  };
}

function policiesOf(caller: Caller, ask: Ask): { -readonly [K in keyof Policies]: Policies[K] } {
  return {
    identity: caller.identity,
    ...(caller.boundary === undefined ? {} : { boundary: caller.boundary }),
    ...(caller.session === undefined ? {} : { session: caller.session }),
    ...(ask.resourcePolicy === undefined ? {} : { resource: ask.resourcePolicy }),
    resourceRule: ask.resourceRule ?? "either",
    ...(ask.grants === undefined ? {} : { grants: ask.grants }),
  };
}
