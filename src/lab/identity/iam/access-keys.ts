/** Long-term access keys of users, and of the account's root user. */

import type { XmlNode } from "../../../core/xml.ts";
import type { TextRule } from "../../constraints.ts";
import { wrapSecret } from "../callers.ts";
import { noSuchEntity, quotaExceeded } from "../errors.ts";
import { secretAccessKey, uniqueId } from "../ids.ts";
import type { AccessKey } from "../model.ts";
import { printMembers, printTime } from "./print.ts";
import type { IamOperation, IamRequest } from "./request.ts";
import { ACCESS_KEYS_MAX } from "./rules.ts";
import { userNameOrCaller } from "./users.ts";

const ACCESS_KEY_ID: TextRule = { min: 16, max: 128, pattern: /^\w+$/ };

export const createAccessKey: IamOperation = async (request) => {
  const { directory, accountId, secrets, nowMs } = request;
  const owner = authorisedOwner(request);
  const secret = secretAccessKey();
  const made = await directory.change(() => {
    const userId = owner.id();
    if (directory.accessKeysOf(accountId, userId).length >= ACCESS_KEYS_MAX) {
      throw quotaExceeded("AccessKeysPerUser", ACCESS_KEYS_MAX);
    }
    const accessKeyId = uniqueId("AKIA");
    const key: AccessKey = {
      accessKeyId,
      accountId,
      ...(userId === undefined ? {} : { userId }),
      wrappedSecret: wrapSecret(secrets, accessKeyId, secret),
      active: true,
      createdAtMs: nowMs,
    };
    return [key, directory.accessKeys.put(key)];
  });
  return [["AccessKey", [...printKey(owner.name, made), ["SecretAccessKey", secret]]]];
};

export const listAccessKeys: IamOperation = async (request) => {
  const { directory, accountId } = request;
  const owner = authorisedOwner(request);
  const { items, nodes } = request.page(directory.accessKeysOf(accountId, owner.id()), (one) => one.accessKeyId);
  return [
    printMembers(
      "AccessKeyMetadata",
      items.map((one) => printKey(owner.name, one)),
    ),
    ...nodes,
  ];
};

export const updateAccessKey: IamOperation = async (request) => {
  const { directory, parameters } = request;
  const active = parameters.required("Status", { oneOf: ["Active", "Inactive"] }) === "Active";
  const find = authorisedKey(request);
  await directory.change(() => [undefined, directory.accessKeys.put({ ...find(), active })]);
  return undefined;
};

export const deleteAccessKey: IamOperation = async (request) => {
  const { directory } = request;
  const find = authorisedKey(request);
  await directory.change(() => [undefined, directory.accessKeys.remove(find())]);
  return undefined;
};

/** Whose keys the call is about: a user's, or root's own when root names nobody. */
function authorisedOwner(request: IamRequest): { readonly name: string; readonly id: () => string | undefined } {
  const { directory, accountId, caller, parameters } = request;
  if (caller.principal.kind === "root" && parameters.optional("UserName") === undefined) {
    request.authorise(caller.principal.arn);
    return { name: "root", id: () => undefined };
  }
  const name = userNameOrCaller(request);
  request.authoriseOn("user", name);
  return { name, id: () => directory.holder("user", accountId, name).id };
}

function authorisedKey(request: IamRequest): () => AccessKey {
  const { directory, accountId, parameters } = request;
  const accessKeyId = parameters.required("AccessKeyId", ACCESS_KEY_ID);
  const owner = authorisedOwner(request);
  return () => {
    const userId = owner.id();
    const key = directory.accessKeys.get(accessKeyId);
    if (key === undefined || key.accountId !== accountId || key.userId !== userId) {
      throw noSuchEntity(`The Access Key with id ${accessKeyId} cannot be found.`);
    }
    return key;
  };
}

function printKey(userName: string, key: AccessKey): XmlNode[] {
  return [
    ["UserName", userName],
    ["AccessKeyId", key.accessKeyId],
    ["Status", key.active ? "Active" : "Inactive"],
    ["CreateDate", printTime(key.createdAtMs)],
  ];
}
