/**
 * Accounts of an organisation. A new one is there at once, with no role in it: the lab's own calls give its credentials.
 */
import { organizationsError } from "../errors.ts";
import { randomAccountId, randomId } from "../ids.ts";
import { type Member, type Organization, organizationArn } from "../model.ts";
import { join, leave } from "../placement.ts";
import { type OrganizationsOperation, type OrganizationsRequest, seconds } from "../request.ts";

const EMAIL = { min: 6, max: 64, pattern: /^[^\s@]+@[^\s@]+\.[^\s@]+$/ };
const NAME = { max: 50, pattern: /^[\u0020-\u007e]+$/ };

export const createAccount: OrganizationsOperation = async (request) => {
  const { tree, identity, input, nowMs } = request;
  const email = input.text("Email", EMAIL);
  const name = input.text("AccountName", NAME);
  const organization = request.managed();
  let accountId = randomAccountId();
  while (identity.hasAccount(accountId)) accountId = randomAccountId();
  const made = {
    accountId,
    name,
    email,
    joinedBy: "CREATED" as const,
    joinedAtMs: nowMs,
    createRequestId: `car-${randomId(32)}`,
  };
  await identity.ensureAccount(accountId);
  await tree.change(() => [undefined, ...join(tree, organization, made)]);
  return { CreateAccountStatus: printStatus(made) };
};

export const describeCreateAccountStatus: OrganizationsOperation = async (request) => {
  const id = request.input.text("CreateAccountRequestId");
  const organization = request.managed();
  const found = request.tree.membersOf(organization).find((one) => one.createRequestId === id);
  if (found === undefined) {
    throw organizationsError(
      "CreateAccountStatusNotFoundException",
      "We can't find a create account request with the CreateAccountRequestId that you specified.",
    );
  }
  return { CreateAccountStatus: printStatus(found) };
};

export const describeAccount: OrganizationsOperation = async (request) => {
  const id = request.input.text("AccountId");
  const organization = request.managed(id);
  return { Account: printAccount(organization, requireMember(request, organization, id)) };
};

export const listAccounts: OrganizationsOperation = async (request) => {
  const organization = request.managed();
  const members = request.tree.membersOf(organization);
  return request.page(
    "Accounts",
    members,
    (one) => one.accountId,
    (one) => printAccount(organization, one),
  );
};

export const moveAccount: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const accountId = input.text("AccountId");
  const from = input.text("SourceParentId");
  const to = input.text("DestinationParentId");
  const organization = request.managed(accountId);
  await tree.change(() => {
    const member = requireMember(request, organization, accountId);
    if (!tree.isParent(organization, from) || member.parentId !== from) {
      throw organizationsError(
        "SourceParentNotFoundException",
        "We can't find a source root or OU with the ParentId that you specified.",
      );
    }
    if (!tree.isParent(organization, to)) {
      throw organizationsError(
        "DestinationParentNotFoundException",
        "We can't find the destination container (a root or OU) with the ParentId that you specified.",
      );
    }
    if (from === to) {
      throw organizationsError(
        "DuplicateAccountException",
        "That account is already present in the specified destination.",
      );
    }
    return [undefined, tree.members.put({ ...member, parentId: to })];
  });
  return undefined;
};

export const removeAccountFromOrganization: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const accountId = input.text("AccountId");
  const organization = request.managed(accountId);
  await tree.change(() => {
    const member = requireMember(request, organization, accountId);
    if (accountId === organization.managementAccountId) {
      throw organizationsError(
        "MasterCannotLeaveOrganizationException",
        "You can't remove a management account from an organization.",
      );
    }
    return [undefined, ...leave(tree, member)];
  });
  return undefined;
};

function requireMember({ tree }: OrganizationsRequest, organization: Organization, accountId: string): Member {
  const member = tree.members.get(accountId);
  if (member?.organizationId === organization.id) return member;
  throw organizationsError(
    "AccountNotFoundException",
    "You specified an account that doesn't exist or is not a member of this organization.",
  );
}

export function printAccount(organization: Organization, member: Member): Readonly<Record<string, unknown>> {
  return {
    Id: member.accountId,
    Arn: organizationArn(organization, "account", member.accountId),
    Email: member.email,
    Name: member.name,
    Status: "ACTIVE",
    State: "ACTIVE",
    JoinedMethod: member.joinedBy,
    JoinedTimestamp: seconds(member.joinedAtMs),
  };
}

function printStatus(
  member: Pick<Member, "accountId" | "name" | "createRequestId" | "joinedAtMs">,
): Readonly<Record<string, unknown>> {
  return {
    Id: member.createRequestId,
    AccountName: member.name,
    State: "SUCCEEDED",
    RequestedTimestamp: seconds(member.joinedAtMs),
    CompletedTimestamp: seconds(member.joinedAtMs),
    AccountId: member.accountId,
  };
}
