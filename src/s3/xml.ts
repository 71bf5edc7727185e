/**
 * Reads XML into the tree of `core/xml.ts`: answers of stores in the client, requests of clients in the lab.
 *
 * Strict: what is not well-formed, was cut off or carries a DOCTYPE is refused, never repaired. Namespace prefixes and
 * attributes are dropped: no part of S3 that we read depends on them. Printing is in `core/xml.ts`.
 */
import { SaxesParser } from "saxes";
import type { XmlElement } from "../core/xml.ts";
import { parsePlainXml } from "./plain-xml.ts";

/** `malformed`: no XML. `doctype`: could define entities. The other two: larger than the reader allows. */
export type XmlProblem = "malformed" | "doctype" | "too-deep" | "too-large";

/** Says why a text was not read. The client makes a protocol error of it, the lab a `MalformedXML`. */
export class XmlError extends Error {
  override readonly name = "XmlError";
  readonly problem: XmlProblem;
  /** Where in the text the reader stood. */
  readonly offset: number;

  constructor(problem: XmlProblem, message: string, offset = 0) {
    super(message);
    this.problem = problem;
    this.offset = offset;
  }
}

export interface XmlOptions {
  /** In UTF-16 units of the text. */
  readonly lengthMax?: number;
  /** Nesting of elements; the root alone is 1. */
  readonly depthMax?: number;
  /** Gets the offset of each element's start tag in the text. */
  readonly offsets?: Map<XmlElement, number>;
}

/** The largest page of 1,000 versions with keys of 1,024 bytes, every one of them percent-encoded, is below 8 Mi. */
const LENGTH_MAX = 8 * 1024 * 1024;
/** The deepest document of S3 (a replication rule's tag) has 6 levels. */
const DEPTH_MAX = 32;

interface OpenElement {
  name: string;
  children: XmlElement[];
  text: string;
}

/**
 * Reads a document.
 *
 * Text of an element that has children is dropped when it is only white space (indentation); other text is kept as it
 * is, blanks included. White space in front of the document is let pass: stores send it to keep a connection alive.
 *
 * @throws XmlError
 */
export function parseXml(text: string, options: XmlOptions = {}): XmlElement {
  const { lengthMax = LENGTH_MAX, depthMax = DEPTH_MAX, offsets } = options;
  if (text.length > lengthMax) throw new XmlError("too-large", `the document is longer than ${lengthMax} characters`);

  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  const document = text.trimStart();
  const plain = offsets === undefined ? parsePlainXml(document, depthMax) : undefined;
  if (plain !== undefined) return plain;
  const offsetOf = (position: number) => position + text.length - document.length;
  // Bytes never decode to one; saxes 6.0.0 ends in a RangeError where one stands in an unfinished `<!`.
  const half = document.search(/\p{Surrogate}/u);
  if (half >= 0) throw new XmlError("malformed", "half of a surrogate pair is no character", offsetOf(half));
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw new XmlError("malformed", error.message, offsetOf(parser.position));
  });
  parser.on("doctype", () => {
    throw new XmlError("doctype", "the document has a DOCTYPE");
  });
  parser.on("opentag", (tag) => {
    if (open.length >= depthMax) throw new XmlError("too-deep", `elements are nested deeper than ${depthMax}`);
    const element = { name: localName(tag.name), children: [], text: "" };
    open.push(element);
    // The reader stands behind the tag, which holds no other `<`.
    offsets?.set(element, offsetOf(document.lastIndexOf("<", parser.position - 1)));
  });
  parser.on("text", (data) => {
    const current = open.at(-1);
    if (current !== undefined) current.text += data;
  });
  parser.on("cdata", (data) => {
    const current = open.at(-1);
    if (current !== undefined) current.text += data;
  });
  parser.on("closetag", () => {
    const closed = open.pop();
    if (closed === undefined) return;
    if (closed.children.length > 0 && closed.text !== "" && closed.text.trim() === "") closed.text = "";
    const parent = open.at(-1);
    if (parent === undefined) root = closed;
    else parent.children.push(closed);
  });
  parser.write(document).close();
  if (root === undefined) throw new XmlError("malformed", "the document has no element");
  return root;
}

function localName(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(colon + 1);
}
