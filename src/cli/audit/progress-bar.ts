/**
 * How far an audit is, on a terminal. The audit before has counted the versions; of a first one nobody knows how many there
 * are, so there is no bar that would pretend to: what is done, and how fast.
 */
import { SingleBar } from "cli-progress";
import type { AuditSoFar } from "../../doctor/audit/audit.ts";
import { grouped } from "../../doctor/audit/words.ts";

export class AuditBar {
  readonly #stream: NodeJS.WritableStream;
  readonly #clock: () => number;
  readonly #startedAtMs: number;
  #bar: SingleBar | undefined;
  /** Of an audit that goes on: they were compared before. */
  #versionsAtFirst = 0;

  constructor({ stream, clock }: { readonly stream: NodeJS.WritableStream; readonly clock: () => number }) {
    this.#stream = stream;
    this.#clock = clock;
    this.#startedAtMs = clock();
  }

  show(so: AuditSoFar): void {
    if (this.#bar === undefined) this.#versionsAtFirst = so.isResumed ? so.versions : 0;
    const says = progressWords(so, {
      versions: so.versions - this.#versionsAtFirst,
      tookMs: this.#clock() - this.#startedAtMs,
    });
    const total = Math.max(1, so.versions, so.versionsBefore ?? 0);
    this.#bar ??= opened(this.#stream, so.versionsBefore !== undefined);
    this.#bar.setTotal(total);
    this.#bar.update(so.versions, { says });
  }

  stop(): void {
    this.#bar?.stop();
  }
}

function opened(stream: NodeJS.WritableStream, isTotalKnown: boolean): SingleBar {
  const bar = new SingleBar({
    format: isTotalKnown ? "audit {bar} {says}" : "audit {says}",
    stream,
    noTTYOutput: false,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(1, 0, { says: "" });
  return bar;
}

/** @param lately compared since this command began, and in what time */
export function progressWords(
  { versions, exceptions, versionsBefore }: AuditSoFar,
  lately: { readonly versions: number; readonly tookMs: number },
): string {
  const of = versionsBefore === undefined ? "" : ` of about ${grouped(versionsBefore)}`;
  // Of the first moments a rate says nothing.
  const rate = lately.tookMs < 1000 ? "" : `, ${grouped(Math.round((lately.versions * 1000) / lately.tookMs))}/s`;
  return `${grouped(versions)} versions${of}${rate}, ${grouped(exceptions)} exceptions`;
}
