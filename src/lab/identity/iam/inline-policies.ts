/** Policies that are part of one user, role or group. */

import { checkDocument, documentSize, encodeDocument } from "../documents.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import type { Holder, HolderKind } from "../model.ts";
import { printMembers } from "./print.ts";
import type { IamOperation } from "./request.ts";
import { DOCUMENT, INLINE_SIZE_MAX, NAME_RULES, POLICY_NAME } from "./rules.ts";

export const putInlinePolicy =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId, parameters } = request;
    const name = request.name(kind);
    const policyName = parameters.required("PolicyName", POLICY_NAME);
    const document = parameters.required("PolicyDocument", DOCUMENT);
    request.authoriseOn(kind, name);
    checkDocument(document, "identity");
    await directory.change(() => {
      const holder = directory.holder(kind, accountId, name);
      const inline = { ...holder.inline, [policyName]: document };
      const size = Object.values(inline).reduce((sum, one) => sum + documentSize(one), 0);
      const max = INLINE_SIZE_MAX[kind];
      if (size > max) {
        throw limitExceeded(`Maximum policy size of ${max} bytes exceeded for ${kind} ${name}`);
      }
      return [undefined, directory.holders.put({ ...holder, inline })];
    });
    return undefined;
  };

export const getInlinePolicy =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId, parameters } = request;
    const name = request.name(kind);
    const policyName = parameters.required("PolicyName", POLICY_NAME);
    request.authoriseOn(kind, name);
    const document = inlinePolicy(directory.holder(kind, accountId, name), policyName);
    return [
      [NAME_RULES[kind].parameter, name],
      ["PolicyName", policyName],
      ["PolicyDocument", encodeDocument(document)],
    ];
  };

export const deleteInlinePolicy =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const { directory, accountId, parameters } = request;
    const name = request.name(kind);
    const policyName = parameters.required("PolicyName", POLICY_NAME);
    request.authoriseOn(kind, name);
    await directory.change(() => {
      const holder = directory.holder(kind, accountId, name);
      inlinePolicy(holder, policyName);
      const { [policyName]: _, ...inline } = holder.inline;
      return [undefined, directory.holders.put({ ...holder, inline })];
    });
    return undefined;
  };

export const listInlinePolicies =
  (kind: HolderKind): IamOperation =>
  async (request) => {
    const name = request.name(kind);
    request.authoriseOn(kind, name);
    const { inline } = request.directory.holder(kind, request.accountId, name);
    const { items, nodes } = request.page(Object.keys(inline), (one) => one);
    return [printMembers("PolicyNames", items), ...nodes];
  };

/** @throws ServiceError NoSuchEntity, also for names that every object has, such as "constructor" */
function inlinePolicy(holder: Holder, policyName: string): string {
  const document = Object.hasOwn(holder.inline, policyName) ? holder.inline[policyName] : undefined;
  if (document === undefined) throw noSuchEntity(`The ${holder.kind} policy with name ${policyName} cannot be found.`);
  return document;
}
