/** Finds the name that was probably meant. */

/** Names of more than this are not worth comparing with. */
const LENGTH_MAX = 100;

/**
 * The known name that is nearest to a misspelt one, without regard to case; undefined when none is near.
 *
 * Near is: one edit in four letters, and six at most. An edit is a letter added, dropped, changed, or two swapped.
 */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  if (written.length > LENGTH_MAX) return undefined;
  const lower = written.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(6, Math.floor(written.length / 4)) + 1;
  for (const name of known) {
    if (Math.abs(name.length - lower.length) >= bestDistance) continue;
    const distance = editDistance(lower, name.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** The number of edits that make one text of the other; `limit` when there are as many or more. */
function editDistance(one: string, other: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (row > 1 && column > 1 && isSwapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
      if (cost < least) least = cost;
    }
    // A swap reaches over one row, and the row before was no better than this one less one.
    if (least > limit) return limit;
    beforeLast = last;
    last = current;
  }
  return Math.min(limit, last[other.length] ?? 0);
}
