/** What status, diagnose, fix and resync begin with: facts, with progress on standard error, and the causes in them. */
import { type Alike, diagnose, type Explained } from "../../core/diagnose/diagnose.ts";
import type { Facts, Setup } from "../../core/diagnose/facts.ts";
import { collectFacts, examine } from "../../doctor/collect.ts";
import type { Scope } from "../../doctor/collect-versions.ts";
import type { Surroundings } from "../../doctor/ports.ts";
import { plural } from "../../doctor/report.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Context } from "../context.ts";

/** What a bucket's causes are, and by what they are told. */
export interface Scan extends Explained {
  readonly setup: Setup;
  readonly alike: readonly Alike[];
}

/** Looks at a bucket, or at the keys with a prefix, with progress on standard error. */
export async function scan(
  surroundings: Surroundings,
  scope: Omit<Scope, "key">,
  context: Pick<Context, "stderr">,
): Promise<Scan> {
  return await watched(surroundings, scope, context, lookAt);
}

/** Looks at the versions of one key, likewise. */
export async function scanKey(
  surroundings: Surroundings,
  scope: Scope & { readonly key: string },
  context: Context,
): Promise<ScannedKey> {
  return await watched(surroundings, scope, context, lookAtKey);
}

/** The look alone. @param onSeen called with the number of versions seen so far; what it throws ends the look */
export async function lookAt(
  surroundings: Surroundings,
  scope: Omit<Scope, "key">,
  onSeen: (versions: number) => void,
): Promise<Scan> {
  const { setup, examination } = await examine(surroundings, scope, onSeen);
  return { setup, alike: examination.alike(), ...examination.explained() };
}

export interface ScannedKey extends Explained {
  readonly facts: Facts;
}

/** Likewise of one key. */
export async function lookAtKey(
  surroundings: Surroundings,
  scope: Scope,
  onSeen: (versions: number) => void = () => undefined,
): Promise<ScannedKey> {
  const facts = await collectFacts(surroundings, scope, onSeen);
  return { facts, ...diagnose(facts) };
}

async function watched<Found>(
  surroundings: Surroundings,
  scope: Scope,
  context: Pick<Context, "stderr">,
  look: (surroundings: Surroundings, scope: Scope, onSeen: (versions: number) => void) => Promise<Found>,
): Promise<Found> {
  const live = context.stderr.isTTY === true;
  const found = await look(surroundings, scope, (versions) => {
    if (live) context.stderr.write(`\r\u001b[Klooking at s3://${scope.bucket}: ${plural(versions, "version")}`);
  }).catch(async (error: unknown) => {
    throw await withRecord(surroundings, scope.bucket, error);
  });
  if (live) context.stderr.write("\r\u001b[K");
  return found;
}

/** A bucket that is gone may have left versions on the engine's record: whoever asks for it is told how they go, too. */
export async function withRecord({ records }: Surroundings, bucket: string, error: unknown): Promise<unknown> {
  if (!(error instanceof S3Error) || error.status !== 404 || records === undefined) return error;
  for await (const page of records.failures(bucket, undefined)) {
    if (page.length === 0) return error;
    const hint = `the engine has failures of it on record: lockstep resync s3://${bucket} --gone forgets them`;
    return new S3Error(`${error.message}; ${hint}`, error.fields, { cause: error });
  }
  return error;
}
