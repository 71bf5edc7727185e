/** Roles: making, finding, changing and removing them, and whom they trust. */

import { checkDocument, documentSize } from "../documents.ts";
import { malformedDocument, quotaExceeded } from "../errors.ts";
import type { Role } from "../model.ts";
import { pinPrincipals } from "../principals.ts";
import { listHolders, makeHolder, removeHolder } from "./holders.ts";
import { printRole } from "./print.ts";
import type { IamOperation, IamRequest } from "./request.ts";
import { DESCRIPTION, DOCUMENT, TRUST_SIZE_MAX } from "./rules.ts";

const SESSION_SECONDS = { min: 3600, max: 43_200 };

export const createRole: IamOperation = async (request) => {
  const { directory, parameters } = request;
  const document = parameters.required("AssumeRolePolicyDocument", DOCUMENT);
  const description = parameters.optional("Description", DESCRIPTION) ?? "";
  const maxSessionSeconds = parameters.integer("MaxSessionDuration", SESSION_SECONDS) ?? SESSION_SECONDS.min;
  const made = await makeHolder<Role>(request, "role", (begun) => {
    return { kind: "role", ...begun, trust: pinnedTrust(request, document), description, maxSessionSeconds };
  });
  return [["Role", printRole(made, directory, true)]];
};

export const getRole: IamOperation = async (request) => {
  const name = request.name("role");
  request.authoriseOn("role", name);
  const role = request.directory.holder("role", request.accountId, name);
  return [["Role", printRole(role, request.directory, true)]];
};

export const listRoles: IamOperation = async (request) =>
  listHolders(request, "role", { element: "Roles", print: (one) => printRole(one, request.directory, false) });

export const updateRole: IamOperation = async (request) => {
  const { parameters } = request;
  const description = parameters.optional("Description", DESCRIPTION);
  const maxSessionSeconds = parameters.integer("MaxSessionDuration", SESSION_SECONDS);
  await changeRole(request, (role) => ({
    ...role,
    ...(description === undefined ? {} : { description }),
    ...(maxSessionSeconds === undefined ? {} : { maxSessionSeconds }),
  }));
  return [];
};

/** The older way to change the description alone; it answers with the role. */
export const updateRoleDescription: IamOperation = async (request) => {
  const description = request.parameters.required("Description", DESCRIPTION);
  const role = await changeRole(request, (before) => ({ ...before, description }));
  return [["Role", printRole(role, request.directory, true)]];
};

export const updateAssumeRolePolicy: IamOperation = async (request) => {
  const document = request.parameters.required("PolicyDocument", DOCUMENT);
  await changeRole(request, (role) => ({ ...role, trust: pinnedTrust(request, document) }));
  return undefined;
};

export const deleteRole: IamOperation = (request) => removeHolder(request, "role");

/** There are no instances in the lab, so no profiles; Terraform asks before it deletes a role. */
export const listInstanceProfilesForRole: IamOperation = async (request) => {
  const name = request.name("role");
  request.authoriseOn("role", name);
  request.directory.holder("role", request.accountId, name);
  return [["InstanceProfiles", []], ...request.page([], String).nodes];
};

async function changeRole(request: IamRequest, change: (role: Role) => Role): Promise<Role> {
  const { directory, accountId } = request;
  const name = request.name("role");
  request.authoriseOn("role", name);
  return directory.change(() => {
    const role = change(directory.holder("role", accountId, name));
    return [role, directory.holders.put(role)];
  });
}

/** A trust policy that was checked, with its principals pinned. @throws ServiceError MalformedPolicyDocument, LimitExceeded */
function pinnedTrust(request: IamRequest, document: string): string {
  if (documentSize(document) > TRUST_SIZE_MAX) throw quotaExceeded("ACLSizePerRole", TRUST_SIZE_MAX);
  checkDocument(document, "trust");
  const pinned = pinPrincipals(request.directory, document);
  if ("unknownPrincipal" in pinned) throw malformedDocument(`Invalid principal in policy: ${pinned.unknownPrincipal}`);
  return pinned.document;
}
