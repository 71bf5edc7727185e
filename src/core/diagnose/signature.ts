/**
 * Which versions are one to a diagnosis: those with the same signature have the same reasoning, so that work grows with
 * the number of signatures and only the walk with the number of versions.
 *
 * A signature holds everything of a version that its reasoning depends on. Of its key that is which prefixes of rules it
 * has, and which of the patterns that policies hold for keys match it.
 */
import { objectArn } from "../arn.ts";
import { parseReplication } from "../config/parse.ts";
import { prefixMeant } from "../eligibility.ts";
import { ANY_ONE, ANY_TEXT, compileGlob, type Glob, matchesGlob } from "../iam/glob.ts";
import type { Rule } from "../model.ts";
import type { Setup, VersionFacts } from "./facts.ts";
import type { Rules } from "./rules.ts";

/** Makes the function that signs versions. */
export function signatures(facts: Setup, rules: Rules): (version: VersionFacts) => string {
  const ruleMarks = rules.configuration?.rules.map(markOfRule) ?? [];
  const found = keyPatterns(facts);
  // What a variable stands for may be a part of a key: then no version stands for another.
  const isEachItsOwn = found.some((pattern) => pattern.includes("${"));
  const patterns = found.map(globOf);
  const buckets = [facts.source.name, ...Object.values(facts.destinations).map((one) => one.name)];
  return (version) => {
    const { encryption, access } = version;
    let signed =
      `${version.isDeleteMarker ? "m" : ""}${version.byLifecycle === true ? "l" : ""}${version.gone === true ? "g" : ""}${version.unreadable ?? ""}${version.undecided ?? ""}` +
      `${version.isDeleteMarker && rules.isAfterOthers(version) ? "a" : ""}` +
      `|${version.replicationStatus ?? ""}|${version.storageClass}|${version.archiveStatus ?? ""}` +
      `|${encryption.kind}|${encryption.kmsKeyArn ?? ""}|${encryption.bucketKey === true ? "b" : ""}` +
      `|${version.tagCount > 0 ? "t" : ""}${version.partsCount > 1 ? "p" : ""}` +
      `|${String(version.retained)}|${String(version.held)}|`;
    for (const mark of ruleMarks) signed += mark(version);
    if (access !== undefined) signed += `|${JSON.stringify(access)}`;
    if (version.failures.length > 0) signed += `|${failuresOf(version)}`;
    for (const arn in version.replicas) signed += `|${arn}=${version.replicas[arn] ?? ""}`;
    if (patterns.length === 0) return signed;
    signed += "|";
    if (isEachItsOwn) return signed + version.key;
    for (const bucket of buckets) {
      const object = objectArn(bucket, version.key);
      for (const pattern of patterns) signed += matchesGlob(pattern, object) ? "+" : "-";
    }
    return signed;
  };
}

/** Beginnings of keys that rules and policies name. */
export function namedPrefixes(facts: Setup): string[] {
  const { replication } = facts.source;
  const rules = replication.state === "read" ? (parseReplication(replication.value).configuration?.rules ?? []) : [];
  const ofPolicies = keyPatterns(facts).flatMap((pattern) => {
    const resource = pattern.split(":").slice(5).join(":");
    return /^[^/]*\/([^*?$]+)/.exec(resource)?.[1] ?? [];
  });
  const ofRules = rules.flatMap(({ prefix }) => [prefix, prefixMeant(prefix) ?? ""]);
  return [...new Set([...ofRules, ...ofPolicies])].filter((one) => one !== "");
}

/** The pattern of a policy, compiled. */
export function globOf(pattern: string): Glob {
  return compileGlob(pattern.split(/([*?])/).map((one) => (one === "*" ? ANY_TEXT : one === "?" ? ANY_ONE : one)));
}

function failuresOf({ failures }: VersionFacts): string {
  return failures
    .map(
      (one) =>
        `${one.destinationArn} ${one.code} ${one.pending} ${one.step} ${one.httpStatus ?? ""} ${one.errorCode ?? ""}`,
    )
    .join();
}

/** How one rule's filter meets a version. */
function markOfRule(rule: Rule): (version: VersionFacts) => string {
  const { prefix, tags } = rule;
  const meant = prefixMeant(prefix);
  const isOn = (version: VersionFacts, index: number) =>
    version.tags.some((one) => one.key === tags[index]?.key && one.value === tags[index].value);
  return (version) => {
    if (!version.key.startsWith(prefix)) return meant !== undefined && version.key.startsWith(meant) ? "~" : "-";
    return tags.length === 0 ? "+" : tags.map((_, index) => (isOn(version, index) ? "1" : "0")).join("");
  };
}

/**
 * The patterns in policies that tell keys of one bucket from each other: neither a bucket, nor all of its objects, nor
 * everything that begins like it.
 */
export function keyPatterns(facts: Setup): string[] {
  const role = facts.role.state === "read" ? facts.role.value : undefined;
  const organization = facts.organization.state === "read" ? facts.organization.value : undefined;
  const levels = [organization?.scps, organization?.rcps].flatMap((one) => Object.values(one ?? {}).flat());
  const texts = [
    ...levels.flatMap((level) => level.policies.map((one) => one.document)),
    ...(role?.policies ?? []).map((one) => one.document),
    role?.boundary?.document ?? "",
    ...[facts.source, ...Object.values(facts.destinations)].map((one) =>
      one.policy.state === "read" ? one.policy.value : "",
    ),
    ...Object.values(facts.keys).flatMap((one) => {
      if (one.state !== "read") return [];
      const { policy, grants } = one.value;
      return [policy.state === "read" ? policy.value : "", grants.state === "read" ? JSON.stringify(grants.value) : ""];
    }),
  ];
  const strings = texts
    .flatMap((text) => [...text.matchAll(/"(arn:(?:[^"\\]|\\.)*)"/g)])
    .map(([, one = ""]) => unescaped(one));
  return [...new Set(strings.filter(tellsKeys))];
}

function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

function tellsKeys(pattern: string): boolean {
  const rest = pattern.replace(/\*+$/, "");
  const parts = rest.split(":");
  if (parts.length < 6 || !/^(?:s3|.*[*?].*)$/.test(parts[2] ?? "")) return false;
  const resource = parts.slice(5).join(":");
  if (/[*?$]/.test(resource)) return true;
  const slash = resource.indexOf("/");
  return slash >= 0 && slash < resource.length - 1;
}
