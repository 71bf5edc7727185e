/** Tags of keys. */
import type { RequestContext } from "../../../core/iam/model.ts";
import { kmsError, limitExceeded } from "../errors.ts";
import type { KmsOperation, KmsRequest } from "../request.ts";
import { requireState } from "../states.ts";

const TAGS_MAX = 50;
const TAG_KEY = { max: 128 };
const TAG_VALUE = { min: 0, max: 256 };

export const tagResource: KmsOperation = async (request) => {
  const added = tagsOf(request);
  const found = request.ownKey(requestTagKeys(added));
  const { keyring } = request;
  await keyring.change(() => {
    const key = request.current(found);
    requireState(key, "change");
    const tags = { ...key.tags, ...added };
    if (Object.keys(tags).length > TAGS_MAX) throw limitExceeded(`A key can have at most ${TAGS_MAX} tags.`);
    return [undefined, keyring.keys.put({ ...key, tags })];
  });
  return undefined;
};

export const untagResource: KmsOperation = async (request) => {
  const removed = request.input.texts("TagKeys", TAG_KEY);
  const found = request.ownKey({ "aws:tagkeys": removed });
  const { keyring } = request;
  await keyring.change(() => {
    const key = request.current(found);
    requireState(key, "change");
    const tags = Object.fromEntries(Object.entries(key.tags).filter(([name]) => !removed.includes(name)));
    return [undefined, keyring.keys.put({ ...key, tags })];
  });
  return undefined;
};

export const listResourceTags: KmsOperation = async (request) => {
  const { tags } = request.ownKey();
  const { items, members } = request.page(Object.entries(tags), ([name]) => name, { normal: 50, max: 50 });
  return { Tags: items.map(([name, value]) => ({ TagKey: name, TagValue: value })), ...members };
};

/** The tags that a call brings. @throws ServiceError TagException */
export function tagsOf(request: KmsRequest): Readonly<Record<string, string>> {
  const tags = new Map<string, string>();
  for (const one of request.input.structures("Tags")) {
    const name = one.text("TagKey", TAG_KEY);
    if (name.startsWith("aws:")) throw kmsError("TagException", "Tag keys that start with aws: are reserved.");
    if (tags.has(name)) throw kmsError("TagException", `The tag key ${name} is there twice.`);
    tags.set(name, one.text("TagValue", TAG_VALUE));
  }
  if (tags.size > TAGS_MAX) throw limitExceeded(`A key can have at most ${TAGS_MAX} tags.`);
  return Object.fromEntries(tags);
}

export function requestTagKeys(tags: Readonly<Record<string, string>>): RequestContext {
  const names = Object.keys(tags);
  if (names.length === 0) return {};
  return {
    ...Object.fromEntries(names.map((name) => [`aws:requesttag/${name.toLowerCase()}`, tags[name] ?? ""])),
    "aws:tagkeys": names,
  };
}
