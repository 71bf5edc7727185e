/** Light or dark: as the machine wants it, or as the person has chosen here. */
import { effect, signal } from "@preact/signals";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "lockstep-theme";

export const theme = signal<Theme>(THEMES.find((one) => one === stored()) ?? "auto");
/** Grows when colours have changed, for what is drawn on a canvas. */
export const themeTurns = signal(0);

export function followTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    store(theme.value);
    themeTurns.value = themeTurns.peek() + 1;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    themeTurns.value += 1;
  });
}

/** A browser may forbid the page to keep anything: then the choice lasts as long as the page. */
function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function store(value: Theme): void {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    return;
  }
}
