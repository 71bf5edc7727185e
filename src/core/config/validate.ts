/**
 * The rules that a well-formed replication configuration must keep: one check per row of AWS's validation catalogue.
 *
 * @source aws-replication.md §1.4; the numbers in comments are its rows
 */
import { bucketOfArn, parseArn } from "../arn.ts";
import { asArray, asObject, type DocumentValue, type Members } from "./document.ts";
import { type ConfigProblem, invalidArgument, invalidRequest } from "./problems.ts";

const RULES_MAX = 1000;
const RULE_ID_LENGTH_MAX = 255;
const GUIDE = "Please refer to S3 Developer Guide for more information.";
const SCHEMA = "this version of Cross Region Replication configuration schema.";

/** Checks a document whose shape `parse.ts` has read; members of a wrong shape are passed over here. */
export function validateReplication(
  root: Members,
  ruleValues: readonly DocumentValue[],
  schema: "V1" | "V2",
): ConfigProblem[] {
  const rules = ruleValues.map((one) => asObject(one) ?? {});
  return [
    ...roleProblems(root["Role"]),
    ...rulesProblems(rules, schema),
    ...rules.flatMap((rule, index) => ruleProblems(rule, `Rules[${index}]`, schema)),
  ];
}

/** Row 6. */
function roleProblems(role: DocumentValue | undefined): ConfigProblem[] {
  if (typeof role !== "string" || role === "") return [];
  const arn = parseArn(role);
  if (arn === undefined || arn.service !== "iam" || !/^[0-9]{12}$/.test(arn.account)) {
    return [
      invalidArgument(
        "Role",
        "Role",
        "Invalid Role specified in replication configuration",
        `${role} is not the ARN of an IAM role (arn:aws:iam::ACCOUNT:role/NAME)`,
      ),
    ];
  }
  return arn.resource.startsWith("role/")
    ? []
    : [invalidArgument("Role", "Role", "The relative id should start with role", `${role} does not name a role`)];
}

function rulesProblems(rules: readonly Members[], schema: "V1" | "V2"): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (rules.length > RULES_MAX) {
    // Row 14; the text is unconfirmed.
    const text = "The number of replication rules must not exceed the allowed limit of 1000 rules.";
    problems.push(invalidRequest("Rules", text));
  }
  // Row 16.
  for (const [index, id] of duplicates(rules.map((rule) => rule["ID"]))) {
    problems.push(invalidArgument(`Rules[${index}].ID`, "ID", "Rule Id must be unique", `The ID ${id} is used twice`));
  }
  if (schema === "V2") {
    // Row 25: also between rules with different destinations.
    for (const [index, priority] of duplicates(rules.map((rule) => rule["Priority"]))) {
      problems.push(invalidRequest(`Rules[${index}].Priority`, `Found duplicate priority ${priority}.`));
    }
  } else {
    problems.push(...firstGenerationProblems(rules));
  }
  return problems;
}

/** Rows 22 and 23. */
function firstGenerationProblems(rules: readonly Members[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const buckets = new Set(rules.map((rule) => asObject(rule["Destination"])?.["Bucket"]));
  if (buckets.size > 1) {
    const text = "Number of distinct destination bucket ARNs cannot exceed 1";
    problems.push(invalidRequest("Rules", text, `${text}: give every rule a Filter to use several destinations`));
  }
  const prefixes = rules
    .flatMap((rule, index) => (typeof rule["Prefix"] === "string" ? [{ prefix: rule["Prefix"], index }] : []))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0));
  for (const [at, one] of prefixes.entries()) {
    const before = prefixes[at - 1];
    if (before !== undefined && one.prefix.startsWith(before.prefix)) {
      const text = `Found overlapping prefixes '${before.prefix}' and '${one.prefix}'`;
      problems.push(invalidRequest(`Rules[${one.index}].Prefix`, text));
    }
  }
  return problems;
}

function ruleProblems(rule: Members, path: string, schema: "V1" | "V2"): ConfigProblem[] {
  return [
    ...idProblems(rule["ID"], `${path}.ID`),
    ...(schema === "V1" ? memberNotInV1(rule, path) : memberMissingInV2(rule, path)),
    ...filterProblems(rule, path),
    ...destinationProblems(asObject(rule["Destination"]) ?? {}, `${path}.Destination`),
    ...encryptionProblems(rule, path),
    ...replicationTimeProblems(asObject(rule["Destination"]) ?? {}, `${path}.Destination`),
  ];
}

/** Rows 15 and 17. */
function idProblems(id: DocumentValue | undefined, path: string): ConfigProblem[] {
  if (typeof id !== "string") return [];
  if (id.length > RULE_ID_LENGTH_MAX) {
    return [invalidArgument(path, "ID", "Rule Id cannot be greater than 255", "An ID has at most 255 characters")];
  }
  return /^[\x20-\x7e]*$/.test(id)
    ? []
    : [invalidArgument(path, "ID", "Rule Id must not contain non-ASCII characters", "An ID is ASCII text")];
}

/** Rows 18 and 19, and the V2-only elements of a mixed document, whose texts are unconfirmed. */
function memberNotInV1(rule: Members, path: string): ConfigProblem[] {
  const criteria = asObject(rule["SourceSelectionCriteria"]);
  const present: [string, DocumentValue | undefined][] = [
    ["Priority", rule["Priority"]],
    ["DeleteMarkerReplication", rule["DeleteMarkerReplication"]],
    ["Filter", rule["Filter"]],
    ["ReplicaModifications", criteria?.["ReplicaModifications"]],
  ];
  return present
    .filter(([, value]) => value !== undefined)
    .map(([name]) =>
      invalidRequest(
        `${path}.${name}`,
        `${name} cannot be used for ${SCHEMA} ${GUIDE}`,
        `${name} needs a Filter in every rule (an empty one selects all): one rule without makes the whole document V1`,
      ),
    );
}

/** Rows 20, 21 and 24. */
function memberMissingInV2(rule: Members, path: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const priority = rule["Priority"];
  for (const name of ["Priority", "DeleteMarkerReplication"]) {
    if (rule[name] !== undefined) continue;
    const text = `${name} must be specified for ${SCHEMA} ${GUIDE}`;
    problems.push(invalidRequest(`${path}.${name}`, text, `A rule with a Filter needs ${name}`));
  }
  if (typeof priority === "number" && priority < 0) {
    problems.push(invalidRequest(`${path}.Priority`, "Priority must be between 0 and 2147483647."));
  }
  return problems;
}

/** Rows 26 and 27. */
function filterProblems(rule: Members, path: string): ConfigProblem[] {
  const filter = asObject(rule["Filter"]);
  const and = asObject(filter?.["And"]);
  const tags = and === undefined ? [] : asArray(and["Tags"]);
  const problems: ConfigProblem[] = [];
  if (duplicates(tags.map((tag) => asObject(tag)?.["Key"])).length > 0) {
    problems.push(invalidRequest(`${path}.Filter.And.Tags`, "Duplicate Tag Keys are not allowed."));
  }
  const markers = asObject(rule["DeleteMarkerReplication"])?.["Status"];
  if (markers === "Enabled" && (tags.length > 0 || filter?.["Tag"] !== undefined)) {
    const text = `Delete marker replication is not supported if any Tag filter is specified. ${GUIDE}`;
    problems.push(
      invalidRequest(
        `${path}.DeleteMarkerReplication`,
        text,
        "Delete markers carry no tags: replicate them by a rule without tags, of another priority",
      ),
    );
  }
  return problems;
}

/** Rows 12, 33 and 34. */
function destinationProblems(destination: Members, path: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const bucket = destination["Bucket"];
  if (typeof bucket === "string" && bucket !== "" && bucketOfArn(bucket) === undefined) {
    const says = `${bucket} is not the ARN of a bucket (arn:aws:s3:::NAME)`;
    problems.push(invalidArgument(`${path}.Bucket`, "Bucket", "Invalid bucket ARN", says));
  }
  const account = destination["Account"];
  if (typeof account === "string" && !/^[0-9]{12}$/.test(account)) {
    const text = "Account must contain a valid account ID"; // The text is unconfirmed.
    problems.push(invalidArgument(`${path}.Account`, "Account", text, `${account || "Account"} is not a 12-digit id`));
  }
  if (destination["AccessControlTranslation"] !== undefined && account === undefined) {
    const text = "Account must be specified if the Owner in AccessControlTranslation has a value";
    problems.push(invalidRequest(`${path}.Account`, text));
  }
  return problems;
}

/** Rows 28 to 31. That row 29 fires for Disabled too is unconfirmed. */
function encryptionProblems(rule: Members, path: string): ConfigProblem[] {
  const criteria = asObject(rule["SourceSelectionCriteria"]);
  const encryption = asObject(asObject(rule["Destination"])?.["EncryptionConfiguration"]);
  const key = encryption?.["ReplicaKmsKeyID"];
  const problems: ConfigProblem[] = [];
  if (criteria !== undefined && Object.keys(criteria).length === 0) {
    problems.push(invalidRequest(`${path}.SourceSelectionCriteria`, "SourceSelectionCriteria cannot be empty."));
  }
  if (criteria?.["SseKmsEncryptedObjects"] !== undefined && (typeof key !== "string" || key === "")) {
    const text = "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.";
    problems.push(invalidRequest(`${path}.Destination.EncryptionConfiguration`, text));
  }
  if (encryption !== undefined && criteria?.["SseKmsEncryptedObjects"] === undefined) {
    const text = "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.";
    problems.push(invalidRequest(`${path}.SourceSelectionCriteria`, text));
  }
  if (typeof key === "string" && key !== "" && parseArn(key)?.service !== "kms") {
    const says = `${key} is not the ARN of a KMS key or alias`;
    const at = `${path}.Destination.EncryptionConfiguration.ReplicaKmsKeyID`;
    problems.push(invalidArgument(at, "ReplicaKmsKeyID", "Invalid ReplicaKmsKeyID ARN.", says));
  }
  return problems;
}

/** Rows 36 to 42. The texts of 37 and 38 are unconfirmed. */
function replicationTimeProblems(destination: Members, path: string): ConfigProblem[] {
  const time = asObject(destination["ReplicationTime"]);
  const metrics = asObject(destination["Metrics"]);
  const problems: ConfigProblem[] = [];
  if (time !== undefined && metrics === undefined) {
    const text = "Replication destination must contain both ReplicationTime and Metrics or neither.";
    problems.push(invalidRequest(`${path}.Metrics`, text));
  }
  if (time !== undefined) {
    if (time["Status"] === undefined) {
      const text = "ReplicationTime-Status must contain a value";
      problems.push(invalidArgument(`${path}.ReplicationTime.Status`, "ReplicationTime", text));
    }
    const minutes = asObject(time["Time"])?.["Minutes"];
    const at = `${path}.ReplicationTime.Time`;
    if (minutes === undefined) {
      const text = "ReplicationTime-ReplicationTimeValue must contain a value";
      problems.push(invalidArgument(at, "ReplicationTime", text));
    } else if (minutes !== 15) {
      const says = "ReplicationTime knows one value: 15 minutes";
      problems.push(invalidArgument(at, "ReplicationTime", "Invalid time minute value", says));
    }
  }
  if (metrics !== undefined) problems.push(...metricsProblems(time, metrics, `${path}.Metrics`));
  return problems;
}

function metricsProblems(time: Members | undefined, metrics: Members, path: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const threshold = asObject(metrics["EventThreshold"]);
  const timed = time?.["Status"] === "Enabled";
  if (metrics["Status"] === undefined) {
    problems.push(invalidArgument(`${path}.Status`, "Metrics", "ReplicationMetrics must contain a status"));
  } else if (time?.["Status"] !== undefined && time["Status"] !== metrics["Status"]) {
    const text = "ReplicationTime and Metrics must have the same status";
    problems.push(invalidRequest(`${path}.Status`, text));
  }
  if (timed && threshold === undefined) {
    problems.push(invalidArgument(path, "Metrics", "ReplicationMetrics must contain an event threshold"));
  }
  if (threshold !== undefined && !timed) {
    const text = "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled";
    const says = `${text}: remove EventThreshold, or add ReplicationTime`;
    problems.push(invalidArgument(`${path}.EventThreshold`, "Metrics", text, says));
  } else if (threshold !== undefined && threshold["Minutes"] !== 15) {
    const says = "EventThreshold knows one value: 15 minutes";
    problems.push(invalidArgument(`${path}.EventThreshold`, "Metrics", "Invalid event threshold minute value", says));
  }
  return problems;
}

/** Positions and values that stand in the list for the second time or more. */
function duplicates(values: readonly (DocumentValue | undefined)[]): [index: number, value: string][] {
  const seen = new Set<DocumentValue>();
  const found: [number, string][] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    if (seen.has(value)) found.push([index, typeof value === "string" ? value : JSON.stringify(value)]);
    seen.add(value);
  }
  return found;
}
