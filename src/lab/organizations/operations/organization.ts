/** The organisation itself, its root and the types of policy that are enabled in it. */
import type { Change } from "../../records.ts";
import { invalidInput, organizationsError } from "../errors.ts";
import { randomId } from "../ids.ts";
import { type Member, type Organization, organizationArn, POLICY_TYPES } from "../model.ts";
import { DEFAULT_POLICIES } from "../policies.ts";
import type { OrganizationsOperation } from "../request.ts";

/** With all features; an organisation for billing alone would cap nothing. */
export const createOrganization: OrganizationsOperation = async (request) => {
  const { tree, accountId, nowMs, input } = request;
  const features = input.optionalText("FeatureSet", { oneOf: ["ALL", "CONSOLIDATED_BILLING"] }) ?? "ALL";
  request.authorise("*");
  if (features !== "ALL") throw invalidInput("The lab has organizations with all features only.", "INVALID_ENUM");
  const organization = await tree.change(() => {
    if (tree.organizationOf(accountId) !== undefined) {
      throw organizationsError(
        "AlreadyInOrganizationException",
        "The provided account is already a member of an organization.",
      );
    }
    const rootId = `r-${randomId(4)}`;
    const made: Organization = { id: `o-${randomId(10)}`, managementAccountId: accountId, rootId, policyTypes: [] };
    const member: Member = {
      accountId,
      organizationId: made.id,
      parentId: rootId,
      name: "management",
      email: `${accountId}@lab.invalid`,
      joinedBy: "INVITED",
      joinedAtMs: nowMs,
    };
    return [made, tree.organizations.put(made), tree.members.put(member)];
  });
  return { Organization: printOrganization(organization) };
};

/** Every account of an organisation may ask which one it is. */
export const describeOrganization: OrganizationsOperation = async (request) => {
  const organization = request.organization();
  request.authorise("*");
  return { Organization: printOrganization(organization) };
};

export const deleteOrganization: OrganizationsOperation = async (request) => {
  const { tree } = request;
  const organization = request.managed();
  await tree.change(() => {
    const policies = [...tree.policies.values()].filter((one) => one.organizationId === organization.id);
    const members = tree.membersOf(organization);
    if (members.length > 1 || tree.unitsOf(organization).length > 0 || policies.length > 0) {
      throw organizationsError(
        "OrganizationNotEmptyException",
        "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account, delete all organizational units (OUs), and delete all policies.",
      );
    }
    const attached = [...tree.attachments.values()].filter((one) => one.organizationId === organization.id);
    const invitations = [...tree.handshakes.values()].filter((one) => one.organizationId === organization.id);
    return [
      undefined,
      tree.organizations.remove(organization),
      ...members.map((one) => tree.members.remove(one)),
      ...attached.map((one) => tree.attachments.remove(one)),
      ...invitations.map((one) => tree.handshakes.remove(one)),
    ];
  });
  return undefined;
};

export const listRoots: OrganizationsOperation = async (request) => {
  const organization = request.managed();
  return request.page("Roots", [organization], (one) => one.rootId, printRoot);
};

/** AWS's default policy is attached to everything there is, so that nothing is capped yet. */
export const enablePolicyType: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const rootId = input.text("RootId");
  const type = input.policyType("PolicyType");
  const { id } = requireRoot(request.managed(rootId, { "organizations:policytype": type }), rootId);
  const after = await tree.change(() => {
    const organization = current(tree.organizations.get(id));
    if (organization.policyTypes.includes(type)) {
      throw organizationsError("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.");
    }
    const enabled = { ...organization, policyTypes: [...organization.policyTypes, type] };
    const policyId = DEFAULT_POLICIES[type].id;
    const attached = tree
      .targetsOf(organization)
      .map((targetId) => tree.attachments.put({ policyId, targetId, organizationId: id }));
    return [enabled, tree.organizations.put(enabled), ...attached];
  });
  return { Root: printRoot(after) };
};

/** Everything of the type is detached, and does not come back when it is enabled again. */
export const disablePolicyType: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const rootId = input.text("RootId");
  const type = input.policyType("PolicyType");
  const { id } = requireRoot(request.managed(rootId, { "organizations:policytype": type }), rootId);
  const after = await tree.change(() => {
    const organization = current(tree.organizations.get(id));
    if (!organization.policyTypes.includes(type)) {
      throw organizationsError(
        "PolicyTypeNotEnabledException",
        "The specified policy type is not enabled in this root.",
      );
    }
    const disabled = { ...organization, policyTypes: organization.policyTypes.filter((one) => one !== type) };
    const detached: Change[] = [...tree.attachments.values()]
      .filter((one) => one.organizationId === id && tree.policy(organization, one.policyId)?.type === type)
      .map((one) => tree.attachments.remove(one));
    return [disabled, tree.organizations.put(disabled), ...detached];
  });
  return { Root: printRoot(after) };
};

function requireRoot(organization: Organization, rootId: string): Organization {
  if (organization.rootId === rootId) return organization;
  throw organizationsError("RootNotFoundException", "We can't find a root with the RootId that you specified.");
}

function current(organization: Organization | undefined): Organization {
  if (organization !== undefined) return organization;
  throw organizationsError("ConcurrentModificationException", "The organization was deleted meanwhile.");
}

function printOrganization(organization: Organization): Readonly<Record<string, unknown>> {
  const { id, managementAccountId } = organization;
  return {
    Id: id,
    Arn: organizationArn(organization, "organization"),
    FeatureSet: "ALL",
    MasterAccountArn: organizationArn(organization, "account", managementAccountId),
    MasterAccountId: managementAccountId,
    MasterAccountEmail: `${managementAccountId}@lab.invalid`,
    // What is available, not what is enabled: that is the root's to say.
    AvailablePolicyTypes: POLICY_TYPES.map((Type) => ({ Type, Status: "ENABLED" })),
  };
}

function printRoot(organization: Organization): Readonly<Record<string, unknown>> {
  return {
    Id: organization.rootId,
    Arn: organizationArn(organization, "root", organization.rootId),
    Name: "Root",
    PolicyTypes: organization.policyTypes.map((Type) => ({ Type, Status: "ENABLED" })),
  };
}
