/**
 * What an audit says of the versions of one key at both ends, as far as listings tell.
 *
 * Whether a missing version is accounted for (a rule that does not take it, a FAILED task) no listing tells, and whether
 * bytes, metadata and tags are the same neither: whoever walks asks for that, and gives the last word.
 */
import { type KeyPair, matchKey, pairMarkers, type VersionRow } from "./merge.ts";
import { pairByPlace } from "./place.ts";

/** In the order in which reports have them. */
export const VERDICTS = [
  "equal",
  "young",
  "explained",
  "missing",
  "data",
  "metadata",
  "tags",
  "order",
  "deleteMarker",
  "extra",
] as const;

/**
 * `young`: written too shortly before the audit to be told of. `explained`: not at the destination, and it is known why.
 * `deleteMarker`: a marker is at one end only, or is an object at the other.
 */
export type AuditVerdict = (typeof VERDICTS)[number];

/** What of a listed version is compared. */
export interface AuditRow extends VersionRow {
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  /** "" where nobody tells. */
  readonly etag: string;
}

/** Why, as far as listings tell. */
export type ListedReason =
  /** It is not there. */
  | "NotThere"
  /** It was replicated, and its replica was removed for good. */
  | "ReplicaRemoved"
  /** It is not there, and newer versions are: where ids are minted it could only be put on top of them. */
  | "NewerVersionThere"
  | "SizeDiffers"
  | "OrderDiffers"
  | "MarkerNotThere"
  | "MarkerOnlyThere"
  | "MarkerIsObject"
  | "ObjectIsMarker"
  | "OnlyThere";

/** Something that is not simply equal. */
export interface Judgement<Row> {
  readonly verdict: Exclude<AuditVerdict, "equal" | "explained" | "metadata" | "tags">;
  readonly reason: ListedReason;
  /** Of the source. */
  readonly version?: Row;
  /** Of the destination. */
  readonly replica?: Row;
}

export interface JudgeOptions {
  /** What was written after it is young. */
  readonly untilMs: number;
  /** The destination's ids by the source's, of this key, where they differ. */
  readonly replicaIds: ReadonlyMap<string, string>;
  /** Where ids say nothing and nobody knows which replica is whose: by their order and sizes. */
  readonly byPlace: boolean;
}

/** Takes verdicts. Equal ones are most, so nothing is made for them. */
export interface Verdicts<Row> {
  equal(version: Row, replica: Row): void;
  found(judgement: Judgement<Row>): void;
}

const NO_IDS: ReadonlyMap<string, string> = new Map();
export const JUDGED_BY_IDS: JudgeOptions = {
  untilMs: Number.POSITIVE_INFINITY,
  replicaIds: NO_IDS,
  byPlace: false,
};

/**
 * Says of every version of a key, at either end, what it comes to: each version is told of exactly once.
 *
 * Pure and total. An ETag that differs proves nothing, so it is not looked at; sizes that differ prove that bytes do.
 */
export function judgeKey<Row extends AuditRow>(pair: KeyPair<Row>, options: JudgeOptions, to: Verdicts<Row>): void {
  const [version] = pair.source;
  const [replica] = pair.destination;
  const isPlain = pair.source.length === 1 && pair.destination.length === 1 && options.replicaIds.size === 0;
  // Most keys have one version at each end, and nothing is wrong with them.
  if (
    isPlain &&
    version !== undefined &&
    replica !== undefined &&
    version.versionId === replica.versionId &&
    version.isDeleteMarker === replica.isDeleteMarker &&
    version.sizeBytes === replica.sizeBytes
  ) {
    to.equal(version, replica);
    return;
  }
  judgeVersions(pair, options, to);
}

function judgeVersions<Row extends AuditRow>(pair: KeyPair<Row>, options: JudgeOptions, to: Verdicts<Row>): void {
  const known = new Map(options.replicaIds);
  if (known.size > 0 || options.byPlace) {
    for (const one of pairMarkers(matchKey(pair, known), pair.destination)) {
      known.set(one.version.versionId, one.replica.versionId);
    }
  }
  if (options.byPlace) {
    const match = matchKey(pair, known);
    const missing = match.verdicts.flatMap((one) => (one.state === "missing" ? [one.version] : []));
    for (const one of pairByPlace(missing, match.unexplained)) known.set(one.version.versionId, one.replica.versionId);
  }
  const { verdicts, unexplained } = matchKey(pair, known);
  const misplaced = outOfOrder(verdicts, pair.destination);
  const left = new Map(unexplained.map((one) => [one.versionId, one]));
  const tell = (judgement: Judgement<Row>) => {
    const writtenMs = Math.max(judgement.version?.lastModifiedMs ?? 0, judgement.replica?.lastModifiedMs ?? 0);
    to.found(writtenMs > options.untilMs ? { ...judgement, verdict: "young" } : judgement);
  };
  for (const one of verdicts) {
    const { version } = one;
    if (one.state === "there") {
      const { replica } = one;
      if (version.sizeBytes !== replica.sizeBytes) tell({ verdict: "data", reason: "SizeDiffers", version, replica });
      else if (misplaced.has(version)) tell({ verdict: "order", reason: "OrderDiffers", version, replica });
      else to.equal(version, replica);
      continue;
    }
    const other = left.get(version.versionId);
    if (one.state === "missing" && other !== undefined && other.isDeleteMarker !== version.isDeleteMarker) {
      left.delete(version.versionId);
      const reason = version.isDeleteMarker ? "MarkerIsObject" : "ObjectIsMarker";
      tell({ verdict: "deleteMarker", reason, version, replica: other });
    } else if (version.isDeleteMarker) tell({ verdict: "deleteMarker", reason: "MarkerNotThere", version });
    else if (one.state === "removed") tell({ verdict: "missing", reason: "ReplicaRemoved", version });
    else {
      const isLate = one.newerIsThere && (options.byPlace || options.replicaIds.size > 0);
      tell({ verdict: "missing", reason: isLate ? "NewerVersionThere" : "NotThere", version });
    }
  }
  for (const replica of left.values()) {
    if (replica.isDeleteMarker) tell({ verdict: "deleteMarker", reason: "MarkerOnlyThere", replica });
    else tell({ verdict: "extra", reason: "OnlyThere", replica });
  }
}

/** Versions whose replica stands below the replica of an older version. */
function outOfOrder<Row extends VersionRow>(
  verdicts: ReturnType<typeof matchKey<Row>>["verdicts"],
  destination: readonly Row[],
): ReadonlySet<Row> {
  const places = new Map(destination.map((one, place) => [one.versionId, place]));
  const misplaced = new Set<Row>();
  let lowest = Number.POSITIVE_INFINITY;
  // The oldest first: each has to stand above, that is before, all that are older.
  for (const one of verdicts) {
    if (one.state !== "there") continue;
    const place = places.get(one.replica.versionId) ?? 0;
    if (place > lowest) misplaced.add(one.version);
    else lowest = place;
  }
  return misplaced;
}
