/**
 * Compiles a policy document into matchers, and matches single statements.
 *
 * What follows from several statements and several policies together is decided in `evaluate.ts`.
 *
 * @source aws-replication.md §10.1
 */
import { type ArnMatcher, type ArnText, compileArns, cutArn, fillsArns, matchesArns } from "./arn-matcher.ts";
import { type CompiledCondition, compileCondition } from "./conditions.ts";
import type { PatternElement, PolicyDocument, Statement } from "./document.ts";
import type { AccessRequest, PolicySource, StatementRef } from "./model.ts";
import {
  compilePrincipals,
  isCoveredByNot,
  type PrincipalMatcher,
  REACH,
  type Reach,
  reachOf,
} from "./principal-matcher.ts";
import { compileTexts, matchesTexts, type TextMatcher } from "./text-matcher.ts";

export interface CompiledPolicy {
  readonly source: PolicySource;
  readonly document: PolicyDocument;
  /** In document order. */
  readonly denies: readonly CompiledStatement[];
  readonly allows: readonly CompiledStatement[];
}

export interface CompiledStatement {
  readonly ref: StatementRef;
  readonly written: Statement;
  readonly actionNot: boolean;
  readonly action: TextMatcher;
  readonly resourceNot: boolean;
  /** Absent where the document is the resource's own and names none: every resource matches. */
  readonly resource?: ArnMatcher;
  readonly principal?: PrincipalMatcher;
  readonly conditions: readonly CompiledCondition[];
}

/** A request, prepared once for many statements. */
export interface Asked {
  readonly request: AccessRequest;
  /** In lower case. */
  readonly action: string;
  readonly resource: ArnText;
  /** Whether the principal has a permissions boundary. */
  readonly bounded: boolean;
}

/** Compiles a document. Never fails: what a document should not have said matches nothing. */
export function compilePolicy(document: PolicyDocument, source: PolicySource): CompiledPolicy {
  const variables = document.version === "2012-10-17";
  const compiled = document.statements.map((statement, index) =>
    compileStatement(statement, index, { source, variables }),
  );
  return {
    source,
    document,
    denies: compiled.filter((statement) => statement.ref.effect === "Deny"),
    allows: compiled.filter((statement) => statement.ref.effect === "Allow"),
  };
}

function compileStatement(
  written: Statement,
  index: number,
  policy: { readonly source: PolicySource; readonly variables: boolean },
): CompiledStatement {
  const { source, variables } = policy;
  const { sid, effect, principal, action, resource, conditions } = written;
  return {
    ref: { source, ...(sid === undefined ? {} : { sid }), index, effect },
    written,
    actionNot: action.not,
    action: compileTexts(action.patterns, { variables: false, wildcards: true, ignoreCase: true }),
    resourceNot: resource?.not === true,
    ...(resource === undefined ? {} : { resource: compileResource(resource, variables) }),
    ...(principal === undefined ? {} : { principal: compilePrincipals(principal) }),
    conditions: conditions.map((condition) => compileCondition(condition, variables)),
  };
}

function compileResource(resource: PatternElement, variables: boolean): ArnMatcher {
  return compileArns(resource.patterns, { variables, variablesIn: "lastPart" });
}

/** Prepares a request. */
export function ask(request: AccessRequest, bounded: boolean): Asked {
  return { request, action: request.action.toLowerCase(), resource: cutArn(request.resource), bounded };
}

/** How closely the statement reaches the one who asks, when all of it applies; `REACH.none` when it does not apply. */
export function reachOfStatement(statement: CompiledStatement, asked: Asked): Reach {
  if (!matchesAction(statement, asked) || !matchesResource(statement, asked)) return REACH.none;
  const reach = principalReach(statement, asked);
  return reach !== REACH.none && matchesConditions(statement, asked) ? reach : REACH.none;
}

export function matchesAction(statement: CompiledStatement, asked: Asked): boolean {
  return matchesTexts(statement.action, asked.action, asked.request.context) !== statement.actionNot;
}

/** A `NotResource` with a variable that the request cannot fill covers nothing, as a `Resource` with one does. */
export function matchesResource(statement: CompiledStatement, asked: Asked): boolean {
  const { resource } = statement;
  if (resource === undefined) return true;
  const { context } = asked.request;
  const matched = matchesArns(resource, asked.resource, context);
  if (!statement.resourceNot) return matched;
  return !matched && fillsArns(resource, context);
}

/**
 * How closely `Principal` or `NotPrincipal` covers the one who asks. A statement without either covers everybody,
 * except in a resource's own policy, where it covers nobody.
 */
export function principalReach(statement: CompiledStatement, asked: Asked): Reach {
  const { principal, ref } = statement;
  if (principal === undefined) return ref.source.kind === "resource" ? REACH.none : REACH.direct;
  const asking = asked.request.principal;
  if (!principal.not) return reachOf(principal, asking);
  const covered = isCoveredByNot(principal, asking, { effect: ref.effect, bounded: asked.bounded });
  return covered ? REACH.direct : REACH.none;
}

function matchesConditions(statement: CompiledStatement, asked: Asked): boolean {
  for (const condition of statement.conditions) if (!condition.holds(asked.request.context)) return false;
  return true;
}

/** The conditions that do not hold, in document order. */
export function failedConditions(statement: CompiledStatement, asked: Asked): readonly CompiledCondition[] {
  return statement.conditions.filter((condition) => !condition.holds(asked.request.context));
}
