/**
 * XML as data, and back to text. Parsing is done at the edge (`s3/xml.ts`); the core sees only this tree.
 */

export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Character data directly inside the element; "" when there is none. */
  readonly text: string;
}

/** The first child of that name. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((one) => one.name === name);
}

/** The text of the first child of that name; undefined when there is no such child. */
export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text;
}

/** All children of that name, in document order. */
export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((one) => one.name === name);
}

/** What a template may hold: text is escaped, an element's children are printed in order, undefined prints nothing. */
export type XmlContent = string | number | boolean | undefined | readonly XmlNode[];

/** An element for printing: its name and its content. */
export type XmlNode = readonly [name: string, content: XmlContent] | undefined;

/** Prints a document with its declaration and, where given, its default namespace. */
export function printXml(root: XmlNode & object, namespace?: string): string {
  const attributes = namespace === undefined ? "" : ` xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${printNode(root, attributes)}`;
}

function printNode(node: XmlNode, attributes = ""): string {
  if (node === undefined) return "";
  const [name, content] = node;
  if (content === undefined) return "";
  let inner = "";
  if (typeof content === "object") for (const one of content) inner += printNode(one);
  else inner = typeof content === "string" ? escapeXml(content) : String(content);
  return `<${name}${attributes}>${inner}</${name}>`;
}

const SPECIAL = /[&<>"\r]/;
const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };

/** Escapes text for element content and attributes. Control characters that XML 1.0 cannot hold must be URL-encoded before. */
export function escapeXml(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[&<>"\r]/g, (one) => ESCAPES[one] ?? one) : text;
}
