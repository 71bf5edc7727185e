/** Tells what kind of document a value is, and takes it out of what the AWS CLI wraps around it. */
import { asArray, asObject, asString, type DocumentValue } from "../config/document.ts";
import { readJson } from "./json.ts";
import type { LintKind } from "./model.ts";
import { leaf, type PlacedValue, type PlaceTree } from "./places.ts";

/** What commands such as `aws iam get-role-policy` put around a document, outermost first. */
const WRAPPERS: readonly (readonly string[])[] = [
  ["ReplicationConfiguration"],
  ["PolicyDocument"],
  ["PolicyVersion", "Document"],
  ["Role", "AssumeRolePolicyDocument"],
  ["Policy"],
];

/** The document itself. Paths and places are its own from here on. */
export function unwrap(placed: PlacedValue): PlacedValue {
  for (const steps of WRAPPERS) {
    let found: PlacedValue | undefined = placed;
    for (const step of steps) {
      const value: DocumentValue | undefined = asObject(found?.value)?.[step];
      found = found === undefined || value === undefined ? undefined : { value, places: within(found.places, step) };
    }
    if (found !== undefined && asObject(found.value) !== undefined) return found;
    if (found !== undefined && typeof found.value === "string") {
      const inner = readJson(found.value);
      // The text of a text has no lines of its own: all of it stands where the text begins.
      if ("value" in inner && asObject(inner.value) !== undefined) {
        return { value: inner.value, places: leaf(found.places.at) };
      }
    }
  }
  return placed;
}

function within(places: PlaceTree, step: string): PlaceTree {
  return places.members.get(step) ?? leaf(places.at);
}

/** The kind that the content speaks for; undefined when it is none of them. */
export function detectKind(value: DocumentValue): LintKind | undefined {
  const root = asObject(value);
  if (root === undefined) return undefined;
  if (root["Rules"] !== undefined || (root["Role"] !== undefined && root["Statement"] === undefined)) {
    return "replication";
  }
  const list = root["Statement"];
  if (list === undefined) return undefined;
  const statements = (Array.isArray(list) ? asArray(list) : [list]).map((one) => asObject(one) ?? {});
  const has = (name: string) => statements.some((one) => one[name] !== undefined || one[`Not${name}`] !== undefined);
  const actions = statements.flatMap((one) => [one["Action"], one["NotAction"]].flatMap(texts));
  const services = new Set(actions.map((action) => action.slice(0, action.indexOf(":")).toLowerCase()));
  if (services.size === 1 && services.has("sts") && (has("Principal") || !has("Resource"))) return "trust-policy";
  if (!has("Principal")) return "role-policy";
  return services.has("kms") && !services.has("s3") ? "key-policy" : "bucket-policy";
}

function texts(value: DocumentValue | undefined): string[] {
  return (Array.isArray(value) ? asArray(value) : [value]).flatMap((one) => asString(one) ?? []);
}
