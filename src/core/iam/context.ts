/**
 * Condition keys: reading them from a request's context, and those that follow from who asks.
 *
 * Keys that describe the connection, the resource or a service's own parameters are the caller's to add.
 */
import { unreachable } from "../assert.ts";
import type { Principal, RequestContext } from "./model.ts";

/**
 * The request's value of a key; undefined when it has none.
 *
 * Only the context's own members count: a key called `constructor` or `__proto__` is absent unless the request has it.
 *
 * @param key in lower case
 */
export function contextValue(context: RequestContext, key: string): string | readonly string[] | undefined {
  const value = context[key];
  if (value === undefined || !Object.hasOwn(context, key)) return undefined;
  return value;
}

/**
 * The condition keys that follow from the principal alone, to be joined with those of the request.
 *
 * For a session `aws:PrincipalArn` is the ARN of its role with the role's path, and `aws:userid` is the role's unique
 * id, a colon and the session's name. Keys that a kind of principal does not have are absent; a request that nobody
 * signed has no `aws:userid` either (AWS's own table says "anonymous" there, its example of a default value and its
 * list of keys say that the key is absent).
 *
 * @source aws-replication.md §5.7; IAM User Guide, "IAM policy elements: Variables", table "Principal key values"
 */
export function principalContext(principal: Principal): RequestContext {
  switch (principal.kind) {
    case "root":
      return {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": principal.accountId,
        "aws:principaltype": "Account",
        "aws:userid": principal.accountId,
        "aws:principalisawsservice": "false",
      };
    case "user":
      return {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": principal.accountId,
        "aws:principaltype": "User",
        "aws:userid": principal.userId,
        "aws:username": principal.arn.slice(principal.arn.lastIndexOf("/") + 1),
        "aws:principalisawsservice": "false",
      };
    case "session":
      return {
        "aws:principalarn": principal.roleArn,
        "aws:principalaccount": principal.accountId,
        "aws:principaltype": "AssumedRole",
        "aws:userid": `${principal.roleId}:${principal.sessionName}`,
        "aws:principalisawsservice": "false",
      };
    case "service":
      return {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": principal.service,
        "aws:principalservicenameslist": [principal.service],
      };
    case "anonymous":
      return { "aws:principaltype": "Anonymous" };
    default:
      return unreachable(principal);
  }
}
