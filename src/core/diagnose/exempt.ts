/**
 * Takes one caller out of a Deny statement, whichever policy it stands in, and leaves everybody else denied.
 *
 * Where the statement lists whom it denies, or whom it does not, the list is changed; everywhere else a condition is
 * added. Conditions are ANDed, so one more narrows the deny and never widens it. Exempting twice changes nothing more.
 *
 * @source aws-replication.md §10.1, §10.2
 */
import { asObject, type DocumentValue, type Members } from "../config/document.ts";

/** Who is to be taken out. */
export type Exempted =
  | {
      readonly kind: "role";
      readonly arn: string;
      readonly sessionArn: string;
      readonly accountId: string;
      /** A principal with a permissions boundary is denied by every `NotPrincipal`, listed or not. */
      readonly bounded: boolean;
    }
  | { readonly kind: "service"; readonly service: string };

/**
 * The document with the caller taken out of one of its Deny statements; as it is when there is no such statement.
 *
 * @param at the statement's place, from 0, or its Sid
 */
export function exempt(document: DocumentValue, at: number | string, who: Exempted): DocumentValue {
  const policy = asObject(document);
  const held = policy?.["Statement"];
  if (policy === undefined || held === undefined) return document;
  const statements: readonly DocumentValue[] = Array.isArray(held) ? held : [held];
  const index = typeof at === "number" ? at : statements.findIndex((one) => asObject(one)?.["Sid"] === at);
  const statement = asObject(statements[index]);
  if (statement?.["Effect"] !== "Deny") return document;
  const changed = exemptStatement(statement, who);
  return { ...policy, Statement: Array.isArray(held) ? statements.with(index, changed) : changed };
}

function exemptStatement(statement: Members, who: Exempted): Members {
  const { Principal: named, NotPrincipal: spared } = statement;
  if (spared !== undefined) {
    const widened = withSpared(spared, who);
    if (widened !== undefined) return { ...statement, NotPrincipal: widened };
  } else if (named !== undefined && named !== "*") {
    const narrowed = withoutNamed(named, who);
    if (narrowed !== undefined) return { ...statement, Principal: narrowed };
  }
  return { ...statement, Condition: withCondition(asObject(statement["Condition"]) ?? {}, who) };
}

/**
 * A `NotPrincipal` with the caller added; undefined where adding would not help, or would spare more than the caller:
 * a session is spared only if its account is listed too, and adding the account would spare its root user.
 */
function withSpared(spared: DocumentValue, who: Exempted): Members | undefined {
  const entries = asObject(spared);
  if (entries === undefined) return undefined;
  if (who.kind === "service") return { ...entries, Service: withAdded(entries["Service"], [who.service]) };
  const listed = toTexts(entries["AWS"]);
  if (who.bounded || !listed.some((one) => isAccount(one, who.accountId))) return undefined;
  return { ...entries, AWS: withAdded(entries["AWS"], [who.arn, who.sessionArn]) };
}

/**
 * A `Principal` without the caller; undefined where it names the caller alone, or also by another name that it shares
 * with others. A list that names the caller no more stays as it is.
 */
function withoutNamed(named: DocumentValue, who: Exempted): DocumentValue | undefined {
  const entries = asObject(named);
  if (entries === undefined) return undefined;
  const type = who.kind === "role" ? "AWS" : "Service";
  const own = who.kind === "role" ? [who.arn, who.sessionArn] : [who.service];
  const listed = toTexts(entries[type]);
  const others = listed.filter((one) => !own.includes(one));
  const isShared =
    who.kind === "role" &&
    (entries["CanonicalUser"] !== undefined || others.some((one) => one === "*" || isAccount(one, who.accountId)));
  if (isShared || (who.kind === "service" && toTexts(entries["AWS"]).includes("*"))) return undefined;
  if (others.length === listed.length) return named;
  if (others.length > 0) return { ...entries, [type]: others };
  const { [type]: _, ...rest } = entries;
  return Object.keys(rest).length > 0 ? rest : undefined;
}

const NEGATED = /^(?:Arn|String)Not(?:Equals|Like)(?:IgnoreCase)?(?:IfExists)?$/i;

/** Of a negated operator none of the values may match: one more value there is one more exception. */
function withCondition(conditions: Members, who: Exempted): Members {
  const [operator, key, value] =
    who.kind === "role"
      ? ["ArnNotEquals", "aws:PrincipalArn", who.arn]
      : ["StringNotEquals", "aws:PrincipalServiceName", who.service];
  for (const [held, block] of Object.entries(conditions)) {
    const keys = asObject(block) ?? {};
    const name = Object.keys(keys).find((one) => one.toLowerCase() === key.toLowerCase());
    if (NEGATED.test(held) && name !== undefined) {
      return { ...conditions, [held]: { ...keys, [name]: withAdded(keys[name], [value]) } };
    }
  }
  const held = Object.keys(conditions).find((one) => one.toLowerCase() === operator.toLowerCase()) ?? operator;
  return { ...conditions, [held]: { ...asObject(conditions[held]), [key]: value } };
}

function withAdded(held: DocumentValue | undefined, added: readonly string[]): DocumentValue {
  const texts = toTexts(held);
  const missing = added.filter((one) => !texts.includes(one));
  return missing.length === 0 && held !== undefined ? held : [...texts, ...missing];
}

function toTexts(value: DocumentValue | undefined): readonly string[] {
  const values: readonly DocumentValue[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return values.filter((one) => typeof one === "string");
}

function isAccount(principal: string, accountId: string): boolean {
  return principal === accountId || (principal.startsWith("arn:") && principal.endsWith(`:iam::${accountId}:root`));
}
