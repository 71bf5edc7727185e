/**
 * Writes patches and takes them back, with what takes them back kept first. Says nothing: words are `fixing.ts`' and the
 * console's.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Patch } from "../../core/diagnose/report.ts";
import { applyPatches, lastingOf, undoOf, type Waiting } from "../../doctor/apply.ts";
import { ApplyError } from "../../doctor/apply-error.ts";
import { type Application, History } from "../../doctor/history.ts";
import { checkPermissions, type Permissions } from "../../doctor/may-write.ts";
import type { Proof } from "../../doctor/prove.ts";
import type { OwnChange } from "../../monitor/alerts/own-changes.ts";
import { sleep } from "../clock.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { lookAtKey } from "../diagnosis/scan.ts";
import { documentsOf } from "../document-names.ts";
import { AccessError, RefusedError, UsageError } from "../errors.ts";
import { stateDirectory } from "../state-directory.ts";
import type { FixPlan } from "./fixing.ts";

/** What applying needs of the process. */
export interface Applying extends Pick<Context, "clock" | "environment"> {
  /** Who does it; "": whoever the console knows that it is. */
  readonly by: string;
  readonly signal: AbortSignal;
  /** Called when a patch shows. */
  readonly onInEffect: (patch: Patch) => void;
}

export interface AppliedPlan {
  /** What takes it back. */
  readonly undo: string;
  /** Those that were really written. */
  readonly applied: readonly Patch[];
  readonly permissions: Permissions;
  readonly probe: Probe;
}

/** What samples of the causes show afterwards. */
export interface Probe {
  /** Ids of causes that the patches are of and that samples of theirs no longer show. */
  readonly gone: readonly string[];
  readonly left: readonly string[];
}

export interface PlanOptions {
  /** A refused patch is not written. */
  readonly proof?: Proof;
  /** Called with what could not be checked, before anything is written; what it throws ends the matter. */
  readonly confirm?: (unchecked: readonly string[]) => Promise<void>;
}

/** @throws RefusedError, ChangedError, ApplyError, AccessError, and what `confirm` throws */
export async function applyPlan(
  connection: Connection,
  fix: FixPlan,
  applying: Applying,
  { proof, confirm }: PlanOptions,
): Promise<AppliedPlan> {
  if (proof?.verdict === "refused")
    throw new RefusedError("the patches were refused by their proof: nothing was written");
  const permissions = await checkPermissions(connection, fix.setup, fix.patches);
  const [missing] = permissions.missing;
  if (missing !== undefined) throw new AccessError(`${missing.says}; nothing was written`);
  await confirm?.(permissions.unchecked);
  const written = await writePatches(connection, { ...fix, readAtMs: fix.setup.takenAtMs }, applying);
  return { ...written, permissions, probe: await probed(connection, fix) };
}

/**
 * Writes patches, with what takes them back kept first.
 *
 * @returns those that were really written, and the id that undoes them
 * @throws ApplyError, ChangedError, S3Error, AwsError
 */
export async function writePatches(
  connection: Connection,
  { bucket, patches, readAtMs }: Pick<FixPlan, "bucket" | "patches"> & Pick<Waiting, "readAtMs">,
  applying: Applying,
): Promise<Pick<AppliedPlan, "undo" | "applied">> {
  const now = () => new Date(applying.clock()).toISOString();
  const application: Application = {
    id: `u-${randomBytes(5).toString("hex")}`,
    bucket,
    endpoint: connection.endpoint,
    accountId: connection.accountId,
    appliedAt: now(),
    patches,
  };
  // What is about to be written is kept first: a crash in between can be undone.
  const history = historyOf(applying);
  await history.save(application);
  let applied: readonly Patch[];
  try {
    applied = await writeOwn(connection, patches, { applying, readAtMs, why: `fix ${application.id}` });
  } catch (error) {
    const stuck = error instanceof ApplyError ? error.stuck.map((one) => one.patch) : [];
    await history.save(stuck.length > 0 ? { ...application, patches: stuck } : { ...application, undoneAt: now() });
    throw error;
  }
  await history.save({ ...application, patches: applied });
  return { undo: application.id, applied };
}

interface OwnWriting {
  readonly applying: Applying;
  /** When what the patches start from was read: a change since then is told with who made it. */
  readonly readAtMs: number | undefined;
  readonly why: string;
}

/** Writes, and tells who compares documents that it is no drift. */
async function writeOwn(
  connection: Connection,
  patches: readonly Patch[],
  { applying, readAtMs, why }: OwnWriting,
): Promise<readonly Patch[]> {
  const own = await begunOwn(connection, { documents: documentsOf(patches), by: applying.by, why });
  try {
    return await applyPatches(connection, patches, waitingOf(applying, readAtMs));
  } finally {
    await own.end();
  }
}

/** Where nobody can be told, the change is made all the same, and shows as drift. */
async function begunOwn({ ownChanges }: Connection, change: OwnChange): Promise<{ readonly end: () => Promise<void> }> {
  const told = async <T>(tell: () => Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await tell();
    } catch (error) {
      if (error instanceof AccessError || error instanceof UsageError) return undefined;
      throw error;
    }
  };
  const id = await told(() => ownChanges?.begin(change));
  return {
    end: async () => {
      if (id !== undefined) await told(() => ownChanges?.end(id));
    },
  };
}

function waitingOf({ signal, onInEffect }: Applying, readAtMs: number | undefined): Waiting {
  return { sleep: (ms) => sleep(ms, signal), onInEffect, ...(readAtMs === undefined ? {} : { readAtMs }) };
}

const PROBES_MAX = 5;

/** Looks at one sample of each cause anew: what the patches were to remove must not be said any more. */
async function probed(connection: Connection, fix: FixPlan): Promise<Probe> {
  const places = new Set(fix.patches.map((one) => `${one.target} ${one.resource}`));
  const aimed = fix.causes.filter(({ fix: { patches } }) =>
    patches.some((one) => places.has(`${one.target} ${one.resource}`)),
  );
  const left: string[] = [];
  const gone: string[] = [];
  for (const { id, affected } of aimed.slice(0, PROBES_MAX)) {
    const [sample] = affected.samples;
    if (sample === undefined) continue;
    const { diagnosis } = await lookAtKey(connection, { bucket: fix.bucket, key: sample.key });
    (diagnosis.causes.some((one) => one.id === id) ? left : gone).push(id);
  }
  return { gone, left };
}

export interface TakenBack {
  readonly bucket: string;
  readonly restored: readonly Patch[];
  readonly lasting: readonly Patch[];
}

/**
 * @param bucket undefined: whichever it was
 * @throws UsageError when there is nothing of that id to take back here; ChangedError, ApplyError
 */
export async function takeBack(
  connection: Connection,
  { bucket, id }: { readonly bucket: string | undefined; readonly id: string },
  applying: Applying,
): Promise<TakenBack> {
  const history = historyOf(applying);
  const application = await history.find(id);
  if (application === undefined || (bucket ?? application.bucket) !== application.bucket) {
    const where = bucket === undefined ? "" : ` to s3://${bucket}`;
    throw new UsageError(`nothing was applied${where} under ${id}: lockstep fix --history lists what was`);
  }
  if (application.undoneAt !== undefined)
    throw new UsageError(`${id} was taken back already at ${application.undoneAt}`);
  if (application.endpoint !== connection.endpoint || application.accountId !== connection.accountId) {
    throw new UsageError(`${id} was applied at ${application.endpoint} in account ${application.accountId}, not here`);
  }
  const restored = undoOf(application.patches);
  const readAtMs = Date.parse(application.appliedAt);
  await writeOwn(connection, restored, { applying, readAtMs, why: `fix --undo ${id}` });
  await history.save({ ...application, undoneAt: new Date(applying.clock()).toISOString() });
  return { bucket: application.bucket, restored, lasting: lastingOf(application.patches) };
}

/** What was applied from this machine. */
export function historyOf(context: Pick<Context, "environment">): History {
  return new History(join(stateDirectory(context), "applied"));
}
