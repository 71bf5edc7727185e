/** The calls that replicating a version makes, in order, with the decision on each. */
import type { ExplainedStep, VersionExplanation } from "../../../../core/diagnose/explain-version.ts";
import { Badge } from "../../parts/badge.tsx";

export function Steps({ version: { steps } }: { readonly version: VersionExplanation }) {
  if (steps.length === 0) return null;
  const rules = [...new Set(steps.map((one) => one.rule))];
  return (
    <section>
      <h3>The steps, and what is decided at each</h3>
      {rules.map((rule) => (
        <div key={rule}>
          {rules.length === 1 ? null : <p class="steps-rule">Rule {rule}</p>}
          <ol class="steps">
            {steps
              .filter((one) => one.rule === rule)
              .map((one) => (
                <Step key={one.step} step={one} />
              ))}
          </ol>
        </div>
      ))}
    </section>
  );
}

function Step({ step: { call, by, checks } }: { readonly step: ExplainedStep }) {
  const isAllowed = checks.every((one) => one.allowed);
  return (
    <li class={isAllowed ? "allowed" : "denied"}>
      <div class="row">
        <strong>{call}</strong>
        <Badge tone={isAllowed ? "good" : "bad"}>{isAllowed ? "allowed" : "denied"}</Badge>
        <span class="dim">by the {by}</span>
      </div>
      <ul>
        {checks.map((one) => (
          <li key={`${one.action} ${one.resource}`} class={one.allowed ? "dim" : undefined}>
            {one.says}
          </li>
        ))}
      </ul>
    </li>
  );
}
