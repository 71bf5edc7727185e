import { LINT_KINDS } from "../../core/lint/model.ts";
import {
  type CommandInput,
  type CommandResult,
  type CommandSpec,
  type ExitStatus,
  type OptionSpec,
  textOption,
} from "../command.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { PrintForm } from "../lint/print.ts";

const FORMS: readonly PrintForm[] = ["xml", "json", "yaml"];
const FORMATS = ["text", "json", "sarif"] as const;

const OPTIONS: readonly OptionSpec[] = [
  { flags: "--kind <kind>", help: `what the files are: ${LINT_KINDS.join(", ")} (default: told by their content)` },
  { flags: "--source <bucket>", help: "the source bucket, to check what the role may read there" },
  { flags: "--source-region <region>", help: "the Region of the source bucket" },
  { flags: "--destination-region <region>", help: "the Region of the destination buckets" },
  { flags: "--print <form>", help: `only print the one configuration, as ${FORMS.join(", ")}` },
  { flags: "--format <format>", help: `${FORMATS.join(", ")}`, default: "text" },
];

export const lintCommand: CommandSpec = {
  name: "lint",
  summary: "every problem of replication configurations and policies, offline",
  description:
    "Checks replication configurations (XML, JSON or YAML), role, trust, bucket and key policies: what AWS would refuse,\n" +
    "and what it takes but does not do. Files that are given together are checked together: what the rules of the\n" +
    "configuration need and the policies do not allow. Asks nobody, changes nothing. Notes do not count as findings.",
  arguments: [{ name: "file...", help: "documents, also as the AWS CLI prints them" }],
  options: OPTIONS,
  examples: [
    { does: "a configuration", type: "lockstep lint replication.json" },
    {
      does: "everything together, the source's side too",
      type: "lockstep lint replication.json role.json trust.json destination-policy.json --source photos",
    },
    { does: "for a code host or CI", type: "lockstep lint *.json --format sarif > lint.sarif" },
    { does: "the configuration in another form", type: "lockstep lint replication.json --print yaml" },
  ],
  run,
};

async function run(input: CommandInput, _context: Context): Promise<CommandResult> {
  const kind = oneOf(input, "kind", LINT_KINDS);
  const form = oneOf(input, "print", FORMS);
  const format = oneOf(input, "format", FORMATS) ?? "text";
  const files = [...new Set(input.arguments)];
  const { readLintFile } = await import("../lint/input.ts");
  const inputs = await Promise.all(files.map((file) => readLintFile(file, kind)));
  const documents = inputs.flatMap((one) => one.document ?? []);
  if (form !== undefined) {
    const [document, ...others] = documents;
    const [mistake] = inputs.flatMap((one) => one.findings).filter((one) => one.rule === "unreadable-document");
    if (mistake !== undefined)
      throw new UsageError(`${mistake.file}:${mistake.line}:${mistake.column}: ${mistake.says}`);
    if (document?.kind !== "replication" || others.length > 0) {
      throw new UsageError("--print takes one replication configuration");
    }
    const { printConfiguration } = await import("../lint/print.ts");
    const text = printConfiguration(document.value, form);
    return { status: 0, value: { form, text }, words: () => text };
  }
  const { lint } = await import("../../core/lint/lint.ts");
  const source = textOption(input, "source");
  const sourceRegion = textOption(input, "sourceRegion");
  const destinationRegion = textOption(input, "destinationRegion");
  const { findings, unchecked } = lint(
    documents,
    {
      ...(source === undefined ? {} : { source }),
      ...(sourceRegion === undefined ? {} : { sourceRegion }),
      ...(destinationRegion === undefined ? {} : { destinationRegion }),
    },
    inputs.flatMap((one) => one.findings),
  );
  const count = (severity: string) => findings.filter((one) => one.severity === severity).length;
  const counts = { error: count("error"), warning: count("warning"), note: count("note") };
  const kinds = files.map((file, index) => ({ file, kind: inputs[index]?.document?.kind ?? null }));
  const result = { files: kinds, counts, findings, unchecked };
  const isUnreadable = findings.some((one) => one.rule === "unreadable-document");
  const status: ExitStatus = isUnreadable ? 2 : counts.error + counts.warning > 0 ? 1 : 0;
  if (format === "sarif") {
    const { sarifOf } = await import("../lint/sarif.ts");
    const log = sarifOf(findings);
    return { status, value: log, words: () => JSON.stringify(log, null, 2) };
  }
  const { lintWords } = await import("../lint/words.ts");
  const words = format === "json" ? () => JSON.stringify(result, null, 2) : () => lintWords(result, styled);
  return { status, value: result, words };
}

function oneOf<T extends string>(input: CommandInput, name: string, values: readonly T[]): T | undefined {
  const given = textOption(input, name);
  if (given === undefined) return undefined;
  const known = values.find((one) => one === given);
  if (known === undefined) throw new UsageError(`--${name} is one of ${values.join(", ")}, not "${given}"`);
  return known;
}
