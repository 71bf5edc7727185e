import { type CommandInput, type CommandResult, type CommandSpec, textOption } from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { EVIDENCE_OPTIONS, evidenceWish } from "../evidence-options.ts";
import { parseS3Uri } from "../s3-uri.ts";

export const diagnoseCommand: CommandSpec = {
  name: "diagnose",
  summary: "why versions are FAILED, stuck, or were never tried",
  description:
    "Explains every version of a bucket that is not at its destination: few causes, each with its evidence and what\n" +
    "to do. With a key, explains exactly that object, step by step. Reads only: nothing is changed.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET, or s3://BUCKET/KEY for one object" }],
  options: [
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    ...EVIDENCE_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "the causes in a bucket", type: "lockstep diagnose s3://photos" },
    { does: "one object, step by step", type: "lockstep diagnose s3://photos/private/0001.jpg" },
    { does: "a large bucket, from its newest S3 Inventory", type: "lockstep diagnose s3://photos --inventory latest" },
    { does: "for a script", type: "lockstep diagnose s3://photos --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { bucket, key } = parseS3Uri(input.arguments[0] ?? "");
  const prefix = textOption(input, "prefix");
  if (key !== undefined && prefix !== undefined)
    throw new UsageError("--prefix makes no sense with a key: leave one out");
  const wish = evidenceWish(input);
  if (key !== undefined && wish !== undefined)
    throw new UsageError("--inventory, --events, --report and --resume are of whole buckets: leave the key out");
  const { connect } = await import("../connection.ts");
  const { scan } = await import("../scan.ts");
  const { notesOfKey } = await import("../../core/diagnose/by-design.ts");
  const { explainVersion } = await import("../../core/diagnose/explain-version.ts");
  const { inventoryHint, WALK_VERSIONS_MAX } = await import("../../doctor/evidence/inventory-setup.ts");
  const { diagnosisWords, explanationWords, notesWords } = await import("../../doctor/report.ts");
  const connection = await connect(input, context);
  try {
    const scope = { bucket, ...(key === undefined ? {} : { key }), ...(prefix === undefined ? {} : { prefix }) };
    if (wish !== undefined) {
      const { scanEvidence } = await import("../evidence.ts");
      const within = { bucket, ...(prefix === undefined ? {} : { prefix }) };
      const { diagnosis } = await scanEvidence(connection, { scope: within, wish, input }, context);
      const status = diagnosis.causes.length > 0 || diagnosis.unexplained.length > 0 ? 1 : 0;
      return { status, value: diagnosis, words: () => diagnosisWords(diagnosis, styled) };
    }
    const { diagnosis, facts } = await scan(connection, scope, context);
    const isFinding = diagnosis.causes.length > 0 || diagnosis.unexplained.length > 0;
    const status = isFinding ? 1 : 0;
    if (key === undefined && diagnosis.scanned.versions > WALK_VERSIONS_MAX)
      context.stderr.write(`${inventoryHint(bucket, diagnosis.scanned.versions)}\n`);
    if (key === undefined) return { status, value: diagnosis, words: () => diagnosisWords(diagnosis, styled) };
    if (facts.versions.length === 0) {
      const notes = notesOfKey(facts, key);
      if (notes.length === 0) throw new UsageError(`there is no version of ${key} in s3://${bucket}`);
      return { status, value: { ...diagnosis, versions: [], notes }, words: () => notesWords(notes, styled) };
    }
    const versions = facts.versions.map((one) => explainVersion(facts, one));
    return {
      status,
      value: { ...diagnosis, versions },
      words: () =>
        [...versions.map((one) => explanationWords(one, styled)), diagnosisWords(diagnosis, styled)].join("\n\n"),
    };
  } finally {
    await connection.close();
  }
}
