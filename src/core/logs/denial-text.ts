/**
 * Reads the text with which AWS denies: who may not do what on what, and which kind of policy says so. Wording that is not
 * known yields what is known of it; nothing is guessed.
 *
 * @source aws-replication.md §12.2
 */
import type { PolicyKind } from "../iam/model.ts";

export interface DenialText {
  readonly principal: string;
  readonly action: string;
  /** Some messages name none. */
  readonly resource?: string;
  /** Undefined where the text gives another reason, or none. */
  readonly policy?: DenyingPolicy;
  /** Everything after the resource: the reason in AWS's words. */
  readonly reason?: string;
}

export interface DenyingPolicy {
  readonly kind: PolicyKind | "trust";
  /** Whether a statement denies, or none allows. */
  readonly effect: "denies" | "does not allow";
  /** Where the text names the policy. */
  readonly arn?: string;
}

/** CloudTrail keeps a thousand characters of it. */
const TEXT_LENGTH_MAX = 8 * 1024;
const VERB = " is not authorized to perform: ";
const RESOURCE = " on resource: ";
const REASONS = [" with an explicit deny in ", " because "] as const;

/** Undefined for what is no such text. Pure, and linear in the text. */
export function readDenial(text: string): DenialText | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  const user = text.indexOf("User: ");
  const verb = text.indexOf(VERB, user + 1);
  if (user < 0 || verb < 0) return undefined;
  const principal = text.slice(user + "User: ".length, verb);
  const rest = text.slice(verb + VERB.length);
  const action = /^[\w-]{1,64}:\w{1,128}/.exec(rest)?.[0];
  if (action === undefined || principal === "") return undefined;
  const after = rest.slice(action.length);
  const { resource, reason } = resourceAndReason(after);
  const policy = policyOf(reason);
  return {
    principal,
    action,
    ...(resource === "" ? {} : { resource }),
    ...(policy === undefined ? {} : { policy }),
    ...(reason === "" ? {} : { reason }),
  };
}

/** A key may hold the words of a reason: in quotation marks it ends at the last one that a reason follows. */
function resourceAndReason(after: string): { readonly resource: string; readonly reason: string } {
  if (!after.startsWith(RESOURCE)) return { resource: "", reason: after.trim() };
  const text = after.slice(RESOURCE.length);
  const ends = REASONS.map((words) => text.lastIndexOf(text.startsWith('"') ? `"${words}` : words));
  const end = Math.max(...ends);
  const named = end < 0 ? text : text.slice(0, end);
  const resource = named.replace(/^"/, "").replace(/"$/, "").trim();
  return { resource, reason: end < 0 ? "" : text.slice(named.length).replace(/^"/, "").trim() };
}

const KINDS: Readonly<Record<string, DenyingPolicy["kind"]>> = {
  "identity-based policy": "identity",
  "resource-based policy": "resource",
  "permissions boundary": "boundary",
  "session policy": "session",
  "service control policy": "scp",
  "resource control policy": "rcp",
  "VPC endpoint policy": "vpcEndpoint",
  "role trust policy": "trust",
  grant: "grant",
};

function policyOf(reason: string): DenyingPolicy | undefined {
  const explicit = /^with an explicit deny in (?:an? |the )?([A-Za-z -]{1,40}?)(?:[:.]|$)/.exec(reason)?.[1];
  const implicit = /^because no ([A-Za-z -]{1,40}?) allows the /.exec(reason)?.[1];
  const name = explicit ?? implicit;
  if (name === undefined || !Object.hasOwn(KINDS, name)) return undefined;
  const kind = KINDS[name];
  if (kind === undefined) return undefined;
  const arn = /arn:[\w-]+:(?:iam|organizations)::\S+/.exec(reason)?.[0];
  return {
    kind,
    effect: explicit === undefined ? "does not allow" : "denies",
    ...(arn === undefined ? {} : { arn }),
  };
}
