/** Tags of users, roles and managed policies. */

import type { XmlNode } from "../../../core/xml.ts";
import { ServiceError } from "../../model.ts";
import type { Change } from "../../records.ts";
import { quotaExceeded, validationError } from "../errors.ts";
import type { Tags } from "../model.ts";
import { printTags } from "./print.ts";
import { type IamOperation, type IamRequest, requestTagContext } from "./request.ts";
import { TAG_KEY, TAG_VALUE, TAGS_MAX } from "./rules.ts";

/** The tags that a call brings. @throws ServiceError InvalidInput when a key is there twice, whatever its case */
export function tagsOf(request: IamRequest): Tags {
  const tags = new Map<string, string>();
  const seen = new Set<string>();
  for (const one of request.parameters.structures("Tags", "Key")) {
    const key = one.required("Key", TAG_KEY);
    const folded = key.toLowerCase();
    if (folded.startsWith("aws:")) {
      throw validationError("System tags cannot be added/updated/removed by requester");
    }
    if (seen.has(folded)) {
      throw new ServiceError(
        "InvalidInput",
        400,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
      );
    }
    seen.add(folded);
    tags.set(key, one.optional("Value", TAG_VALUE) ?? "");
  }
  if (tags.size > TAGS_MAX) throw quotaExceeded("TagsPerResource", TAGS_MAX);
  return Object.fromEntries(tags);
}

/** What has tags: found by the call's parameters after asking for permission. */
interface Tagged {
  tags(): Tags;
  put(tags: Tags): Change;
}

type FindTagged = (request: IamRequest, context: Parameters<IamRequest["authorise"]>[1]) => Tagged;

const ofUserOrRole =
  (kind: "user" | "role"): FindTagged =>
  (request, context) => {
    const name = request.name(kind);
    request.authoriseOn(kind, name, context);
    const { directory, accountId } = request;
    return {
      tags: () => directory.holder(kind, accountId, name).tags,
      put: (tags) => directory.holders.put({ ...directory.holder(kind, accountId, name), tags }),
    };
  };

const ofPolicy: FindTagged = (request, context) => {
  const arn = request.authorisedPolicyArn(context);
  return {
    tags: () => request.policy(arn).tags,
    put: (tags) => request.directory.policies.put({ ...request.policy(arn), tags }),
  };
};

const tag =
  (find: FindTagged): IamOperation =>
  async (request) => {
    const added = tagsOf(request);
    const tagged = find(request, requestTagContext(added));
    await request.directory.change(() => {
      const tags = { ...withoutKeys(tagged.tags(), Object.keys(added)), ...added };
      if (Object.keys(tags).length > TAGS_MAX) throw quotaExceeded("TagsPerResource", TAGS_MAX);
      return [undefined, tagged.put(tags)];
    });
    return undefined;
  };

const untag =
  (find: FindTagged): IamOperation =>
  async (request) => {
    const keys = request.parameters.list("TagKeys");
    const tagged = find(request, requestTagContext({}, keys));
    await request.directory.change(() => [undefined, tagged.put(withoutKeys(tagged.tags(), keys))]);
    return undefined;
  };

const listTags =
  (find: FindTagged): IamOperation =>
  async (request) => {
    const { items, nodes } = request.page(Object.entries(find(request, {}).tags()), ([key]) => key);
    const tags: XmlNode = printTags(Object.fromEntries(items));
    return [tags, ...nodes];
  };

export const tagUser = tag(ofUserOrRole("user"));
export const untagUser = untag(ofUserOrRole("user"));
export const listUserTags = listTags(ofUserOrRole("user"));
export const tagRole = tag(ofUserOrRole("role"));
export const untagRole = untag(ofUserOrRole("role"));
export const listRoleTags = listTags(ofUserOrRole("role"));
export const tagPolicy = tag(ofPolicy);
export const untagPolicy = untag(ofPolicy);
export const listPolicyTags = listTags(ofPolicy);

/** Keys of tags are compared without their case. */
function withoutKeys(tags: Tags, keys: readonly string[]): Tags {
  const removed = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(key.toLowerCase())));
}
