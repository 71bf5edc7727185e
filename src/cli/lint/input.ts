/**
 * Reads documents for `lockstep lint`: XML, JSON and YAML, each with the places of its parts.
 *
 * A file that cannot be read or understood becomes a finding with a reason, so that the other files are still checked.
 */
import { readFile } from "node:fs/promises";
import { documentOfXml } from "../../core/config/document.ts";
import { printPath } from "../../core/iam/problems.ts";
import { detectKind, unwrap } from "../../core/lint/detect.ts";
import { readJson } from "../../core/lint/json.ts";
import { lintFinding } from "../../core/lint/lint.ts";
import type { LintDocument, LintFinding, LintKind } from "../../core/lint/model.ts";
import { type PlacedValue, type Position, placesOfXml, positionsIn } from "../../core/lint/places.ts";
import type { XmlElement } from "../../core/xml.ts";
import { parseXml, XmlError } from "../../s3/xml.ts";
import { readYaml } from "../placed-yaml.ts";

/** What one file holds, and what reading it has found. */
export interface LintInput {
  readonly document?: LintDocument;
  readonly findings: readonly LintFinding[];
}

/** A configuration has 2 MB at most; indented it is longer. */
const BYTES_MAX = 8 * 1024 * 1024;

/** Reads a file. Never rejects because of the file. */
export async function readLintFile(file: string, kind?: LintKind): Promise<LintInput> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return unreadable(file, START, sayFileError(error), "Give the name of a file that may be read");
  }
  if (bytes.length > BYTES_MAX) return unreadable(file, START, `It has ${bytes.length} bytes: no document is so large`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return unreadable(file, START, "It is not UTF-8 text", "Save it as UTF-8");
  }
  return readLintText(file, text, kind);
}

/** Reads the text of a file. @param file for findings, and for telling YAML by the end of the name */
export function readLintText(file: string, text: string, kind?: LintKind): LintInput {
  if (text.trim() === "") return unreadable(file, START, "It is empty");
  const read: Read = isXml(text) ? readXml(text) : isYaml(file, text) ? readYaml(text) : readJsonText(file, text);
  if ("says" in read) return unreadable(file, read.at, read.says);
  const document = unwrap(read);
  const found = kind ?? detectKind(document.value);
  if (found === undefined) {
    const says = "It is neither a replication configuration (Role, Rules) nor a policy (Statement)";
    return unreadable(
      file,
      read.places.at,
      says,
      "Say what it is with --kind, and take out of it what is around the document",
    );
  }
  return { document: { ...document, file, kind: found }, findings: read.findings ?? [] };
}

const START: Position = { line: 1, column: 1 };

function unreadable(file: string, at: Position, says: string, remedy?: string): LintInput {
  const problem = { rule: "unreadable-document" as const, path: "", says, ...(remedy === undefined ? {} : { remedy }) };
  return { findings: [lintFinding(file, at, problem)] };
}

function sayFileError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return "There is no such file";
    case "EISDIR":
      return "It is a directory";
    case "EACCES":
    case "EPERM":
      return "It may not be read";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

type Read =
  | (PlacedValue & { readonly findings?: readonly LintFinding[] })
  | { readonly says: string; readonly at: Position };

function isXml(text: string): boolean {
  return text
    .replace(/^\uFEFF/, "")
    .trimStart()
    .startsWith("<");
}

/** JSON is YAML too, so what begins as JSON is judged as JSON, unless the name says otherwise. */
function isYaml(file: string, text: string): boolean {
  return /\.ya?ml$/i.test(file) || (!/\.json$/i.test(file) && !/^\uFEFF?\s*[[{"]/.test(text));
}

function readJsonText(file: string, text: string): Read {
  const read = readJson(text);
  if ("says" in read) return { ...read, says: `It is not JSON: ${read.says}` };
  const findings = read.repeated.map(({ path, at }) => {
    const says = `${String(path.at(-1))} stands in this object already`;
    return lintFinding(file, at, { rule: "repeated-member", path: printPath(path), says });
  });
  return { ...read, findings };
}

const XML_ROOT = "ReplicationConfiguration";

function readXml(text: string): Read {
  const positionOf = positionsIn(text);
  const offsets = new Map<XmlElement, number>();
  let root: XmlElement;
  try {
    root = parseXml(text, { offsets });
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return { says: `It is not XML that S3 takes: ${error.message}`, at: positionOf(error.offset) };
  }
  const places = placesOfXml(root, (element) => positionOf(offsets.get(element) ?? 0));
  if (root.name !== XML_ROOT) return { says: `The element is ${root.name}, and not ${XML_ROOT}`, at: places.at };
  return { value: documentOfXml(root), places };
}
