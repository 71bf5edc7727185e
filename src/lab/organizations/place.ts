/**
 * Puts an organisation into the tree as facts have it: its units as far as the paths of accounts tell them, its members,
 * and the policies at every level. Nobody is asked. There must be none yet.
 */
import type { OrganizationFacts, PolicyLevel } from "../../core/diagnose/facts.ts";
import type { Attachment, Member, Organization, Policy, PolicyType, Unit } from "./model.ts";
import { DEFAULT_POLICIES } from "./policies.ts";
import type { OrganizationTree } from "./tree.ts";

/** Of an organisation whose root nobody told. */
const UNKNOWN_ROOT = "r-root";

/** @param facts whose policies parse */
export async function placeOrganization(
  tree: OrganizationTree,
  facts: OrganizationFacts,
  nowMs: number,
): Promise<void> {
  const { id, managementAccountId, accounts } = facts;
  const paths = Object.entries(accounts).map(([accountId, path]) => ({ accountId, parents: parentsOf(path) }));
  const rootId = paths.find((one) => one.parents[0] !== undefined)?.parents[0] ?? UNKNOWN_ROOT;
  const kinds = [
    { type: "SERVICE_CONTROL_POLICY", byAccount: facts.scps },
    { type: "RESOURCE_CONTROL_POLICY", byAccount: facts.rcps },
  ] as const;
  const used = kinds.filter(({ byAccount }) => Object.values(byAccount).some((levels) => levels.length > 0));
  const organization: Organization = { id, managementAccountId, rootId, policyTypes: used.map((one) => one.type) };
  const members = paths.map(({ accountId, parents }): Member => {
    const parentId = parents.at(-1) ?? rootId;
    const email = `${accountId}@lab.invalid`;
    return { accountId, organizationId: id, parentId, name: accountId, email, joinedBy: "INVITED", joinedAtMs: nowMs };
  });
  const units = new Map<string, Unit>();
  for (const { parents } of paths) {
    for (const [at, unit] of parents.entries()) {
      if (at === 0) continue;
      units.set(unit, { id: unit, organizationId: id, parentId: parents[at - 1] ?? rootId, name: unit });
    }
  }
  await tree.change(() => [
    undefined,
    tree.organizations.put(organization),
    ...[...units.values()].map((one) => tree.units.put(one)),
    ...members.map((one) => tree.members.put(one)),
    ...used.flatMap(({ type, byAccount }) =>
      members.flatMap(({ accountId }) => {
        const levels = byAccount[accountId];
        // Of whom it is not known what caps it, it is not assumed that it is capped.
        const attached = levels === undefined || levels.length === 0 ? everythingAt(type, accountId) : levels;
        return attached.flatMap((level) => placeLevel(tree, id, type, level));
      }),
    ),
  ]);
}

/** `o-…/r-…/ou-…/`: from the root down; empty where it could not be read. */
function parentsOf(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .filter((one) => one !== "");
}

function everythingAt(type: PolicyType, accountId: string): readonly PolicyLevel[] {
  const { id, name, content } = DEFAULT_POLICIES[type];
  return [{ target: accountId, policies: [{ id, name, document: content }] }];
}

function placeLevel(tree: OrganizationTree, organizationId: string, type: PolicyType, level: PolicyLevel) {
  return level.policies.flatMap(({ id, name, document }) => {
    const attachment: Attachment = { policyId: id, targetId: level.target, organizationId };
    if (DEFAULT_POLICIES[type].id === id) return [tree.attachments.put(attachment)];
    const policy: Policy = { id, organizationId, type, name, description: "", content: document };
    return [tree.policies.put(policy), tree.attachments.put(attachment)];
  });
}
