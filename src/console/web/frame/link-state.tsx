/** Whether what is shown is current: a word in the bar, and a line across the page while nobody answers. */
import { nowMs } from "../clock.ts";
import { link } from "../live.ts";
import { Icon } from "../parts/icon.tsx";
import { clockWords, spanWords } from "../words.ts";

const WORDS = {
  connecting: { says: "Connecting", title: "The first figures are on their way" },
  live: { says: "Live", title: "Figures come as they change" },
  polling: {
    says: "Every 4 s",
    title: "Something on the way holds events back: figures are asked for every four seconds",
  },
  lost: { says: "Lost", title: "Lockstep does not answer" },
} as const;

export function LinkState() {
  const { state } = link.value;
  return (
    <span class={`link-state ${state}`} title={WORDS[state].title}>
      {state === "lost" ? <Icon name="unplugged" size={14} /> : <span class="dot" aria-hidden="true" />}
      {WORDS[state].says}
    </span>
  );
}

export function LostLine() {
  const { state, sinceMs } = link.value;
  return (
    <div role="status">
      {state === "lost" ? (
        <p class="lost-line">
          <Icon name="unplugged" size={16} />
          <span>
            <strong>Lockstep does not answer since {clockWords(sinceMs)}.</strong> What you see is as it was then; it is
            tried again by itself
            <span aria-hidden="true"> ({spanWords(nowMs.value - sinceMs)})</span>.
          </span>
        </p>
      ) : null}
    </div>
  );
}
