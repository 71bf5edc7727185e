/** Looks actions and condition keys up in the table of AWS's services. Of other services only the names are known. */
import { compileTexts, matchesTexts } from "../iam/text-matcher.ts";
import { GLOBAL_KEYS, SERVICE_ACTIONS, SERVICE_NAMES } from "./actions.ts";
import { nearestName } from "./nearest.ts";

export interface KnownAction {
  /** In AWS's spelling, with its service. */
  readonly name: string;
  readonly service: string;
  /** Empty for actions that are on no resource. */
  readonly resourceTypes: readonly string[];
  /** Of its own service, in lower case; one that ends in `*` stands for all that begin so. */
  readonly keys: readonly string[];
}

const ACTIONS: ReadonlyMap<string, KnownAction> = new Map(
  Object.entries(SERVICE_ACTIONS).flatMap(([service, { usualKeys, groups }]) =>
    groups.flatMap((group) => {
      const [types = "", keys = "", names = ""] = group.split(" | ");
      const resourceTypes = words(types);
      const known = words(keys.replace("@", usualKeys).toLowerCase());
      return words(names).map((name): [string, KnownAction] => [
        `${service}:${name}`.toLowerCase(),
        { name: `${service}:${name}`, service, resourceTypes, keys: known },
      ]);
    }),
  ),
);

/** Names of actions by their service. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(SERVICE_ACTIONS).map(([service, { groups }]) => [
    service,
    groups.flatMap((group) => words(group.slice(group.lastIndexOf("|") + 1))),
  ]),
);

const SERVICES: ReadonlySet<string> = new Set(words(SERVICE_NAMES));
const GLOBAL: readonly string[] = words(GLOBAL_KEYS);

/** Keys that have one name each, in AWS's spelling. */
const NAMED_KEYS: ReadonlySet<string> = new Set(
  [
    ...GLOBAL,
    ...Object.values(SERVICE_ACTIONS).flatMap(({ usualKeys, groups }) =>
      [usualKeys, ...groups.map((group) => group.split(" | ")[1] ?? "")].flatMap(words),
    ),
  ].filter((key) => key !== "@" && !key.endsWith("*")),
);

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

export function isService(name: string): boolean {
  return SERVICES.has(name.toLowerCase());
}

/** Whether the actions and keys of the service are known, and not only its name. */
export function isKnownService(name: string): boolean {
  return Object.hasOwn(SERVICE_ACTIONS, name.toLowerCase());
}

/** The actions that a pattern such as `s3:Get*` covers; without regard to case, as in policies. */
export function actionsMatching(pattern: string): readonly KnownAction[] {
  const exact = ACTIONS.get(pattern.toLowerCase());
  if (exact !== undefined) return [exact];
  if (!/[*?]/.test(pattern)) return [];
  const matcher = compileTexts([pattern], { variables: false, wildcards: true, ignoreCase: true });
  return [...ACTIONS].filter(([lower]) => matchesTexts(matcher, lower, {})).map(([, action]) => action);
}

/** Of the same service: somebody who has that wrong is told so first. */
export function nearestAction(name: string): string | undefined {
  const service = name.slice(0, name.indexOf(":")).toLowerCase();
  const written = name.slice(service.length + 1);
  const nearest = nearestName(written, NAMES.get(service) ?? []);
  return nearest === undefined ? undefined : `${service}:${nearest}`;
}

export function nearestService(name: string): string | undefined {
  return nearestName(name, SERVICES);
}

/** Whether requests for the action can carry the key. Only asked of keys of known services. */
export function knowsKey(action: KnownAction, key: string): boolean {
  return coversKey(action.keys, key.toLowerCase());
}

/** Whether any request can carry the key: true also for keys of services of which only the name is known. */
export function isConditionKey(key: string): boolean {
  const lower = key.toLowerCase();
  const service = lower.slice(0, lower.indexOf(":"));
  if (service === "aws") return coversKey(GLOBAL, lower);
  if (!isKnownService(service)) return true;
  return [...ACTIONS.values()].some((action) => action.service === service && coversKey(action.keys, lower));
}

export function nearestConditionKey(key: string): string | undefined {
  return nearestName(key, NAMED_KEYS);
}

function coversKey(keys: readonly string[], lower: string): boolean {
  return keys.some((key) => {
    const known = key.toLowerCase();
    return known.endsWith("*") ? lower.startsWith(known.slice(0, -1)) : known === lower;
  });
}
