/**
 * The operations of AWS Organizations that the lab has, by name.
 *
 * Not emulated: tags, delegated administrators, policies of other types, effective policies, the role that a new account
 * gets, closing accounts, consolidated billing alone.
 */
import {
  createAccount,
  describeAccount,
  describeCreateAccountStatus,
  listAccounts,
  moveAccount,
  removeAccountFromOrganization,
} from "./operations/accounts.ts";
import { acceptHandshake, inviteAccountToOrganization } from "./operations/handshakes.ts";
import {
  createOrganization,
  deleteOrganization,
  describeOrganization,
  disablePolicyType,
  enablePolicyType,
  listRoots,
} from "./operations/organization.ts";
import {
  attachPolicy,
  createPolicy,
  deletePolicy,
  describePolicy,
  detachPolicy,
  listPolicies,
  listPoliciesForTarget,
  listTargetsForPolicy,
  updatePolicy,
} from "./operations/policies.ts";
import {
  createOrganizationalUnit,
  deleteOrganizationalUnit,
  describeOrganizationalUnit,
  listAccountsForParent,
  listChildren,
  listOrganizationalUnitsForParent,
  listParents,
} from "./operations/units.ts";
import type { OrganizationsOperation } from "./request.ts";

export const ORGANIZATIONS_OPERATIONS: Readonly<Record<string, OrganizationsOperation>> = {
  CreateOrganization: createOrganization,
  DescribeOrganization: describeOrganization,
  DeleteOrganization: deleteOrganization,
  ListRoots: listRoots,
  EnablePolicyType: enablePolicyType,
  DisablePolicyType: disablePolicyType,

  CreateOrganizationalUnit: createOrganizationalUnit,
  DescribeOrganizationalUnit: describeOrganizationalUnit,
  DeleteOrganizationalUnit: deleteOrganizationalUnit,
  ListOrganizationalUnitsForParent: listOrganizationalUnitsForParent,
  ListAccountsForParent: listAccountsForParent,
  ListParents: listParents,
  ListChildren: listChildren,

  CreateAccount: createAccount,
  DescribeCreateAccountStatus: describeCreateAccountStatus,
  DescribeAccount: describeAccount,
  ListAccounts: listAccounts,
  MoveAccount: moveAccount,
  RemoveAccountFromOrganization: removeAccountFromOrganization,
  InviteAccountToOrganization: inviteAccountToOrganization,
  AcceptHandshake: acceptHandshake,

  CreatePolicy: createPolicy,
  UpdatePolicy: updatePolicy,
  DeletePolicy: deletePolicy,
  DescribePolicy: describePolicy,
  ListPolicies: listPolicies,
  AttachPolicy: attachPolicy,
  DetachPolicy: detachPolicy,
  ListPoliciesForTarget: listPoliciesForTarget,
  ListTargetsForPolicy: listTargetsForPolicy,
};
