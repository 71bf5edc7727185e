/** Prints a replication configuration document as the XML that PutBucketReplication takes. */
import { printXml, type XmlContent, type XmlNode } from "../xml.ts";
import { type DocumentValue, LIST_MEMBERS } from "./document.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Prints every member of the document, known or not, in the order it has. */
export function printReplication(document: DocumentValue): string {
  return printXml(["ReplicationConfiguration", contentOf(document, "")], NAMESPACE);
}

function contentOf(value: DocumentValue, path: string): XmlContent {
  if (value === null) return undefined;
  if (typeof value !== "object") return value;
  const nodes: XmlNode[] = [];
  for (const [name, member] of Object.entries(value)) {
    const memberPath = path === "" ? name : `${path}.${name}`;
    const list = LIST_MEMBERS[path];
    const elementName = list?.json === name ? list.xml : name;
    for (const one of Array.isArray(member) ? member : [member]) nodes.push([elementName, contentOf(one, memberPath)]);
  }
  return nodes;
}
