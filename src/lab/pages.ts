/** Pages of lists that are held in memory. The marker is the sort key of the last item, so no state is kept. */

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page starts; undefined on the last one. */
  readonly marker?: string;
}

/** The items behind `marker`, in the order of their keys, at most `limit` of them. Keys are unique. */
export function pageOf<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  wanted: { readonly limit: number; readonly marker: string | undefined },
): Page<T> {
  const after = wanted.marker === undefined ? undefined : Buffer.from(wanted.marker, "base64url").toString();
  const rest = [...items]
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, wanted.limit);
  const last = rest.length > wanted.limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ item }) => item),
    ...(last === undefined ? {} : { marker: Buffer.from(last.key).toString("base64url") }),
  };
}
