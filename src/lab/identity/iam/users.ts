/** Users and groups: making, finding, removing them, and who is in which group. */

import { deleteConflict, quotaExceeded, validationError } from "../errors.ts";
import type { Group, User } from "../model.ts";
import { listHolders, makeHolder, removeHolder } from "./holders.ts";
import { printGroup, printMembers, printTime, printUser } from "./print.ts";
import type { IamOperation, IamRequest } from "./request.ts";
import { GROUPS_MAX } from "./rules.ts";

export const createUser: IamOperation = async (request) => {
  const made = await makeHolder<User>(request, "user", (begun) => ({ kind: "user", ...begun, groups: [] }));
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

export const listUsers: IamOperation = async (request) =>
  listHolders(request, "user", { element: "Users", print: (one) => printUser(one, false) });

export const deleteUser: IamOperation = (request) =>
  removeHolder(request, "user", (user) => {
    if (request.directory.accessKeysOf(request.accountId, user.id).length > 0) {
      throw deleteConflict("Cannot delete entity, must delete access keys first.");
    }
    if (user.groups.length > 0) throw deleteConflict("Cannot delete entity, must remove users from group first.");
  });

export const createGroup: IamOperation = async (request) => {
  const made = await makeHolder<Group>(request, "group", (begun) => ({ kind: "group", ...begun }));
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

export const listGroups: IamOperation = async (request) =>
  listHolders(request, "group", { element: "Groups", print: printGroup });

export const deleteGroup: IamOperation = (request) =>
  removeHolder(request, "group", (group) => {
    if (membersOf(request, group).length > 0) {
      throw deleteConflict("Cannot delete entity, must remove users from group first.");
    }
  });

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
