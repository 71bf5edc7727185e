/** Users and groups: making, finding, removing them, and who is in which group. */

import { deleteConflict, quotaExceeded, validationError } from "../errors.ts";
import { uniqueId } from "../ids.ts";
import type { Group, Holder, User } from "../model.ts";
import { holderArn } from "../model.ts";
import { requireBoundary } from "./attachments.ts";
import { printGroup, printMembers, printTime, printUser } from "./print.ts";
import { type IamOperation, type IamRequest, requestTagContext } from "./request.ts";
import { ARN, GROUPS_MAX, PATH_PREFIX } from "./rules.ts";
import { tagsOf } from "./tags.ts";

export const createUser: IamOperation = async (request) => {
  const { directory, accountId, nowMs } = request;
  const name = request.name("user");
  const path = request.path();
  const boundary = request.parameters.optional("PermissionsBoundary", ARN);
  const tags = tagsOf(request);
  request.authorise(holderArn({ kind: "user", accountId, path, name }), {
    ...requestTagContext(tags),
    ...(boundary === undefined ? {} : { "iam:permissionsboundary": boundary }),
  });
  const made = await directory.change(() => {
    directory.refuseTakenName("user", accountId, name);
    if (boundary !== undefined) requireBoundary(request, boundary);
    const user: User = {
      kind: "user",
      id: uniqueId("AIDA"),
      accountId,
      name,
      path,
      createdAtMs: nowMs,
      tags,
      inline: {},
      attached: [],
      ...(boundary === undefined ? {} : { boundary }),
      groups: [],
    };
    return [user, directory.holders.put(user)];
  });
  return [["User", printUser(made, true)]];
};

/** Without a name: of the caller. */
export const getUser: IamOperation = async (request) => {
  const { directory, accountId, caller } = request;
  if (request.parameters.optional("UserName") === undefined && caller.principal.kind === "root") {
    const account = directory.accounts.get(accountId);
    request.authorise(caller.principal.arn);
    return [
      [
        "User",
        [
          ["UserId", accountId],
          ["Arn", caller.principal.arn],
          ["CreateDate", printTime(account?.createdAtMs ?? 0)],
        ],
      ],
    ];
  }
  const name = userNameOrCaller(request);
  request.authoriseOn("user", name);
  return [["User", printUser(directory.holder("user", accountId, name), true)]];
};

export const listUsers: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const prefix = authorisedPrefix(request, "user");
  const users = directory.holdersOf("user", accountId).filter((one) => one.path.startsWith(prefix));
  const { items, nodes } = request.page(users, (one) => one.name);
  return [
    printMembers(
      "Users",
      items.map((one) => printUser(one, false)),
    ),
    ...nodes,
  ];
};

export const deleteUser: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const name = request.name("user");
  request.authoriseOn("user", name);
  await directory.change(() => {
    const user = directory.holder("user", accountId, name);
    if (directory.accessKeysOf(accountId, user.id).length > 0) {
      throw deleteConflict("Cannot delete entity, must delete access keys first.");
    }
    if (user.groups.length > 0) throw deleteConflict("Cannot delete entity, must remove users from group first.");
    refuseWithPolicies(user);
    return [undefined, directory.holders.remove(user)];
  });
  return undefined;
};

export const createGroup: IamOperation = async (request) => {
  const { directory, accountId, nowMs } = request;
  const name = request.name("group");
  const path = request.path();
  request.authorise(holderArn({ kind: "group", accountId, path, name }));
  const made = await directory.change(() => {
    directory.refuseTakenName("group", accountId, name);
    const group: Group = {
      kind: "group",
      id: uniqueId("AGPA"),
      accountId,
      name,
      path,
      createdAtMs: nowMs,
      tags: {},
      inline: {},
      attached: [],
    };
    return [group, directory.holders.put(group)];
  });
  return [["Group", printGroup(made)]];
};

/** The group, and a page of its users. */
export const getGroup: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const name = request.name("group");
  request.authoriseOn("group", name);
  const group = directory.holder("group", accountId, name);
  const { items, nodes } = request.page(membersOf(request, group), (one) => one.name);
  return [
    ["Group", printGroup(group)],
    printMembers(
      "Users",
      items.map((one) => printUser(one, false)),
    ),
    ...nodes,
  ];
};

export const listGroups: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const prefix = authorisedPrefix(request, "group");
  const groups = directory.holdersOf("group", accountId).filter((one) => one.path.startsWith(prefix));
  const { items, nodes } = request.page(groups, (one) => one.name);
  return [printMembers("Groups", items.map(printGroup)), ...nodes];
};

export const deleteGroup: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const name = request.name("group");
  request.authoriseOn("group", name);
  await directory.change(() => {
    const group = directory.holder("group", accountId, name);
    if (membersOf(request, group).length > 0) {
      throw deleteConflict("Cannot delete entity, must remove users from group first.");
    }
    refuseWithPolicies(group);
    return [undefined, directory.holders.remove(group)];
  });
  return undefined;
};

export const addUserToGroup: IamOperation = (request) =>
  changeMembership(request, (user, group) => {
    if (user.groups.includes(group.id)) return user.groups;
    if (user.groups.length >= GROUPS_MAX) throw quotaExceeded("GroupsPerUser", GROUPS_MAX);
    return [...user.groups, group.id];
  });

export const removeUserFromGroup: IamOperation = (request) =>
  changeMembership(request, (user, group) => user.groups.filter((id) => id !== group.id));

export const listGroupsForUser: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const name = request.name("user");
  request.authoriseOn("user", name);
  const { groups } = directory.holder("user", accountId, name);
  const { items, nodes } = request.page(
    directory.holdersOf("group", accountId).filter((one) => groups.includes(one.id)),
    (one) => one.name,
  );
  return [printMembers("Groups", items.map(printGroup)), ...nodes];
};

/** The user that the call names, or else the one who calls. @throws ServiceError ValidationError for root and roles */
export function userNameOrCaller(request: IamRequest): string {
  const { parameters, caller, directory } = request;
  if (parameters.optional("UserName") !== undefined) return request.name("user");
  const user = caller.principal.kind === "user" ? directory.holders.get(caller.principal.userId) : undefined;
  if (user === undefined) throw validationError("Must specify userName when calling with non-User credentials");
  return user.name;
}

/** Asks for permission to list, and tells which paths are wanted. */
export function authorisedPrefix(request: IamRequest, kind: Holder["kind"]): string {
  const prefix = request.parameters.optional("PathPrefix", PATH_PREFIX) ?? "/";
  request.authorise(`arn:aws:iam::${request.accountId}:${kind}${prefix}`);
  return prefix;
}

/** @throws ServiceError DeleteConflict while the holder has policies */
export function refuseWithPolicies(holder: Holder): void {
  if (holder.attached.length > 0) throw deleteConflict("Cannot delete entity, must detach all policies first.");
  if (Object.keys(holder.inline).length > 0) throw deleteConflict("Cannot delete entity, must delete policies first.");
}

async function changeMembership(request: IamRequest, change: (user: User, group: Group) => readonly string[]) {
  const { directory, accountId } = request;
  const groupName = request.name("group");
  const userName = request.name("user");
  request.authoriseOn("group", groupName);
  await directory.change(() => {
    const group = directory.holder("group", accountId, groupName);
    const user = directory.holder("user", accountId, userName);
    return [undefined, directory.holders.put({ ...user, groups: change(user, group) })];
  });
  return undefined;
}

function membersOf(request: IamRequest, group: Group): User[] {
  return request.directory.holdersOf("user", request.accountId).filter((one) => one.groups.includes(group.id));
}
