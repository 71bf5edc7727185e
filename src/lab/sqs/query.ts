/**
 * The query protocol of SQS, which clients spoke until 2023 and old ones still do: its parameters become the members of the
 * JSON protocol, and the members of an answer become XML. Lists and maps are flattened in both.
 *
 * @source the model of SQS in botocore 1.29 (protocol "query")
 */
import type { XmlNode } from "../../core/xml.ts";
import { isObject } from "../json-protocol.ts";
import { numbered, type ParameterTree } from "../query-protocol.ts";

export const SQS_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/";

/** Lists of texts: their name in the query, and that in JSON. */
const LISTS: Readonly<Record<string, string>> = {
  AttributeName: "AttributeNames",
  MessageAttributeName: "MessageAttributeNames",
  MessageSystemAttributeName: "MessageSystemAttributeNames",
  TagKey: "TagKeys",
};

/** Maps, likewise, and what their keys are called. */
const MAPS: Readonly<Record<string, { readonly name: string; readonly key: string }>> = {
  Attribute: { name: "Attributes", key: "Name" },
  MessageAttribute: { name: "MessageAttributes", key: "Name" },
  MessageSystemAttribute: { name: "MessageSystemAttributes", key: "Name" },
  Tag: { name: "Tags", key: "Key" },
};

const ENTRY = /RequestEntry$/;

/** The members that the JSON protocol would have brought; numbers are texts. */
export function membersOfQuery(tree: ParameterTree, action: string): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of tree) {
    if (typeof value === "string") members[name] = value;
    else if (ENTRY.test(name)) members["Entries"] = numbered(value).map((one) => entryOf(one, action));
    else if (Object.hasOwn(LISTS, name)) members[LISTS[name] ?? name] = numbered(value);
    else if (Object.hasOwn(MAPS, name)) {
      const map = MAPS[name];
      // CreateQueue alone writes its tags small.
      const member = name === "Tag" && action === "CreateQueue" ? "tags" : (map?.name ?? name);
      members[member] = mapOf(value, map?.key ?? "Name");
    }
  }
  return members;
}

function entryOf(value: string | ParameterTree, action: string): unknown {
  return typeof value === "string" ? value : membersOfQuery(value, action);
}

function mapOf(list: ParameterTree, keyName: string): Record<string, unknown> {
  const entries = numbered(list).flatMap((one): [string, unknown][] => {
    if (typeof one === "string") return [];
    const [key, value] = [one.get(keyName), one.get("Value")];
    if (typeof key !== "string") return [];
    return [[key, value instanceof Map ? Object.fromEntries(value) : (value ?? "")]];
  });
  return Object.fromEntries(entries);
}

/** What each list of an answer calls its members. */
const SHOWN_LISTS: Readonly<Record<string, string>> = {
  QueueUrls: "QueueUrl",
  queueUrls: "QueueUrl",
  Messages: "Message",
  Failed: "BatchResultErrorEntry",
};

/** The members of an answer as elements. */
export function nodesOf(members: Readonly<Record<string, unknown>>, action: string): XmlNode[] {
  return Object.entries(members).flatMap(([name, value]): XmlNode[] => {
    if (Array.isArray(value)) {
      const element = name === "Successful" ? `${action}ResultEntry` : (SHOWN_LISTS[name] ?? name);
      return value.map((one: unknown): XmlNode => [element, isObject(one) ? nodesOf(one, action) : String(one)]);
    }
    if (!isObject(value)) return [[name, String(value)]];
    const [element, map] = Object.entries(MAPS).find(([, one]) => one.name === name) ?? [name, { key: "Name" }];
    return Object.entries(value).map(
      ([key, one]): XmlNode => [
        element,
        [
          [map.key, key],
          ["Value", isObject(one) ? nodesOf(one, action) : String(one)],
        ],
      ],
    );
  });
}
