/**
 * Checks the actions of a statement, and whether its resources are of the kind that they act on.
 *
 * @source aws-replication.md §10.1, §11.3 row 27; Service Authorization Reference
 */
import { parseArn } from "../arn.ts";
import {
  actionsMatching,
  isKnownService,
  isService,
  type KnownAction,
  nearestAction,
  nearestService,
} from "./action-index.ts";
import type { PolicyLintKind, Problem } from "./model.ts";
import { type PlacedStatement, patternPath } from "./statements.ts";

export function actionProblems(placed: PlacedStatement, kind: PolicyLintKind): Problem[] {
  const { action, resource } = placed.statement;
  const problems: Problem[] = [];
  const reach = resource === undefined || resource.not ? EVERYTHING : reachOf(resource.patterns);
  for (const [index, pattern] of action.patterns.entries()) {
    const path = patternPath(placed, "Action", index);
    const service = serviceOf(pattern);
    if (service === undefined) continue;
    const found = foreignAction(service, pattern, kind) ?? unknownAction(service, pattern);
    if (found !== undefined) problems.push({ ...found, path });
    else if (!action.not && kind !== "trust-policy") {
      const missed = missedResource(pattern, service, reach);
      if (missed !== undefined) problems.push({ ...missed, path });
    }
  }
  return [...problems, ...resourceProblems(placed, kind)];
}

type Found = Omit<Problem, "path">;

/** The service in lower case; undefined where it is a pattern. */
function serviceOf(pattern: string): string | undefined {
  const [, service] = /^([A-Za-z0-9-]+):/.exec(pattern) ?? [];
  return service?.toLowerCase();
}

function foreignAction(service: string, pattern: string, kind: PolicyLintKind): Found | undefined {
  const own = kind === "bucket-policy" ? "s3" : kind === "key-policy" ? "kms" : service;
  if (own === service || !isService(service)) return undefined;
  const says = `${pattern} is not about ${own === "s3" ? "buckets" : "keys"}`;
  return { rule: "action-of-other-service", says };
}

function unknownAction(service: string, pattern: string): Found | undefined {
  if (!isService(service)) {
    const nearest = nearestService(service);
    const remedy = nearest === undefined ? {} : { remedy: `Did you mean ${nearest}?` };
    return { rule: "unknown-service", says: `There is no service ${service} for ${pattern}`, ...remedy };
  }
  if (!isKnownService(service) || actionsMatching(pattern).length > 0) return undefined;
  if (/[*?]/.test(pattern))
    return { rule: "action-matches-nothing", says: `No action begins and ends as ${pattern} does` };
  const nearest = nearestAction(pattern);
  const remedy = nearest === undefined ? {} : { remedy: `Did you mean ${nearest}?` };
  return { rule: "unknown-action", says: `There is no action ${pattern}`, ...remedy };
}

/** What the resources of a statement can name. */
interface Reach {
  readonly everything: boolean;
  readonly buckets: boolean;
  readonly objects: boolean;
  readonly services: ReadonlySet<string>;
  readonly patterns: readonly string[];
}

const EVERYTHING: Reach = { everything: true, buckets: true, objects: true, services: new Set(), patterns: [] };

function reachOf(patterns: readonly string[]): Reach {
  const services = new Set<string>();
  let everything = false;
  let buckets = false;
  let objects = false;
  for (const pattern of patterns) {
    const arn = parseArn(pattern);
    if (arn === undefined) {
      // Only `*` is no ARN: the others are told as problems of the grammar.
      everything = true;
      continue;
    }
    services.add(arn.service);
    // Access points, jobs and the like have a Region or an account, and resources of their own kinds.
    const isPlain = arn.region === "" && arn.account === "";
    const hasVariable = arn.resource.includes("${");
    if (arn.service !== "s3") continue;
    if (!isPlain || hasVariable || !arn.resource.includes("/")) buckets = true;
    if (!isPlain || hasVariable || arn.resource.includes("*") || /\/./.test(arn.resource)) objects = true;
  }
  return { everything, buckets, objects, services, patterns };
}

/** Which services' resources an action is on. */
const RESOURCE_SERVICES: Readonly<Record<string, RegExp>> = {
  s3: /^s3/,
  kms: /^kms$/,
  iam: /^iam$/,
  sts: /^(?:iam|sts)$/,
};

function missedResource(pattern: string, service: string, reach: Reach): Found | undefined {
  const actions = actionsMatching(pattern);
  if (reach.everything || actions.length === 0) return undefined;
  const expected = RESOURCE_SERVICES[service];
  if (actions.every((action) => action.resourceTypes.length === 0)) {
    if (reach.patterns.some((one) => isWholeService(one, expected))) return undefined;
    const says = `${pattern} is on no resource, and the statement names ${sayPatterns(reach)}`;
    return { rule: "action-needs-star", says };
  }
  if (expected !== undefined && ![...reach.services].some((one) => expected.test(one))) {
    return { rule: "resource-of-other-service", says: `${pattern} is never on ${sayPatterns(reach)}` };
  }
  if (service !== "s3") return undefined;
  const [first = ""] = reach.patterns.filter((one) => parseArn(one)?.service === "s3");
  if (reach.buckets && !reach.objects && actions.every(isOnObjects)) {
    const says = `${pattern} is on objects, and ${sayPatterns(reach)} names a bucket`;
    return { rule: "object-action-on-bucket", says, remedy: `Write ${first}/* for its objects` };
  }
  if (reach.buckets || !reach.objects || !actions.every(isOnBuckets)) return undefined;
  const says = `${pattern} is on buckets, and ${sayPatterns(reach)} names objects`;
  return { rule: "bucket-action-on-objects", says, remedy: `Write ${first.replace(/\/.*$/, "")} for the bucket` };
}

/** `arn:aws:s3:::*` does for ListAllMyBuckets, as AWS's own examples have it. */
function isWholeService(pattern: string, expected: RegExp | undefined): boolean {
  const arn = parseArn(pattern);
  return arn?.resource === "*" && expected?.test(arn.service) === true;
}

function isOnObjects({ resourceTypes }: KnownAction): boolean {
  return resourceTypes.includes("object") && !resourceTypes.includes("bucket");
}

function isOnBuckets({ resourceTypes }: KnownAction): boolean {
  return resourceTypes.includes("bucket") && !resourceTypes.includes("object");
}

function sayPatterns({ patterns: [first = "", ...others] }: Reach): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

/** S3's ARNs that do have a Region and an account. */
const REGIONAL = /^(?:accesspoint|job|storage-lens|storage-lens-group|access-grants|async-request|\*)/;

function resourceProblems(placed: PlacedStatement, kind: PolicyLintKind): Problem[] {
  const patterns = placed.statement.resource?.patterns ?? [];
  const actions = placed.statement.action.patterns.flatMap((one) => actionsMatching(one));
  const usesKeys = actions.length > 0 && actions.every(({ resourceTypes }) => !resourceTypes.includes("alias"));
  return patterns.flatMap((pattern, index): Problem[] => {
    const arn = parseArn(pattern);
    if (arn === undefined) return [];
    const path = patternPath(placed, "Resource", index);
    const { service, region, account, resource } = arn;
    if (service === "kms" && resource.startsWith("alias/") && usesKeys && kind !== "trust-policy") {
      return [
        { rule: "kms-alias-resource", path, says: `${pattern} is an alias; requests are about the key behind it` },
      ];
    }
    if (service !== "s3") return [];
    if (region + account !== "" && !REGIONAL.test(resource)) {
      return [{ rule: "bucket-arn-with-region", path, says: `${pattern} names ${region}${account}` }];
    }
    if (!/^[^/]+\/$/.test(resource)) return [];
    const remedy = `Write ${pattern}* for the objects, ${pattern.slice(0, -1)} for the bucket`;
    return [{ rule: "resource-trailing-slash", path, says: `${pattern} matches nothing`, remedy }];
  });
}
