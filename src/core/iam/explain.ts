/**
 * Explains decisions: with the statements that were nearly right, in AWS's words, and in our own.
 */
import { unreachable } from "../assert.ts";
import { ask } from "./compile.ts";
import { contextValue } from "./context.ts";
import { evaluate, type Policies } from "./evaluate.ts";
import type { AccessRequest, Decision, NearMiss, PolicyKind, Principal, StatementRef } from "./model.ts";
import { findNearMisses } from "./near-misses.ts";

export interface Explanation {
  readonly decision: Decision;
  /** Empty unless nothing allowed the request: an explicit deny is its own explanation. */
  readonly nearMisses: readonly NearMiss[];
}

/** A decision that says no. */
export type Denial = Extract<Decision, { allowed: false }>;

/** Decides one request, and finds the statements that would have allowed it but for one thing. */
export function explain(request: AccessRequest, policies: Policies): Explanation {
  const decision = evaluate(request, policies);
  if (decision.allowed || decision.because === "explicitDeny") return { decision, nearMisses: [] };
  const asked = ask(request, policies.boundary !== undefined);
  return { decision, nearMisses: findNearMisses(asked, policies, decision.missing) };
}

/**
 * The message of an AccessDenied answer, as AWS words it.
 *
 * Only callers of the same account or organisation (`aws:PrincipalOrgID` and `aws:ResourceOrgID` are equal) are told
 * which kind of policy denied. S3 tells others nothing at all and puts the resource in quotes, which the other services
 * do not.
 *
 * @source aws-replication.md §12.2; IAM User Guide, "Troubleshoot access denied error messages"
 */
export function accessDeniedMessage(request: AccessRequest, denial: Denial): string {
  const { action, resource } = request;
  const isS3 = action.toLowerCase().startsWith("s3:");
  const known = isToldWhy(request);
  if (isS3 && !known) return "Access Denied";
  const named = isS3 ? `"${resource}"` : resource;
  const frame = `User: ${callerOf(request.principal)} is not authorized to perform: ${action} on resource: ${named}`;
  return known ? `${frame} ${denialReason(action, denial)}` : frame;
}

/** Whether the caller is told which kind of policy denied: within an account, and within an organisation. */
export function isToldWhy({ principal, resourceAccount, context }: AccessRequest): boolean {
  if ("accountId" in principal && principal.accountId === resourceAccount) return true;
  const organisation = contextValue(context, "aws:principalorgid");
  return organisation !== undefined && organisation === contextValue(context, "aws:resourceorgid");
}

function callerOf(principal: Principal): string {
  if (principal.kind === "service") return principal.service;
  return principal.kind === "anonymous" ? "anonymous" : principal.arn;
}

const AWS_WORDS: Record<PolicyKind, { readonly explicit: string; readonly implicit: string }> = {
  identity: { explicit: "an identity-based policy", implicit: "identity-based policy" },
  resource: { explicit: "a resource-based policy", implicit: "resource-based policy" },
  boundary: { explicit: "a permissions boundary", implicit: "permissions boundary" },
  session: { explicit: "a session policy", implicit: "session policy" },
  scp: { explicit: "a service control policy", implicit: "service control policy" },
  rcp: { explicit: "a resource control policy", implicit: "resource control policy" },
  vpcEndpoint: { explicit: "a VPC endpoint policy", implicit: "VPC endpoint policy" },
  grant: { explicit: "a grant", implicit: "grant" },
};
const TRUST_WORDS = { explicit: "the role trust policy", implicit: "role trust policy" };

/** The end of the message: which kind of policy denied, and how. */
export function denialReason(action: string, denial: Denial): string {
  const wordsOf = (kind: PolicyKind) => (kind === "resource" && isAssumption(action) ? TRUST_WORDS : AWS_WORDS[kind]);
  if (denial.because === "explicitDeny") return `with an explicit deny in ${wordsOf(denial.by.source.kind).explicit}`;
  const { implicit } = wordsOf(denial.missing[0] ?? "identity");
  return `because no ${implicit} allows the ${action} action`;
}

function isAssumption(action: string): boolean {
  return action.toLowerCase().startsWith("sts:assumerole");
}

/** A decision in one sentence for people: who, what, and which statement of which policy, or which kind is missing. */
export function sayDecision(request: AccessRequest, decision: Decision): string {
  const what = `${request.action} on ${request.resource}`;
  const who = sayWho(request.principal);
  if (!decision.allowed) {
    const reason =
      decision.because === "explicitDeny"
        ? `${sayStatement(decision.by)} denies it`
        : sayMissing(request, decision.missing);
    return `${who} may not ${what}: ${reason}.`;
  }
  if (decision.by === "accountRoot") return `${who} may ${what}: the resource is of its own account.`;
  const and = decision.andBy === undefined ? "" : `, and so does ${sayStatement(decision.andBy)}`;
  return `${who} may ${what}: ${sayStatement(decision.by)} allows it${and}.`;
}

/** A near miss in one sentence for people. */
export function sayNearMiss(miss: NearMiss): string {
  const statement = sayStatement(miss.statement);
  const sentence = `${statement} would allow it but for its ${miss.failed}: expected ${miss.expected}, found ${miss.actual}.`;
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

function sayWho(principal: Principal): string {
  switch (principal.kind) {
    case "root":
      return `The root user of account ${principal.accountId}`;
    case "user":
      return `User ${nameIn(principal.arn, ":user/")}`;
    case "session":
      return `Role ${nameIn(principal.roleArn, ":role/")} (session ${principal.sessionName})`;
    case "service":
      return `The service ${principal.service}`;
    case "anonymous":
      return "An unsigned request";
    default:
      return unreachable(principal);
  }
}

/** What follows the marker, path included; the whole ARN when it is not there. */
function nameIn(arn: string, marker: string): string {
  const at = arn.indexOf(marker);
  return at < 0 ? arn : arn.slice(at + marker.length);
}

function sayStatement({ source, sid, index }: StatementRef): string {
  if (source.kind === "grant") return source.name;
  const statement = sid === undefined || sid === "" ? `statement ${index + 1}` : `statement "${sid}"`;
  return `${statement} of ${source.name}`;
}

function sayMissing(request: AccessRequest, missing: readonly PolicyKind[]): string {
  const kinds = missing.map((kind) => sayKind(kind, request));
  const [only = "policy"] = kinds;
  if (kinds.length < 2) return `no ${only} allows it`;
  const all = `${kinds.slice(0, -1).join(", ")} and ${kinds.at(-1) ?? ""}`;
  return kinds.length === 2
    ? `${all} both have to allow it, and neither does`
    : `${all} all have to allow it, and none does`;
}

const OUR_WORDS: Record<PolicyKind, string> = {
  identity: "identity policy",
  resource: "policy of the resource",
  boundary: "permissions boundary",
  session: "session policy",
  scp: "service control policy",
  rcp: "resource control policy",
  vpcEndpoint: "VPC endpoint policy",
  grant: "grant",
};

function sayKind(kind: PolicyKind, request: AccessRequest): string {
  if (kind !== "resource") return OUR_WORDS[kind];
  if (isAssumption(request.action)) return "trust policy of the role";
  const action = request.action.toLowerCase();
  if (action.startsWith("kms:")) return "key policy";
  return action.startsWith("s3:") ? "bucket policy" : OUR_WORDS.resource;
}
