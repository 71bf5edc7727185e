/** Reads YAML, and so JSON, into a value and the places of its parts. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { DocumentValue } from "../core/config/document.ts";
import { leaf, type PlacedValue, type PlaceTree, type Position } from "../core/lint/places.ts";

/** The value of the one document in a text, or what is wrong with it and where. */
export function readYaml(text: string): PlacedValue | { readonly says: string; readonly at: Position } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const [mistake] = document.errors;
  if (mistake !== undefined) return { says: `It is not YAML: ${mistake.message}`, at: positionOf(mistake.pos[0]) };
  try {
    const value = document.toJS() as DocumentValue;
    return { value, places: yamlPlaces(document.contents, positionOf) };
  } catch (error) {
    // An alias that leads nowhere, or to too much.
    return {
      says: `It is not YAML: ${error instanceof Error ? error.message : String(error)}`,
      at: { line: 1, column: 1 },
    };
  }
}

function yamlPlaces(node: unknown, positionOf: (offset: number) => Position): PlaceTree {
  const isNode = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node);
  const at = positionOf(isNode ? (node.range?.[0] ?? 0) : 0);
  if (isMap(node)) {
    const members = node.items.map(({ key, value }): [string, PlaceTree] => {
      const places = yamlPlaces(value ?? key, positionOf);
      return [isScalar(key) ? String(key.value) : String(key), places];
    });
    return { at, members: new Map(members) };
  }
  if (isSeq(node))
    return { at, members: new Map(node.items.map((one, index) => [index, yamlPlaces(one, positionOf)])) };
  return leaf(at);
}
