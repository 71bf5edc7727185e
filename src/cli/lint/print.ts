/** Prints a replication configuration as XML, JSON or YAML, and proves that it reads back as the same document. */
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import type { DocumentValue } from "../../core/config/document.ts";
import { printReplication } from "../../core/config/print.ts";
import { UsageError } from "../errors.ts";
import { readLintText } from "./input.ts";

export type PrintForm = "xml" | "json" | "yaml";

/**
 * @throws UsageError when the form cannot hold the document: XML has no numbers where the schema has text
 */
export function printConfiguration(document: DocumentValue, form: PrintForm): string {
  const text = printers[form](document);
  const again = readLintText(`printed.${form}`, text, "replication").document?.value;
  if (!isDeepStrictEqual(again, document)) {
    throw new UsageError(`as ${form} the document would read back differently: correct what lint finds in it first`);
  }
  return text;
}

const printers: Record<PrintForm, (document: DocumentValue) => string> = {
  xml: printReplication,
  json: (document) => JSON.stringify(document, null, 2),
  yaml: (document) => stringify(document).trimEnd(),
};
