/**
 * What the parts of a configuration mean for each other: sites that are named and not there, buckets of one name,
 * variables that are not set, rules without a place for their destination.
 *
 * Reads the document as it is, right or wrong, so that everything is told at once; what is not of its form is passed
 * over, for the schema tells of it.
 */
import { bucketOfArn } from "../../core/arn.ts";
import { asArray, asObject, asString, type Members } from "../../core/config/document.ts";
import type { JsonPath } from "../../core/iam/json-members.ts";
import { DEFAULT_HOST } from "../defaults.ts";
import { type FoundIssue, received } from "./issues.ts";

/** @param environment where references lead */
export function crossIssues(
  document: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): FoundIssue[] {
  const root = asObject(document) ?? {};
  const sites = asObject(root["sites"]) ?? {};
  const replications = membersOf(root["replications"]);
  return [
    ...emptiness(root),
    ...membersOf(sites).flatMap(([name, site]) => siteIssues(["sites", name], site)),
    ...membersOf(root["limits"]).flatMap(([name]) => siteIsThere(["limits", name], name, sites)),
    ...membersOf(root["watched"]).flatMap(([name, one]) => siteIsThere(["watched", name, "site"], one["site"], sites)),
    ...replications.flatMap(([name, one]) => placeIssues(["replications", name], one, sites)),
    ...intakeIssues(asObject(root["intake"]) ?? {}, sites),
    ...nameIssues(replications),
    ...sourceIssues(replications),
    ...plainPassword(root["ledger"]),
    ...references(root, [], environment),
  ];
}

type Named = readonly [name: string, members: Members];

function membersOf(value: unknown): Named[] {
  return Object.entries(asObject(value) ?? {}).map(([name, one]) => [name, asObject(one) ?? {}]);
}

function issue(path: JsonPath, expected: string, value: unknown, remedy: string): FoundIssue {
  return { path, expected, received: received(value, path), remedy };
}

function emptiness(root: Members): FoundIssue[] {
  if (root["replications"] === undefined && root["watched"] === undefined) {
    return [issue(["replications"], "replications by name", undefined, `Write "name:" and its members, indented`)];
  }
  const wanted = root["watched"] === undefined ? ["sites", "replications"] : ["sites", "watched"];
  return wanted
    .filter((name) => asObject(root[name]) !== undefined && Object.keys(asObject(root[name]) ?? {}).length === 0)
    .map((name) => issue([name], `at least one of the ${name}`, root[name], `Add one under ${name}`));
}

function siteIssues(path: JsonPath, site: Members): FoundIssue[] {
  const provider = asString(site["provider"]) ?? "auto";
  if (site["endpoint"] !== undefined || provider === "auto" || provider === "aws") return [];
  const at = [...path, "endpoint"];
  return [issue(at, `the URL of the ${provider} store`, undefined, "Write endpoint: https://HOST")];
}

function siteIsThere(path: JsonPath, name: unknown, sites: Members): FoundIssue[] {
  if (typeof name !== "string" || Object.hasOwn(sites, name)) return [];
  const known = Object.keys(sites).join(", ") || "none";
  return [issue(path, `one of the sites (${known})`, name, `Add ${name} under sites, or correct the name`)];
}

function placeIssues(path: JsonPath, replication: Members, sites: Members): FoundIssue[] {
  const source = asObject(replication["source"]) ?? {};
  const own = siteIsThere([...path, "source", "site"], source["site"], sites);
  const others = membersOf(replication["destinations"]).flatMap(([arn, place]) => [
    ...siteIsThere([...path, "destinations", arn, "site"], place["site"], sites),
    ...(place["site"] === source["site"] && place["bucket"] === source["bucket"] && place["bucket"] !== undefined
      ? [
          issue(
            [...path, "destinations", arn],
            "another bucket than the source",
            place["bucket"],
            "Name the bucket that the replicas go to",
          ),
        ]
      : []),
  ]);
  return [...own, ...others, ...missingPlaces(path, replication)];
}

/** Destinations of inline rules that nobody has said the place of. */
function missingPlaces(path: JsonPath, replication: Members): FoundIssue[] {
  const destinations = asObject(replication["destinations"]);
  const rules = asArray(asObject(replication["configuration"])?.["Rules"]);
  if (destinations === undefined) return [];
  return rules.flatMap((rule, index) => {
    const arn = asString(asObject(asObject(rule)?.["Destination"])?.["Bucket"]);
    if (arn === undefined || Object.hasOwn(destinations, arn)) return [];
    const at = [...path, "configuration", "Rules", index, "Destination", "Bucket"];
    return [unplaced(at, arn)];
  });
}

/** A rule's destination without a site and a bucket. */
export function unplaced(path: JsonPath, arn: string): FoundIssue {
  return issue(path, "a destination whose place is known", arn, `Add ${arn}: {site: …, bucket: …} under destinations`);
}

function intakeIssues(intake: Members, sites: Members): FoundIssue[] {
  const at = (kind: string) =>
    asArray(intake[kind]).map((one, index) => ({ path: ["intake", kind, index], one: asObject(one) ?? {} }));
  const [webhooks, queues] = [at("webhooks"), at("queues")];
  return [
    ...[...webhooks, ...queues].flatMap(({ path, one }) => siteIsThere([...path, "site"], one["site"], sites)),
    ...webhookIssues(webhooks),
  ];
}

/** Webhooks of one port are told apart by their paths, and share its certificate. */
function webhookIssues(webhooks: readonly { readonly path: JsonPath; readonly one: Members }[]): FoundIssue[] {
  const byAddress = new Map<string, Members>();
  const paths = new Set<string>();
  return webhooks.flatMap(({ path, one }): FoundIssue[] => {
    const site = asString(one["site"]) ?? "";
    const address = `${asString(one["host"]) ?? DEFAULT_HOST}:${JSON.stringify(one["port"])}`;
    const given = asString(one["path"]) ?? `/${site}`;
    const found: FoundIssue[] = [];
    if (paths.has(`${address}${given}`)) {
      const remedy = "Give each webhook a path of its own, or another port";
      found.push(issue([...path, "path"], "a path that no other webhook of this port has", given, remedy));
    }
    paths.add(`${address}${given}`);
    const first = byAddress.get(address) ?? one;
    byAddress.set(address, first);
    if (JSON.stringify(first["tls"]) !== JSON.stringify(one["tls"])) {
      const remedy = "Write the same tls for all webhooks of a port, or give this one another port";
      found.push(issue([...path, "tls"], `the tls of the other webhook of ${address}`, one["tls"], remedy));
    }
    return found;
  });
}

/** A name that stands for two buckets would mix their work. */
function nameIssues(replications: readonly Named[]): FoundIssue[] {
  const places = new Map<string, string>();
  /** The site of the place, when the name is another place's already. */
  const siteInConflict = (name: string | undefined, place: Members): string | undefined => {
    const [site, bucket] = [asString(place["site"]), asString(place["bucket"])];
    if (name === undefined || site === undefined || bucket === undefined) return undefined;
    const where = `${site}/${bucket}`;
    const before = places.get(name);
    places.set(name, before ?? where);
    return before === undefined || before === where ? undefined : site;
  };
  const ofSources = replications.flatMap(([replication, { source }]) => {
    const place = asObject(source) ?? {};
    const member = place["as"] === undefined ? "bucket" : "as";
    const name = asString(place[member]);
    const site = siteInConflict(name, place);
    if (site === undefined) return [];
    const remedy = `Give it a name of its own: as: ${name}-${site}`;
    return [
      issue(["replications", replication, "source", member], "a name that no other site's bucket has", name, remedy),
    ];
  });
  const ofDestinations = replications.flatMap(([replication, { destinations }]) =>
    membersOf(destinations).flatMap(([arn, place]) => {
      const site = siteInConflict(bucketOfArn(arn), place);
      if (site === undefined) return [];
      const remedy = `Write another one, such as ${arn}-${site}, here and in the rule: the real name stands in bucket`;
      const at = ["replications", replication, "destinations", arn];
      return [issue(at, "an ARN that no other bucket goes by here", arn, remedy)];
    }),
  );
  return [...ofSources, ...ofDestinations];
}

function sourceIssues(replications: readonly Named[]): FoundIssue[] {
  const seen = new Map<string, string>();
  return replications.flatMap(([name, { source }]) => {
    const { site, bucket } = asObject(source) ?? {};
    if (typeof site !== "string" || typeof bucket !== "string") return [];
    const where = `${site}/${bucket}`;
    const before = seen.get(where);
    seen.set(where, before ?? name);
    if (before === undefined) return [];
    const at = ["replications", name, "source"];
    const remedy = `Put its rules into the replication ${before}: a bucket has one configuration`;
    return [issue(at, "a source that is in no other replication", bucket, remedy)];
  });
}

function plainPassword(ledger: unknown): FoundIssue[] {
  const password = typeof ledger === "string" ? /^postgres(?:ql)?:\/\/[^:/@]*:([^@]*)@/.exec(ledger)?.[1] : undefined;
  if (password === undefined || /^\$\{\w+\}$/.test(password)) return [];
  const remedy = `Write postgres://USER:\${PASSWORD}@HOST/…, and set PASSWORD in the environment`;
  return [{ path: ["ledger"], expected: "a URL without a plain password", received: "one with a password", remedy }];
}

const REFERENCES = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Members whose text may refer to the environment. */
const REFERRING: readonly RegExp[] = [
  /^sites\.[^\n]+\.(?:endpoint|credentials\.[A-Za-z]+)$/,
  /^intake\.webhooks\.\d+\.token$/,
  /^intake\.queues\.\d+\.(?:url|credentials\.[A-Za-z]+)$/,
  /^alerts\.sinks\.[^\n]+\.(?:webhook|token|hmacKey|slack|pagerduty|url|endpoint|user|password|credentials\.[A-Za-z]+)$/,
  /^tracing\.(?:endpoint|headers\.[^\n]+)$/,
  /^ledger$/,
];

function references(
  value: unknown,
  path: JsonPath,
  environment: Readonly<Record<string, string | undefined>>,
): FoundIssue[] {
  if (typeof value === "string") {
    if (!REFERRING.some((one) => one.test(path.join(".")))) return [];
    return [...value.matchAll(REFERENCES)].flatMap(([, name = ""]) => {
      if (environment[name]) return [];
      const remedy = `Set ${name} in the environment of lockstep`;
      return [{ path, expected: `the variable ${name} to be set`, received: "nothing in it", remedy }];
    });
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => references(one, [...path, index], environment));
  const members = asObject(value) ?? {};
  return Object.entries(members).flatMap(([name, one]) => references(one, [...path, name], environment));
}

/** Puts values in the place of references. */
export function resolved(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(REFERENCES, (_, name: string) => environment[name] ?? "");
}
