/**
 * A snapshot: everything that a diagnosis reads, as one file, so that it can be made in one place and looked at in
 * another, without credentials. Versions stand in it by signature, so it grows with what differs and not with the bucket.
 *
 * This file says what a snapshot is, writes it and reads it back. `docs/snapshot-format.md` describes the format for
 * others; what is read of a newer minor kind is understood, for members that are not known are left out.
 */
import { readFile, stat } from "node:fs/promises";
import type { Alike } from "../core/diagnose/diagnose.ts";
import type { Read, Setup } from "../core/diagnose/facts.ts";
import { plural } from "./report.ts";
import { issueIn, SNAPSHOT } from "./snapshot-schema.ts";

export const SNAPSHOT_FORMAT = "lockstep-snapshot";
/** Raised when a reader of today would misunderstand what is written tomorrow; new optional members do not raise it. */
export const SNAPSHOT_VERSION = 1;

export interface Snapshot {
  readonly format: typeof SNAPSHOT_FORMAT;
  readonly version: typeof SNAPSHOT_VERSION;
  /** ISO 8601 */
  readonly takenAt: string;
  readonly caller: SnapshotCaller;
  /** What of the bucket was looked at; undefined: all of it. */
  readonly prefix?: string;
  /** What stands under pseudonyms. */
  readonly masked?: readonly Mask[];
  readonly setup: Setup;
  readonly alike: readonly Alike[];
}

/** Who made it. */
export interface SnapshotCaller {
  /** "" where the store knows no accounts. */
  readonly accountId: string;
  readonly arn?: string;
  /** The store that was asked, or "aws". */
  readonly endpoint: string;
}

export type Mask = "accounts" | "keys";

/** What was gathered, as it is written: with the instant at which it was begun. */
export function snapshotOf(gathered: Pick<Snapshot, "caller" | "prefix" | "setup" | "alike">): Snapshot {
  const { caller, prefix, setup, alike } = gathered;
  return {
    format: SNAPSHOT_FORMAT,
    version: SNAPSHOT_VERSION,
    takenAt: new Date(setup.takenAtMs).toISOString(),
    caller,
    ...(prefix === undefined ? {} : { prefix }),
    setup,
    alike,
  };
}

/** What could not be read, a sentence each, in the order of the document; repeated ones are left out. */
export function unreadIn({ setup, alike }: Snapshot): string[] {
  const { source, destinations, role, keys, organization, unread = [] } = setup;
  const said: string[] = [];
  const add = (what: string, one: Read<unknown>) => {
    if (one.state === "unreadable") said.push(`${what}: ${one.because}`);
  };
  for (const bucket of [source, ...Object.values(destinations)]) {
    // Where the bucket itself may not be looked at, nothing of it is read for one reason.
    const names = new Map<string, string[]>();
    for (const [name, one] of Object.entries(bucket) as [string, Partial<Read<unknown>> | string][]) {
      if (typeof one !== "object" || one.state !== "unreadable") continue;
      const { because = "" } = one;
      names.set(because, [...(names.get(because) ?? []), name]);
    }
    for (const [because, held] of names) said.push(`${held.join(", ")} of ${bucket.name}: ${because}`);
  }
  add("the role", role);
  for (const [arn, key] of Object.entries(keys)) {
    add(`key ${arn}`, key);
    if (key.state === "read")
      for (const name of ["policy", "grants"] as const) add(`${name} of key ${arn}`, key.value[name]);
  }
  add("the organisation", organization);
  const accounts = organization.state === "read" ? Object.entries(organization.value.unread) : [];
  said.push(...accounts.map(([account, because]) => `policies of account ${account}: ${because}`), ...unread);
  for (const { version, versions } of alike) {
    if (version.unreadable !== undefined) said.push(`${plural(versions, "version")}: ${version.unreadable}`);
  }
  return [...new Set(said)];
}

/** A file is no snapshot that this program can use. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** A snapshot of a bucket with a million versions and some hundred signatures has some hundred KiB. */
const BYTES_MAX = 256 * 1024 * 1024;

/** Reads a file. @throws SnapshotError that names the file, the place in it and what to do */
export async function readSnapshot(file: string): Promise<Snapshot> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > BYTES_MAX) throw new SnapshotError(`${file} has ${size} bytes: no snapshot is that long`);
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof SnapshotError || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new SnapshotError(
      `${file} cannot be read (${String(cause.code)}): name a file that lockstep snapshot wrote`,
      {
        cause,
      },
    );
  }
  return parseSnapshot(text, file);
}

/** @param name what the text is called in errors @throws SnapshotError */
export function parseSnapshot(text: string, name: string): Snapshot {
  const value = parseJson(text, name);
  const { format, version } = typeof value === "object" && value !== null ? (value as Partial<Snapshot>) : {};
  if (format !== SNAPSHOT_FORMAT) {
    throw new SnapshotError(
      `${name} is no snapshot: "format" is not "${SNAPSHOT_FORMAT}"; make one with lockstep snapshot s3://BUCKET`,
    );
  }
  if (typeof version === "number" && version > SNAPSHOT_VERSION) {
    const known = `this program reads up to ${SNAPSHOT_VERSION}`;
    throw new SnapshotError(`${name} is a snapshot of version ${version}, and ${known}: use a newer Lockstep`);
  }
  const read = SNAPSHOT.safeParse(value);
  if (!read.success) throw new SnapshotError(`${name}: ${issueIn(read.error, value)}`);
  return read.data;
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SnapshotError(`${name} is not JSON: it was cut off, or is no snapshot`, { cause });
  }
}
