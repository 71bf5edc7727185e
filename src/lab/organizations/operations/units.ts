/** Organisational units, and who is whose parent. */
import { constraintViolated, invalidInput, organizationsError } from "../errors.ts";
import { randomId } from "../ids.ts";
import { type Organization, organizationArn, type Unit } from "../model.ts";
import { defaultAttachments } from "../placement.ts";
import type { OrganizationsOperation, OrganizationsRequest } from "../request.ts";
import { UNIT_DEPTH_MAX } from "../tree.ts";
import { printAccount } from "./accounts.ts";

const NAME = { max: 128 };

export const createOrganizationalUnit: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const parentId = input.text("ParentId");
  const name = input.text("Name", NAME);
  const organization = request.managed(parentId);
  const unit = await tree.change(() => {
    requireParent(request, organization, parentId);
    if (tree.unitsOf(organization).some((one) => one.parentId === parentId && one.name === name)) {
      throw organizationsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists.");
    }
    // The path holds the root too.
    if (tree.pathTo(organization, parentId).length > UNIT_DEPTH_MAX) {
      throw constraintViolated(
        "You have exceeded the maximum depth of organizational units.",
        "OU_DEPTH_LIMIT_EXCEEDED",
      );
    }
    const id = `ou-${organization.rootId.slice(2)}-${randomId(8)}`;
    const made: Unit = { id, organizationId: organization.id, parentId, name };
    return [made, tree.units.put(made), ...defaultAttachments(tree, organization, id)];
  });
  return { OrganizationalUnit: printUnit(request, organization, unit) };
};

export const describeOrganizationalUnit: OrganizationsOperation = async (request) => {
  const id = request.input.text("OrganizationalUnitId");
  const organization = request.managed(id);
  return { OrganizationalUnit: printUnit(request, organization, requireUnit(request, organization, id)) };
};

export const deleteOrganizationalUnit: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const id = input.text("OrganizationalUnitId");
  const organization = request.managed(id);
  await tree.change(() => {
    const unit = requireUnit(request, organization, id);
    const held = [...tree.unitsOf(organization), ...tree.membersOf(organization)];
    if (held.some((one) => one.parentId === id)) {
      throw organizationsError(
        "OrganizationalUnitNotEmptyException",
        "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.",
      );
    }
    const attached = [...tree.attachments.values()].filter((one) => one.targetId === id);
    return [undefined, tree.units.remove(unit), ...attached.map((one) => tree.attachments.remove(one))];
  });
  return undefined;
};

export const listOrganizationalUnitsForParent: OrganizationsOperation = async (request) => {
  const parentId = request.input.text("ParentId");
  const organization = request.managed(parentId);
  requireParent(request, organization, parentId);
  const units = request.tree.unitsOf(organization).filter((one) => one.parentId === parentId);
  return request.page(
    "OrganizationalUnits",
    units,
    (one) => one.id,
    (one) => printUnit(request, organization, one),
  );
};

export const listAccountsForParent: OrganizationsOperation = async (request) => {
  const parentId = request.input.text("ParentId");
  const organization = request.managed(parentId);
  requireParent(request, organization, parentId);
  const accounts = request.tree.membersOf(organization).filter((one) => one.parentId === parentId);
  return request.page(
    "Accounts",
    accounts,
    (one) => one.accountId,
    (one) => printAccount(organization, one),
  );
};

export const listParents: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const childId = input.text("ChildId");
  const organization = request.managed(childId);
  const child = tree.units.get(childId) ?? tree.members.get(childId);
  if (child?.organizationId !== organization.id) {
    throw organizationsError(
      "ChildNotFoundException",
      "We can't find an organizational unit (OU) or Amazon Web Services account with the ChildId that you specified.",
    );
  }
  return request.page(
    "Parents",
    [child.parentId],
    (one) => one,
    (Id) => ({
      Id,
      Type: Id === organization.rootId ? "ROOT" : "ORGANIZATIONAL_UNIT",
    }),
  );
};

export const listChildren: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const parentId = input.text("ParentId");
  const type = input.text("ChildType");
  const organization = request.managed(parentId);
  if (type !== "ACCOUNT" && type !== "ORGANIZATIONAL_UNIT")
    throw invalidInput(`There is no child type ${type}.`, "INVALID_ENUM");
  requireParent(request, organization, parentId);
  const ids =
    type === "ACCOUNT"
      ? tree.membersOf(organization).flatMap((one) => (one.parentId === parentId ? one.accountId : []))
      : tree.unitsOf(organization).flatMap((one) => (one.parentId === parentId ? one.id : []));
  return request.page(
    "Children",
    ids,
    (one) => one,
    (Id) => ({ Id, Type: type }),
  );
};

function requireParent({ tree }: OrganizationsRequest, organization: Organization, parentId: string): void {
  if (tree.isParent(organization, parentId)) return;
  throw organizationsError(
    "ParentNotFoundException",
    "We can't find a root or OU with the ParentId that you specified.",
  );
}

function requireUnit({ tree }: OrganizationsRequest, organization: Organization, id: string): Unit {
  const unit = tree.units.get(id);
  if (unit?.organizationId === organization.id) return unit;
  throw organizationsError(
    "OrganizationalUnitNotFoundException",
    "We can't find an OU with the OrganizationalUnitId that you specified.",
  );
}

function printUnit(
  { tree }: OrganizationsRequest,
  organization: Organization,
  { id, name }: Unit,
): Readonly<Record<string, unknown>> {
  const path = [organization.id, ...tree.pathTo(organization, id)].join("/");
  return { Id: id, Arn: organizationArn(organization, "ou", id), Name: name, Path: `${path}/` };
}
