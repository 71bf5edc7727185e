/** How far something is: a bar where an end is known, otherwise a bar that moves. */
import { countWords } from "../words.ts";

interface ProgressProps {
  readonly says: string;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
}

export function Progress({ says, done, total }: ProgressProps) {
  const isKnown = done !== undefined && total !== undefined && total > 0;
  const figures = done === undefined ? "" : isKnown ? `${countWords(done)} of ${countWords(total)}` : countWords(done);
  return (
    <div class="progress">
      <div class="progress-words">
        <span>{says}</span>
        <span class="figures">{figures}</span>
      </div>
      <progress aria-label={says} {...(isKnown ? { value: Math.min(done, total), max: total } : {})} />
    </div>
  );
}
