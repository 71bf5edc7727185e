/** Managed policies at users, roles and groups: attached ones, and permissions boundaries. */

import type { XmlNode } from "../../../core/xml.ts";
import { noSuchEntity, quotaExceeded } from "../errors.ts";
import type { Holder, HolderKind } from "../model.ts";
import { printMembers } from "./print.ts";
import type { IamOperation, IamRequest } from "./request.ts";
import { ARN, ATTACHED_MAX, PATH_PREFIX } from "./rules.ts";

const QUOTA = { user: "PoliciesPerUser", role: "PoliciesPerRole", group: "PoliciesPerGroup" } as const;

export const attachPolicy =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId } = request;
    const { name, arn } = authorisedAttachment(request, kind);
    await directory.change(() => {
      const holder = directory.holder(kind, accountId, name);
      if (!isUsable(request, arn)) throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
      if (holder.attached.includes(arn)) return [undefined];
      if (holder.attached.length >= ATTACHED_MAX) throw quotaExceeded(QUOTA[kind], ATTACHED_MAX);
      return [undefined, directory.holders.put({ ...holder, attached: [...holder.attached, arn] })];
    });
    return undefined;
  };

export const detachPolicy =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId } = request;
    const { name, arn } = authorisedAttachment(request, kind);
    await directory.change(() => {
      const holder = directory.holder(kind, accountId, name);
      if (!holder.attached.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
      const attached = holder.attached.filter((one) => one !== arn);
      return [undefined, directory.holders.put({ ...holder, attached })];
    });
    return undefined;
  };

export const listAttachedPolicies =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId, parameters } = request;
    const name = request.name(kind);
    const prefix = parameters.optional("PathPrefix", PATH_PREFIX) ?? "/";
    request.authoriseOn(kind, name);
    const policies = directory
      .holder(kind, accountId, name)
      .attached.map((arn) => request.policy(arn))
      .filter((one) => one.path.startsWith(prefix));
    const { items, nodes } = request.page(policies, (one) => one.name);
    return [
      printMembers(
        "AttachedPolicies",
        items.map((one) => [
          ["PolicyName", one.name],
          ["PolicyArn", one.arn],
        ]),
      ),
      ...nodes,
    ];
  };

export const putBoundary =
  (kind: "user" | "role"): IamOperation =>
  async (request) => {
    const { directory, accountId, parameters } = request;
    const name = request.name(kind);
    const boundary = parameters.required("PermissionsBoundary", ARN);
    request.authoriseOn(kind, name, { "iam:permissionsboundary": boundary });
    await directory.change(() => {
      const holder = directory.holder(kind, accountId, name);
      requireBoundary(request, boundary);
      return [undefined, directory.holders.put({ ...holder, boundary })];
    });
    return undefined;
  };

export const deleteBoundary =
  (kind: "user" | "role"): IamOperation =>
  async (request) => {
    const { directory, accountId } = request;
    const name = request.name(kind);
    request.authoriseOn(kind, name);
    await directory.change(() => {
      const { boundary, ...holder } = directory.holder(kind, accountId, name);
      if (boundary === undefined) throw noSuchEntity(`The ${kind} ${name} has no permissions boundary.`);
      return [undefined, directory.holders.put(holder)];
    });
    return undefined;
  };

export const listEntitiesForPolicy: IamOperation = async (request) => {
  const { directory, accountId, parameters } = request;
  const prefix = parameters.optional("PathPrefix", PATH_PREFIX) ?? "/";
  const kindWanted = parameters.optional("EntityFilter", {
    oneOf: ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"],
  });
  const usage = parameters.optional("PolicyUsageFilter", { oneOf: ["PermissionsPolicy", "PermissionsBoundary"] });
  const { arn } = request.policy(request.authorisedPolicyArn());
  const { attached, bounded } = directory.usesOf(arn, accountId);
  const used = new Set([
    ...(usage === "PermissionsBoundary" ? [] : attached),
    ...(usage === "PermissionsPolicy" ? [] : bounded),
  ]);
  const wanted = [...used].filter(
    (one) => one.path.startsWith(prefix) && (kindWanted === undefined || kindWanted.toLowerCase() === one.kind),
  );
  const { items, nodes } = request.page(wanted, (one) => `${one.kind} ${one.name}`);
  return [
    printEntities(items, "group", "Group"),
    printEntities(items, "user", "User"),
    printEntities(items, "role", "Role"),
    ...nodes,
  ];
};

/** @throws ServiceError NoSuchEntity unless the policy can limit users and roles of the caller's account */
export function requireBoundary(request: IamRequest, arn: string): void {
  if (!isUsable(request, arn)) throw noSuchEntity(`Scope ARN: ${arn} does not exist or is not attachable.`);
}

function authorisedAttachment(request: IamRequest, kind: HolderKind): { readonly name: string; readonly arn: string } {
  const name = request.name(kind);
  const arn = request.parameters.required("PolicyArn", ARN);
  request.authoriseOn(kind, name, { "iam:policyarn": arn });
  return { name, arn };
}

function isUsable(request: IamRequest, arn: string): boolean {
  const policy = request.directory.findPolicy(arn);
  return policy !== undefined && (policy.accountId === request.accountId || policy.accountId === "aws");
}

function printEntities(items: readonly Holder[], kind: HolderKind, title: string): XmlNode {
  return printMembers(
    `Policy${title}s`,
    items
      .filter((one) => one.kind === kind)
      .map((one) => [
        [`${title}Name`, one.name],
        [`${title}Id`, one.id],
      ]),
  );
}
