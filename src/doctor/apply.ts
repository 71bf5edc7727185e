/**
 * Applies patches through the services' own calls, and undoes them.
 *
 * Before the first write every document is read again: when one has changed since the facts were taken, nothing is
 * written. After each write it is read back until it shows. When a write fails, what was written before it is put back,
 * the last one first, and the error says which patch it was and what could not be put back.
 */
import { AwsError } from "../aws/errors.ts";
import { parseArn } from "../core/arn.ts";
import type { DocumentValue } from "../core/config/document.ts";
import type { Patch } from "../core/diagnose/report.ts";
import { S3Error } from "../s3/errors.ts";
import { ApplyError, ChangedError } from "./apply-error.ts";
import { readDocument, writeDocument } from "./patched-documents.ts";
import type { Surroundings } from "./ports.ts";
import { isDenied } from "./read.ts";
import { whoChanged } from "./who-changed.ts";

/** How long a write may take to show: IAM and S3 are eventually consistent, some seconds as a rule. */
export const IN_EFFECT_MS_MAX = 60_000;
const READ_BACK_MS = [0, 200, 500, 1000, 2000] as const;

export interface Waiting {
  /** Resolves after the time. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Told when a patch is in effect. */
  readonly onInEffect?: (patch: Patch) => void;
  /** When the documents were read: who changed one since is asked from then on. */
  readonly readAtMs?: number;
}

/**
 * @returns the patches as they are in effect: `after` is what the service says now, which may be in words of its own
 * @throws ChangedError before anything is written; ApplyError with what was put back and what could not be
 */
export async function applyPatches(
  surroundings: Surroundings,
  patches: readonly Patch[],
  waiting: Waiting,
): Promise<readonly Patch[]> {
  await requireUnchanged(surroundings, patches, waiting.readAtMs);
  const written: Patch[] = [];
  for (const patch of patches) {
    try {
      await writeDocument(surroundings, patch, patch.before, patch.after);
    } catch (error) {
      throw new ApplyError(patch, error, await putBack(surroundings, written));
    }
    written.push(patch);
    try {
      const now = await inEffect(surroundings, patch, waiting);
      written[written.length - 1] = { ...patch, after: now };
      waiting.onInEffect?.(patch);
    } catch (error) {
      throw new ApplyError(patch, error, await putBack(surroundings, written));
    }
  }
  return written;
}

/** Reads every document once more. @throws ChangedError, S3Error, AwsError */
export async function requireUnchanged(
  surroundings: Surroundings,
  patches: readonly Patch[],
  readAtMs?: number,
): Promise<void> {
  for (const patch of patches) {
    const now = await readDocument(surroundings, patch).catch((error: unknown) => {
      throw withRemedy(surroundings, patch, error);
    });
    if (sameDocument(now, patch.before)) continue;
    throw new ChangedError(patch, now, await whoChanged(surroundings, patch, readAtMs));
  }
}

/** Reads back until the document is no longer the old one. A service may word it otherwise than it was told to. */
async function inEffect(surroundings: Surroundings, patch: Patch, { sleep }: Waiting): Promise<DocumentValue> {
  let waitedMs = 0;
  for (let round = 0; ; round++) {
    const now = await readDocument(surroundings, patch);
    if (sameDocument(now, patch.after) || !sameDocument(now, patch.before)) return now;
    const pauseMs = READ_BACK_MS[Math.min(round, READ_BACK_MS.length - 1)] ?? 0;
    if (waitedMs + pauseMs > IN_EFFECT_MS_MAX || round > ROUNDS_MAX) {
      throw new Error(`it was accepted, and after ${IN_EFFECT_MS_MAX / 1000} s it still does not show`);
    }
    await sleep(pauseMs);
    waitedMs += pauseMs;
  }
}

const ROUNDS_MAX = 100;

/** The last one first. What fails is told, and does not keep the others from being put back. */
async function putBack(
  surroundings: Surroundings,
  written: readonly Patch[],
): Promise<Pick<ApplyError, "restored" | "stuck">> {
  const restored: Patch[] = [];
  const stuck: { patch: Patch; because: string }[] = [];
  for (const patch of written.toReversed()) {
    if (lastingOf([patch]).length > 0) {
      stuck.push({ patch, because: "nothing takes it back" });
      continue;
    }
    try {
      await writeDocument(surroundings, patch, patch.after, patch.before);
      restored.push(patch);
    } catch (error) {
      stuck.push({ patch, because: error instanceof Error ? error.message : String(error) });
    }
  }
  return { restored, stuck };
}

/** Who may not read a document is told whose credentials are needed. */
function withRemedy(surroundings: Surroundings, patch: Patch, error: unknown): unknown {
  const account = parseArn(patch.resource)?.account;
  const remedy = surroundings.remedyFor?.(account === "" ? undefined : account);
  if (remedy === undefined || !(error instanceof S3Error || error instanceof AwsError) || !isDenied(error))
    return error;
  const says = `${error.message}; ${remedy}`;
  return error instanceof S3Error
    ? new S3Error(says, error.fields, { cause: error })
    : new AwsError(says, error.fields, { cause: error });
}

/**
 * The patches that take these back, in the order in which they are to be applied. What a store never takes back is left
 * out: see `lastingOf`.
 */
export function undoOf(patches: readonly Patch[]): Patch[] {
  const lasting = new Set(lastingOf(patches));
  return patches
    .toReversed()
    .filter((patch) => !lasting.has(patch))
    .map((patch) => ({ ...patch, before: patch.after, after: patch.before }));
}

/** The patches that stay whatever is undone: a bucket that was given Object Lock keeps it. */
export function lastingOf(patches: readonly Patch[]): Patch[] {
  return patches.filter((patch) => patch.target === "object-lock" && patch.before === null);
}

/** The order of members says nothing, that of lists may; a list of one is written as the one thing by some services. */
function sameDocument(a: DocumentValue, b: DocumentValue): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: DocumentValue): DocumentValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const [only, ...others] = value.map((one: DocumentValue) => sorted(one));
    return others.length === 0 && typeof only === "string" ? only : value.map((one: DocumentValue) => sorted(one));
  }
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
