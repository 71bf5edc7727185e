/** What an ETag tells of the object besides being its tag. */

/** The number of parts stands at the end of a multipart object's ETag; undefined for objects that were put whole. */
export function partsOfEtag(etag: string): number | undefined {
  const match = /-([0-9]{1,5})$/.exec(etag);
  return match === null ? undefined : Number(match[1]);
}
