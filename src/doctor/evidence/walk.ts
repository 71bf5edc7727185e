/**
 * A look at every version of a bucket that can be interrupted: where nothing better than a listing is at hand.
 *
 * The bucket is walked in windows. After each of them everything that was found so far is kept, by what makes versions
 * alike, with the place where the walk goes on. Delete markers are kept one by one: whether they are newer than the oldest
 * version that was replicated is known only at the end.
 */
import { constants } from "node:fs";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Alike, Examination } from "../../core/diagnose/diagnose.ts";
import type { Facts, Setup, VersionFacts } from "../../core/diagnose/facts.ts";
import type { ListedVersion, Store } from "../../s3/store.ts";
import type { Surroundings } from "../ports.ts";
import { PRIVATE, writeWhole } from "../write-whole.ts";
import { EvidenceError } from "./error.ts";
import type { FailureLog } from "./failure-log.ts";
import { lookAt } from "./look.ts";

export interface WalkScope {
  readonly bucket: string;
  readonly prefix?: string;
}

export interface WalkOptions {
  readonly log: FailureLog;
  /** Where progress is kept; undefined: nowhere. */
  readonly path: string | undefined;
  readonly onSeen: (versions: number) => void;
  /** Between two windows the walk ends when this is aborted. */
  readonly signal: AbortSignal;
  /** Versions in one page of a listing, 1..1000; by default as many as the store gives. */
  readonly pageSize?: number;
}

export interface Walked {
  readonly setup: Setup;
  readonly examination: Examination;
  readonly versions: number;
  /** How many of them an earlier walk had seen. */
  readonly resumed: number;
}

type Place = { readonly keyMarker: string; readonly versionIdMarker: string };

interface Progress {
  readonly format: "lockstep-walk";
  readonly version: 1;
  readonly bucket: string;
  readonly prefix: string;
  readonly next: Place;
  readonly seen: number;
  readonly alike: readonly Alike[];
  readonly markers: readonly VersionFacts[];
  readonly keys: Pick<Setup, "keys" | "candidateKeys">;
}

/** Pages of a thousand versions in one window: what an interruption costs at most. */
const WINDOW_PAGES = 5;
/** Versions on record that the listing does not have, looked for at the end, at most. */
const GONE_MAX = 1000;

/** @throws EvidenceError when the progress is another walk's, or the walk was interrupted; S3Error when there is no bucket */
export async function walk(surroundings: Surroundings, scope: WalkScope, options: WalkOptions): Promise<Walked> {
  const { log, path, onSeen, signal } = options;
  const { bucket, prefix = "" } = scope;
  const begun = path === undefined ? undefined : await readProgress(path, scope);
  if (path !== undefined) await requireWritable(path);
  const { store } = await surroundings.bucket(bucket);
  const recorded = new Set<string>();
  let progress: Omit<Progress, "next"> & { readonly next: Place | undefined } = begun ?? {
    format: "lockstep-walk",
    version: 1,
    bucket,
    prefix,
    next: undefined,
    seen: 0,
    alike: [],
    markers: [],
    keys: { keys: {}, candidateKeys: {} },
  };
  let facts: Facts;
  for (;;) {
    const window = await listWindow(store, scope, progress.next, options.pageSize);
    for (const one of window.listed) if (log.numberOf(one.key, one.versionId) !== undefined) recorded.add(nameOf(one));
    const gone = window.next === undefined && begun === undefined ? goneOf(log, prefix, recorded) : [];
    const records = [...window.listed, ...gone].flatMap(({ key, versionId }) =>
      log.of(key, versionId).map((one) => ({ key, versionId, ...one })),
    );
    const before = progress.seen;
    facts = await lookAt(surroundings, bucket, { listed: window.listed, records }, (count) => onSeen(before + count));
    progress = { ...progress, ...added(progress, facts), next: window.next };
    const { next } = progress;
    if (next === undefined) break;
    if (path !== undefined) await writeProgress(path, { ...progress, next });
    if (signal.aborted) throw new EvidenceError(interrupted(scope, progress.seen, path));
  }
  if (path !== undefined) await rm(path, { force: true });
  const { versions: _, ...setup } = facts;
  const whole = { ...setup, ...progress.keys };
  const examination = new Examination(whole);
  for (const { version, ...weight } of progress.alike) examination.add(version, weight);
  for (const one of progress.markers) examination.add(one);
  return { setup: whole, examination, versions: progress.seen, resumed: begun?.seen ?? 0 };
}

function interrupted({ bucket }: WalkScope, seen: number, path: string | undefined): string {
  const how = path === undefined ? "--resume FILE would have kept what was seen" : `--resume ${path} goes on from here`;
  return `the walk through s3://${bucket} was interrupted after ${seen} versions: ${how}`;
}

async function listWindow(
  store: Store,
  { bucket, prefix }: WalkScope,
  from: Place | undefined,
  maxKeys: number | undefined,
): Promise<{ readonly listed: readonly ListedVersion[]; readonly next: Place | undefined }> {
  const listed: ListedVersion[] = [];
  let next = from;
  for (let page = 0; page < WINDOW_PAGES; page += 1) {
    const found = await store.listObjectVersions({
      bucket,
      ...(prefix === undefined ? {} : { prefix }),
      ...(maxKeys === undefined ? {} : { maxKeys }),
      ...next,
    });
    listed.push(...found.versions);
    next = found.next;
    if (next === undefined) break;
  }
  return { listed, next };
}

/** What a window adds to what was found before. */
function added(progress: Pick<Progress, "seen" | "alike" | "markers" | "keys">, { versions, ...setup }: Facts) {
  const keys = {
    keys: { ...progress.keys.keys, ...setup.keys },
    candidateKeys: { ...progress.keys.candidateKeys, ...setup.candidateKeys },
  };
  const examination = new Examination({ ...setup, ...keys, oldestCompletedMs: 0 });
  for (const { version, ...weight } of progress.alike) examination.add(version, weight);
  for (const one of versions) if (!one.isDeleteMarker) examination.add(one);
  return {
    seen: progress.seen + versions.length,
    alike: examination.alike(),
    markers: [...progress.markers, ...versions.filter((one) => one.isDeleteMarker)],
    keys,
  };
}

function goneOf(log: FailureLog, prefix: string, recorded: ReadonlySet<string>) {
  const found: { readonly key: string; readonly versionId: string }[] = [];
  for (const one of log.versions()) {
    if (found.length >= GONE_MAX) break;
    if (one.key.startsWith(prefix) && !recorded.has(nameOf(one))) found.push(one);
  }
  return found;
}

function nameOf({ key, versionId }: { readonly key: string; readonly versionId: string }): string {
  return `${versionId}/${key}`;
}

async function readProgress(path: string, { bucket, prefix = "" }: WalkScope): Promise<Progress | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new EvidenceError(`${path} cannot be read (${codeOf(error)}): name another file`, { cause: error });
  }
  const found = parsed(text);
  if (found === undefined) throw new EvidenceError(`${path} holds no progress of a walk: name another file`);
  if (found.bucket !== bucket || found.prefix !== prefix)
    throw new EvidenceError(`${path} is of a walk through s3://${found.bucket}/${found.prefix}: name another file`);
  return found;
}

function parsed(text: string): Progress | undefined {
  try {
    const found = JSON.parse(text) as Partial<Progress> | null;
    const isWhole =
      found?.format === "lockstep-walk" &&
      found.version === 1 &&
      typeof found.seen === "number" &&
      typeof found.next?.keyMarker === "string" &&
      Array.isArray(found.alike) &&
      Array.isArray(found.markers);
    return isWhole ? (found as Progress) : undefined;
  } catch {
    return undefined;
  }
}

/** Before the walk, not hours later. */
async function requireWritable(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    const says = `no progress can be kept in ${path} (${codeOf(error)}): name a file that may be written`;
    throw new EvidenceError(says, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

async function writeProgress(path: string, progress: Progress): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, `${JSON.stringify(progress)}\n`, PRIVATE);
}
