/** A unified diff, and a document with some of its lines marked. Signs stand beside the colours. */
import { CopyButton } from "./button.tsx";

interface DiffProps {
  /** Unified, as `diff -u` writes it. */
  readonly text: string;
  /** What is changed, for those who do not see it. */
  readonly label: string;
}

export function Diff({ text, label }: DiffProps) {
  const lines = text.replace(/\n$/, "").split("\n");
  return (
    <section class="code" aria-label={label}>
      <CopyButton text={text} what="the diff" />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>
        {lines.map((line, at) => (
          <span key={at} class={`line ${kindOf(line)}`}>
            {line === "" ? " " : line}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}

function kindOf(line: string): string {
  if (/^(?:---|\+\+\+|Index:|=====|diff )/.test(line)) return "file";
  if (line.startsWith("@@")) return "place";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}

interface CodeProps {
  readonly text: string;
  readonly label: string;
  /** Numbers of lines from 0, first and last, that are marked, and why. */
  readonly marked?: { readonly first: number; readonly last: number; readonly says: string } | undefined;
}

export function Code({ text, label, marked }: CodeProps) {
  const lines = text.replace(/\n$/, "").split("\n");
  return (
    <section class="code" aria-label={label}>
      <CopyButton text={text} what={label} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>
        {lines.map((line, at) => {
          const isMarked = marked !== undefined && at >= marked.first && at <= marked.last;
          return (
            <span key={at} class={isMarked ? "line marked" : "line"}>
              {isMarked && at === marked.first ? <span class="mark-says">{marked.says}</span> : null}
              {line}
              {"\n"}
            </span>
          );
        })}
      </pre>
    </section>
  );
}
