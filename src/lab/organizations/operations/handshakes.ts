/** Invitations: how an account that is there already joins an organisation. */
import { constraintViolated, invalidInput, organizationsError } from "../errors.ts";
import { randomId } from "../ids.ts";
import { type Handshake, INVITATION_MS, type Organization, organizationArn } from "../model.ts";
import { join } from "../placement.ts";
import { type OrganizationsOperation, seconds } from "../request.ts";

/** Accounts are invited by their number: the lab's accounts have no mail. */
export const inviteAccountToOrganization: OrganizationsOperation = async (request) => {
  const { tree, identity, input, nowMs } = request;
  const target = input.structure("Target");
  const accountId = target.text("Id", { max: 64 });
  if (target.text("Type") !== "ACCOUNT")
    throw invalidInput("The lab invites accounts only.", "INVALID_PARTY_TYPE_TARGET");
  const organization = request.managed(accountId);
  if (!identity.hasAccount(accountId))
    throw invalidInput(`There is no account ${accountId}.`, "INVALID_PATTERN_TARGET_ID");
  const handshake = await tree.change(() => {
    if (tree.members.get(accountId) !== undefined) throw alreadyMember();
    const open = [...tree.handshakes.values()].find(
      (one) => one.organizationId === organization.id && one.accountId === accountId && isOpen(one, nowMs),
    );
    if (open !== undefined) {
      throw organizationsError(
        "DuplicateHandshakeException",
        "A handshake with the same action and target already exists.",
      );
    }
    const made: Handshake = {
      id: `h-${randomId(32)}`,
      organizationId: organization.id,
      accountId,
      state: "OPEN",
      requestedAtMs: nowMs,
    };
    return [made, tree.handshakes.put(made)];
  });
  return { Handshake: printHandshake(organization, handshake) };
};

/** By the account that is invited, which is in no organisation yet. */
export const acceptHandshake: OrganizationsOperation = async (request) => {
  const { tree, input, accountId, nowMs } = request;
  const id = input.text("HandshakeId");
  const found = tree.handshakes.get(id);
  const organization = found === undefined ? undefined : tree.organizations.get(found.organizationId);
  request.authorise(organization === undefined ? "*" : `${organizationArn(organization, "handshake")}/invite/${id}`);
  if (found?.accountId !== accountId || organization === undefined) {
    throw organizationsError(
      "HandshakeNotFoundException",
      "We can't find a handshake with the HandshakeId that you specified.",
    );
  }
  const accepted = await tree.change(() => {
    const handshake = tree.handshakes.get(id) ?? found;
    if (handshake.state === "ACCEPTED") {
      throw organizationsError(
        "HandshakeAlreadyInStateException",
        "The specified handshake is already in the requested state.",
      );
    }
    if (!isOpen(handshake, nowMs)) {
      throw organizationsError(
        "InvalidHandshakeTransitionException",
        "You can't perform the operation on the handshake in its current state.",
      );
    }
    if (tree.members.get(accountId) !== undefined) throw alreadyMember();
    const after: Handshake = { ...handshake, state: "ACCEPTED" };
    const member = {
      accountId,
      name: accountId,
      email: `${accountId}@lab.invalid`,
      joinedBy: "INVITED" as const,
      joinedAtMs: nowMs,
    };
    return [after, tree.handshakes.put(after), ...join(tree, organization, member)];
  });
  return { Handshake: printHandshake(organization, accepted) };
};

function isOpen(handshake: Handshake, nowMs: number): boolean {
  return handshake.state === "OPEN" && nowMs < handshake.requestedAtMs + INVITATION_MS;
}

function alreadyMember() {
  return constraintViolated("The account is already a member of an organization.", "ALREADY_IN_AN_ORGANIZATION");
}

function printHandshake(organization: Organization, handshake: Handshake): Readonly<Record<string, unknown>> {
  const { id, accountId, state, requestedAtMs } = handshake;
  return {
    Id: id,
    Arn: `${organizationArn(organization, "handshake")}/invite/${id}`,
    Parties: [
      { Id: organization.id, Type: "ORGANIZATION" },
      { Id: accountId, Type: "ACCOUNT" },
    ],
    State: state,
    RequestedTimestamp: seconds(requestedAtMs),
    ExpirationTimestamp: seconds(requestedAtMs + INVITATION_MS),
    Action: "INVITE",
    Resources: [],
  };
}
