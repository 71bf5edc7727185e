/** A moment as its age, with the moment itself for whoever asks. */
import { nowMs } from "../clock.ts";
import { agoWords, momentWords } from "../words.ts";

/** `3m 20s ago`; moments to come are `in 3m`. */
export function Ago({ atMs }: { readonly atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={momentWords(atMs)}>
      {agoWords(atMs, nowMs.value)}
    </time>
  );
}
