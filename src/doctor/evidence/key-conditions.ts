/**
 * What of a key decides about its replication: which prefixes of rules it has, and which patterns of policies match it.
 * Each condition can be asked of a key here and in SQL, so that a database can tell versions from each other that a
 * diagnosis tells from each other.
 */
import { objectArn } from "../../core/arn.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { globOf, keyPatterns } from "../../core/diagnose/signature.ts";
import { prefixMeant } from "../../core/eligibility.ts";
import { matchesGlob } from "../../core/iam/glob.ts";

export interface KeyCondition {
  /** An expression over a column `key`. */
  readonly sql: string;
  holds(key: string): boolean;
}

/** In an order that depends on nothing but the setup; none twice, none that holds for every key. */
export function keyConditions(setup: Setup): KeyCondition[] {
  const { replication, name } = setup.source;
  const rules = replication.state === "read" ? (parseReplication(replication.value).configuration?.rules ?? []) : [];
  const prefixes = rules.flatMap(({ prefix }) => [prefix, prefixMeant(prefix) ?? ""]);
  const buckets = [name, ...Object.values(setup.destinations).map((one) => one.name)];
  // What a variable stands for is not known here: its place takes any text, and samples tell whether that was too much.
  const patterns = keyPatterns(setup).map((one) => one.replace(/\$\{[^}]*\}/g, "*"));
  const found = [
    ...prefixes.map((one) => ofPattern(`${one}*`, "")),
    ...buckets.flatMap((bucket) => patterns.map((pattern) => ofPattern(pattern, objectArn(bucket, "")))),
  ];
  return [...new Map(found.flatMap((one) => (one === undefined ? [] : [[one.sql, one]]))).values()];
}

/** @param before what stands before the key in the text that is matched */
function ofPattern(pattern: string, before: string): KeyCondition | undefined {
  const literal = /^[^*?]*/.exec(pattern)?.[0] ?? "";
  const isBehind = literal.startsWith(before);
  // No key of this bucket can match.
  if (!isBehind && !(before.startsWith(literal) && literal.length < pattern.length)) return undefined;
  const rest = isBehind ? pattern.slice(before.length) : pattern;
  if (/^\*+$/.test(rest)) return undefined;
  const glob = globOf(rest);
  return {
    sql: sqlOf(isBehind ? "key" : `(${sqlText(before)} || key)`, rest),
    holds: (key) => matchesGlob(glob, isBehind ? key : before + key),
  };
}

/** LIKE with ESCAPE costs several times what the others do, so it stands where nothing else will do; `prefix` less than `starts_with`. */
function sqlOf(text: string, pattern: string): string {
  const [, before = "", literal = "", after = ""] = /^(\**)([^*?]*)(\**)$/.exec(pattern) ?? [];
  if (literal === "") {
    const like = pattern
      .replace(/[\\%_]/g, "\\$&")
      .replaceAll("*", "%")
      .replaceAll("?", "_");
    return `${text} LIKE ${sqlText(like)}${like.includes("\\") ? " ESCAPE '\\'" : ""}`;
  }
  if (before === "") return after === "" ? `${text} = ${sqlText(literal)}` : `prefix(${text}, ${sqlText(literal)})`;
  return `${after === "" ? "ends_with" : "contains"}(${text}, ${sqlText(literal)})`;
}

/** A literal of SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
