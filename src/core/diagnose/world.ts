/** Setup with their policies compiled: who asks, which policies have a say, and where each of them is kept. */
import { parseArn } from "../arn.ts";
import { type CompiledPolicy, compilePolicy } from "../iam/compile.ts";
import type { DocumentKind } from "../iam/document.ts";
import type { Levels } from "../iam/evaluate.ts";
import type { PolicyKind, PolicySource, Principal, RequestContext } from "../iam/model.ts";
import { parsePolicy } from "../iam/parse.ts";
import { REPLICATION_SESSION } from "../plan.ts";
import type { BucketFacts, PolicyLevel, Read, RoleFacts, Setup } from "./facts.ts";
import type { PatchTarget } from "./report.ts";

/** Setup with their policies compiled, once for all versions. */
export interface World {
  readonly facts: Setup;
  /** As the configuration names it; "" without a configuration. */
  readonly roleArn: string;
  readonly role: RoleFacts | undefined;
  readonly session: Principal | undefined;
  readonly identity: readonly CompiledPolicy[];
  readonly boundary?: CompiledPolicy;
  readonly trust?: CompiledPolicy;
  /** By ARN of the bucket or key; undefined where there is none or it could not be read. */
  readonly resourcePolicies: ReadonlyMap<string, CompiledPolicy>;
  /** By account; none for accounts that nothing caps, as far as it is known. */
  readonly scps: ReadonlyMap<string, Levels>;
  readonly rcps: ReadonlyMap<string, Levels>;
  /** Where policies that can be changed are kept. */
  readonly homes: ReadonlyMap<PolicySource, PolicyHome>;
  /** Policies ask for the organisation, and which one it is could not be read: decisions may be other ones. */
  readonly organizationMissed: boolean;
}

/** The document behind a compiled policy, as a patch names it. */
export interface PolicyHome {
  readonly target: PatchTarget;
  readonly resource: string;
  readonly name?: string;
  /** JSON text. */
  readonly text: string;
}

const ORGANIZATION_KEYS = /aws:(?:principal|resource)org(?:id|paths)/i;

/** Compiles the documents of the facts. A policy that cannot be parsed counts as one that could not be read. */
export function worldOf(facts: Setup, roleArn: string): World {
  const homes = new Map<PolicySource, PolicyHome>();
  let asksOrganization = false;
  const add = (
    text: string,
    source: PolicySource,
    syntax: DocumentKind,
    home: Omit<PolicyHome, "text"> | undefined,
  ) => {
    const { document } = parsePolicy(text, syntax);
    if (document === undefined) return undefined;
    if (home !== undefined) homes.set(source, { ...home, text });
    asksOrganization ||= ORGANIZATION_KEYS.test(text);
    return compilePolicy(document, source);
  };

  const resourcePolicies = new Map<string, CompiledPolicy>();
  const addResource = (arn: string, name: string, target: PatchTarget, text: Read<string>) => {
    if (text.state !== "read") return;
    const home = { target, resource: arn };
    const compiled = add(text.value, { kind: "resource", name, attachedTo: arn }, "resource", home);
    if (compiled !== undefined) resourcePolicies.set(arn, compiled);
  };
  for (const bucket of [facts.source, ...Object.values(facts.destinations)]) {
    addResource(bucket.arn, `the bucket policy of ${bucket.name}`, "bucket-policy", bucket.policy);
  }
  for (const [arn, key] of Object.entries(facts.keys)) {
    if (key.state === "read") addResource(arn, `the key policy of ${arn}`, "kms-key-policy", key.value.policy);
  }

  const levelsOf = (kind: "scp" | "rcp", levels: readonly PolicyLevel[]): Levels =>
    levels.map(({ target, policies }) =>
      policies.flatMap(({ id, name, document }) => {
        const source = {
          kind,
          name: `${ORGANIZATION_POLICIES[kind]} "${name}" (${id}) at ${target}`,
          attachedTo: target,
        };
        const home = isOfAws(id) ? undefined : { target: "organization-policy" as const, resource: id, name };
        return add(document, source, kind === "scp" ? "identity" : "resource", home) ?? [];
      }),
    );

  return {
    facts,
    roleArn,
    ...roleMembers(facts, add),
    resourcePolicies,
    scps: capsOf(facts, "scps", (levels) => levelsOf("scp", levels)),
    rcps: capsOf(facts, "rcps", (levels) => levelsOf("rcp", levels)),
    homes,
    organizationMissed: asksOrganization && facts.organization.state === "unreadable",
  };
}

type Add = (
  text: string,
  source: PolicySource,
  syntax: DocumentKind,
  home: Omit<PolicyHome, "text"> | undefined,
) => CompiledPolicy | undefined;

function roleMembers(facts: Setup, add: Add): Pick<World, "role" | "session" | "identity" | "boundary" | "trust"> {
  const role = facts.role.state === "read" ? facts.role.value : undefined;
  if (role === undefined) return { role, session: undefined, identity: [] };
  const sourceOf = (kind: PolicyKind, name: string, attachedTo = role.arn): PolicySource => ({
    kind,
    name,
    attachedTo,
  });
  const identity = role.policies.flatMap((one) => {
    const { arn, name, kind, document } = one;
    const source = sourceOf("identity", `${kind} policy "${name}" of role ${role.name}`, arn);
    const home = { target: "iam-role-policy" as const, resource: role.arn, name: arn ?? name };
    return add(document, source, "identity", isOfAws(arn ?? "") ? undefined : home) ?? [];
  });
  const limit = role.boundary;
  const boundary =
    limit === undefined
      ? undefined
      : add(
          limit.document,
          sourceOf("boundary", `permissions boundary "${limit.name}"`),
          "identity",
          isOfAws(limit.arn) ? undefined : { target: "iam-boundary-policy", resource: limit.arn },
        );
  const trust = add(role.trust, sourceOf("resource", `the trust policy of role ${role.name}`), "trust", {
    target: "iam-trust-policy",
    resource: role.arn,
  });
  return {
    role,
    session: sessionOf(role),
    identity,
    ...(boundary === undefined ? {} : { boundary }),
    ...(trust === undefined ? {} : { trust }),
  };
}

/** Policies that AWS gives out, by ARN or by an organisation's id: nobody else can change them. */
export function isOfAws(policy: string): boolean {
  return parseArn(policy)?.account === "aws" || policy === "p-FullAWSAccess" || policy === "p-RCPFullAWSAccess";
}

const ORGANIZATION_POLICIES = { scp: "service control policy", rcp: "resource control policy" } as const;

function capsOf(
  facts: Setup,
  kind: "scps" | "rcps",
  compile: (levels: readonly PolicyLevel[]) => Levels,
): ReadonlyMap<string, Levels> {
  if (facts.organization.state !== "read") return new Map();
  const { managementAccountId, [kind]: byAccount } = facts.organization.value;
  const capped = Object.entries(byAccount).filter(([account]) => account !== managementAccountId);
  return new Map(capped.map(([account, levels]) => [account, compile(levels)]));
}

/** The condition keys that tell in which organisation the two accounts are. @source aws-replication.md §5.7 */
export function organizationContext(facts: Setup, principal: Principal, resourceAccount: string): RequestContext {
  if (facts.organization.state !== "read") return {};
  const { id, accounts } = facts.organization.value;
  const context: Record<string, string | readonly string[]> = {};
  const add = (side: "principal" | "resource", account: string) => {
    const path = accounts[account];
    if (path === undefined) return;
    context[`aws:${side}orgid`] = id;
    if (path !== "") context[`aws:${side}orgpaths`] = [path];
  };
  if ("accountId" in principal) add("principal", principal.accountId);
  add("resource", resourceAccount);
  return context;
}

/** Why it is not known how the organisation caps the accounts of a rule; empty when it is known. */
export function unreadOrganization(world: World, destination: BucketFacts | undefined): string[] {
  const { organization, source } = world.facts;
  if (organization.state === "absent") return [];
  if (organization.state === "unreadable") return [`the organisation's policies: ${organization.because}`];
  const { unread } = organization.value;
  const accounts = new Set([parseArn(world.roleArn)?.account ?? "", source.account, destination?.account ?? ""]);
  return [...accounts].flatMap((account) =>
    unread[account] === undefined ? [] : [`the organisation's policies of account ${account}: ${unread[account]}`],
  );
}

function sessionOf(role: RoleFacts): Extract<Principal, { kind: "session" }> {
  const accountId = parseArn(role.arn)?.account ?? "";
  return {
    kind: "session",
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${REPLICATION_SESSION}`,
    roleArn: role.arn,
    roleId: role.roleId,
    sessionName: REPLICATION_SESSION,
  };
}
