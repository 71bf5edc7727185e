/**
 * Who may write what a patch asks for, found out before the first write: the caller's own policies, the policy of the
 * bucket or key, and the organisation's, as far as they can be read, are asked like any other decision.
 *
 * Only a clear no is a no. Where a condition could make the difference, or a document could not be read, it is said that it
 * was not checked: session policies and the network that a call comes from are not to be seen from here.
 */
import { AwsError } from "../aws/errors.ts";
import type { CallerPolicies } from "../aws/iam-caller.ts";
import { bucketOfArn, parseArn } from "../core/arn.ts";
import { unreachable } from "../core/assert.ts";
import { asObject } from "../core/config/document.ts";
import type { BucketFacts, Setup } from "../core/diagnose/facts.ts";
import type { Patch } from "../core/diagnose/report.ts";
import { organizationContext, type World, worldOf } from "../core/diagnose/world.ts";
import { type CompiledPolicy, compilePolicy } from "../core/iam/compile.ts";
import { principalContext } from "../core/iam/context.ts";
import { evaluate, type Policies } from "../core/iam/evaluate.ts";
import { explain, sayDecision } from "../core/iam/explain.ts";
import type { AccessRequest } from "../core/iam/model.ts";
import { parsePolicy } from "../core/iam/parse.ts";
import type { Surroundings } from "./ports.ts";

export interface Permissions {
  readonly missing: readonly { readonly patch: string; readonly action: string; readonly says: string }[];
  /** What could not be told, in sentences. */
  readonly unchecked: readonly string[];
}

interface Need {
  readonly patch: Patch;
  readonly action: string;
  readonly resource: string;
  /** The account whose credentials make the call, which owns the resource. */
  readonly account: string;
}

/** Asks for every call that the patches need. Reads policies of the caller; writes nothing. */
export async function checkPermissions(
  surroundings: Surroundings,
  setup: Setup,
  patches: readonly Patch[],
): Promise<Permissions> {
  const missing: Permissions["missing"][number][] = [];
  const unchecked = new Set<string>();
  const world = worldOf(setup, setup.role.state === "read" ? setup.role.value.arn : "");
  if (patches.some((one) => one.target === "organization-policy")) {
    unchecked.add("whether organizations:UpdatePolicy is allowed: only the organisation knows");
  }
  const callers = new Map<string, Promise<CallerPolicies | string>>();
  for (const need of patches.flatMap((patch) => needsOf(setup, surroundings.accountId, patch))) {
    const { account, action, patch } = need;
    let asking = callers.get(account);
    asking ??= callerOf(surroundings, account);
    callers.set(account, asking);
    const caller = await asking;
    if (typeof caller === "string") {
      unchecked.add(`whether ${action} is allowed: ${caller}`);
      continue;
    }
    const answer = judge(world, caller, need);
    if (answer === undefined) continue;
    if (answer.certain) missing.push({ patch: patch.id, action, says: answer.says });
    else unchecked.add(`${answer.says} Conditions may say otherwise.`);
  }
  return { missing, unchecked: [...unchecked] };
}

/** The caller's policies, or why they are not known. */
async function callerOf(surroundings: Surroundings, account: string): Promise<CallerPolicies | string> {
  if (surroundings.policiesOf === undefined) return "nobody tells whose credentials these are";
  try {
    return (await surroundings.policiesOf(account)) ?? "the caller has no policies that can be read";
  } catch (error) {
    if (error instanceof AwsError) return `the caller's own policies cannot be read (${error.message})`;
    throw error;
  }
}

function judge(
  world: World,
  caller: CallerPolicies,
  { action, resource, account }: Need,
): { readonly says: string; readonly certain: boolean } | undefined {
  const { principal } = caller;
  const compiled = caller.policies.flatMap(({ name, document }) => compiledOf(name, document) ?? []);
  const boundary =
    caller.boundary === undefined ? undefined : compiledOf(caller.boundary.name, caller.boundary.document);
  const owned = world.resourcePolicies.get(resource);
  const isKey = parseArn(resource)?.service === "kms";
  const callersAccount = "accountId" in principal ? principal.accountId : "";
  const [scps, rcps] = [world.scps.get(callersAccount), world.rcps.get(account)];
  const policies: Policies = {
    identity: compiled,
    ...(boundary === undefined ? {} : { boundary }),
    ...(owned === undefined ? {} : { resource: owned }),
    resourceRule: isKey ? "resource" : "either",
    ...(scps === undefined ? {} : { scps }),
    ...(rcps === undefined ? {} : { rcps }),
  };
  const request: AccessRequest = {
    principal,
    action,
    resource,
    resourceAccount: account,
    context: {
      ...principalContext(principal),
      ...organizationContext(world.facts, principal, account),
      "aws:resourceaccount": account,
      "aws:securetransport": "true",
    },
  };
  // Of a key whose policy is not known nothing can be said.
  if (isKey && owned === undefined)
    return { says: `${action} on ${resource}: the key's policy is not known.`, certain: false };
  const decision = evaluate(request, policies);
  if (decision.allowed) return undefined;
  const { nearMisses } = explain(request, policies);
  const turns = decision.because === "explicitDeny" || nearMisses.some((one) => one.failed === "condition");
  return { says: sayDecision(request, decision), certain: !turns };
}

function compiledOf(name: string, document: string): CompiledPolicy | undefined {
  const parsed = parsePolicy(document, "identity").document;
  return parsed === undefined ? undefined : compilePolicy(parsed, { kind: "identity", name: `policy "${name}"` });
}

/** The calls of a patch. @source Service Authorization Reference, "Actions defined by" IAM, S3, KMS, Organizations */
function needsOf(setup: Setup, asking: string, patch: Patch): Need[] {
  const { resource, name = "" } = patch;
  const on = (what: string, account: string, ...actions: string[]): Need[] =>
    actions.map((action) => ({ patch, action, resource: what, account }));
  const bucket = (...actions: string[]) => on(resource, bucketAccount(setup, resource, asking), ...actions);
  const iam = (what: string, ...actions: string[]) => on(what, parseArn(what)?.account ?? asking, ...actions);
  switch (patch.target) {
    case "organization-policy":
      return [];
    case "iam-boundary-policy":
      return iam(resource, "iam:CreatePolicyVersion");
    case "iam-role":
      return iam(resource, patch.after === null ? "iam:DeleteRole" : "iam:CreateRole");
    case "iam-role-policy":
      if (name.startsWith("arn:")) return iam(name, "iam:CreatePolicyVersion");
      return iam(resource, patch.after === null ? "iam:DeleteRolePolicy" : "iam:PutRolePolicy");
    case "iam-trust-policy":
      return iam(resource, "iam:UpdateAssumeRolePolicy");
    case "bucket-policy":
      return bucket(patch.after === null ? "s3:DeleteBucketPolicy" : "s3:PutBucketPolicy");
    case "replication": {
      const role = asObject(patch.after)?.["Role"];
      return [
        ...bucket("s3:PutReplicationConfiguration"),
        ...(typeof role === "string" ? iam(role, "iam:PassRole") : []),
      ];
    }
    case "versioning":
      return bucket("s3:PutBucketVersioning");
    case "encryption":
      return bucket("s3:PutEncryptionConfiguration");
    case "ownership":
      return bucket("s3:PutBucketOwnershipControls");
    case "object-lock":
      return bucket("s3:PutBucketObjectLockConfiguration");
    case "request-payment":
      return bucket("s3:PutBucketRequestPayment");
    case "kms-key-policy":
      return iam(resource, "kms:PutKeyPolicy");
    case "kms-key-state": {
      const isPending = asObject(patch.before)?.["KeyState"] === "PendingDeletion";
      return iam(resource, ...(isPending ? ["kms:CancelKeyDeletion"] : []), "kms:EnableKey");
    }
    default:
      return unreachable(patch.target);
  }
}

function bucketAccount({ source, destinations }: Setup, resource: string, asking: string): string {
  const name = bucketOfArn(resource) ?? resource;
  const buckets: readonly BucketFacts[] = [source, ...Object.values(destinations)];
  return buckets.find((one) => one.name === name)?.account ?? asking;
}
