/** Findings that rest on what an engine recorded, and those that leave nothing to do but to replicate again. */
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import type { RecordedFailure, Setup } from "./facts.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import type { Evidence } from "./report.ts";

/** The finding behind a recorded answer that no prediction reproduces: quotas, throttling, networks, unknown answers. */
export function recordedFinding(failure: RecordedFailure, code: FailureCode): Finding {
  return {
    key: `${code} ${failure.destinationArn}`,
    code,
    rule: failure.ruleId,
    destination: failure.destinationArn,
    confidence: "proven",
    evidence: [responseEvidence(failure)],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: !failure.pending,
  };
}

/** The finding behind versions that are said to be somewhere, or could be, and are not at a rule's destination. */
export function absentFinding(code: "ReplicaMissing" | "SourceIsReplica", rule: Rule): Finding {
  const { bucketArn } = rule.destination;
  return {
    key: `${code} ${rule.id} ${bucketArn}`,
    code,
    ...ruleMembers(rule),
    resource: bucketArn,
    // Why it is not there cannot be seen: another destination, a new bucket, or a replica that was deleted for good.
    confidence: code === "ReplicaMissing" ? "likely" : "proven",
    evidence: [
      { kind: "object", source: bucketArn, says: "The destination answers 404 for the versions that were looked for" },
    ],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: true,
  };
}

/**
 * The finding behind a delete marker that a rule would take and that nobody has tried, though replication was in force
 * when it was made. Lifecycle's markers are left alone, and no store tells them from users'.
 *
 * @source aws-replication.md §2 row 17
 */
export function lostMarkerFinding(facts: Setup, rule: Rule): Finding {
  const code = "MarkerByLifecycle";
  return {
    key: `${code} ${rule.id} ${rule.destination.bucketArn}`,
    code,
    ...ruleMembers(rule),
    resource: facts.source.arn,
    confidence: "possible",
    evidence: [
      {
        kind: "object",
        source: `delete markers of ${facts.source.name}`,
        says: "They are newer than versions that were replicated, no try of them is on record, and the destination has them not: Lifecycle made them, or the rule did not replicate delete markers then",
      },
    ],
    remedy: `${failureEntry(code).remedy}; if users made them, a resync replicates them`,
    edits: [],
    resync: false,
  };
}

/** What the store answered, as it was kept. */
export function responseEvidence(failure: RecordedFailure): Evidence {
  if (failure.toldBy !== undefined) {
    const says = failure.toldBy === "event" ? failure.message : `${failure.code}: ${failure.message}`;
    return { kind: "event", source: TOLD[failure.toldBy], says };
  }
  const answer = [failure.httpStatus, failure.errorCode].filter((one) => one !== undefined).join(" ");
  return {
    kind: "response",
    source: `step ${failure.step}, ${failure.attempts} ${failure.attempts === 1 ? "try" : "tries"}`,
    says: answer === "" ? failure.message : `${answer}: ${failure.message}`,
  };
}

const TOLD = {
  event: "replication failure event of S3",
  report: "completion report of S3 Batch Operations",
} as const;

/** A fact that would have had a say, and why it is not known. */
export function notRead(says: string): Evidence {
  return { kind: "config", source: "facts", says };
}

/** @source aws-replication.md §11.1 row 4 */
const LATE_TAGS: Evidence = {
  kind: "object",
  source: "tags as they are now",
  says: "They carry the rule's tags now; tags that were put on after the object was written select nothing",
};

/**
 * Nothing stands in the way: the versions only have to be replicated again, or for the first time.
 *
 * @param doubts what could not be read and could still stand in the way
 */
export function resyncFinding(
  facts: Setup,
  code: "NeverTried" | "RetryNeeded",
  rule: Rule,
  doubts: readonly string[] = [],
): Finding {
  return {
    key: `${code} ${rule.id} ${rule.destination.bucketArn}`,
    code,
    ...ruleMembers(rule),
    resource: facts.source.arn,
    confidence: doubts.length > 0 ? "possible" : "likely",
    evidence: [
      {
        kind: "config",
        source: `replication configuration of ${facts.source.name}, rule ${rule.id}`,
        says:
          doubts.length > 0
            ? "The rule takes them, and nothing that could be read denies a step of their replication"
            : "The rule takes them, and every step of their replication is allowed now",
      },
      ...(code === "NeverTried" && rule.tags.length > 0 ? [LATE_TAGS] : []),
      ...doubts.map(notRead),
    ],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: true,
  };
}
