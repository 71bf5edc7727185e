/** Every page of the console, in the order of the navigation: a page is added here and nowhere else. */
import type { ComponentType } from "preact";
import { overview } from "./live.ts";
import { Causes } from "./pages/causes/causes.tsx";
import { Objects } from "./pages/objects/objects.tsx";
import { Overview } from "./pages/overview/overview.tsx";
import type { IconName } from "./parts/icon.tsx";
import type { About } from "./shapes.ts";

export interface Page {
  /** In the address: `#/overview`. */
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  /** `g` and this letter lead there. */
  readonly letter: string;
  readonly view: ComponentType;
  /** Whether it is there at all. */
  readonly isShown?: (about: About) => boolean;
  /** What waits there for a person; 0 shows nothing. */
  readonly count?: () => { readonly count: number; readonly says: string };
}

export const PAGES: readonly Page[] = [
  { path: "overview", title: "Overview", icon: "overview", letter: "o", view: Overview },
  {
    path: "causes",
    title: "Causes",
    icon: "causes",
    letter: "c",
    view: Causes,
    count: () => ({ count: overview.value?.failed ?? 0, says: "FAILED" }),
  },
  { path: "objects", title: "Objects", icon: "objects", letter: "b", view: Objects },
];
