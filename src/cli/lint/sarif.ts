/** Findings as the SARIF log of this program: its version, and files as URIs. */
import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { DocumentValue } from "../../core/config/document.ts";
import type { LintFinding } from "../../core/lint/model.ts";
import { sarifLog } from "../../core/lint/sarif.ts";
import { packageVersion } from "../version.ts";

export function sarifOf(findings: readonly LintFinding[]): DocumentValue {
  return sarifLog(findings, { version: packageVersion(), uriOf });
}

/** A relative name stays relative: code hosts look it up in the repository. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return file
    .replace(/^\.[\\/]/, "")
    .split(sep)
    .map(encodeURIComponent)
    .join("/");
}
