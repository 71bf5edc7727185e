/**
 * Organisations, their units, accounts and policies, and how they cap an account. Knows names, not permissions.
 *
 * How an account is capped is asked with every request of the lab, so it is worked out once and kept until the next
 * change. Where there is no organisation the question costs one comparison.
 */
import type { CompiledPolicy } from "../../core/iam/compile.ts";
import type { Levels } from "../../core/iam/evaluate.ts";
import type { Database } from "../../ledger/database.ts";
import type { AccountCaps, Caps } from "../model.ts";
import { type Change, ChangeLane, Records, remembered } from "../records.ts";
import type { Attachment, Handshake, Member, Organization, Policy, PolicyType, Unit } from "./model.ts";
import { compileContent, DEFAULT_POLICIES } from "./policies.ts";
import { ORGANIZATIONS_TABLES } from "./schema.ts";

/** Units nest five deep. */
export const UNIT_DEPTH_MAX = 5;

export class OrganizationTree implements AccountCaps {
  readonly organizations: Records<Organization>;
  readonly units: Records<Unit>;
  /** The management account is one of them. */
  readonly members: Records<Member>;
  readonly policies: Records<Policy>;
  readonly attachments: Records<Attachment>;
  readonly handshakes: Records<Handshake>;
  readonly #lane: ChangeLane;
  readonly #caps = new Map<string, Caps>();
  readonly #compiled = new WeakMap<Policy, CompiledPolicy>();

  constructor(database: Database) {
    const { organizations, units, members, policies, attachments, handshakes } = ORGANIZATIONS_TABLES;
    this.#lane = new ChangeLane(database);
    this.organizations = new Records({ database, table: organizations, idOf: (one) => one.id });
    this.units = new Records({ database, table: units, idOf: (one) => one.id });
    this.members = new Records({ database, table: members, idOf: (one) => one.accountId });
    this.policies = new Records({ database, table: policies, idOf: (one) => one.id });
    this.attachments = new Records({
      database,
      table: attachments,
      idOf: ({ targetId, policyId }) => `${targetId} ${policyId}`,
    });
    this.handshakes = new Records({ database, table: handshakes, idOf: (one) => one.id });
  }

  /** Plans and commits a change while no other one is under way; see `ChangeLane.run`. */
  async change<T>(plan: () => readonly [value: T, ...changes: readonly Change[]]): Promise<T> {
    try {
      return await this.#lane.run(plan);
    } finally {
      this.#caps.clear();
    }
  }

  capsOf(accountId: string): Caps | undefined {
    if (this.members.size === 0) return undefined;
    const known = this.#caps.get(accountId);
    if (known !== undefined) return known;
    const member = this.members.get(accountId);
    if (member === undefined) return undefined;
    const caps = this.#work(member);
    this.#caps.set(accountId, caps);
    return caps;
  }

  organizationOf(accountId: string): Organization | undefined {
    const member = this.members.get(accountId);
    return member === undefined ? undefined : this.organizations.get(member.organizationId);
  }

  /** A policy of the organisation, or one of AWS's. */
  policy(organization: Organization, policyId: string): Policy | undefined {
    const own = this.policies.get(policyId);
    if (own?.organizationId === organization.id) return own;
    return Object.values(DEFAULT_POLICIES).find((one) => one.id === policyId);
  }

  policiesOf(organization: Organization, type: PolicyType): Policy[] {
    const own = [...this.policies.values()].filter(
      (one) => one.organizationId === organization.id && one.type === type,
    );
    return [DEFAULT_POLICIES[type], ...own];
  }

  /** Attached to the target itself. */
  attachedTo(organization: Organization, targetId: string, type: PolicyType): Policy[] {
    return [...this.attachments.values()]
      .filter((one) => one.targetId === targetId && one.organizationId === organization.id)
      .flatMap((one) => this.policy(organization, one.policyId) ?? [])
      .filter((one) => one.type === type);
  }

  isAttached(policyId: string, targetId: string): boolean {
    return this.attachments.get(`${targetId} ${policyId}`) !== undefined;
  }

  /** Whether the id is the root, a unit or an account of the organisation. */
  isTarget(organization: Organization, id: string): boolean {
    return this.isParent(organization, id) || this.members.get(id)?.organizationId === organization.id;
  }

  isParent(organization: Organization, id: string): boolean {
    return id === organization.rootId || this.units.get(id)?.organizationId === organization.id;
  }

  /** Every root, unit and account. */
  targetsOf(organization: Organization): string[] {
    return [
      organization.rootId,
      ...this.unitsOf(organization).map((one) => one.id),
      ...this.membersOf(organization).map((one) => one.accountId),
    ];
  }

  unitsOf(organization: Organization): Unit[] {
    return [...this.units.values()].filter((one) => one.organizationId === organization.id);
  }

  membersOf(organization: Organization): Member[] {
    return [...this.members.values()].filter((one) => one.organizationId === organization.id);
  }

  /** From the root down to the parent itself. */
  pathTo(organization: Organization, parentId: string): string[] {
    const path: string[] = [];
    let at: string | undefined = parentId;
    while (at !== undefined && at !== organization.rootId) {
      path.unshift(at);
      at = this.units.get(at)?.parentId;
    }
    return [organization.rootId, ...path];
  }

  #work({ accountId, organizationId, parentId }: Member): Caps {
    const organization = this.organizations.get(organizationId);
    if (organization === undefined) return { principal: {}, resource: {} };
    const path = this.pathTo(organization, parentId);
    const orgPath = `${[organization.id, ...path].join("/")}/`;
    const principal = { "aws:principalorgid": organization.id, "aws:principalorgpaths": [orgPath] };
    const resource = { "aws:resourceorgid": organization.id, "aws:resourceorgpaths": [orgPath] };
    if (accountId === organization.managementAccountId) return { principal, resource };
    const levels = (type: PolicyType): Levels | undefined =>
      organization.policyTypes.includes(type)
        ? [...path, accountId].map((target) =>
            this.attachedTo(organization, target, type).map((one) => this.#compile(one)),
          )
        : undefined;
    const scps = levels("SERVICE_CONTROL_POLICY");
    const rcps = levels("RESOURCE_CONTROL_POLICY");
    return {
      principal,
      resource,
      ...(scps === undefined ? {} : { scps }),
      ...(rcps === undefined ? {} : { rcps }),
    };
  }

  #compile(policy: Policy): CompiledPolicy {
    return remembered(this.#compiled, policy, () => compileContent(policy));
  }
}
