/** The order of keys in S3. */

/** Compares keys by their UTF-8 bytes, which is the order of listings and not that of JavaScript's strings. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [one, other] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (one === other) continue;
    // Surrogates stand for characters above U+FFFF, so they come last; their code units do not.
    const isOneHigh = one >= 0xd800 && one <= 0xdfff;
    const isOtherHigh = other >= 0xd800 && other <= 0xdfff;
    if (isOneHigh !== isOtherHigh) return isOneHigh ? 1 : -1;
    return one - other;
  }
  return a.length - b.length;
}
