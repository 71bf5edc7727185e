/**
 * Checks one replication configuration: everything for which AWS would refuse it, and what it takes but does not do.
 *
 * @source aws-replication.md §1.2–1.6, §11.1
 */
import { bucketArn, parseArn } from "../arn.ts";
import { asArray, asObject, type DocumentValue } from "../config/document.ts";
import { parseReplication } from "../config/parse.ts";
import { printReplication } from "../config/print.ts";
import type { ConfigProblem } from "../config/problems.ts";
import type { LintOptions, Problem } from "./model.ts";
import { type PlacedRule, placedRules, sayRule } from "./placed-rules.ts";
import { lacksServicePath } from "./role-names.ts";
import { pairProblems } from "./rule-pairs.ts";
import type { LintRuleId } from "./rules.ts";

/** Problems in no particular order. */
export function replicationProblems(document: DocumentValue, options: LintOptions): readonly Problem[] {
  const { configuration, problems } = parseReplication(document);
  const found: Problem[] = [...problems.map(refusal), ...typeProblems(document, ""), ...sizeProblems(document)];
  if (configuration === undefined) return found;
  const rules = placedRules(document, configuration);
  const account = parseArn(configuration.roleArn)?.account;
  found.push(...roleProblems(configuration.roleArn), ...activityProblems(rules));
  for (const one of rules) {
    found.push(...filterProblems(one), ...destinationProblems(one, account, options), ...keyProblems(one, account));
    found.push(...keyRegionProblems(one, options), ...timeProblems(one));
    if (one.rule.enabled) found.push(...silenceProblems(one));
  }
  return [...found, ...pairProblems(rules)];
}

const REFUSALS: Record<ConfigProblem["code"], LintRuleId> = {
  MalformedXML: "malformed-xml",
  InvalidRequest: "invalid-request",
  InvalidArgument: "invalid-argument",
};

/** AWS answers every one of them with 400. */
function refusal({ code, message, path, says }: ConfigProblem): Problem {
  return { rule: REFUSALS[code], path, says, aws: { code, status: 400, message } };
}

const TEXT_MEMBERS = new Set(["ID", "Prefix", "Key", "Value", "Bucket", "Account", "StorageClass", "ReplicaKmsKeyID"]);

/** YAML and JSON know numbers where AWS's schema has text; an account that begins with 0 even loses a digit. */
function typeProblems(value: DocumentValue, path: string): Problem[] {
  if (Array.isArray(value)) return asArray(value).flatMap((one, index) => typeProblems(one, `${path}[${index}]`));
  return Object.entries(asObject(value) ?? {}).flatMap(([name, member]): Problem[] => {
    const at = path === "" ? name : `${path}.${name}`;
    if (!TEXT_MEMBERS.has(name) || typeof member === "string" || typeof member === "object") {
      return typeProblems(member, at);
    }
    return [{ rule: "text-expected", path: at, says: `${name} is the ${typeof member} ${member}, not a text` }];
  });
}

const XML_BYTES_MAX = 2 * 1024 * 1024;

function sizeProblems(document: DocumentValue): Problem[] {
  const size = printReplication(document).length;
  if (size <= XML_BYTES_MAX) return [];
  const says = `As XML it has ${size} characters; AWS takes 2 MB`;
  return [{ rule: "configuration-too-large", path: "", says, aws: { code: "MalformedXML", status: 400 } }];
}

function roleProblems(roleArn: string): Problem[] {
  if (!lacksServicePath(roleArn)) return [];
  return [{ rule: "role-without-path", path: "Role", says: `${roleArn} has no path` }];
}

function activityProblems(rules: readonly PlacedRule[]): Problem[] {
  // A Status that cannot be read is no Disabled.
  const disabled = rules.filter(({ written }) => written["Status"] === "Disabled");
  if (disabled.length === rules.length) {
    return [{ rule: "all-rules-disabled", path: "Rules", says: `None of the rules is enabled (${rules.length})` }];
  }
  return disabled.map(({ rule, path }) => ({
    rule: "rule-disabled",
    path: `${path}.Status`,
    says: `${sayRule(rule)} is disabled`,
  }));
}

function prefixPath({ written, path }: PlacedRule): string {
  const filter = asObject(written["Filter"]);
  if (filter === undefined) return `${path}.Prefix`;
  return filter["And"] === undefined ? `${path}.Filter.Prefix` : `${path}.Filter.And.Prefix`;
}

function filterProblems(placed: PlacedRule): Problem[] {
  const { prefix } = placed.rule;
  const path = prefixPath(placed);
  const problems: Problem[] = [];
  if (prefix.startsWith("/")) {
    const says = `${JSON.stringify(prefix)} selects only keys that begin with a slash`;
    const rest = prefix.replace(/^\/+/, "");
    const remedy = `Write ${JSON.stringify(rest)}, unless the keys themselves begin with a slash`;
    problems.push({ rule: "prefix-leading-slash", path, says, remedy });
  }
  const star = prefix.indexOf("*");
  if (star >= 0) {
    const says = `${JSON.stringify(prefix)} selects only keys with a star in them`;
    const remedy = `Write ${JSON.stringify(prefix.slice(0, star))}: a prefix selects everything that begins with it`;
    problems.push({ rule: "prefix-wildcard", path, says, remedy });
  }
  return problems;
}

function destinationProblems(
  { rule, path }: PlacedRule,
  roleAccount: string | undefined,
  options: LintOptions,
): Problem[] {
  const { bucketArn: arn, account, ownerOverride } = rule.destination;
  const problems: Problem[] = [];
  if (options.source !== undefined && arn === bucketArn(options.source)) {
    const message = "Destination bucket cannot be the same as the source bucket.";
    const says = `${options.source} is the source itself`;
    const aws = { code: "InvalidRequest", status: 400, message };
    problems.push({ rule: "destination-is-source", path: `${path}.Destination.Bucket`, says, aws });
  }
  if (account !== undefined && roleAccount !== undefined && account !== roleAccount && !ownerOverride) {
    const says = `Account ${account} gets replicas that belong to account ${roleAccount}`;
    problems.push({ rule: "owner-not-overridden", path: `${path}.Destination.Account`, says });
  }
  return problems;
}

function keyProblems({ rule, path }: PlacedRule, roleAccount: string | undefined): Problem[] {
  const { replicaKmsKeyArn: arn, account } = rule.destination;
  const key = arn === undefined ? undefined : parseArn(arn);
  if (key === undefined || !key.resource.startsWith("alias/")) return [];
  const at = `${path}.Destination.EncryptionConfiguration.ReplicaKmsKeyID`;
  const isForeign = account !== undefined && roleAccount !== undefined && account !== roleAccount;
  if (key.resource.startsWith("alias/aws/") && isForeign) {
    const says = `${key.resource} is managed by AWS, and the destination belongs to account ${account}`;
    return [{ rule: "replica-key-aws-managed", path: at, says }];
  }
  const says = `${key.resource} is looked up in account ${roleAccount ?? "of the role"}, whatever account the ARN names`;
  return [{ rule: "replica-key-alias", path: at, says }];
}

function keyRegionProblems({ rule, path }: PlacedRule, { destinationRegion }: LintOptions): Problem[] {
  const { replicaKmsKeyArn: arn } = rule.destination;
  const region = arn === undefined ? undefined : parseArn(arn)?.region;
  if (region === undefined || region === "" || destinationRegion === undefined || region === destinationRegion) {
    return [];
  }
  const at = `${path}.Destination.EncryptionConfiguration.ReplicaKmsKeyID`;
  return [
    { rule: "replica-key-region", path: at, says: `The key is in ${region}, the destination in ${destinationRegion}` },
  ];
}

function timeProblems({ rule, written, path }: PlacedRule): Problem[] {
  if (rule.destination.replicationTimeMinutes === undefined || written["Filter"] !== undefined) return [];
  const says = `${sayRule(rule)} has ReplicationTime and no Filter: AWS counts it to both generations of the schema`;
  return [{ rule: "replication-time-without-filter", path: `${path}.Destination.ReplicationTime`, says }];
}

/** What an enabled rule leaves out without a word. */
function silenceProblems({ rule, path }: PlacedRule): Problem[] {
  const problems: Problem[] = [];
  const name = sayRule(rule);
  if (!rule.kmsObjects) {
    const says = `${name} does not select versions with SSE-KMS or DSSE-KMS`;
    problems.push({ rule: "kms-objects-not-selected", path, says });
  }
  if (rule.tags.length > 0) {
    const says = `${name} selects versions that are written with ${rule.tags.map((tag) => `${tag.key}=${tag.value}`).join(", ")}`;
    problems.push({ rule: "tag-filter-at-write", path: `${path}.Filter`, says });
  } else if (rule.deleteMarkers === false) {
    const says = `${name} does not replicate delete markers`;
    problems.push({ rule: "delete-markers-not-replicated", path: `${path}.DeleteMarkerReplication`, says });
  }
  return problems;
}
