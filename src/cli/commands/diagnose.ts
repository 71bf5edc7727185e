import { type CommandInput, type CommandResult, type CommandSpec, textOption, textOptions } from "../command.ts";
import { CONNECTION_OPTIONS, SNAPSHOT_OPTION } from "../connection-options.ts";
import { type Context, styled } from "../context.ts";
import { EVIDENCE_OPTIONS, evidenceWish, OUTPUT_OPTIONS } from "../diagnosis/evidence-options.ts";
import { UsageError } from "../errors.ts";
import { parseS3Uri, uriOf } from "../s3-uri.ts";

export const diagnoseCommand: CommandSpec = {
  name: "diagnose",
  summary: "why versions are FAILED, stuck, or were never tried",
  description:
    "Explains every version of a bucket that is not at its destination: few causes, each with its evidence and what\n" +
    "to do. With a key, explains exactly that object, step by step. With --cloudtrail, says since when, and who had\n" +
    "changed what just before. Reads only: nothing is changed. With --snapshot nobody is asked: everything stands in the\n" +
    "file.",
  arguments: [
    {
      name: "s3-uri",
      help: "s3://BUCKET, or s3://BUCKET/KEY for one object; optional with --snapshot",
      isOptional: true,
    },
  ],
  options: [
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    SNAPSHOT_OPTION,
    {
      flags: "--cloudtrail [place]",
      help: "since when and what changed: of CloudTrail's event history, or of files at a path or s3://BUCKET/PREFIX",
    },
    ...EVIDENCE_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "the causes in a bucket", type: "lockstep diagnose s3://photos" },
    { does: "one object, step by step", type: "lockstep diagnose s3://photos/private/0001.jpg" },
    {
      does: "from a file, without credentials",
      type: "lockstep snapshot s3://photos > facts.json && lockstep diagnose --snapshot facts.json",
    },
    { does: "and what had been changed before they began", type: "lockstep diagnose s3://photos --cloudtrail" },
    { does: "a large bucket, going on where it was cut off", type: "lockstep diagnose s3://photos --resume walk.json" },
    { does: "a page for a ticket", type: "lockstep diagnose s3://photos --output photos.html" },
    { does: "for a script", type: "lockstep diagnose s3://photos --json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const snapshots = textOptions(input, "snapshot");
  if (snapshots.length > 0) {
    if (input.options["cloudtrail"] !== undefined)
      throw new UsageError("--cloudtrail asks, and --snapshot asks nobody: leave one out");
    const { diagnoseSnapshots } = await import("../diagnosis/snapshots.ts");
    return await diagnoseSnapshots(snapshots, input, context);
  }
  const { bucket, key } = parseS3Uri(uriOf(input));
  const prefix = textOption(input, "prefix");
  if (key !== undefined && prefix !== undefined)
    throw new UsageError("--prefix makes no sense with a key: leave one out");
  const wish = evidenceWish(input);
  if (key !== undefined && wish !== undefined)
    throw new UsageError("--inventory, --events, --report and --resume are of whole buckets: leave the key out");
  const { connect } = await import("../connection.ts");
  const { scanKey } = await import("../diagnosis/scan.ts");
  const { notesOfKey } = await import("../../core/diagnose/by-design.ts");
  const { explainVersion } = await import("../../core/diagnose/explain-version.ts");
  const { notesWords } = await import("../../doctor/report.ts");
  const { inventoryHint, WALK_VERSIONS_MAX } = await import("../../doctor/evidence/inventory-setup.ts");
  const { outputFormat, putOut } = await import("../diagnosis/output.ts");
  const { diagnosed, explained } = await import("../diagnosis/diagnosed.ts");
  const { joinLogs } = await import("../diagnosis/logs.ts");
  const connection = await connect(input, context);
  try {
    if (key === undefined) {
      const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
      // Better said before the walk than after it.
      outputFormat(input);
      const { scanBy } = await import("../diagnosis/evidence.ts");
      const { diagnosis, setup, alike } = await scanBy(connection, { scope, wish, input }, context);
      const { versions } = diagnosis.scanned;
      if (wish === undefined && versions > WALK_VERSIONS_MAX)
        context.stderr.write(`${inventoryHint(bucket, versions)}\n`);
      const facts = { ...setup, versions: alike.map((one) => one.version) };
      return await putOut(await joinLogs({ diagnosis, facts }, input, connection, context), input, context);
    }
    const scanned = await scanKey(connection, { bucket, key }, context);
    const { facts } = scanned;
    const diagnosis = await joinLogs(scanned, input, connection, context);
    if (facts.versions.length === 0) {
      const notes = notesOfKey(facts, key);
      if (notes.length === 0) throw new UsageError(`there is no version of ${key} in s3://${bucket}`);
      const { status } = diagnosed(diagnosis);
      return { status, value: { ...diagnosis, versions: [], notes }, words: () => notesWords(notes, styled) };
    }
    return explained(
      diagnosis,
      facts.versions.map((one) => explainVersion(facts, one)),
    );
  } finally {
    await connection.close();
  }
}
