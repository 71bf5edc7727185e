/**
 * From the keys of a page to what is told of them: judged, looked at a second time where they are too young to be sure,
 * explained, verified. Changes nothing anywhere.
 */
import type { KeyPair } from "../../core/audit/merge.ts";
import { reasonTitle } from "../../core/audit/reasons.ts";
import { isSampled } from "../../core/audit/sample.ts";
import { addDifference, type Difference, emptyTally, type Tally } from "../../core/audit/tally.ts";
import { type Judgement, judgeKey, type Verdicts } from "../../core/audit/verdict.ts";
import { isCanaryKey } from "../../core/canary-key.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ListedVersion } from "../../s3/store.ts";
import type { AuditEnds, Explanation, VerifyWish } from "./ports.ts";
import { verifyPair } from "./verify.ts";

export interface PageOptions {
  readonly ends: AuditEnds;
  readonly verify?: VerifyWish;
  /** What was written after it is young. */
  readonly untilMs: number;
  /** When the audit began. */
  readonly startedAtMs: number;
  /** Versions that only the destination has are not told of. */
  readonly oneWay: boolean;
}

export interface JudgedPage {
  readonly tally: Tally;
  readonly differences: readonly Difference[];
}

/** Versions that are this young when the audit begins may have moved between the listings of both ends. */
const MOVING_MS = 15 * 60_000;
const CALLS_AT_ONCE = 16;
const NO_IDS: ReadonlyMap<string, string> = new Map();

type Found = Judgement<ListedVersion>;

interface Pair {
  readonly version: ListedVersion;
  readonly replica: ListedVersion;
}

/** @throws S3Error when a store is away */
export async function judgePage(
  options: PageOptions,
  pairs: readonly KeyPair<ListedVersion>[],
  signal: AbortSignal,
): Promise<JudgedPage> {
  const { ends } = options;
  const [first, last] = [pairs[0], pairs.at(-1)];
  const sorting = new Sorting(options);
  if (first === undefined || last === undefined) return { tally: sorting.tally, differences: [] };
  const range = { fromKey: first.key, toKey: last.key };
  const known = await ends.known?.(range);
  const moving: KeyPair<ListedVersion>[] = [];
  for (const pair of pairs) {
    // Nobody's objects: they come and go at their own times, and are told of by whoever flies them.
    if (isCanaryKey(pair.key)) continue;
    const replicaIds = known?.get(pair.key) ?? NO_IDS;
    if (isMoving(pair, options) && !isWhole(pair, replicaIds)) moving.push(pair);
    else sorting.judge(pair, replicaIds);
  }
  if (moving.length > 0) {
    const still = await sideBySide(moving, CALLS_AT_ONCE, (one) => asItIs(ends, one, signal));
    // Asked behind the listings: what has ended in between is known by then.
    const later = await ends.known?.(range);
    for (const pair of still) sorting.judge(pair, later?.get(pair.key) ?? NO_IDS);
  }
  const differences = await explained(options, sorting.judgements, sorting.tally, signal);
  if (options.verify !== undefined) {
    differences.push(...(await verified(options, options.verify, sorting, signal)));
  }
  for (const one of differences) addDifference(sorting.tally, one, options.startedAtMs);
  return { tally: sorting.tally, differences };
}

/** Takes the verdicts of a page. */
class Sorting implements Verdicts<ListedVersion> {
  readonly tally = emptyTally();
  /** What is not equal. */
  readonly judgements: Found[] = [];
  /** What is equal as far as listings tell, and is to be looked at. */
  readonly compared: Pair[] = [];
  readonly #options: PageOptions;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  judge(pair: KeyPair<ListedVersion>, replicaIds: ReadonlyMap<string, string>): void {
    const { ends, untilMs } = this.#options;
    for (const side of ["source", "destination"] as const) {
      this.tally.versions[side] += pair[side].length;
      for (const one of pair[side]) this.tally.bytes[side] += one.sizeBytes;
    }
    judgeKey(pair, { untilMs, replicaIds, byPlace: ends.byPlace }, this);
  }

  equal(version: ListedVersion, replica: ListedVersion): void {
    const isSuspect = version.etag !== replica.etag && version.etag !== "" && replica.etag !== "";
    if (isSuspect) this.tally.suspects += 1;
    const { verify } = this.#options;
    const isWanted =
      verify !== undefined &&
      !version.isDeleteMarker &&
      ((isSuspect && verify.suspects) || isSampled(version, verify.share));
    if (isWanted) this.compared.push({ version, replica });
    else this.tally.counts.equal += 1;
  }

  found(judgement: Found): void {
    if (judgement.version === undefined && this.#options.oneWay) return;
    if (judgement.verdict === "young") this.tally.counts.young += 1;
    else this.judgements.push(judgement);
  }
}

function isMoving({ source, destination }: KeyPair<ListedVersion>, { ends, startedAtMs }: PageOptions): boolean {
  if (ends.source.ofKey === undefined || ends.destination.ofKey === undefined) return false;
  const isYoung = (one: ListedVersion) => one.lastModifiedMs > startedAtMs - MOVING_MS;
  return source.some(isYoung) || destination.some(isYoung);
}

function isWhole(pair: KeyPair<ListedVersion>, replicaIds: ReadonlyMap<string, string>): boolean {
  let isEqual = true;
  const found = () => {
    isEqual = false;
  };
  judgeKey(pair, { untilMs: Number.POSITIVE_INFINITY, replicaIds, byPlace: false }, { equal: () => undefined, found });
  return isEqual;
}

/** The source first: what is replicated meanwhile is then at the destination, too. */
async function asItIs(
  { source, destination }: AuditEnds,
  pair: KeyPair<ListedVersion>,
  signal: AbortSignal,
): Promise<KeyPair<ListedVersion>> {
  const here = await source.ofKey?.(pair.key, signal);
  const there = await destination.ofKey?.(pair.key, signal);
  return { key: pair.key, source: here ?? pair.source, destination: there ?? pair.destination };
}

/** Asks why for what is missing or too much, and leaves the rest as it is. */
async function explained(
  { ends }: PageOptions,
  judgements: readonly Found[],
  tally: Tally,
  signal: AbortSignal,
): Promise<Difference[]> {
  const missing = judgements.filter((one) => MISSING.has(one.reason));
  const extra = judgements.filter((one) => one.reason === "OnlyThere" || one.reason === "MarkerOnlyThere");
  const why = new Map<Found, Explanation>();
  const ask = async (of: readonly Found[], explain: AuditEnds["explain"]) => {
    if (of.length === 0 || explain === undefined) return;
    const rows = of.flatMap((one) => one.version ?? one.replica ?? []);
    for (const [index, explanation] of (await explain(rows, signal)).entries()) {
      const judgement = of[index];
      if (judgement !== undefined && explanation !== undefined) why.set(judgement, explanation);
    }
  };
  await ask(missing, ends.explain?.bind(ends));
  await ask(extra, ends.explainExtra?.bind(ends));
  return judgements.flatMap((one) => {
    const explanation = why.get(one);
    // A version that has gone meanwhile is nobody's exception.
    if (explanation?.reason === GONE) {
      tally.counts.young += 1;
      return [];
    }
    return [differenceOf(one, explanation)];
  });
}

/** What explains a version that is not there any more by now. */
export const GONE = "Gone";

const MISSING: ReadonlySet<string> = new Set(["NotThere", "ReplicaRemoved", "NewerVersionThere", "MarkerNotThere"]);

function differenceOf({ verdict, reason, version, replica }: Found, why: Explanation | undefined): Difference {
  const isMissing = MISSING.has(reason);
  // What the rules or a failed task account for is explained; a status alone (COMPLETED, and not there) accounts for nothing.
  const isAccounted = isMissing && why !== undefined && why.reason !== reason && why.status !== "COMPLETED";
  return {
    verdict: isAccounted ? "explained" : verdict === "young" ? "missing" : verdict,
    ...namesOf(version, replica),
    ...(why?.status === undefined ? {} : { status: why.status }),
    reason: why?.reason ?? reason,
    says: why?.says || (reasonTitle(reason) ?? reason),
    isExpected: why?.isExpected ?? false,
  };
}

function namesOf(version: ListedVersion | undefined, replica: ListedVersion | undefined) {
  const one = version ?? replica;
  return {
    key: one?.key ?? "",
    versionId: version?.versionId ?? "",
    replicaVersionId: replica?.versionId ?? "",
    isDeleteMarker: one?.isDeleteMarker === true,
    sizeBytes: one?.sizeBytes ?? 0,
    lastModifiedMs: one?.lastModifiedMs ?? 0,
  };
}

async function verified(
  { ends }: PageOptions,
  { bytes }: VerifyWish,
  { compared, tally }: Sorting,
  signal: AbortSignal,
): Promise<Difference[]> {
  const [source, destination] = [ends.source.reader, ends.destination.reader];
  if (source === undefined || destination === undefined) {
    tally.counts.equal += compared.length;
    tally.verified.undecided += compared.length;
    return [];
  }
  const readers = { source, destination, bytes, ...(ends.mark === undefined ? {} : { mark: ends.mark }) };
  const looked = await sideBySide(compared, CALLS_AT_ONCE, async ({ version, replica }) => ({
    version,
    replica,
    ...(await verifyPair(readers, version, replica, signal)),
  }));
  const found: Difference[] = [];
  for (const { version, replica, difference, by, bytesRead } of looked) {
    tally.verified.looked += 1;
    tally.verified.bytesRead += bytesRead;
    if (by === "checksum") tally.verified.byChecksum += 1;
    else if (by === "etag") tally.verified.byEtag += 1;
    else if (by === "bytes") tally.verified.byBytes += 1;
    else if (by === "undecided") tally.verified.undecided += 1;
    if (difference === undefined) tally.counts.equal += 1;
    else found.push({ ...namesOf(version, replica), ...difference });
  }
  return found;
}
