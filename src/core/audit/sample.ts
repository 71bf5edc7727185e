/** Which versions are verified where not all of them are: the same ones whoever asks and whenever, spread over all keys. */
import type { VersionRow } from "./merge.ts";

/** @param share 0..1 */
export function isSampled({ key, versionId }: VersionRow, share: number): boolean {
  if (share >= 1) return true;
  if (share <= 0) return false;
  return hashOf(`${versionId}/${key}`) / 2 ** 32 < share;
}

/** FNV-1a, and the last mixing of MurmurHash3: neighbouring keys come far apart. 0..2^32-1 */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
