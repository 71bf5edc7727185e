/** `diagnose` and `fix` of snapshots: nobody is asked, so no credentials are needed. */
import { type Alike, Examination, type Explained } from "../../core/diagnose/diagnose.ts";
import { explainVersion } from "../../core/diagnose/explain-version.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { readSnapshot, type Snapshot } from "../../doctor/snapshot.ts";
import { mergeSnapshots } from "../../doctor/snapshot-merge.ts";
import { type CommandInput, type CommandResult, isGiven, textOption } from "../command.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import * as fixing from "../fix/fixing.ts";
import { carryOut, type Wish } from "../fix/modes.ts";
import { parseBucketUri, parseS3Uri, type S3Uri } from "../s3-uri.ts";
import { explained } from "./diagnosed.ts";
import { evidenceWish } from "./evidence-options.ts";
import { putOut } from "./output.ts";

export interface Opened extends Explained {
  readonly snapshot: Snapshot;
  readonly setup: Setup;
  readonly alike: readonly Alike[];
}

/** What `lockstep diagnose --snapshot FILE` does. */
export async function diagnoseSnapshots(
  files: readonly string[],
  input: CommandInput,
  context: Context,
): Promise<CommandResult> {
  const opened = await openSnapshots(files, input, context);
  const { bucket, key } = uriIn(input) ?? {};
  if (key === undefined) return await putOut(opened.diagnosis, input, context);
  const { setup, alike } = opened;
  const versions = alike.flatMap(({ version, samples }) =>
    samples.filter((one) => one.key === key).map(({ versionId }) => ({ ...version, key, versionId })),
  );
  if (versions.length === 0) {
    throw new UsageError(
      `${files.join(", ")} holds no version of ${key} by name, only of its kind: ask s3://${bucket ?? ""}/${key} itself`,
    );
  }
  const facts = { ...setup, versions: alike.map((one) => one.version) };
  return explained(
    opened.diagnosis,
    versions.map((one) => explainVersion(facts, one)),
  );
}

/** What `lockstep fix --snapshot FILE` does. */
export async function fixSnapshots(
  files: readonly string[],
  wish: Wish,
  input: CommandInput,
  context: Context,
): Promise<CommandResult> {
  if (isGiven(input, "history") || textOption(input, "undo") !== undefined) {
    throw new UsageError("--undo and --history are about what was applied: leave --snapshot out");
  }
  const [address] = input.arguments;
  if (address !== undefined) parseBucketUri(address);
  const opened = await openSnapshots(files, input, context);
  const { snapshot } = opened;
  const plan = fixing.planOf(opened, textOption(input, "cause"));
  if (wish.apply && snapshot.masked !== undefined) {
    throw new UsageError("a masked snapshot names nothing that could be written to: take one without --mask");
  }
  const { connect } = await import("../connection.ts");
  let connection: Connection | undefined;
  const connected = async () => {
    connection = await connect(input, context);
    context.stderr.write(
      `lockstep: planned as of ${snapshot.takenAt}; every document is read again before it is written\n`,
    );
    return connection;
  };
  try {
    return await carryOut(plan, wish, { endpoint: snapshot.caller.endpoint, connected }, context);
  } finally {
    await connection?.close();
  }
}

/**
 * Reads, merges and diagnoses snapshots. The address chooses the one that the others add to; without it that is the first.
 *
 * @throws SnapshotError, UsageError
 */
export async function openSnapshots(files: readonly string[], input: CommandInput, context: Context): Promise<Opened> {
  if (textOption(input, "prefix") !== undefined) {
    throw new UsageError(
      "--prefix makes no sense with --snapshot, which holds kinds of versions: take one of the prefix",
    );
  }
  if (evidenceWish(input) !== undefined) {
    throw new UsageError("--snapshot asks nobody: leave --inventory, --events, --report and --resume out");
  }
  const all = await Promise.all(files.map(async (name) => ({ name, snapshot: await readSnapshot(name) })));
  const bucket = uriIn(input)?.bucket;
  const first = all.find((one) => bucket === undefined || one.snapshot.setup.source.name === bucket);
  if (first === undefined) {
    const held = all.map((one) => `${one.name} of s3://${one.snapshot.setup.source.name}`).join(", ");
    throw new UsageError(`there is no snapshot of s3://${bucket ?? ""} among these: ${held}`);
  }
  const { snapshot, conflicts } = mergeSnapshots(
    first,
    all.filter((one) => one !== first),
  );
  for (const one of conflicts) context.stderr.write(`lockstep: ${one}\n`);
  const { setup } = snapshot;
  const examination = new Examination(setup);
  for (const one of snapshot.alike) examination.add(one.version, one);
  if (all.length > 1 && isParted(snapshot)) {
    context.stderr.write(
      "lockstep: merged policies tell some keys apart that were taken as alike: numbers of versions are not exact\n",
    );
  }
  return { snapshot, setup, alike: snapshot.alike, ...examination.explained() };
}

/** Whether a document that came from elsewhere tells versions apart that were one where it could not be read. */
function isParted({ setup, alike }: Snapshot): boolean {
  return alike.some(({ version, samples }) => {
    const apart = new Examination(setup);
    for (const sample of samples) apart.add({ ...version, ...sample });
    return apart.alike().length > 1;
  });
}

function uriIn({ arguments: [text] }: CommandInput): S3Uri | undefined {
  return text === undefined ? undefined : parseS3Uri(text);
}
