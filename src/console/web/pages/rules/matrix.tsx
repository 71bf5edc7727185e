/** Rules × what they tell apart: which rule takes an object under a prefix, with tags, and which other rule goes before it. */
import { saySkip } from "../../../../core/diagnose/skips.ts";
import type { RuleOutcome } from "../../../../core/eligibility.ts";
import type { DeskRules } from "../../../desk.ts";
import { Icon } from "../../parts/icon.tsx";
import { bucketName, plural } from "../../words.ts";
import { type Selection, selectionsOf, tagWords } from "./selections.ts";

/** More columns than this nobody reads. */
const RULES_MAX = 24;

export function Matrix({ rules: { rules, overlaps } }: { readonly rules: DeskRules }) {
  const { shown, leftOut } = selectionsOf(rules, overlaps);
  const columns = rules.slice(0, RULES_MAX);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="matrix-scroll" tabIndex={0} aria-label="What each rule takes">
        <table class="matrix">
          <caption class="unseen">Which rule takes which objects</caption>
          <thead>
            <tr>
              <th scope="col">Keys that begin with</th>
              <th scope="col">and carry</th>
              {columns.map((rule) => (
                <th key={rule.id} scope="col" class="matrix-rule">
                  <span class="matrix-id" title={rule.id}>
                    {rule.id}
                  </span>
                  <span class="dim">→ {bucketName(rule.destination.bucketArn)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <Line key={`${one.prefix} ${tagWords(one.tags)}`} selection={one} columns={columns.length} />
            ))}
          </tbody>
        </table>
      </section>
      <p class="legend">
        <span class="took">
          <Icon name="check" size={13} /> takes it
        </span>
        <span class="outranked">
          <Icon name="down" size={13} /> would, but another goes before it
        </span>
        <span class="dim">
          <span aria-hidden="true">·</span> does not select it
        </span>
        {leftOut > 0 ? <span class="dim">{plural(leftOut, "further line")} left out</span> : null}
        {rules.length > RULES_MAX ? (
          <span class="dim">{plural(rules.length - RULES_MAX, "further rule")} left out</span>
        ) : null}
      </p>
    </>
  );
}

function Line({ selection, columns }: { readonly selection: Selection; readonly columns: number }) {
  const { prefix, tags, outcomes } = selection;
  const isTaken = outcomes.some((one) => one.taken);
  return (
    <tr class={isTaken ? undefined : "untaken"}>
      <th scope="row">{prefix === "" ? <span class="dim">anything else</span> : <code>{prefix}</code>}</th>
      <td>{tags.length === 0 ? <span class="dim">no tags</span> : <code>{tagWords(tags)}</code>}</td>
      {outcomes.slice(0, columns).map((one) => (
        <td key={one.rule.id} class="matrix-cell">
          <Sign outcome={one} />
        </td>
      ))}
    </tr>
  );
}

function Sign({ outcome }: { readonly outcome: RuleOutcome }) {
  if (outcome.taken) {
    return (
      <span class="took" title="takes it">
        <Icon name="check" size={15} />
        <span class="unseen">takes it</span>
      </span>
    );
  }
  const { because } = outcome;
  if (because.reason === "outranked") {
    const says = `${because.byRuleId} goes before it`;
    return (
      <span class="outranked" title={says}>
        <Icon name="down" size={15} />
        <span class="unseen">{says}</span>
      </span>
    );
  }
  return (
    <span class="dim" title={saySkip(because)}>
      <span aria-hidden="true">{because.reason === "ruleDisabled" ? "off" : "·"}</span>
      <span class="unseen">{because.reason === "ruleDisabled" ? "the rule is disabled" : "does not select it"}</span>
    </span>
  );
}
