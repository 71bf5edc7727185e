/**
 * What an engine has on record of a bucket's versions, and those of them that are not in its listing any more.
 *
 * A record is older than the listing, so what the listing lacks is gone. Not every store's listing is whole, though: some
 * versions of each kind are asked for before the rest is believed to be gone.
 */
import type { RecordedFailure, VersionFacts } from "../core/diagnose/facts.ts";
import { signatureOfFailures } from "../core/diagnose/signature.ts";
import type { VersionRef } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { Store } from "../s3/store.ts";
import type { FailureRecords } from "./ports.ts";

type KeyVersion = Omit<VersionRef, "bucket">;

/** By `nameOf` the version, in the order of the record. */
export async function recordedFailures(
  records: FailureRecords | undefined,
  bucket: string,
  prefix: string | undefined,
): Promise<Map<string, RecordedFailure[]>> {
  const found = new Map<string, RecordedFailure[]>();
  if (records === undefined) return found;
  for await (const page of records.failures(bucket, prefix)) {
    for (const { key, versionId, ...failure } of page) {
      const name = nameOf(key, versionId);
      const held = found.get(name);
      if (held === undefined) found.set(name, [failure]);
      else held.push(failure);
    }
  }
  return found;
}

/** One word for a version within its bucket. */
export function nameOf(key: string, versionId: string): string {
  return `${versionId}/${key}`;
}

function refOfName(name: string): KeyVersion {
  const slash = name.indexOf("/");
  return { key: name.slice(slash + 1), versionId: name.slice(0, slash) };
}

interface Lost {
  readonly bucket: string;
  /** Of this key alone. */
  readonly key?: string;
  /** The listing was of some versions alone: every one is asked for. */
  readonly isExcerpt?: boolean;
  readonly nowMs: number;
}

/** Of versions with the same failures, so many are asked for before the rest. */
const ASKED_FIRST = 5;
const ASKED_AT_ONCE = 32;
const PAGE = 1000;

/**
 * The versions that are gone, in pages. Where those that are asked for first are gone, all with the same failures are;
 * where one of them is there, or may not be looked at, every one is asked for.
 *
 * @param recorded of versions that the listing does not have
 */
export async function* lostPages(
  store: Pick<Store, "headObject">,
  recorded: ReadonlyMap<string, readonly RecordedFailure[]>,
  lost: Lost,
): AsyncGenerator<readonly VersionFacts[]> {
  for (const names of alike(recorded, lost.key)) {
    const first = lost.isExcerpt === true ? [] : spread(names, ASKED_FIRST);
    const gone = await goneOf(store, lost.bucket, first);
    const factsOf = (name: string) => goneVersion(name, recorded.get(name) ?? [], lost);
    if (gone.length > 0) yield gone.map(factsOf);
    const isEachGone = first.length > 0 && gone.length === first.length;
    const asked = new Set(first);
    const rest = names.filter((one) => !asked.has(one));
    for (let from = 0; from < rest.length; from += PAGE) {
      const page = rest.slice(from, from + PAGE);
      yield (isEachGone ? page : await goneOf(store, lost.bucket, page)).map(factsOf);
    }
  }
}

/** The names by what is recorded of them. */
function alike(
  recorded: ReadonlyMap<string, readonly RecordedFailure[]>,
  key: string | undefined,
): Iterable<readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [name, failures] of recorded) {
    if (key !== undefined && refOfName(name).key !== key) continue;
    const signature = signatureOfFailures(failures);
    const names = found.get(signature);
    if (names === undefined) found.set(signature, [name]);
    else names.push(name);
  }
  return found.values();
}

/** Some of many, from the first to the last. */
function spread<T>(all: readonly T[], count: number): readonly T[] {
  if (all.length <= count) return all;
  const step = (all.length - 1) / (count - 1);
  const places = new Set(Array.from({ length: count }, (_, index) => Math.round(index * step)));
  return all.filter((_, place) => places.has(place));
}

/** Those for which the store answers 404. */
async function goneOf(
  store: Pick<Store, "headObject">,
  bucket: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const isGone = await sideBySide(names, ASKED_AT_ONCE, async (name) => {
    try {
      await store.headObject({ bucket, ...refOfName(name) });
      return false;
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return error.status === 404;
    }
  });
  return names.filter((_, index) => isGone[index]);
}

/** What is left of a version that is not there any more: its record. */
function goneVersion(
  name: string,
  failures: readonly RecordedFailure[],
  { bucket, nowMs }: Pick<Lost, "bucket" | "nowMs">,
): VersionFacts {
  const lastModifiedMs = Math.min(...failures.map((one) => one.firstAttemptAtMs ?? nowMs));
  return { bucket, ...refOfName(name), ...GONE, lastModifiedMs, failures };
}

/** Of a version that may be listed and not read. */
export const UNREAD = { encryption: { kind: "NOT-SSE" }, tags: [], tagCount: 0, partsCount: 1, replicas: {} } as const;

const GONE = {
  ...UNREAD,
  gone: true,
  isDeleteMarker: false,
  sizeBytes: 0,
  etag: "",
  storageClass: "STANDARD",
} as const;
