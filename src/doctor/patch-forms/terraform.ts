/** Patches as HCL, with an `import` block for each resource, so that `terraform plan` shows the change and no creation. */
import type { DocumentValue } from "../../core/config/document.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import { patchTitle } from "../patch-forms.ts";
import { type Hcl, type HclBody, terraformOf } from "./resources.ts";

/** One patch as `terraform fmt` would leave it. */
export function patchTerraform(patch: Patch): string {
  const resource = terraformOf(patch);
  const title = `# ${patchTitle(patch)}`;
  if ("says" in resource) return `${title}\n# ${resource.says}\n`;
  const name = `lockstep_${patch.id.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
  return [
    title,
    "# Where it is declared already, change it there: this block then is not needed.",
    "import {",
    `  to = ${resource.type}.${name}`,
    `  id = ${text(resource.importId)}`,
    "}",
    "",
    `resource ${text(resource.type)} ${text(name)} {`,
    ...bodyLines(resource.body, "  "),
    "}",
    "",
  ].join("\n");
}

/** Attributes first, their signs aligned where they follow each other on one line each; then blocks. */
function bodyLines(body: HclBody, indent: string): string[] {
  const lines: string[] = [];
  const attributes = body.filter(([, value]) => !isBlocks(value));
  for (const run of runsOf(attributes)) {
    const width = Math.max(...run.map(([name]) => name.length));
    for (const [name, value] of run) lines.push(`${indent}${name.padEnd(width)} = ${valueText(value, indent)}`);
  }
  for (const [name, value] of body) {
    if (!isBlocks(value)) continue;
    for (const block of value.blocks) {
      if (lines.length > 0) lines.push("");
      if (block.length === 0) lines.push(`${indent}${name} {}`);
      else lines.push(`${indent}${name} {`, ...bodyLines(block, `${indent}  `), `${indent}}`);
    }
  }
  return lines;
}

/** What is written over several lines ends the alignment of those before it. */
function runsOf(attributes: HclBody): HclBody[] {
  const runs: (readonly [string, Hcl])[][] = [];
  let run: (readonly [string, Hcl])[] | undefined;
  for (const one of attributes) {
    const isLong = valueText(one[1], "").includes("\n");
    if (run === undefined || isLong) {
      run = [];
      runs.push(run);
    }
    run.push(one);
    if (isLong) run = undefined;
  }
  return runs;
}

function isBlocks(value: Hcl): value is { readonly blocks: readonly HclBody[] } {
  return typeof value === "object" && "blocks" in value;
}

function valueText(value: Hcl, indent: string): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if ("json" in value) {
    const isMap = !hasPolicy(value.json);
    return isMap ? documentText(value.json, indent) : `jsonencode(${documentText(value.json, indent)})`;
  }
  if ("blocks" in value) return "";
  return `[${value.map(text).join(", ")}]`;
}

function hasPolicy(document: DocumentValue): boolean {
  return typeof document === "object" && document !== null && "Statement" in document;
}

/** A document as an expression of HCL: every key quoted, for policies hold keys such as `aws:SourceArn`. */
function documentText(value: DocumentValue, indent: string): string {
  if (typeof value === "string") return text(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const items = value.map((one: DocumentValue) => `${inner}${documentText(one, inner)},`);
    return ["[", ...items, `${indent}]`].join("\n");
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const members = runsOfEntries(entries, inner);
  return ["{", ...members, `${indent}}`].join("\n");
}

function runsOfEntries(entries: readonly (readonly [string, DocumentValue])[], indent: string): string[] {
  const lines: string[] = [];
  let run: { name: string; value: string }[] = [];
  const flush = () => {
    const width = Math.max(0, ...run.map(({ name }) => name.length));
    for (const { name, value } of run) lines.push(`${indent}${name.padEnd(width)} = ${value}`);
    run = [];
  };
  for (const [key, member] of entries) {
    const one = { name: text(key), value: documentText(member, indent) };
    if (one.value.includes("\n")) flush();
    run.push(one);
    if (one.value.includes("\n")) flush();
  }
  flush();
  return lines;
}

/** A quoted string of HCL: interpolations and directives are text here. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);
}
