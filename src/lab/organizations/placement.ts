/** Putting accounts and units into an organisation: what is attached to them, and what goes when they leave. */
import type { Change } from "../records.ts";
import type { Member, Organization } from "./model.ts";
import { DEFAULT_POLICIES } from "./policies.ts";
import type { OrganizationTree } from "./tree.ts";

/** AWS's own policies of the enabled types, which every new root, unit and account gets. */
export function defaultAttachments(tree: OrganizationTree, organization: Organization, targetId: string): Change[] {
  return organization.policyTypes.map((type) =>
    tree.attachments.put({ policyId: DEFAULT_POLICIES[type].id, targetId, organizationId: organization.id }),
  );
}

/** An account joins at the root. */
export function join(
  tree: OrganizationTree,
  organization: Organization,
  account: Omit<Member, "organizationId" | "parentId">,
): Change[] {
  const member = { ...account, organizationId: organization.id, parentId: organization.rootId };
  return [tree.members.put(member), ...defaultAttachments(tree, organization, account.accountId)];
}

/** An account leaves, and with it what was attached to it. */
export function leave(tree: OrganizationTree, member: Member): Change[] {
  const attached = [...tree.attachments.values()].filter((one) => one.targetId === member.accountId);
  return [tree.members.remove(member), ...attached.map((one) => tree.attachments.remove(one))];
}
