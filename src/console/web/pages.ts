/** Every page of the console, in the order of the navigation: a page is added here and nowhere else. */
import type { ComponentType } from "preact";
import type { Alert } from "../../monitor/alerts/model.ts";
import { alerts, overview } from "./live.ts";
import { Alerts } from "./pages/alerts/alerts.tsx";
import { Audits } from "./pages/audits/audits.tsx";
import { Canaries } from "./pages/canaries/canaries.tsx";
import { Causes } from "./pages/causes/causes.tsx";
import { ChangeLog } from "./pages/changes/changes.tsx";
import { Jobs } from "./pages/jobs/jobs.tsx";
import { Lab } from "./pages/lab/lab.tsx";
import { Objects } from "./pages/objects/objects.tsx";
import { Overview } from "./pages/overview/overview.tsx";
import { Rules } from "./pages/rules/rules.tsx";
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
  { path: "rules", title: "Rules", icon: "rules", letter: "r", view: Rules },
  { path: "audits", title: "Audits", icon: "audits", letter: "u", view: Audits },
  { path: "canaries", title: "Canaries", icon: "canaries", letter: "n", view: Canaries },
  {
    path: "alerts",
    title: "Alerts",
    icon: "alerts",
    letter: "a",
    view: Alerts,
    count: () => ({ count: (alerts.value ?? []).filter(isLoud).length, says: "firing" }),
  },
  { path: "jobs", title: "Jobs", icon: "jobs", letter: "j", view: Jobs },
  { path: "changes", title: "Changes", icon: "user", letter: "h", view: ChangeLog },
  { path: "lab", title: "Lab", icon: "lab", letter: "l", view: Lab, isShown: (about) => about.hasLab },
];

function isLoud({ state, silencedUntilMs }: Alert): boolean {
  return state === "firing" && silencedUntilMs === undefined;
}
