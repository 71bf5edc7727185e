/** What a fix changes, document by document: as a difference, or as commands. */
import { useState } from "preact/hooks";
import type { Patch } from "../../../../core/diagnose/report.ts";
import type { DeskDiagnosis } from "../../../desk.ts";
import { Badge } from "../../parts/badge.tsx";
import { Code, Diff } from "../../parts/diff.tsx";
import { Choice } from "../../parts/field.tsx";

type Form = "diff" | "awsCli";

const FORMS = [
  { value: "diff", says: "Difference" },
  { value: "awsCli", says: "AWS CLI" },
] as const;

interface PatchesProps {
  readonly patches: readonly Patch[];
  readonly shown: DeskDiagnosis["patches"];
}

export function Patches({ patches, shown }: PatchesProps) {
  const [form, setForm] = useState<Form>("diff");
  const known = patches.flatMap(({ id }) => {
    const one = shown[id];
    return one === undefined ? [] : [{ id, ...one }];
  });
  if (known.length === 0) return null;
  return (
    <div class="patches">
      <Choice label="How changes are shown" value={form} options={FORMS} onPick={setForm} />
      {known.map(({ id, title, diff, awsCli, isLasting }) => (
        <div key={id} class="patch">
          <h4 class="document-title">
            {title}
            {isLasting ? <Badge tone="warn">cannot be taken back</Badge> : null}
          </h4>
          {form === "diff" ? (
            <Diff text={diff} label={`Changes of: ${title}`} />
          ) : (
            <Code text={awsCli} label="the commands" />
          )}
        </div>
      ))}
    </div>
  );
}
