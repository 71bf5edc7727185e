/** What users, roles and groups have in common: how they are made, listed and removed. */

import type { XmlNode } from "../../../core/xml.ts";
import type { HolderOf } from "../directory.ts";
import { deleteConflict } from "../errors.ts";
import { uniqueId } from "../ids.ts";
import { type Holder, type HolderBase, type HolderKind, holderArn } from "../model.ts";
import { requireBoundary } from "./attachments.ts";
import { printMembers } from "./print.ts";
import { type IamRequest, requestTagContext } from "./request.ts";
import { ARN, PATH_PREFIX } from "./rules.ts";
import { tagsOf } from "./tags.ts";

const ID_PREFIXES = { user: "AIDA", role: "AROA", group: "AGPA" } as const satisfies Record<HolderKind, string>;

/**
 * Makes one, after asking for permission.
 *
 * @param complete adds what the kind has of its own; what it throws keeps the holder from being made
 * @throws ServiceError AccessDenied, EntityAlreadyExists
 */
export async function makeHolder<Made extends Holder>(
  request: IamRequest,
  kind: Made["kind"],
  complete: (begun: HolderBase & { readonly boundary?: string }) => Made,
): Promise<Made> {
  const { directory, accountId, nowMs } = request;
  const name = request.name(kind);
  const path = request.path();
  // Groups have neither.
  const given = kind === "group" ? undefined : request.parameters.optional("PermissionsBoundary", ARN);
  const boundary = given === undefined ? {} : { boundary: given };
  const tags = kind === "group" ? {} : tagsOf(request);
  request.authorise(holderArn({ kind, accountId, path, name }), {
    ...requestTagContext(tags),
    ...(given === undefined ? {} : { "iam:permissionsboundary": given }),
  });
  return await directory.change(() => {
    directory.refuseTakenName(kind, accountId, name);
    if (given !== undefined) requireBoundary(request, given);
    const id = uniqueId(ID_PREFIXES[kind]);
    const made = complete({
      id,
      accountId,
      name,
      path,
      createdAtMs: nowMs,
      tags,
      inline: {},
      attached: [],
      ...boundary,
    });
    return [made, directory.holders.put(made)];
  });
}

/** A page of those whose path begins as it is asked for, after asking for permission. */
export function listHolders<Kind extends HolderKind>(
  request: IamRequest,
  kind: Kind,
  { element, print }: { readonly element: string; readonly print: (holder: HolderOf<Kind>) => readonly XmlNode[] },
): readonly XmlNode[] {
  const { directory, accountId, parameters } = request;
  const prefix = parameters.optional("PathPrefix", PATH_PREFIX) ?? "/";
  request.authorise(`arn:aws:iam::${accountId}:${kind}${prefix}`);
  const found = directory.holdersOf(kind, accountId).filter((one) => one.path.startsWith(prefix));
  const { items, nodes } = request.page(found, (one) => one.name);
  return [printMembers(element, items.map(print)), ...nodes];
}

/**
 * Removes one, after asking for permission.
 *
 * @param refuse throws where the kind has what keeps it from being removed, besides policies
 * @throws ServiceError AccessDenied, NoSuchEntity, DeleteConflict
 */
export async function removeHolder<Kind extends HolderKind>(
  request: IamRequest,
  kind: Kind,
  refuse: (holder: HolderOf<Kind>) => void = () => undefined,
): Promise<undefined> {
  const { directory, accountId } = request;
  const name = request.name(kind);
  request.authoriseOn(kind, name);
  await directory.change(() => {
    const holder = directory.holder(kind, accountId, name);
    refuse(holder);
    if (holder.attached.length > 0) throw deleteConflict("Cannot delete entity, must detach all policies first.");
    if (Object.keys(holder.inline).length > 0)
      throw deleteConflict("Cannot delete entity, must delete policies first.");
    return [undefined, directory.holders.remove(holder)];
  });
  return undefined;
}
