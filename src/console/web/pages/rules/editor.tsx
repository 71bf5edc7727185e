/**
 * The text of a configuration, with what is wrong marked beside its lines as it is typed. The text field is the browser's
 * own, so that every key does what it does elsewhere; the marks stand in a margin that scrolls along.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LintFinding } from "../../../../core/lint/model.ts";
import { post } from "../../api.ts";
import { useResource } from "../../resource.ts";
import { sayError } from "../../toasts.ts";
import { plural } from "../../words.ts";
import { Findings } from "./findings.tsx";

/** So long nobody types. */
const REST_MS = 350;

interface EditorProps {
  readonly bucket: string;
  readonly text: string;
  readonly onInput: (text: string) => void;
  /** What was found in which text; undefined while it is looked at. */
  readonly onFound: (found: { readonly text: string; readonly errors: number }) => void;
}

export function Editor({ bucket, text, onInput, onFound }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const margin = useRef<HTMLDivElement>(null);
  const findings = useLint(bucket, text, onFound);
  const lines = useMemo(() => text.split("\n").length, [text]);
  const marks = useMemo(() => marksOf(findings.found), [findings.found]);
  const goTo = ({ line, column }: LintFinding) => {
    const element = area.current;
    if (element === null) return;
    const at = placeIn(text, line, column);
    element.focus();
    element.setSelectionRange(at, at);
    element.scrollTop = Math.max(0, (line - 6) * LINE_PX);
  };
  return (
    <div class="editor">
      <div class="editor-frame">
        <div class="editor-margin" ref={margin} aria-hidden="true">
          {Array.from({ length: lines }, (_, index) => {
            const mark = marks.get(index + 1);
            return (
              <span key={index} class={mark === undefined ? "number" : `number ${mark.severity}`} title={mark?.says}>
                {index + 1}
              </span>
            );
          })}
        </div>
        <textarea
          ref={area}
          class="editor-text"
          aria-label="Replication configuration"
          aria-describedby="editor-found"
          aria-invalid={findings.errors > 0}
          value={text}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          wrap="off"
          onInput={(event) => onInput(event.currentTarget.value)}
          onScroll={(event) => {
            if (margin.current !== null) margin.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      <div class="editor-found" id="editor-found" aria-live="polite">
        <p class="dim">{findings.says}</p>
        {findings.found.length === 0 ? null : <Findings findings={findings.found} onGo={goTo} />}
      </div>
    </div>
  );
}

/** As the style sheet has it. */
const LINE_PX = 20;

function useLint(bucket: string, text: string, onFound: EditorProps["onFound"]) {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const told = useRef(onFound);
  told.current = onFound;
  const answer = useResource(`${bucket} ${rested}`, async () => {
    const { findings } = await post<{ readonly findings: readonly LintFinding[] }>("rules/lint", {
      bucket,
      text: rested,
    });
    return { text: rested, findings };
  });
  const last = useRef<readonly LintFinding[]>([]);
  const ready = answer.state === "ready" ? answer.value : undefined;
  if (ready !== undefined) last.current = ready.findings;
  const errors = last.current.filter((one) => one.severity === "error").length;
  useEffect(() => {
    if (ready === undefined) return;
    told.current({ text: ready.text, errors: ready.findings.filter((one) => one.severity === "error").length });
  }, [ready]);
  const says =
    answer.state === "failed"
      ? `It could not be checked: ${sayError(answer.error)}`
      : answer.state === "loading" || rested !== text
        ? "Checking…"
        : last.current.length === 0
          ? "Nothing is wrong with it."
          : `${plural(last.current.length, "finding")}, ${plural(errors, "error")}.`;
  return { found: last.current, errors, says };
}

const RANK: Readonly<Record<LintFinding["severity"], number>> = { error: 2, warning: 1, note: 0 };

/** The worst of every line. */
function marksOf(findings: readonly LintFinding[]): ReadonlyMap<number, LintFinding> {
  const marks = new Map<number, LintFinding>();
  for (const one of findings) {
    const before = marks.get(one.line);
    if (before === undefined || RANK[before.severity] < RANK[one.severity]) marks.set(one.line, one);
  }
  return marks;
}

/** Where a line and column are in the text. */
function placeIn(text: string, line: number, column: number): number {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
}
