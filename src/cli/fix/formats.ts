/** `fix --format`: the changes alone, in the form that another tool takes, on standard output or as files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Patch } from "../../core/diagnose/report.ts";
import { patchCloudFormation } from "../../doctor/patch-forms/cloudformation.ts";
import { patchTerraform } from "../../doctor/patch-forms/terraform.ts";
import { patchCommand, patchDiff, patchTitle } from "../../doctor/patch-forms.ts";
import type { CommandResult } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { FixPlan, ShowOptions } from "./fixing.ts";

const FORMATS = {
  diff: { ending: "diff", print: (patch) => `${patchTitle(patch)}\n${patchDiff(patch)}\n` },
  json: { ending: "json", print: (patch) => `${JSON.stringify(patch, null, 2)}\n` },
  cli: { ending: "sh", print: (patch, endpoint) => `# ${patchTitle(patch)}\n${patchCommand(patch, endpoint)}\n` },
  terraform: { ending: "tf", print: patchTerraform },
  cloudformation: { ending: "yaml", print: patchCloudFormation },
} as const satisfies Record<string, { ending: string; print: (patch: Patch, endpoint: string | undefined) => string }>;

export interface Form {
  readonly name: keyof typeof FORMATS;
  readonly directory?: string;
}

/** @throws UsageError */
export function checkedFormat(name: string | undefined, directory: string | undefined): Form | undefined {
  if (name === undefined) {
    if (directory !== undefined) throw new UsageError("--output goes with --format");
    return undefined;
  }
  if (!Object.hasOwn(FORMATS, name)) {
    throw new UsageError(`--format is one of ${Object.keys(FORMATS).join(", ")}, not "${name}"`);
  }
  return { name: name as Form["name"], ...(directory === undefined ? {} : { directory }) };
}

/** @throws UsageError when a file cannot be written */
export async function formatted(
  fix: FixPlan,
  { name, directory }: Form,
  { endpoint, proof }: ShowOptions,
  { workingDirectory }: Context,
): Promise<CommandResult> {
  const { ending, print } = FORMATS[name];
  const at = endpoint === "aws" ? undefined : endpoint;
  const files = fix.patches.map((patch) => ({ name: `${patch.target}-${patch.id}.${ending}`, text: print(patch, at) }));
  if (directory !== undefined) writeAll(resolve(workingDirectory, directory), files);
  return {
    status: fix.causes.length > 0 ? 1 : 0,
    value: { bucket: fix.bucket, format: name, files, ...(proof === undefined ? {} : { proof }) },
    words: () =>
      directory === undefined
        ? textOf(name, fix.patches, files)
        : files.map((one) => join(directory, one.name)).join("\n"),
  };
}

/** All changes as one text: JSON is one list, a template of CloudFormation a document for each. */
function textOf(name: Form["name"], patches: readonly Patch[], files: readonly { readonly text: string }[]): string {
  if (name === "json") return JSON.stringify(patches, null, 2);
  return files.map((one) => one.text.trimEnd()).join(name === "cloudformation" ? "\n---\n" : "\n\n");
}

function writeAll(directory: string, files: readonly { readonly name: string; readonly text: string }[]): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const { name, text } of files) writeFileSync(join(directory, name), text);
  } catch (cause) {
    throw new UsageError(
      `${directory} cannot be written to (${cause instanceof Error ? cause.message : String(cause)})`,
      {
        cause,
      },
    );
  }
}
