/** Keys that work everywhere but where a person types: `/` finds, `g` and a letter go to a page, `?` tells them all. */
import { signal } from "@preact/signals";
import { PAGES } from "./pages.ts";
import { goTo } from "./route.ts";
import { aboutNow } from "./session.ts";

export const isHelpOpen = signal(false);

/** What the search box is called in the page, so that `/` finds it. */
export const SEARCH_ID = "find";

/** So long after `g` a letter still belongs to it. */
const SECOND_KEY_MS = 1500;

let beganAtMs = Number.NEGATIVE_INFINITY;

export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (aboutNow.value === undefined || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const isSecond = event.timeStamp - beganAtMs < SECOND_KEY_MS;
    beganAtMs = Number.NEGATIVE_INFINITY;
    if (take(event.key, isSecond, event.timeStamp)) event.preventDefault();
  });
}

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}

function take(key: string, isSecond: boolean, atMs: number): boolean {
  if (isSecond) {
    const page = PAGES.find((one) => one.letter === key);
    if (page !== undefined) goTo(page.path);
    return page !== undefined;
  }
  switch (key) {
    case "/":
      document.getElementById(SEARCH_ID)?.focus();
      return true;
    case "?":
      isHelpOpen.value = true;
      return true;
    case "g":
      beganAtMs = atMs;
      return true;
    default:
      return false;
  }
}
