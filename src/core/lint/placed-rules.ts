/** The rules of a configuration with their places in the document. */
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import type { ReplicationConfiguration, Rule } from "../model.ts";

export interface PlacedRule {
  readonly rule: Rule;
  readonly written: Members;
  readonly path: string;
}

/** The rules that could be read: those without a destination are not among the configuration's. */
export function placedRules(document: DocumentValue, configuration: ReplicationConfiguration): readonly PlacedRule[] {
  const readable = asArray(asObject(document)?.["Rules"]).flatMap((value, index) => {
    const written = asObject(value);
    const bucket = asObject(written?.["Destination"])?.["Bucket"];
    return written !== undefined && typeof bucket === "string" && bucket !== "" ? [{ written, index }] : [];
  });
  return readable.flatMap(({ written, index }, position) => {
    const rule = configuration.rules[position];
    return rule === undefined ? [] : [{ rule, written, path: `Rules[${index}]` }];
  });
}

/** A rule's name in a sentence. */
export function sayRule(rule: Rule): string {
  return rule.id === "" ? "The rule without an ID" : `Rule ${JSON.stringify(rule.id)}`;
}
