/**
 * Reads the XML that stores send by the thousand: elements and text, a declaration before them, a namespace on the root, and
 * nothing else. Several times as fast as the reader of all XML, which gets whatever is not of this kind, right or wrong.
 */
import type { XmlElement } from "../core/xml.ts";

interface OpenElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

const DECLARATION = /^<\?xml version="1\.0"(?: encoding="(?:UTF-8|utf-8)")?\s*\?>\s*/;
/** A tag, and the text behind it. Blanks in tags, attributes but a namespace, and names with prefixes are not plain. */
const TAG = /<(\/?)([A-Za-z][A-Za-z0-9]*)( xmlns="[^"<&]*")?(\/?)>([^<]*)/y;
/** What XML does not allow in text, or changes: carriage returns, controls, halves of surrogate pairs, the end of CDATA. */
const UNPLAIN = /(?![\n\t])\p{Cc}|[\p{Cs}\ufffe\uffff]|\]\]>|<!/u;
const ENTITY = /&(?:(amp|lt|gt|quot|apos);)?/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Undefined for what is not plain, or deeper than that. @param text without white space before it */
export function parsePlainXml(text: string, depthMax: number): XmlElement | undefined {
  if (UNPLAIN.test(text)) return undefined;
  TAG.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0;
  const open: OpenElement[] = [];
  for (let at = TAG.lastIndex; at < text.length; at = TAG.lastIndex) {
    const match = TAG.exec(text);
    if (match === null) return undefined;
    const [, slash, name = "", namespace, end, behind = ""] = match;
    let closed: OpenElement | undefined;
    if (slash === "/") {
      closed = open.pop();
      if (closed?.name !== name || namespace !== undefined || end === "/") return undefined;
    } else {
      const element = { name, children: [], text: "" };
      if (open.length >= depthMax) return undefined;
      if (end === "/") closed = element;
      else open.push(element);
    }
    if (closed !== undefined) {
      if (closed.children.length > 0 && closed.text !== "" && closed.text.trim() === "") closed.text = "";
      const parent = open.at(-1);
      if (parent === undefined) return behind.trim() === "" && TAG.lastIndex === text.length ? closed : undefined;
      parent.children.push(closed);
    }
    if (behind === "") continue;
    const said = behind.includes("&") ? decoded(behind) : behind;
    const current = open.at(-1);
    if (said === undefined || current === undefined) return undefined;
    current.text += said;
  }
  return undefined;
}

/** Undefined where an entity is not one of the five. */
function decoded(text: string): string | undefined {
  let isPlain = true;
  const said = text.replace(ENTITY, (_, name: string | undefined) => {
    isPlain &&= name !== undefined;
    return ENTITIES[name ?? ""] ?? "";
  });
  return isPlain ? said : undefined;
}
