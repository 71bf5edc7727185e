/** What `fix` does: plans patches for causes, shows them, applies them with an undo, takes them back. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Alike, Examination, type Explained } from "../core/diagnose/diagnose.ts";
import type { Setup } from "../core/diagnose/facts.ts";
import { patchesOf } from "../core/diagnose/patches.ts";
import type { Cause, Patch } from "../core/diagnose/report.ts";
import { applyPatches, lastingOf, undoOf, type Waiting } from "../doctor/apply.ts";
import { ApplyError } from "../doctor/apply-error.ts";
import { type Application, History } from "../doctor/history.ts";
import { checkPermissions } from "../doctor/may-write.ts";
import { patchCommand, patchDiff, patchTitle } from "../doctor/patch-forms.ts";
import { type Proof, prove } from "../doctor/prove.ts";
import { type Ink, plural } from "../doctor/report.ts";
import { sleep } from "./clock.ts";
import type { CommandResult } from "./command.ts";
import type { Connection } from "./connection.ts";
import { type Context, styled } from "./context.ts";
import { AccessError, RefusedError, UsageError } from "./errors.ts";
import { proofWords } from "./proof-words.ts";
import { scan, scanKey } from "./scan.ts";
import { stateDirectory } from "./state-directory.ts";

export interface FixPlan {
  readonly bucket: string;
  readonly causes: readonly Cause[];
  /** One per document, for all causes together. */
  readonly patches: readonly Patch[];
  /** What can never be taken back: written only where its cause is named. */
  readonly leftOut: readonly Patch[];
  /** What all of it was concluded from. */
  readonly setup: Setup;
  readonly alike: readonly Alike[];
}

/** What has been diagnosed, and what it was diagnosed by. */
export interface Diagnosed extends Explained {
  readonly setup: Setup;
  readonly alike: readonly Alike[];
}

/** @param causeId only this one; undefined: all */
export async function plan(
  connection: Connection,
  bucket: string,
  causeId: string | undefined,
  context: Context,
): Promise<FixPlan> {
  return planOf(await scan(connection, { bucket }, context), causeId);
}

/** Likewise, of what has been diagnosed already. */
export function planOf({ diagnosis, edits, setup, alike }: Diagnosed, causeId: string | undefined): FixPlan {
  const { bucket } = diagnosis;
  const causes = diagnosis.causes.filter((one) => causeId === undefined || one.id === causeId);
  if (causeId !== undefined && causes.length === 0) {
    const known = diagnosis.causes.map((one) => one.id).join(", ");
    throw new UsageError(`there is no cause ${causeId} in s3://${bucket}${known === "" ? "" : `; there are ${known}`}`);
  }
  const patches = patchesOf(causes.flatMap((one) => edits.get(one.id) ?? []));
  const leftOut = causeId === undefined ? lastingOf(patches) : [];
  return { bucket, causes, patches: patches.filter((one) => !leftOut.includes(one)), leftOut, setup, alike };
}

/** Tries the patches in a lab in memory; nothing else is touched. */
export async function proofOf({ setup, alike, causes, patches }: FixPlan, { clock }: Context): Promise<Proof> {
  const { rehearsals } = await import("./rehearsal/rehearse.ts");
  const examination = new Examination(setup);
  for (const one of alike) examination.add(one.version, one);
  return await prove({ setup, examined: examination.examined(), causes, patches }, rehearsals(clock));
}

export interface ShowOptions {
  readonly endpoint: string;
  readonly proof?: Proof;
}

export function show(fix: FixPlan, { endpoint, proof }: ShowOptions, ink: Ink): CommandResult {
  const at = endpoint === "aws" ? undefined : endpoint;
  const shown = (one: Patch) => ({ ...one, diff: patchDiff(one), awsCli: patchCommand(one, at) });
  const [patches, leftOut] = [fix.patches.map(shown), fix.leftOut.map(shown)];
  return {
    status: fix.causes.length > 0 ? 1 : 0,
    value: { bucket: fix.bucket, causes: fix.causes, patches, leftOut, ...(proof === undefined ? {} : { proof }) },
    words: () =>
      [...planWords(fix, at, ink), ...(proof === undefined ? [] : ["", ...proofWords(proof, ink)])].join("\n"),
  };
}

function planWords(fix: FixPlan, endpoint: string | undefined, ink: Ink): string[] {
  if (fix.causes.length === 0) return [ink("green", "Nothing is to be fixed.")];
  const lines = fix.causes.map((one) => `${one.id}  ${one.code}: ${one.fix.summary}`);
  for (const patch of [...fix.patches, ...fix.leftOut]) {
    lines.push("", ink("bold", `${patch.id}  ${patchTitle(patch)}`), colouredDiff(patchDiff(patch), ink));
    lines.push("", ink("dim", "by hand:"), patchCommand(patch, endpoint));
  }
  if (fix.leftOut.length > 0) lines.push("", ...leftOutLines(fix, ink));
  if (fix.patches.length > 0) lines.push("", `To write it: lockstep fix s3://${fix.bucket} --apply`);
  else if (fix.leftOut.length === 0 && fix.causes.some((one) => one.fix.resync)) {
    lines.push("", `Nothing is to be changed: lockstep resync s3://${fix.bucket}`);
  }
  return lines;
}

/** What is done only when somebody asks for exactly that. */
function leftOutLines({ bucket, causes, leftOut }: FixPlan, ink: Ink): string[] {
  return leftOut.map((patch) => {
    const id = causes.find((one) => one.fix.patches.some(({ id: held }) => held === patch.id))?.id ?? "ID";
    const how = `lockstep fix s3://${bucket} --cause ${id} --apply`;
    return `${ink("yellow", "left out")} ${patchTitle(patch)}: nothing takes it back; to write it: ${how}`;
  });
}

function colouredDiff(diff: string, ink: Ink): string {
  const colour = (line: string) =>
    line.startsWith("+") ? ink("green", line) : line.startsWith("-") ? ink("red", line) : line;
  return diff.split("\n").map(colour).join("\n");
}

/** How `apply` is to go about it. */
export interface ApplyOptions {
  /** From `proofOf`; a refused patch is not written. */
  readonly proof?: Proof;
  /** Nobody is asked. */
  readonly yes?: boolean;
}

/** @throws RefusedError, UsageError when nobody says yes, ChangedError, ApplyError, AccessError */
export async function apply(
  connection: Connection,
  fix: FixPlan,
  context: Context,
  { proof, yes = false }: ApplyOptions,
): Promise<CommandResult> {
  if (fix.patches.length === 0) return show(fix, { endpoint: connection.endpoint }, styled);
  if (proof?.verdict === "refused") {
    context.stderr.write(`${proofWords(proof, styled).join("\n")}\n`);
    throw new RefusedError("the patches were refused by their proof: nothing was written");
  }
  const permissions = await checkPermissions(connection, fix.setup, fix.patches);
  const [missing] = permissions.missing;
  if (missing !== undefined) throw new AccessError(`${missing.says}; nothing was written`);
  await confirm(fix, connection, permissions.unchecked, context, yes);
  const { undo, applied } = await writePatches(connection, fix, context);
  const probe = await probed(connection, fix, context);
  return {
    status: probe.left.length > 0 ? 1 : 0,
    value: {
      bucket: fix.bucket,
      undo,
      applied,
      leftOut: fix.leftOut,
      permissions,
      probe,
      ...(proof === undefined ? {} : { proof }),
    },
    words: () =>
      [
        ...applied.map((one) => `${styled("green", "applied")}  ${patchTitle(one)}`),
        ...leftOutLines(fix, styled),
        ...probeLines(probe),
        "",
        `To take it back:            lockstep fix s3://${fix.bucket} --undo ${undo}${connection.typed ?? ""}`,
        `To replicate what was lost: lockstep resync s3://${fix.bucket}`,
      ].join("\n"),
  };
}

/**
 * Writes patches, with what takes them back kept first.
 *
 * @returns those that were really written, and the id that undoes them
 * @throws ApplyError, ChangedError, S3Error, AwsError
 */
export async function writePatches(
  connection: Connection,
  { bucket, patches }: Pick<FixPlan, "bucket" | "patches">,
  context: Context,
): Promise<{ readonly undo: string; readonly applied: readonly Patch[] }> {
  const application: Application = {
    id: `u-${randomBytes(5).toString("hex")}`,
    bucket: bucket,
    endpoint: connection.endpoint,
    accountId: connection.accountId,
    appliedAt: new Date(context.clock()).toISOString(),
    patches,
  };
  // What is about to be written is kept first: a crash in between can be undone.
  const history = historyOf(context);
  await history.save(application);
  let applied: readonly Patch[];
  try {
    applied = await applyPatches(connection, patches, waitingOf(context));
  } catch (error) {
    const stuck = error instanceof ApplyError ? error.stuck.map((one) => one.patch) : [];
    const undoneAt = new Date(context.clock()).toISOString();
    await history.save(stuck.length > 0 ? { ...application, patches: stuck } : { ...application, undoneAt });
    throw error;
  }
  await history.save({ ...application, patches: applied });
  return { undo: application.id, applied };
}

function waitingOf(context: Context): Waiting {
  return {
    sleep: (ms) => sleep(ms, context.interrupted),
    onInEffect: (patch) => {
      if (context.stderr.isTTY === true) context.stderr.write(`in effect: ${patchTitle(patch)}\n`);
    },
  };
}

/** Says what will be called, and asks. @throws UsageError when the answer is not yes, or nobody is there to give one */
async function confirm(
  fix: FixPlan,
  { endpoint }: Connection,
  unchecked: readonly string[],
  { ask, stderr }: Context,
  yes: boolean,
): Promise<void> {
  if (yes) return;
  if (ask === undefined) {
    throw new UsageError(
      "nobody is at the terminal to be asked: --yes writes the changes unasked, --dry-run shows them",
    );
  }
  const at = endpoint === "aws" ? undefined : endpoint;
  const calls = fix.patches.map(
    (one) => `${patchTitle(one)}\n${colouredDiff(patchDiff(one), styled)}\n${styled("dim", patchCommand(one, at))}`,
  );
  const doubts = unchecked.map((one) => `${styled("yellow", "not checked")}: ${one}`);
  stderr.write(`${[...calls, ...doubts].join("\n\n")}\n\n`);
  const answer = await ask(
    `Write ${fix.patches.length === 1 ? "this change" : `these ${fix.patches.length} changes`}? [y/N] `,
  );
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new UsageError("nothing was written");
}

interface Probe {
  /** Ids of causes that the patches are of and that samples of theirs no longer show. */
  readonly gone: readonly string[];
  readonly left: readonly string[];
}

const PROBES_MAX = 5;

/** Looks at one sample of each cause anew: what the patches were to remove must not be said any more. */
async function probed(connection: Connection, fix: FixPlan, context: Context): Promise<Probe> {
  const places = new Set(fix.patches.map((one) => `${one.target} ${one.resource}`));
  const aimed = fix.causes.filter(({ fix: { patches } }) =>
    patches.some((one) => places.has(`${one.target} ${one.resource}`)),
  );
  const left: string[] = [];
  const gone: string[] = [];
  for (const { id, affected } of aimed.slice(0, PROBES_MAX)) {
    const [sample] = affected.samples;
    if (sample === undefined) continue;
    const { diagnosis } = await scanKey(connection, { bucket: fix.bucket, key: sample.key }, context);
    (diagnosis.causes.some((one) => one.id === id) ? left : gone).push(id);
  }
  return { gone, left };
}

function probeLines({ gone, left }: Probe): string[] {
  return [
    ...(gone.length > 0
      ? [`${styled("green", "in effect")}  ${gone.join(", ")}: no longer found at a sample of theirs`]
      : []),
    ...left.map((one) => `${styled("red", "still there")}  ${one}: a sample shows it as before`),
  ];
}

export async function undo(
  connection: Connection,
  bucket: string,
  id: string,
  context: Context,
): Promise<CommandResult> {
  const history = historyOf(context);
  const application = await history.find(id);
  if (application === undefined || application.bucket !== bucket) {
    throw new UsageError(
      `nothing was applied to s3://${bucket} under ${id}: lockstep fix s3://${bucket} --history lists it`,
    );
  }
  if (application.undoneAt !== undefined)
    throw new UsageError(`${id} was taken back already at ${application.undoneAt}`);
  if (application.endpoint !== connection.endpoint || application.accountId !== connection.accountId) {
    throw new UsageError(`${id} was applied at ${application.endpoint} in account ${application.accountId}, not here`);
  }
  const patches = undoOf(application.patches);
  await applyPatches(connection, patches, waitingOf(context));
  await history.save({ ...application, undoneAt: new Date(context.clock()).toISOString() });
  const lasting = lastingOf(application.patches);
  return {
    status: 0,
    value: { bucket, undone: id, restored: patches, lasting },
    words: () =>
      [
        ...patches.map((one) => `${styled("green", "restored")}  ${patchTitle(one)}`),
        ...lasting.map((one) => `${styled("yellow", "stays")}     ${patchTitle(one)}`),
      ].join("\n"),
  };
}

export async function showHistory(bucket: string, context: Context): Promise<CommandResult> {
  const applications = (await historyOf(context).list()).filter((one) => one.bucket === bucket);
  return {
    status: 0,
    value: { bucket, applications },
    words: () => {
      if (applications.length === 0) return `Nothing was applied to s3://${bucket}.`;
      const line = (one: Application) => {
        const state = one.undoneAt === undefined ? "in force" : `taken back ${one.undoneAt}`;
        return `${one.id}  ${one.appliedAt}  ${plural(one.patches.length, "patch").replace(/patchs$/, "patches")}, ${state}`;
      };
      return applications.map(line).join("\n");
    },
  };
}

function historyOf(context: Context): History {
  return new History(join(stateDirectory(context), "applied"));
}
