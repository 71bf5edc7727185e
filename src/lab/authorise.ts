/**
 * Decides what callers of the lab may do: puts together the request and the policies that have a say, and asks the
 * evaluator. Knows no service: the resource's side of a decision is handed in (`Ask`).
 */
import { principalContext } from "../core/iam/context.ts";
import { evaluate, type Levels, type Policies } from "../core/iam/evaluate.ts";
import { accessDeniedMessage, isToldWhy } from "../core/iam/explain.ts";
import type { AccessRequest, RequestContext } from "../core/iam/model.ts";
import { type AccountCaps, type Ask, type Authoriser, type Caller, type Caps, ServiceError } from "./model.ts";

/** Where a request came from. A service's own calls come from nowhere that a customer could name. */
const NETWORK_KEYS = ["aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"] as const;

const UNCAPPED: AccountCaps = { capsOf: () => undefined };

/** @param accounts how organisations cap accounts; without it there are none */
export function createAuthoriser(accounts: AccountCaps = UNCAPPED): Authoriser {
  /** Callers are made once and used often; their keys are the same for every request. */
  const callerKeys = new WeakMap<Caller, RequestContext>();

  function capsOfCaller({ principal }: Caller): Caps | undefined {
    return "accountId" in principal ? accounts.capsOf(principal.accountId) : undefined;
  }

  function contextOf(caller: Caller, ask: Ask): RequestContext {
    let keys = callerKeys.get(caller);
    if (keys === undefined) {
      keys = { ...principalContext(caller.principal), ...caller.context };
      callerKeys.set(caller, keys);
    }
    // Not spread: that takes 20 times as long on Node 20, and every request of the lab comes by here.
    const resource = { "aws:resourceaccount": ask.resourceAccount };
    const context: Record<string, string | readonly string[]> = Object.assign({}, ask.context, keys, resource);
    const [mine, its] = [capsOfCaller(caller), accounts.capsOf(ask.resourceAccount)];
    if (mine !== undefined) Object.assign(context, mine.principal);
    if (its !== undefined) Object.assign(context, its.resource);
    // @source aws-replication.md §5.7
    if (caller.invokedBy !== undefined) for (const key of NETWORK_KEYS) if (key in context) delete context[key];
    return context;
  }

  function requestOf(caller: Caller, ask: Ask): AccessRequest {
    const { action, resource, resourceAccount } = ask;
    return { principal: caller.principal, action, resource, resourceAccount, context: contextOf(caller, ask) };
  }

  const decide: Authoriser["decide"] = (caller, ask) => {
    const scps = capsOfCaller(caller)?.scps;
    const rcps = accounts.capsOf(ask.resourceAccount)?.rcps;
    const policies = policiesOf(caller, ask);
    const capped = scps === undefined && rcps === undefined ? policies : withCaps(policies, { scps, rcps });
    return evaluate(requestOf(caller, ask), capped);
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

function policiesOf(caller: Caller, ask: Ask): Policies {
  return {
    identity: caller.identity,
    ...(caller.boundary === undefined ? {} : { boundary: caller.boundary }),
    ...(caller.session === undefined ? {} : { session: caller.session }),
    ...(ask.resourcePolicy === undefined ? {} : { resource: ask.resourcePolicy }),
    resourceRule: ask.resourceRule ?? "either",
    ...(ask.grants === undefined ? {} : { grants: ask.grants }),
  };
}

function withCaps(
  policies: Policies,
  { scps, rcps }: { scps: Levels | undefined; rcps: Levels | undefined },
): Policies {
  return { ...policies, ...(scps === undefined ? {} : { scps }), ...(rcps === undefined ? {} : { rcps }) };
}
