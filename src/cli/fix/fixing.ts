/** What `fix` does: plans patches for causes, shows them, applies them with an undo, takes them back. */
import { userInfo } from "node:os";
import { type Alike, Examination, type Explained } from "../../core/diagnose/diagnose.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { patchesOf } from "../../core/diagnose/patches.ts";
import type { Cause, Patch } from "../../core/diagnose/report.ts";
import { lastingOf } from "../../doctor/apply.ts";
import type { Application } from "../../doctor/history.ts";
import { patchCommand, patchDiff, patchTitle } from "../../doctor/patch-forms.ts";
import { type Proof, prove } from "../../doctor/prove.ts";
import { type Ink, plural } from "../../doctor/report.ts";
import type { CommandResult } from "../command.ts";
import { confirm } from "../confirming.ts";
import type { Connection } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { type Applying, applyPlan, historyOf, type Probe, takeBack } from "./applying.ts";
import { proofWords } from "./proof-words.ts";

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
export async function proofOf(
  { setup, alike, causes, patches }: FixPlan,
  { clock }: Pick<Context, "clock">,
): Promise<Proof> {
  const { rehearsals } = await import("../rehearsal/rehearse.ts");
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
  if (proof?.verdict === "refused") context.stderr.write(`${proofWords(proof, styled).join("\n")}\n`);
  const { undo, applied, permissions, probe } = await applyPlan(connection, fix, applyingOf(context), {
    ...(proof === undefined ? {} : { proof }),
    confirm: (unchecked) => requireYes(fix, connection, unchecked, context, yes),
  });
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

/** How a command applies: with a word on standard error for each patch that shows. */
export function applyingOf(context: Context): Applying {
  return {
    ...context,
    by: context.environment["USER"] ?? userInfo().username,
    signal: context.interrupted,
    onInEffect: (patch) => {
      if (context.stderr.isTTY === true) context.stderr.write(`in effect: ${patchTitle(patch)}\n`);
    },
  };
}

/** Says what will be called, and asks. @throws UsageError when the answer is not yes, or nobody is there to give one */
async function requireYes(
  fix: FixPlan,
  { endpoint }: Connection,
  unchecked: readonly string[],
  context: Context,
  yes: boolean,
): Promise<void> {
  if (yes) return;
  if (context.ask === undefined) {
    throw new UsageError(
      "nobody is at the terminal to be asked: --yes writes the changes unasked, --dry-run shows them",
    );
  }
  const at = endpoint === "aws" ? undefined : endpoint;
  const calls = fix.patches.map(
    (one) => `${patchTitle(one)}\n${colouredDiff(patchDiff(one), styled)}\n${styled("dim", patchCommand(one, at))}`,
  );
  const doubts = unchecked.map((one) => `${styled("yellow", "not checked")}: ${one}`);
  context.stderr.write(`${[...calls, ...doubts].join("\n\n")}\n\n`);
  const question = `Write ${fix.patches.length === 1 ? "this change" : `these ${fix.patches.length} changes`}?`;
  if (!(await confirm(context, question, false))) throw new UsageError("nothing was written");
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
  wanted: { readonly bucket: string | undefined; readonly id: string },
  context: Context,
): Promise<CommandResult> {
  const { id } = wanted;
  const { bucket, restored, lasting } = await takeBack(connection, wanted, applyingOf(context));
  return {
    status: 0,
    value: { bucket, undone: id, restored, lasting },
    words: () =>
      [
        ...restored.map((one) => `${styled("green", "restored")}  ${patchTitle(one)}`),
        ...lasting.map((one) => `${styled("yellow", "stays")}     ${patchTitle(one)}`),
      ].join("\n"),
  };
}

/** @param bucket undefined: of all */
export async function showHistory(bucket: string | undefined, context: Context): Promise<CommandResult> {
  const all = await historyOf(context).list();
  const applications = all.filter((one) => bucket === undefined || one.bucket === bucket);
  return {
    status: 0,
    value: { ...(bucket === undefined ? {} : { bucket }), applications },
    words: () => {
      if (applications.length === 0) return `Nothing was applied${bucket === undefined ? "" : ` to s3://${bucket}`}.`;
      const line = (one: Application) => {
        const state = one.undoneAt === undefined ? "in force" : `taken back ${one.undoneAt}`;
        const where = bucket === undefined ? `s3://${one.bucket}  ` : "";
        return `${one.id}  ${one.appliedAt}  ${where}${plural(one.patches.length, "patch").replace(/patchs$/, "patches")}, ${state}`;
      };
      return applications.map(line).join("\n");
    },
  };
}
