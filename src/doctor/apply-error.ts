/** Why patches were not applied, or not all of them, and what became of those that were. */
import { bucketOfArn } from "../core/arn.ts";
import type { DocumentValue } from "../core/config/document.ts";
import type { Patch } from "../core/diagnose/report.ts";
import { documentDiff } from "./patch-forms.ts";

/** A document is not as the patch expects it: nothing was written. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
  readonly patch: Patch;

  /**
   * @param now the document as it is
   * @param who who changed it and when, or how to find out; undefined where nobody keeps a history
   */
  constructor(patch: Patch, now: DocumentValue, who?: string) {
    const diff = documentDiff(patch.before, now)
      .split("\n")
      .filter((line) => /^[+-]/.test(line))
      .map((line) => line.replace(/^([+-])\s+/, "$1"))
      .join(" ");
    const told = who === undefined ? "" : ` ${who}.`;
    super(`${placeWords(patch)} has changed since it was read (${diff}): nothing was applied.${told} Diagnose again.`);
    this.patch = patch;
  }
}

/** A write failed, or never came into effect. What was written before it was put back, as far as it could be. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
  readonly patch: Patch;
  readonly restored: readonly Patch[];
  /** What is there still, and would have to be put back by hand. */
  readonly stuck: readonly { readonly patch: Patch; readonly because: string }[];

  constructor(patch: Patch, cause: unknown, undone: Pick<ApplyError, "restored" | "stuck">) {
    const { restored, stuck } = undone;
    const why = cause instanceof Error ? cause.message : String(cause);
    const left = stuck.map((one) => `${placeWords(one.patch)} (${one.because})`).join("; ");
    const after =
      stuck.length > 0
        ? `could not be put back: ${left}`
        : restored.length > 0
          ? `put back: ${restored.map(placeWords).join("; ")}`
          : "nothing else was written";
    super(`${placeWords(patch)} could not be written: ${why}; ${after}`, { cause });
    this.patch = patch;
    this.restored = restored;
    this.stuck = stuck;
  }
}

function placeWords({ target, resource, name }: Patch): string {
  const place = bucketOfArn(resource) ?? resource;
  return `${target} of ${place}${name === undefined ? "" : ` (${name})`}`;
}
