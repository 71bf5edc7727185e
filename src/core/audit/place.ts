/**
 * Pairs versions of a key whose ids say nothing of each other, by their order and their sizes: two stores that somebody
 * copied between, with nobody left who knows which copy is whose.
 */
import type { VersionRow } from "./merge.ts";

interface Sized extends VersionRow {
  readonly sizeBytes: number;
}

/** Beyond so many pairs that would have to be compared, versions go with the next one of their size. */
const CELLS_MAX = 250_000;

/**
 * The longest series of pairs that is in order at both ends; objects go with objects of their size, markers with markers.
 *
 * @param missing of the source, the oldest first
 * @param unexplained of the destination, the oldest first
 */
export function pairByPlace<Row extends Sized>(
  missing: readonly Row[],
  unexplained: readonly Row[],
): { readonly version: Row; readonly replica: Row }[] {
  if (missing.length === 0 || unexplained.length === 0) return [];
  if (missing.length * unexplained.length > CELLS_MAX) return nextOfSize(missing, unexplained);
  const width = unexplained.length + 1;
  /** How many pairs there are at most from here to the end. */
  const best = new Uint32Array((missing.length + 1) * width);
  const at = (one: number, other: number) => best[one * width + other] ?? 0;
  for (let one = missing.length - 1; one >= 0; one--) {
    for (let other = unexplained.length - 1; other >= 0; other--) {
      const paired = isLike(missing[one], unexplained[other]) ? at(one + 1, other + 1) + 1 : 0;
      best[one * width + other] = Math.max(paired, at(one + 1, other), at(one, other + 1));
    }
  }
  const pairs: { version: Row; replica: Row }[] = [];
  for (let one = 0, other = 0; one < missing.length && other < unexplained.length; ) {
    const [version, replica] = [missing[one], unexplained[other]];
    if (
      version !== undefined &&
      replica !== undefined &&
      isLike(version, replica) &&
      at(one, other) === at(one + 1, other + 1) + 1
    ) {
      pairs.push({ version, replica });
      one++;
      other++;
    } else if (at(one + 1, other) >= at(one, other + 1)) one++;
    else other++;
  }
  return pairs;
}

function nextOfSize<Row extends Sized>(missing: readonly Row[], unexplained: readonly Row[]) {
  const pairs: { version: Row; replica: Row }[] = [];
  let from = 0;
  for (const version of missing) {
    const found = unexplained.findIndex((one, place) => place >= from && isLike(version, one));
    const replica = unexplained[found];
    if (replica === undefined) continue;
    pairs.push({ version, replica });
    from = found + 1;
  }
  return pairs;
}

function isLike(one: Sized | undefined, other: Sized | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.isDeleteMarker === other.isDeleteMarker &&
    one.sizeBytes === other.sizeBytes
  );
}
