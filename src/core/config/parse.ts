/**
 * Makes a typed replication configuration of a document, and lists everything that is wrong with it.
 *
 * The answer holds a configuration whenever the document can be understood, problems or not: a doctor has to read
 * what a store accepted. A store refuses the document on the first problem, in the order in which they are listed.
 *
 * Not checked here: what only a store can know (buckets that do not exist, versioning, PassRole).
 *
 * @source aws-replication.md §1.2–1.4
 */
import type { Destination, ReplicationConfiguration, Rule, Tag } from "../model.ts";
import { asArray, asObject, asString, type DocumentValue, type Members } from "./document.ts";
import { type ConfigProblem, malformed } from "./problems.ts";
import { validateReplication } from "./validate.ts";

export interface ParsedReplication {
  /** Undefined when the document cannot be understood at all. */
  readonly configuration?: ReplicationConfiguration;
  /** In AWS's order of checking; empty when AWS would accept the document. */
  readonly problems: readonly ConfigProblem[];
}

/** Parses the JSON form; XML goes through `documentOfXml` first. Pure and total. */
export function parseReplication(document: unknown): ParsedReplication {
  const problems: ConfigProblem[] = [];
  const root = asObject(document);
  if (root === undefined)
    return { problems: [malformed("", "The configuration must be an object with Role and Rules")] };
  expectMembers(root, "", ["Role", "Rules"], problems);
  const roleArn = asString(root["Role"]);
  if (roleArn === undefined || roleArn === "") problems.push(malformed("Role", "Role must be the ARN of an IAM role"));
  const rules = Array.isArray(root["Rules"]) ? (root["Rules"] as DocumentValue[]) : [];
  if (rules.length === 0) problems.push(malformed("Rules", "There must be at least one rule"));
  const schema = rules.every((one) => asObject(one)?.["Filter"] !== undefined) ? "V2" : "V1";
  const parsed: Rule[] = [];
  for (const [index, one] of rules.entries()) {
    const rule = parseRule(one, index, problems);
    if (rule !== undefined) parsed.push(rule);
  }
  problems.push(...validateReplication(root, rules, schema));
  if (roleArn === undefined || parsed.length === 0) return { problems };
  return { configuration: { roleArn, schema, rules: parsed }, problems };
}

const RULE_MEMBERS = [
  "ID",
  "Priority",
  "Status",
  "Prefix",
  "Filter",
  "SourceSelectionCriteria",
  "ExistingObjectReplication",
  "DeleteMarkerReplication",
  "Destination",
];

function parseRule(value: DocumentValue, index: number, problems: ConfigProblem[]): Rule | undefined {
  const path = `Rules[${index}]`;
  const rule = asObject(value);
  if (rule === undefined) {
    problems.push(malformed(path, "A rule must be an object"));
    return undefined;
  }
  expectMembers(rule, path, RULE_MEMBERS, problems);
  if (rule["ExistingObjectReplication"] !== undefined) {
    problems.push(malformed(`${path}.ExistingObjectReplication`, "ExistingObjectReplication is no longer supported"));
  }
  const enabled = parseStatus(rule["Status"], `${path}.Status`, problems) ?? false;
  const selector = parseSelector(rule, path, problems);
  const destination = parseDestination(rule["Destination"], `${path}.Destination`, problems);
  const priority = parsePriority(rule["Priority"], `${path}.Priority`, problems);
  const criteria = asObject(rule["SourceSelectionCriteria"]);
  if (criteria !== undefined) {
    const known = ["SseKmsEncryptedObjects", "ReplicaModifications"];
    expectMembers(criteria, `${path}.SourceSelectionCriteria`, known, problems);
  }
  const criterion = (name: string) =>
    parseSwitch(criteria?.[name], `${path}.SourceSelectionCriteria.${name}`, problems);
  const deleteMarkers = parseSwitch(
    rule["DeleteMarkerReplication"],
    `${path}.DeleteMarkerReplication`,
    problems,
    rule["Filter"] === undefined,
  );
  const kmsObjects = criterion("SseKmsEncryptedObjects") ?? false;
  const replicaModifications = criterion("ReplicaModifications") ?? false;
  if (destination === undefined) return undefined;
  return {
    id: asString(rule["ID"]) ?? "",
    ...(priority === undefined ? {} : { priority }),
    enabled,
    ...selector,
    ...(deleteMarkers === undefined ? {} : { deleteMarkers }),
    kmsObjects,
    replicaModifications,
    destination,
  };
}

function parseSelector(rule: Members, path: string, problems: ConfigProblem[]): { prefix: string; tags: Tag[] } {
  const filter = asObject(rule["Filter"]);
  if (rule["Prefix"] !== undefined && rule["Filter"] !== undefined) {
    problems.push(malformed(path, "A rule has either Prefix or Filter, not both"));
  }
  if (filter === undefined) {
    if (rule["Prefix"] === undefined) problems.push(malformed(path, "A rule must have a Filter (or, in V1, a Prefix)"));
    return { prefix: asString(rule["Prefix"]) ?? "", tags: [] };
  }
  const filterPath = `${path}.Filter`;
  expectMembers(filter, filterPath, ["Prefix", "Tag", "And"], problems);
  if (Object.keys(filter).length > 1) {
    problems.push(malformed(filterPath, "A Filter holds one of Prefix, Tag and And: join several in an And"));
  }
  const and = asObject(filter["And"]);
  const holder = and ?? filter;
  const andPath = and === undefined ? filterPath : `${filterPath}.And`;
  if (and !== undefined) expectMembers(and, andPath, ["Prefix", "Tags"], problems);
  const tagValues = and === undefined ? [filter["Tag"]].filter((one) => one !== undefined) : asArray(and["Tags"]);
  const tags: Tag[] = [];
  for (const one of tagValues) {
    const key = asString(asObject(one)?.["Key"]);
    const value = asString(asObject(one)?.["Value"]);
    if (key === undefined || value === undefined || key === "") {
      problems.push(malformed(andPath, "A Tag needs a Key and a Value"));
    } else tags.push({ key, value });
  }
  const prefix = asString(holder["Prefix"]);
  if (and !== undefined && tags.length + (prefix === undefined ? 0 : 1) < 2) {
    problems.push(malformed(andPath, "An And joins at least two of Prefix and Tags"));
  }
  return { prefix: prefix ?? "", tags };
}

const DESTINATION_MEMBERS = [
  "Bucket",
  "Account",
  "StorageClass",
  "AccessControlTranslation",
  "EncryptionConfiguration",
  "ReplicationTime",
  "Metrics",
];

/** FSX_OPENZFS is in the model's enumeration but not accepted for replication; the others are. @source §1.2, A7 */
const STORAGE_CLASSES = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "OUTPOSTS",
  "GLACIER_IR",
  "SNOW",
  "EXPRESS_ONEZONE",
  "FSX_ONTAP",
  "AWS_BACKUP_WARM",
  "AWS_BACKUP_LOW_COST_WARM",
]);

function parseDestination(
  value: DocumentValue | undefined,
  path: string,
  problems: ConfigProblem[],
): Destination | undefined {
  const destination = asObject(value);
  const bucketArn = asString(destination?.["Bucket"]);
  if (destination === undefined || bucketArn === undefined || bucketArn === "") {
    problems.push(malformed(path, "A rule needs a Destination with the Bucket's ARN"));
    return undefined;
  }
  expectMembers(destination, path, DESTINATION_MEMBERS, problems);
  const storageClass = asString(destination["StorageClass"]);
  if (storageClass !== undefined && !STORAGE_CLASSES.has(storageClass)) {
    problems.push(malformed(`${path}.StorageClass`, `${storageClass} is not a storage class for replicas`));
  }
  const owner = asString(asObject(destination["AccessControlTranslation"])?.["Owner"]);
  if (destination["AccessControlTranslation"] !== undefined && owner !== "Destination") {
    problems.push(malformed(`${path}.AccessControlTranslation.Owner`, "Owner must be Destination"));
  }
  const account = asString(destination["Account"]);
  const replicaKmsKeyArn = asString(asObject(destination["EncryptionConfiguration"])?.["ReplicaKmsKeyID"]);
  const timeEnabled = parseSwitch(destination["ReplicationTime"], `${path}.ReplicationTime`, problems, true);
  const minutes = asObject(asObject(destination["ReplicationTime"])?.["Time"])?.["Minutes"];
  const metrics = parseSwitch(destination["Metrics"], `${path}.Metrics`, problems, true) ?? false;
  return {
    bucketArn,
    ...(account === undefined ? {} : { account }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ownerOverride: owner === "Destination",
    ...(replicaKmsKeyArn === undefined ? {} : { replicaKmsKeyArn }),
    ...(timeEnabled === true && typeof minutes === "number" ? { replicationTimeMinutes: minutes } : {}),
    metrics,
  };
}

/** Reads `{Status: Enabled | Disabled}`; undefined when the member is absent. */
function parseSwitch(
  value: DocumentValue | undefined,
  path: string,
  problems: ConfigProblem[],
  statusIsOptional = false,
): boolean | undefined {
  if (value === undefined) return undefined;
  const status = asObject(value)?.["Status"];
  if (status === undefined && statusIsOptional) return undefined;
  return parseStatus(status, `${path}.Status`, problems);
}

function parseStatus(value: DocumentValue | undefined, path: string, problems: ConfigProblem[]): boolean | undefined {
  if (value === "Enabled") return true;
  if (value === "Disabled") return false;
  problems.push(malformed(path, "Status must be Enabled or Disabled"));
  return undefined;
}

function parsePriority(value: DocumentValue | undefined, path: string, problems: ConfigProblem[]): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return value;
  problems.push(malformed(path, "Priority must be an integer of at most 2147483647"));
  return undefined;
}

function expectMembers(object: Members, path: string, known: readonly string[], problems: ConfigProblem[]): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) {
      problems.push(malformed(path === "" ? name : `${path}.${name}`, `${name} is not known here`));
    }
  }
}
