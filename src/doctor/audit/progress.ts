/**
 * How far an audit has come, in a directory of its own: which ranges of keys are done up to where, what was counted in them,
 * and the differences that were found, one file for each range.
 *
 * The state is written whole or not at all, and never runs ahead of the files: whatever stands in a file behind what the
 * state knows was written by somebody who was cut off, and is cut off too.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Tally } from "../../core/audit/tally.ts";
import { EvidenceError } from "../evidence/error.ts";
import { PRIVATE, writeWhole } from "../write-whole.ts";

/** A range of keys, and what is known of it. */
export interface PartState {
  readonly number: number;
  /** Keys behind it; undefined: from the first. */
  readonly afterKey?: string;
  /** Up to it, itself included; undefined: to the last. Others take the upper half of what is left. */
  upToKey?: string;
  /** Keys up to it are dealt with. */
  doneUpTo?: string;
  isDone: boolean;
  tally: Tally;
  /** Of its file. */
  bytes: number;
}

interface State {
  readonly format: "lockstep-audit-progress";
  readonly version: 1;
  /** What is audited, and how: another audit has another one. */
  readonly request: string;
  readonly startedAtMs: number;
  readonly parts: readonly PartState[];
}

/** What is under way, or was. */
export interface Progress {
  readonly directory: string;
  readonly startedAtMs: number;
  readonly parts: PartState[];
  readonly isResumed: boolean;
}

/** @param request the same text for the same audit */
export function progressDirectory(reports: string, request: string): string {
  return join(reports, `.unfinished-${createHash("sha256").update(request).digest("hex").slice(0, 16)}`);
}

/** Begins, or goes on with what was cut off. @throws EvidenceError when what is there cannot be gone on with */
export async function openProgress(
  directory: string,
  begun: { readonly request: string; readonly startedAtMs: number; readonly resume: boolean },
): Promise<Progress> {
  const { request, startedAtMs, resume } = begun;
  const state = resume ? await readState(directory) : undefined;
  if (state !== undefined && state.request !== request)
    throw new EvidenceError(`${directory} is of another audit: leave --resume out`);
  if (state === undefined) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    return { directory, startedAtMs, parts: [], isResumed: false };
  }
  return { directory, startedAtMs: state.startedAtMs, parts: [...state.parts], isResumed: true };
}

async function readState(directory: string): Promise<State | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, STATE), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const found = JSON.parse(text) as Partial<State>;
    if (found.format === "lockstep-audit-progress" && found.version === 1 && Array.isArray(found.parts))
      return found as State;
  } catch {
    // Told below.
  }
  throw new EvidenceError(`${join(directory, STATE)} holds no progress of an audit: remove it`);
}

const STATE = "progress.json";

/** Whole or not at all. */
export async function saveProgress({ directory, startedAtMs, parts }: Progress, request: string): Promise<void> {
  const state: State = { format: "lockstep-audit-progress", version: 1, request, startedAtMs, parts };
  // The text is made before the first await: parts go on meanwhile.
  await writeWhole(join(directory, STATE), `${JSON.stringify(state)}\n`, PRIVATE);
}

export async function removeProgress({ directory }: Progress): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

export function partPath(directory: string, number: number): string {
  return join(directory, `part-${number}.jsonl`);
}

/** Where a range's differences go; made when there is the first of them. */
export class PartFile {
  readonly #path: string;
  readonly #from: number;
  #file: FileHandle | undefined;

  /** @param from bytes that count; what stands behind them is cut off */
  constructor(directory: string, { number, bytes }: PartState) {
    this.#path = partPath(directory, number);
    this.#from = bytes;
  }

  /** @returns how many bytes it has become longer */
  async append(lines: readonly string[]): Promise<number> {
    if (lines.length === 0) return 0;
    if (this.#file === undefined) {
      this.#file = await open(this.#path, "a", PRIVATE);
      await this.#file.truncate(this.#from);
    }
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    await this.#file.appendFile(bytes);
    return bytes.length;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
