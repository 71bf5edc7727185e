/** Rules: what the configuration of a bucket takes and what gets in its own way; an object tried against it; its text, changed. */
import "./rules.css";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { DeskBucket, DeskRules } from "../../../desk.ts";
import { get } from "../../api.ts";
import { OfBucket } from "../../parts/bucket-picker.tsx";
import { Choice } from "../../parts/field.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Loaded } from "../../parts/states.tsx";
import { useResource } from "../../resource.ts";
import { Change } from "./change.tsx";
import { Findings } from "./findings.tsx";
import { Matrix } from "./matrix.tsx";
import { RuleList } from "./rule-list.tsx";
import { TryObject } from "./try-object.tsx";

export function Rules() {
  return (
    <OfBucket page="rules">
      {(bucket, picker) => <OfOne key={bucket.bucket} bucket={bucket} picker={picker} />}
    </OfBucket>
  );
}

function OfOne({ bucket, picker }: { readonly bucket: DeskBucket; readonly picker: ComponentChildren }) {
  const rules = useResource(`rules of ${bucket.bucket}`, (signal) =>
    get<DeskRules>("rules", { bucket: bucket.bucket }, signal),
  );
  return (
    <>
      <div class="page-bar">{picker}</div>
      <Loaded resource={rules} loading="Reading the rules" failed="The rules could not be read">
        {(value) => <Shown bucket={bucket} rules={value} onChanged={rules.reload} />}
      </Loaded>
    </>
  );
}

interface ShownProps {
  readonly bucket: DeskBucket;
  readonly rules: DeskRules;
  readonly onChanged: () => void;
}

function Shown({ bucket, rules, onChanged }: ShownProps) {
  const [view, setView] = useState<"list" | "matrix">("list");
  return (
    <div class="stack">
      <section class="card" aria-labelledby="rules-list">
        <header class="card-head">
          <h2 id="rules-list">What is taken, and where to</h2>
          <Choice
            label="How rules are shown"
            value={view}
            options={[
              { value: "list", says: "List" },
              { value: "matrix", says: "Matrix" },
            ]}
            onPick={setView}
          />
        </header>
        {view === "list" ? <RuleList rules={rules} /> : <Matrix rules={rules} />}
        {rules.role === "" ? null : (
          <p class="card-note dim">
            Role <code>{rules.role}</code>
          </p>
        )}
      </section>
      <Amiss rules={rules} />
      <section class="card" aria-labelledby="rules-try">
        <header class="card-head">
          <h2 id="rules-try">Try an object</h2>
        </header>
        <div class="card-body">
          <TryObject bucket={bucket.bucket} digest={rules.digest} />
        </div>
      </section>
      <Change bucket={bucket} rules={rules} onChanged={onChanged} />
    </div>
  );
}

/** Rules in each other's way, and what lint says of the text that is in force. */
function Amiss({ rules: { overlaps, findings } }: { readonly rules: DeskRules }) {
  if (overlaps.length === 0 && findings.length === 0) return null;
  return (
    <section class="card" aria-labelledby="rules-amiss">
      <header class="card-head">
        <h2 id="rules-amiss">Worth a look</h2>
      </header>
      <div class="card-body stack">
        {overlaps.length === 0 ? null : (
          <ul class="overlaps">
            {overlaps.map((one) => (
              <li key={`${one.rule} ${one.other}`} class={one.is}>
                <Icon name={one.is === "shadowed" ? "cross" : "copy"} size={16} />
                <span>
                  <strong>{one.is === "shadowed" ? "Shadowed" : "Overlap"}</strong> {one.says}.
                </span>
              </li>
            ))}
          </ul>
        )}
        {findings.length === 0 ? null : <Findings findings={findings} />}
      </div>
    </section>
  );
}
