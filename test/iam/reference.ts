/**
 * A second policy evaluator, to check the first one: the rules of aws-replication.md §10 in the most naive way.
 *
 * It reads documents as JSON on every call, compiles nothing, matches wildcards by recursion, and shares no code with
 * `src`; only the names of the types of requests and decisions are the same. Slow on purpose, and for tests only.
 */
import { BlockList, isIP } from "node:net";
import type { AccessRequest, Grant, Principal, RequestContext } from "../../src/core/iam/model.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export interface ReferencePolicies {
  readonly identity: readonly Json[];
  readonly boundary?: Json;
  readonly session?: readonly Json[];
  readonly resource?: Json;
  readonly resourceRule: "either" | "resource";
  readonly grants?: readonly Grant[];
  readonly scps?: readonly (readonly Json[])[];
  readonly rcps?: readonly (readonly Json[])[];
  readonly vpcEndpoint?: Json;
}

export type ReferenceAnswer = "allowed" | "explicitDeny" | "noAllow";

/** How a statement names the principal; "everyone" is a principal of "*". */
type Naming = "no" | "account" | "role" | "itself" | "everyone";

export function decide(request: AccessRequest, policies: ReferencePolicies): ReferenceAnswer {
  const { principal, resourceAccount } = request;
  const hasAccount = principal.kind === "root" || principal.kind === "user" || principal.kind === "session";
  const serviceLinked = principal.kind === "session" && principal.roleArn.includes(":role/aws-service-role/");
  const scps = hasAccount && !serviceLinked ? (policies.scps ?? []) : [];
  const capped = /^(s3|sts|kms|sqs|secretsmanager):/i.test(request.action);
  const rcps = serviceLinked || !capped ? [] : (policies.rcps ?? []);
  const boundary = policies.boundary === undefined ? [] : [policies.boundary];
  const vpcEndpoint = policies.vpcEndpoint === undefined ? [] : [policies.vpcEndpoint];
  const resource = policies.resource === undefined ? [] : [policies.resource];
  const session = policies.session ?? [];
  const bounded = boundary.length > 0;
  const says = (documents: readonly Json[], effect: string, kind: string): Naming[] =>
    documents.flatMap((document) => namings(document, effect, { request, bounded, kind }));

  const rescued =
    principal.kind === "root" &&
    principal.accountId === resourceAccount &&
    /^s3:(get|put|delete)bucketpolicy$/i.test(request.action);
  const denies = [
    ...says(
      [...scps.flat(), ...rcps.flat(), ...vpcEndpoint, ...policies.identity, ...boundary, ...session],
      "Deny",
      "other",
    ),
    ...(rescued ? [] : says(resource, "Deny", "resource")),
  ];
  if (denies.length > 0) return "explicitDeny";

  const allows = (documents: readonly Json[]): boolean => says(documents, "Allow", "other").length > 0;
  for (const level of [...scps, ...rcps]) if (!allows(level)) return "noAllow";
  if (vpcEndpoint.length > 0 && !allows(vpcEndpoint)) return "noAllow";

  const byResource = says(resource, "Allow", "resource");
  const byGrant = (policies.grants ?? []).map((grant) => grantNaming(grant, request));
  if (!hasAccount) return byResource.length > 0 || byGrant.includes("itself") ? "allowed" : "noAllow";
  const own = principal.accountId === resourceAccount;
  if (principal.kind === "root") {
    if (own && policies.resourceRule === "either") return "allowed";
    return byResource.length > 0 || byGrant.some((naming) => naming !== "no") ? "allowed" : "noAllow";
  }
  const identityAllows = allows(policies.identity);
  const boundaryAllows = boundary.length === 0 || allows(boundary);
  const sessionAllows = session.length === 0 || allows(session);
  const limitsAllow = boundaryAllows && sessionAllows;

  if (byGrant.includes("itself")) return "allowed";
  if (byGrant.includes("role") && limitsAllow) return "allowed";
  if (own && (byResource.includes("itself") || byResource.includes("everyone"))) return "allowed";
  if (own && byResource.includes("role") && limitsAllow) return "allowed";
  const resourceAllows = byResource.length > 0 || byGrant.includes("account");
  const resourceNeeded = !own || policies.resourceRule === "resource";
  const enough = identityAllows && limitsAllow && (resourceAllows || !resourceNeeded);
  return enough ? "allowed" : "noAllow";
}

interface Question {
  readonly request: AccessRequest;
  readonly bounded: boolean;
  readonly kind: string;
}

/** For every statement of that effect that applies: how it names the principal. */
function namings(document: Json, effect: string, question: Question): Naming[] {
  const policy = document as JsonObject;
  const variables = policy["Version"] === "2012-10-17";
  const found: Naming[] = [];
  for (const one of asList(policy["Statement"])) {
    const statement = one as JsonObject;
    if (statement["Effect"] !== effect || !applies(statement, question.request, variables)) continue;
    const naming = namingOf(statement, effect, question);
    if (naming !== "no") found.push(naming);
  }
  return found;
}

function applies(statement: JsonObject, request: AccessRequest, variables: boolean): boolean {
  return (
    actionApplies(statement, request) &&
    resourceApplies(statement, request, variables) &&
    conditionsHold(statement["Condition"] as JsonObject | undefined, request.context, variables)
  );
}

function actionApplies(statement: JsonObject, request: AccessRequest): boolean {
  const action = request.action.toLowerCase();
  const matches = (pattern: Json): boolean => like(symbols(textOf(pattern).toLowerCase()), units(action));
  if (statement["Action"] !== undefined) return asList(statement["Action"]).some(matches);
  return !asList(statement["NotAction"]).some(matches);
}

function resourceApplies(statement: JsonObject, request: AccessRequest, variables: boolean): boolean {
  const test = (pattern: Json): boolean | "unfilled" => {
    const text = textOf(pattern);
    if (/^\*+$/.test(text)) return true;
    return arnLike(text, request.resource, { context: request.context, variables, headVariables: false });
  };
  if (statement["Resource"] !== undefined) return asList(statement["Resource"]).some((one) => test(one) === true);
  if (statement["NotResource"] === undefined) return true;
  return asList(statement["NotResource"]).every((one) => test(one) === false);
}

function namingOf(statement: JsonObject, effect: string, { request, bounded, kind }: Question): Naming {
  const { principal } = request;
  if (statement["Principal"] !== undefined) return naming(statement["Principal"], principal);
  const not = statement["NotPrincipal"];
  if (not === undefined) return kind === "resource" ? "no" : "everyone";
  if (not === "*" || asList((not as JsonObject)["AWS"]).includes("*")) return "no";
  if (effect === "Allow") return naming(not, principal) === "no" ? "everyone" : "no";
  if (bounded) return "everyone";
  return everyForm(principal).every((form) => form.some((name) => lists(not as JsonObject, name))) ? "no" : "everyone";
}

/** Every form in which a principal appears, each with the names that it goes by; nobody has a form without names. */
function everyForm(principal: Principal): string[][] {
  switch (principal.kind) {
    case "root":
      return [accountNames(principal)];
    case "user":
      return [accountNames(principal), [principal.arn, principal.userId]];
    case "session":
      return [accountNames(principal), [principal.roleArn, principal.roleId], [principal.arn]];
    case "service":
      return [[principal.service, "*"]];
    case "anonymous":
      return [[]];
  }
}

function accountNames(principal: { readonly accountId: string; readonly canonicalUserId?: string }): string[] {
  const roots = ["aws", "aws-cn", "aws-us-gov"].map((partition) => `arn:${partition}:iam::${principal.accountId}:root`);
  return [
    principal.accountId,
    ...roots,
    ...(principal.canonicalUserId === undefined ? [] : [principal.canonicalUserId]),
  ];
}

function lists(principals: JsonObject, name: string): boolean {
  const listed = (type: string): boolean => asList(principals[type]).includes(name);
  if (name === "*" || name.endsWith(".amazonaws.com")) return listed("Service");
  return listed("AWS") || listed("CanonicalUser");
}

function naming(element: Json, principal: Principal): Naming {
  if (element === "*") return "everyone";
  const principals = element as JsonObject;
  if (asList(principals["AWS"]).includes("*")) return "everyone";
  const [account = [], ...others] = everyForm(principal);
  const named = (names: readonly string[]): boolean => names.some((name) => lists(principals, name));
  if (principal.kind === "root" || principal.kind === "service") return named(account) ? "itself" : "no";
  if (principal.kind === "user") return others.some(named) ? "itself" : named(account) ? "account" : "no";
  if (principal.kind === "anonymous") return "no";
  if (named([principal.arn])) return "itself";
  if (named([principal.roleArn, principal.roleId])) return "role";
  return named(account) ? "account" : "no";
}

function grantNaming(grant: Grant, request: AccessRequest): Naming {
  const { principal, context } = request;
  if (!grant.operations.some((one) => `kms:${one}`.toLowerCase() === request.action.toLowerCase())) return "no";
  const carried = Object.keys(context).filter((key) => key.startsWith("kms:encryptioncontext:"));
  const has = (pairs: Readonly<Record<string, string>>): boolean =>
    Object.entries(pairs).every(([key, value]) => context[`kms:encryptioncontext:${key.toLowerCase()}`] === value);
  const carries = /^kms:(encrypt|decrypt|reencrypt(from|to)|generatedatakey.*)$/i.test(request.action);
  const equals = carries ? grant.encryptionContextEquals : undefined;
  const subset = carries ? grant.encryptionContextSubset : undefined;
  const retires = /^kms:retiregrant$/i.test(request.action);
  if (grant.sourceArn !== undefined && !retires && context["aws:sourcearn"] !== grant.sourceArn) return "no";
  if (equals !== undefined && (Object.keys(equals).length !== carried.length || !has(equals))) return "no";
  if (subset !== undefined && !has(subset)) return "no";
  if (principal.kind === "anonymous") return "no";
  return naming({ [principal.kind === "service" ? "Service" : "AWS"]: grant.granteePrincipal }, principal);
}

// Conditions

function conditionsHold(conditions: JsonObject | undefined, context: RequestContext, variables: boolean): boolean {
  return Object.entries(conditions ?? {}).every(([operator, keys]) =>
    Object.entries(keys as JsonObject).every(([key, values]) =>
      conditionHolds(operator, key, { values: asList(values).map(textOf), context, variables }),
    ),
  );
}

interface Comparison {
  readonly values: readonly string[];
  readonly context: RequestContext;
  readonly variables: boolean;
}

function conditionHolds(operator: string, key: string, comparison: Comparison): boolean {
  let name = operator.toLowerCase();
  const forAll = name.startsWith("forallvalues:");
  const forAny = name.startsWith("foranyvalue:");
  if (forAll || forAny) name = name.slice(name.indexOf(":") + 1);
  const ifExists = name.endsWith("ifexists");
  if (ifExists) name = name.slice(0, -"ifexists".length);
  const own = Object.entries(comparison.context).find(([one]) => one === key.toLowerCase());
  const actual = own?.[1];
  if (name === "null") {
    const isAbsent = actual === undefined || (actual.length === 0 && typeof actual !== "string");
    return comparison.values.some((value) => value.toLowerCase() === String(isAbsent));
  }
  const negated = name.includes("not");
  const positiveName = name.replace("not", "");
  if (actual === undefined) {
    if (ifExists || forAll) return true;
    return forAny ? false : negated;
  }
  const one = (value: string): boolean => compareAll(positiveName, negated, value, comparison);
  if (!forAll && !forAny) return typeof actual === "string" && one(actual);
  const values = typeof actual === "string" ? [actual] : actual;
  if (values.filter((value) => value !== "").length === 0) return forAll;
  return forAll ? values.every(one) : values.some(one);
}

function compareAll(name: string, negated: boolean, actual: string, comparison: Comparison): boolean {
  const results = comparison.values.map((value) => compare(name, actual, value, comparison));
  if (!negated) return results.includes(true);
  return results.every((result) => result === false);
}

function compare(name: string, actual: string, value: string, comparison: Comparison): boolean | "unfilled" {
  const { context, variables } = comparison;
  const filled = (): string | undefined =>
    fill(value, context, variables)
      ?.map((one) => one.text)
      .join("");
  switch (name) {
    case "stringequals": {
      const text = filled();
      return text === undefined ? "unfilled" : text === actual;
    }
    case "stringequalsignorecase":
    case "bool": {
      const text = filled();
      if (text === undefined) return "unfilled";
      if (name === "bool" && !/^(true|false)$/i.test(actual)) return false;
      return text.toLowerCase() === actual.toLowerCase();
    }
    case "stringlike": {
      const pattern = fill(value, context, variables);
      return pattern === undefined ? "unfilled" : like(pattern, units(actual));
    }
    case "arnequals":
    case "arnlike":
      if (/^\*+$/.test(value)) return true;
      return arnLike(value, actual, { context, variables, headVariables: true });
    case "ipaddress":
      return inRange(actual, value);
    case "binaryequals":
      return Buffer.from(actual, "base64").equals(Buffer.from(value, "base64"));
    default:
      return ordered(name, actual, value);
  }
}

function ordered(name: string, actual: string, value: string): boolean {
  const read = name.startsWith("date") ? instant : (text: string) => (text === "" ? Number.NaN : Number(text));
  const [left, right] = [read(actual), read(value)];
  switch (name.replace(/^(date|numeric)/, "")) {
    case "equals":
      return left === right;
    case "lessthan":
      return left < right;
    case "lessthanequals":
      return left <= right;
    case "greaterthan":
      return left > right;
    case "greaterthanequals":
      return left >= right;
    default:
      return false;
  }
}

function instant(text: string): number {
  if (/^\d{5,}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  return new Date(/T\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text}Z` : text).getTime();
}

/** Node's own notion of addresses and subnets. */
function inRange(address: string, range: string): boolean {
  const family = (text: string): "ipv4" | "ipv6" => (isIP(text) === 6 ? "ipv6" : "ipv4");
  const [network = "", length] = range.split("/");
  if (isIP(address) === 0 || isIP(network) === 0) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(length ?? (family(network) === "ipv6" ? 128 : 32)), family(network));
  return list.check(address, family(address));
}

// Patterns

/** One character of a pattern; wildcards are characters that are not literal. */
interface PatternSymbol {
  readonly text: string;
  readonly literal: boolean;
}

function units(text: string): string[] {
  return text.split("");
}

function symbols(text: string): PatternSymbol[] {
  return units(text).map((unit) => ({ text: unit, literal: unit !== "*" && unit !== "?" }));
}

function literals(text: string): PatternSymbol[] {
  return units(text).map((unit) => ({ text: unit, literal: true }));
}

/** A pattern with its variables filled; undefined when the request has no single value for one. */
function fill(pattern: string, context: RequestContext, variables: boolean): PatternSymbol[] | undefined {
  const found = variables ? /\$\{([^{}]*)\}/.exec(pattern) : null;
  if (found === null) return symbols(pattern);
  const [whole, inner = ""] = found;
  const rest = fill(pattern.slice(found.index + whole.length), context, variables);
  const before = symbols(pattern.slice(0, found.index));
  if (rest === undefined) return undefined;
  if (inner === "*" || inner === "?" || inner === "$") return [...before, ...literals(inner), ...rest];
  const [, name = inner, fallback] = /^([^,]+), '([^']*)'$/.exec(inner) ?? [];
  const value = context[name.toLowerCase()];
  const text = typeof value === "string" ? value : fallback;
  return text === undefined ? undefined : [...before, ...literals(text), ...rest];
}

function like(pattern: readonly PatternSymbol[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (!first.literal && first.text === "*")
    return like(rest, text) || (text.length > 0 && like(pattern, text.slice(1)));
  if (text.length === 0) return false;
  return (!first.literal || first.text === text[0]) && like(rest, text.slice(1));
}

function arnLike(
  pattern: string,
  arn: string,
  options: { readonly context: RequestContext; readonly variables: boolean; readonly headVariables: boolean },
): boolean | "unfilled" {
  const cut = cutPattern(pattern);
  const parts = arn.split(":");
  if (cut.length < 6) return false;
  const actual = [...parts.slice(0, 5), parts.slice(5).join(":")];
  const filled = cut.map((part) => fill(part, options.context, options.variables));
  if (options.variables && !options.headVariables && cut.slice(0, 5).some((part) => part.includes("${"))) return false;
  if (filled.includes(undefined)) return "unfilled";
  return parts.length >= 6 && filled.every((part, index) => like(part ?? [], units(actual[index] ?? "")));
}

/** Cuts at colons outside of `${…}`, five times. */
function cutPattern(pattern: string): string[] {
  const parts = [""];
  let inVariable = false;
  for (const unit of units(pattern)) {
    if (unit === "{") inVariable = true;
    if (unit === "}") inVariable = false;
    if (unit === ":" && !inVariable && parts.length < 6) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${unit}`);
  }
  return parts;
}

function asList(value: Json | undefined): readonly Json[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
