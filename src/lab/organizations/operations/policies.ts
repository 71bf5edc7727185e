/** Policies, and what they are attached to. */
import { constraintViolated, invalidInput, organizationsError } from "../errors.ts";
import { randomId } from "../ids.ts";
import { isAwsManaged, type Organization, organizationArn, type Policy, policyArn } from "../model.ts";
import { checkContent, DEFAULT_POLICIES } from "../policies.ts";
import type { OrganizationsOperation, OrganizationsRequest } from "../request.ts";

const NAME = { max: 128 };
const DESCRIPTION = { min: 0, max: 512 };
/** Of one type, to one root, unit or account. */
const ATTACHED_MAX = 5;

export const createPolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const type = input.policyType("Type");
  const name = input.text("Name", NAME);
  const description = input.text("Description", DESCRIPTION);
  const content = input.text("Content");
  const organization = request.managed(undefined, { "organizations:policytype": type });
  checkContent(type, content);
  const policy = await tree.change(() => {
    requireFreeName(request, organization, { type, name });
    const made: Policy = { id: `p-${randomId(10)}`, organizationId: organization.id, type, name, description, content };
    return [made, tree.policies.put(made)];
  });
  return { Policy: printPolicy(organization, policy) };
};

export const updatePolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const id = input.text("PolicyId");
  const name = input.optionalText("Name", NAME);
  const description = input.optionalText("Description", DESCRIPTION);
  const content = input.optionalText("Content");
  const organization = manage(request, id);
  const policy = await tree.change(() => {
    const before = requireOwn(request, organization, id);
    if (content !== undefined) checkContent(before.type, content);
    if (name !== undefined && name !== before.name) requireFreeName(request, organization, { type: before.type, name });
    const after: Policy = {
      ...before,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(content === undefined ? {} : { content }),
    };
    return [after, tree.policies.put(after)];
  });
  return { Policy: printPolicy(organization, policy) };
};

export const deletePolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const id = input.text("PolicyId");
  const organization = manage(request, id);
  await tree.change(() => {
    const policy = requireOwn(request, organization, id);
    if ([...tree.attachments.values()].some((one) => one.policyId === id)) {
      throw organizationsError(
        "PolicyInUseException",
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.",
      );
    }
    return [undefined, tree.policies.remove(policy)];
  });
  return undefined;
};

export const describePolicy: OrganizationsOperation = async (request) => {
  const id = request.input.text("PolicyId");
  const organization = manage(request, id);
  return { Policy: printPolicy(organization, request.policy(organization, id)) };
};

export const listPolicies: OrganizationsOperation = async (request) => {
  const type = request.input.policyType("Filter");
  const organization = request.managed(undefined, { "organizations:policytype": type });
  const policies = request.tree.policiesOf(organization, type);
  return request.page(
    "Policies",
    policies,
    (one) => one.id,
    (one) => printSummary(organization, one),
  );
};

export const attachPolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const policyId = input.text("PolicyId");
  const targetId = input.text("TargetId");
  const organization = manage(request, policyId);
  await tree.change(() => {
    const policy = request.policy(organization, policyId);
    requireTarget(request, organization, targetId);
    if (!(tree.organizations.get(organization.id)?.policyTypes ?? []).includes(policy.type)) {
      throw organizationsError(
        "PolicyTypeNotEnabledException",
        "This operation can be performed only for enabled policy types.",
      );
    }
    if (tree.isAttached(policyId, targetId)) {
      throw organizationsError(
        "DuplicatePolicyAttachmentException",
        "A policy with the specified name and type is already attached to the specified target.",
      );
    }
    if (tree.attachedTo(organization, targetId, policy.type).length >= ATTACHED_MAX) {
      throw constraintViolated(
        "You have attached the maximum number of policies of this type.",
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
      );
    }
    return [undefined, tree.attachments.put({ policyId, targetId, organizationId: organization.id })];
  });
  return undefined;
};

export const detachPolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const policyId = input.text("PolicyId");
  const targetId = input.text("TargetId");
  const organization = manage(request, policyId);
  await tree.change(() => {
    const policy = request.policy(organization, policyId);
    requireTarget(request, organization, targetId);
    if (!tree.isAttached(policyId, targetId)) {
      throw organizationsError(
        "PolicyNotAttachedException",
        "The policy isn't attached to the specified target in the specified root.",
      );
    }
    if (policyId === DEFAULT_POLICIES.RESOURCE_CONTROL_POLICY.id) {
      throw invalidInput("RCPFullAWSAccess can't be detached.", "NON_DETACHABLE_POLICY");
    }
    if (policy.type === "SERVICE_CONTROL_POLICY" && tree.attachedTo(organization, targetId, policy.type).length === 1) {
      throw constraintViolated(
        "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
      );
    }
    return [undefined, tree.attachments.remove({ policyId, targetId, organizationId: organization.id })];
  });
  return undefined;
};

export const listPoliciesForTarget: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const targetId = input.text("TargetId");
  const type = input.policyType("Filter");
  const organization = request.managed(targetId, { "organizations:policytype": type });
  requireTarget(request, organization, targetId);
  const policies = tree.attachedTo(organization, targetId, type);
  return request.page(
    "Policies",
    policies,
    (one) => one.id,
    (one) => printSummary(organization, one),
  );
};

export const listTargetsForPolicy: OrganizationsOperation = async (request) => {
  const { tree, input } = request;
  const policyId = input.text("PolicyId");
  const organization = manage(request, policyId);
  request.policy(organization, policyId);
  const attached = [...tree.attachments.values()].filter(
    (one) => one.policyId === policyId && one.organizationId === organization.id,
  );
  return request.page(
    "Targets",
    attached,
    (one) => one.targetId,
    ({ targetId }) => printTarget(request, organization, targetId),
  );
};

function manage(request: OrganizationsRequest, policyId: string): Organization {
  const found = request.tree.policy(request.organization(), policyId);
  return request.managed(policyId, found === undefined ? {} : { "organizations:policytype": found.type });
}

/** @throws ServiceError PolicyNotFoundException, InvalidInputException for AWS's own */
function requireOwn(request: OrganizationsRequest, organization: Organization, policyId: string): Policy {
  const policy = request.policy(organization, policyId);
  if (!isAwsManaged(policy)) return policy;
  throw invalidInput("You specified a policy that is managed by AWS and can't be modified.", "IMMUTABLE_POLICY");
}

function requireFreeName(
  { tree }: OrganizationsRequest,
  organization: Organization,
  { type, name }: Pick<Policy, "type" | "name">,
): void {
  if (!tree.policiesOf(organization, type).some((one) => one.name === name)) return;
  throw organizationsError("DuplicatePolicyException", "A policy with the same name already exists.");
}

function requireTarget({ tree }: OrganizationsRequest, organization: Organization, targetId: string): void {
  if (tree.isTarget(organization, targetId)) return;
  throw organizationsError(
    "TargetNotFoundException",
    "We can't find a root, OU, or account with the TargetId that you specified.",
  );
}

function printPolicy(organization: Organization, policy: Policy): Readonly<Record<string, unknown>> {
  return { PolicySummary: printSummary(organization, policy), Content: policy.content };
}

function printSummary(organization: Organization, policy: Policy): Readonly<Record<string, unknown>> {
  const { id, name, description, type } = policy;
  return {
    Id: id,
    Arn: policyArn(organization, policy),
    Name: name,
    Description: description,
    Type: type,
    AwsManaged: isAwsManaged(policy),
  };
}

function printTarget(
  { tree }: OrganizationsRequest,
  organization: Organization,
  targetId: string,
): Readonly<Record<string, unknown>> {
  const unit = tree.units.get(targetId);
  const member = tree.members.get(targetId);
  const [type, kind, name] =
    unit !== undefined
      ? (["ORGANIZATIONAL_UNIT", "ou", unit.name] as const)
      : member !== undefined
        ? (["ACCOUNT", "account", member.name] as const)
        : (["ROOT", "root", "Root"] as const);
  return { TargetId: targetId, Arn: organizationArn(organization, kind, targetId), Name: name, Type: type };
}
