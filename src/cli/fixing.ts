/** What `fix` does: plans patches for causes, shows them, applies them with an undo, takes them back. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { patchesOf } from "../core/diagnose/patches.ts";
import type { Cause, Patch } from "../core/diagnose/report.ts";
import { applyPatches, lastingOf, undoOf } from "../doctor/apply.ts";
import { type Application, History } from "../doctor/history.ts";
import { patchCommand, patchDiff, patchTitle } from "../doctor/patch-forms.ts";
import { type Ink, plural } from "../doctor/report.ts";
import type { CommandResult } from "./command.ts";
import type { Connection } from "./connection.ts";
import { type Context, styled } from "./context.ts";
import { UsageError } from "./errors.ts";
import { scan } from "./scan.ts";
import { stateDirectory } from "./state-directory.ts";

export interface FixPlan {
  readonly bucket: string;
  readonly causes: readonly Cause[];
  /** One per document, for all causes together. */
  readonly patches: readonly Patch[];
  /** What can never be taken back: written only where its cause is named. */
  readonly leftOut: readonly Patch[];
}

/** @param causeId only this one; undefined: all */
export async function plan(
  connection: Connection,
  bucket: string,
  causeId: string | undefined,
  context: Context,
): Promise<FixPlan> {
  const { diagnosis, edits } = await scan(connection, { bucket }, context);
  const causes = diagnosis.causes.filter((one) => causeId === undefined || one.id === causeId);
  if (causeId !== undefined && causes.length === 0) {
    const known = diagnosis.causes.map((one) => one.id).join(", ");
    throw new UsageError(`there is no cause ${causeId} in s3://${bucket}${known === "" ? "" : `; there are ${known}`}`);
  }
  const patches = patchesOf(causes.flatMap((one) => edits.get(one.id) ?? []));
  const leftOut = causeId === undefined ? lastingOf(patches) : [];
  return { bucket, causes, patches: patches.filter((one) => !leftOut.includes(one)), leftOut };
}

export function show(fix: FixPlan, endpoint: string, ink: Ink): CommandResult {
  const at = endpoint === "aws" ? undefined : endpoint;
  const shown = (one: Patch) => ({ ...one, diff: patchDiff(one), awsCli: patchCommand(one, at) });
  const [patches, leftOut] = [fix.patches.map(shown), fix.leftOut.map(shown)];
  return {
    status: fix.causes.length > 0 ? 1 : 0,
    value: { bucket: fix.bucket, causes: fix.causes, patches, leftOut },
    words: () => planWords(fix, at, ink).join("\n"),
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

export async function apply(connection: Connection, fix: FixPlan, context: Context): Promise<CommandResult> {
  if (fix.patches.length === 0) return show(fix, connection.endpoint, styled);
  const application: Application = {
    id: `u-${randomBytes(5).toString("hex")}`,
    bucket: fix.bucket,
    endpoint: connection.endpoint,
    accountId: connection.accountId,
    appliedAt: new Date(context.clock()).toISOString(),
    patches: fix.patches,
  };
  // What is about to be written is kept first: a crash in between can be undone.
  const history = historyOf(context);
  await history.save(application);
  try {
    await applyPatches(connection, fix.patches);
  } catch (error) {
    await history.save({ ...application, undoneAt: new Date(context.clock()).toISOString() });
    throw error;
  }
  return {
    status: 0,
    value: { bucket: fix.bucket, undo: application.id, applied: fix.patches, leftOut: fix.leftOut },
    words: () =>
      [
        ...fix.patches.map((one) => `${styled("green", "applied")}  ${patchTitle(one)}`),
        ...leftOutLines(fix, styled),
        "",
        `To take it back:            lockstep fix s3://${fix.bucket} --undo ${application.id}${connection.typed ?? ""}`,
        `To replicate what was lost: lockstep resync s3://${fix.bucket}`,
      ].join("\n"),
  };
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
  await applyPatches(connection, patches);
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
