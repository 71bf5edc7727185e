/**
 * Reads the XML that stores send by the thousand: elements and text, a declaration before them, a namespace on the root, and
 * nothing else. Many times as fast as the reader of all XML, which gets whatever is not of this kind, right or wrong.
 *
 * Elements are told of one by one, so that pages of rows need no tree (`plain-listings.ts`).
 */
import type { XmlElement } from "../core/xml.ts";

/** Is told of elements in the order of the document. The root's depth is 0. */
export interface PlainVisitor {
  begin(name: string, depth: number): void;
  /** Text is what stands directly inside the element; of one with children none that is white space only. */
  end(name: string, text: string, depth: number): void;
}

const DECLARATION = /^<\?xml version="1\.0"(?: encoding="(?:UTF-8|utf-8)")?\s*\?>\s*/;
const NAMESPACE = / xmlns="[^"<&]*"/y;
/** What XML does not allow in text, or changes: carriage returns, controls, halves of surrogate pairs, the end of CDATA. */
const UNPLAIN = /(?![\n\t])\p{Cc}|[\p{Cs}\ufffe\uffff]|\]\]>|<!/u;
/** The same for text of ASCII alone, which nearly all of it is: without the flag it takes a third of the time. */
const UNPLAIN_ASCII = /[^\n\t -~]|\]\]>|<!/;
const NOT_ASCII = /[\u0080-\uffff]/;
const ENTITIES: readonly (readonly [string, string])[] = [
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&apos;", "'"],
];
const [OPEN, CLOSE, SLASH, BLANK] = [0x3c, 0x3e, 0x2f, 0x20];

/**
 * False for what is not plain, or deeper than that; what the visitor has been told by then counts for nothing.
 *
 * @param text without white space before it
 */
export function visitPlainXml(text: string, depthMax: number, visitor: PlainVisitor): boolean {
  if ((NOT_ASCII.test(text) ? UNPLAIN : UNPLAIN_ASCII).test(text)) return false;
  const names: string[] = [];
  const texts: string[] = [];
  /** Whether the element that is open at this depth has had a child. */
  const areParents: boolean[] = [];
  let at = DECLARATION.exec(text)?.[0].length ?? 0;
  while (text.charCodeAt(at) === OPEN) {
    let name: string;
    let isEmpty = false;
    const isClosing = text.charCodeAt(at + 1) === SLASH;
    if (isClosing) {
      name = names.at(-1) ?? "";
      at += 2 + name.length;
      if (name === "" || !text.startsWith(name, at - name.length)) return false;
    } else {
      const from = at + 1;
      at = endOfName(text, from);
      if (at === from || names.length >= depthMax) return false;
      name = text.slice(from, at);
      if (text.charCodeAt(at) === BLANK) {
        NAMESPACE.lastIndex = at;
        if (!NAMESPACE.test(text)) return false;
        at = NAMESPACE.lastIndex;
      }
      isEmpty = text.charCodeAt(at) === SLASH;
      if (isEmpty) at++;
    }
    if (text.charCodeAt(at) !== CLOSE) return false;
    let next = text.indexOf("<", ++at);
    if (!isClosing && !isEmpty && names.length > 0 && closes(text, next, name)) {
      // Nearly all elements hold text alone: nothing has to be remembered of them.
      const said = decoded(text.slice(at, next));
      if (said === undefined) return false;
      areParents[names.length - 1] = true;
      visitor.begin(name, names.length);
      visitor.end(name, said, names.length);
      at = next + name.length + 3;
      next = text.indexOf("<", at);
    } else if (!isClosing) {
      if (names.length > 0) areParents[names.length - 1] = true;
      visitor.begin(name, names.length);
      names.push(name);
      texts.push("");
      areParents.push(false);
    }
    if (isClosing || isEmpty) {
      names.pop();
      const [said, isParent] = [texts.pop() ?? "", areParents.pop() ?? false];
      visitor.end(name, isParent && said !== "" && said.trim() === "" ? "" : said, names.length);
      if (names.length === 0) return next === -1 && text.slice(at).trim() === "";
    }
    const until = next === -1 ? text.length : next;
    if (until > at) {
      const said = decoded(text.slice(at, until));
      if (said === undefined) return false;
      const before = texts[names.length - 1] ?? "";
      texts[names.length - 1] = before === "" ? said : before + said;
    }
    at = until;
  }
  return false;
}

/** Whether the closing tag of that name stands there. */
function closes(text: string, at: number, name: string): boolean {
  return (
    text.charCodeAt(at + 1) === SLASH &&
    text.charCodeAt(at + 2 + name.length) === CLOSE &&
    text.startsWith(name, at + 2)
  );
}

/** A letter, then letters and digits: names with prefixes are not plain. */
function endOfName(text: string, from: number): number {
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
    if (!isLetter && (at === from || code < 0x30 || code > 0x39 || Number.isNaN(code))) return at;
  }
}

/** Undefined where an entity is not one of the five. */
function decoded(text: string): string | undefined {
  let from = text.indexOf("&");
  if (from === -1) return text;
  let said = text.slice(0, from);
  while (from !== -1) {
    const start = from;
    const entity = ENTITIES.find(([written]) => text.startsWith(written, start));
    if (entity === undefined) return undefined;
    const behind = start + entity[0].length;
    from = text.indexOf("&", behind);
    said += entity[1] + text.slice(behind, from === -1 ? text.length : from);
  }
  return said;
}

interface OpenElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

/** Undefined for what is not plain, or deeper than that. @param text without white space before it */
export function parsePlainXml(text: string, depthMax: number): XmlElement | undefined {
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  const isPlain = visitPlainXml(text, depthMax, {
    begin: (name) => void open.push({ name, children: [], text: "" }),
    end: (_, said) => {
      const closed = open.pop();
      if (closed === undefined) return;
      closed.text = said;
      const parent = open.at(-1);
      if (parent === undefined) root = closed;
      else parent.children.push(closed);
    },
  });
  return isPlain ? root : undefined;
}
