/** What is wrong with a configuration or surprises people, the worst first, each with what to do. */
import type { LintFinding } from "../../../../core/lint/model.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";

type Severity = LintFinding["severity"];

const TONES: Readonly<Record<Severity, Tone>> = { error: "bad", warning: "warn", note: "info" };
const WORDS: Readonly<Record<Severity, string>> = { error: "Error", warning: "Warning", note: "Note" };
const ORDER: readonly Severity[] = ["error", "warning", "note"];

interface FindingsProps {
  readonly findings: readonly LintFinding[];
  /** Leads to the place in the editor. */
  readonly onGo?: (finding: LintFinding) => void;
}

export function Findings({ findings, onGo }: FindingsProps) {
  const ordered = findings.toSorted(
    (one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || one.line - other.line,
  );
  return (
    <ul class="findings">
      {ordered.map((one) => (
        <li key={`${one.rule} ${one.path} ${one.line} ${one.says}`}>
          <span class="finding-mark">
            <Badge tone={TONES[one.severity]}>{WORDS[one.severity]}</Badge>
          </span>
          <div>
            <p>{one.says}</p>
            <p class="dim">{one.remedy}.</p>
            {one.aws === undefined ? null : (
              <p class="dim">
                AWS answers {one.aws.status} <code>{one.aws.code}</code>.
              </p>
            )}
          </div>
          {onGo === undefined ? (
            <span class="dim place">
              {one.line}:{one.column}
            </span>
          ) : (
            <Button
              kind="quiet"
              size="small"
              label={`${one.line}:${one.column}, go to this place`}
              onPress={() => onGo(one)}
            >
              {one.line}:{one.column}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
