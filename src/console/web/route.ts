/** The place in the address: `#/objects?bucket=photos&key=a.jpg`. Links are plain links, so that the browser's own keys work. */
import { signal } from "@preact/signals";

export interface Route {
  /** The first part: which page. */
  readonly page: string;
  readonly query: Readonly<Record<string, string>>;
}

export const FIRST_PAGE = "overview";

export const route = signal<Route>(routeIn(location.hash));

type Query = Readonly<Record<string, string | undefined>>;

/** A link to a place of the page. */
export function placeOf(page: string, query: Query = {}): string {
  const told = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] satisfies [string, string]],
  );
  const search = new URLSearchParams(told).toString();
  return `#/${page}${search === "" ? "" : `?${search}`}`;
}

export function goTo(page: string, query: Query = {}): void {
  location.hash = placeOf(page, query);
}

/** As `goTo`, and "back" does not come by here: for what a person types. */
export function replacePlace(page: string, query: Query = {}): void {
  history.replaceState(null, "", placeOf(page, query));
  route.value = routeIn(location.hash);
}

export function followAddress(): void {
  addEventListener("hashchange", () => {
    route.value = routeIn(location.hash);
  });
}

/** Total: what cannot be read is the first page. */
export function routeIn(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const page = path.split("/")[0] ?? "";
  return { page: page === "" ? FIRST_PAGE : page, query: Object.fromEntries(new URLSearchParams(search)) };
}
