/**
 * Where the parts of a document stand in its file: a tree beside the value, from which a path is looked up.
 *
 * The readers of JSON, XML and YAML each make one. A path that leads to nothing (a member that is missing) has the
 * place of the nearest thing that holds it.
 */
import { type DocumentValue, LIST_MEMBERS } from "../config/document.ts";
import type { JsonPath } from "../iam/json-members.ts";
import type { XmlElement } from "../xml.ts";

/** Both from 1; columns count UTF-16 units, as editors and SARIF do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface PlaceTree {
  readonly at: Position;
  readonly members: ReadonlyMap<string | number, PlaceTree>;
}

/** A value that was read from a file, and where its parts stand there. */
export interface PlacedValue {
  readonly value: DocumentValue;
  readonly places: PlaceTree;
}

const NO_MEMBERS: PlaceTree["members"] = new Map();

/** A value without parts. */
export function leaf(at: Position): PlaceTree {
  return { at, members: NO_MEMBERS };
}

/** Where the path leads, or as far as it leads. */
export function placeOf(tree: PlaceTree, path: JsonPath): Position {
  let node = tree;
  for (const step of path) {
    const next = node.members.get(step);
    if (next === undefined) break;
    node = next;
  }
  return node.at;
}

const STEP = /\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads a path as problems write it: `Statement[1].Condition.StringLike["kms:ViaService"][0]`. */
export function readPath(path: string): JsonPath {
  const steps: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const found = STEP.exec(path);
    if (found === null) break;
    const [, name, index, quoted] = found;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else steps.push(String(JSON.parse(quoted ?? '""')));
  }
  return steps;
}

/** Turns offsets of a text into positions. */
export function positionsIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** The places of the document that `documentOfXml` makes of the same tree. */
export function placesOfXml(root: XmlElement, positionOf: (element: XmlElement) => Position): PlaceTree {
  return elementPlaces(root, "", positionOf);
}

function elementPlaces(element: XmlElement, path: string, positionOf: (element: XmlElement) => Position): PlaceTree {
  const list = LIST_MEMBERS[path];
  const members = new Map<string | number, PlaceTree>();
  const byName = new Map<string, { readonly isList: boolean; readonly places: PlaceTree[] }>();
  for (const child of element.children) {
    const isList = list !== undefined && child.name === list.xml;
    const name = isList ? list.json : child.name;
    const places = elementPlaces(child, path === "" ? name : `${path}.${name}`, positionOf);
    const before = byName.get(name);
    if (before === undefined) byName.set(name, { isList, places: [places] });
    else before.places.push(places);
  }
  for (const [name, { isList, places }] of byName) {
    const [first, second] = places;
    // An element that may stand once and stands twice becomes a list too.
    if (first !== undefined) members.set(name, isList || second !== undefined ? listOf(first, places) : first);
  }
  return { at: positionOf(element), members };
}

function listOf(first: PlaceTree, places: readonly PlaceTree[]): PlaceTree {
  return { at: first.at, members: new Map(places.map((one, index) => [index, one])) };
}
