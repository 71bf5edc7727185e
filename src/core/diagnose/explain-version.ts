/** One version, step by step: which rules take it and why the others do not, and what each step of each rule may do. */
import type { SkipReason } from "../eligibility.ts";
import type { FailureCode } from "../failures/catalogue.ts";
import { sayDecision } from "../iam/explain.ts";
import type { Encryption, Rule } from "../model.ts";
import type { Call, StepName } from "../plan.ts";
import { type Note, note, notesOf, notesOfKey } from "./by-design.ts";
import type { Facts, RecordedFailure, VersionFacts } from "./facts.ts";
import { predict } from "./predict.ts";
import { reasonOf, type ShownState } from "./reason.ts";
import { oldestCompleted, operationOf, type Rules, readRules } from "./rules.ts";
import { settingFindings } from "./settings.ts";
import { sayChange, saySkip } from "./skips.ts";
import { type World, worldOf } from "./world.ts";

export interface VersionExplanation {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly status: ShownState;
  /** ISO 8601 */
  readonly written: string;
  readonly sizeBytes: number;
  readonly encryption: Encryption;
  readonly rules: readonly {
    readonly rule: string;
    readonly destination: string;
    readonly taken: boolean;
    readonly because?: SkipReason["reason"];
    readonly says: string;
    /** What would have to change for the rule to take it. */
    readonly change?: string;
  }[];
  /** Later changes of its metadata that a rule would leave where they are, and that nothing tells of. */
  readonly changes: readonly {
    readonly rule: string;
    readonly destination: string;
    /** Retention and legal hold go as tags do. */
    readonly operation: "tags" | "acl";
    readonly because: SkipReason["reason"];
    readonly says: string;
    readonly change: string;
  }[];
  /** Of the rules that take it, in the order in which they are made. */
  readonly steps: readonly ExplainedStep[];
  /** Settings of buckets and of the object that stand in the way, whatever is allowed. */
  readonly settings: readonly { readonly rule: string; readonly code: FailureCode; readonly says: string }[];
  readonly failures: readonly RecordedFailure[];
  /** What is by design, with the way out. */
  readonly notes: readonly Note[];
}

export interface ExplainedStep {
  readonly rule: string;
  readonly step: StepName;
  readonly call: Call;
  readonly by: "service" | "role";
  readonly checks: readonly {
    readonly action: string;
    readonly resource: string;
    readonly allowed: boolean;
    readonly says: string;
  }[];
}

/** Explains one of the facts' versions. Pure and total. */
export function explainVersion(facts: Facts, version: VersionFacts): VersionExplanation {
  const rules = readRules(facts, () => oldestCompleted(facts.versions));
  const world = worldOf(facts, rules.configuration?.roleArn ?? "");
  const verdict = rules.verdict(version);
  return {
    key: version.key,
    versionId: version.versionId,
    isDeleteMarker: version.isDeleteMarker,
    status: reasonOf(world, rules, version).state,
    written: new Date(version.lastModifiedMs).toISOString(),
    sizeBytes: version.sizeBytes,
    encryption: version.encryption,
    rules: (verdict?.outcomes ?? []).map((one) => ({
      rule: one.rule.id,
      destination: one.rule.destination.bucketArn,
      taken: one.taken,
      ...(one.taken ? {} : { because: one.because.reason }),
      says: one.taken ? "The rule takes the version" : saySkip(one.because),
      ...(one.taken ? {} : { change: sayChange(one.because, version) }),
    })),
    changes: version.isDeleteMarker ? [] : changesLeft(rules, version),
    steps: (verdict?.taken ?? []).flatMap((rule) => explainSteps(world, version, rule)),
    settings: (verdict?.taken ?? []).flatMap((rule) =>
      settingFindings(world, version, operationOf(version), rule).map(({ code, evidence }) => ({
        rule: rule.id,
        code,
        says: evidence[0]?.says ?? "",
      })),
    ),
    failures: version.failures,
    notes: [...notesOf(rules, version).map(note), ...notesOfKey(facts, version.key)],
  };
}

/** Reasons that concern changes alone: what keeps a rule from the version itself is said of that. */
const OF_CHANGES: ReadonlySet<SkipReason["reason"]> = new Set<SkipReason["reason"]>([
  "modificationsNotReplicated",
  "neverAdmitted",
  "ownerOverridden",
]);

function changesLeft(rules: Rules, version: VersionFacts): VersionExplanation["changes"] {
  return (["tags", "acl"] as const).flatMap((operation) =>
    (rules.verdictOfChange(version, operation)?.outcomes ?? []).flatMap((one) => {
      if (one.taken || !OF_CHANGES.has(one.because.reason)) return [];
      const { id, destination } = one.rule;
      const [says, change] = [saySkip(one.because), sayChange(one.because, version)];
      return [{ rule: id, destination: destination.bucketArn, operation, because: one.because.reason, says, change }];
    }),
  );
}

function explainSteps(world: World, version: VersionFacts, rule: Rule): ExplainedStep[] {
  return predict(world, version, operationOf(version), rule).steps.map(({ step, checks }) => ({
    rule: rule.id,
    step: step.name,
    call: step.call,
    by: step.by,
    checks: checks.map(({ check, request, decision }) => ({
      action: check.action,
      resource: check.resource,
      allowed: decision.allowed,
      says: sayDecision(request, decision),
    })),
  }));
}
