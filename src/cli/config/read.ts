/**
 * From a file to settings, or to everything that is wrong with it: each issue with its path and line, what was expected,
 * what stands there, and what to do.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bucketOfArn } from "../../core/arn.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { JsonPath } from "../../core/iam/json-members.ts";
import { leaf, type PlacedValue, placeOf, readPath } from "../../core/lint/places.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import { PROFILES, profileOf } from "../../s3/profiles.ts";
import { parseXml, XmlError } from "../../s3/xml.ts";
import { DEFAULT_HOST, DEFAULT_REGION } from "../defaults.ts";
import { readYaml } from "../placed-yaml.ts";
import { alertsSettingsOf } from "./alerts-section.ts";
import { crossIssues, resolved, unplaced } from "./check.ts";
import { type ConfigDocument, DOCUMENT } from "./document.ts";
import { type CredentialsForm, millisecondsOf } from "./forms.ts";
import { ConfigError, type ConfigIssue, type FoundIssue, issuesOf, pathWords, received } from "./issues.ts";
import { metricsSettings } from "./metrics-section.ts";
import { scheduleIssues, scheduleSettings } from "./schedules-section.ts";
import {
  type ConsoleSettings,
  type CredentialSource,
  NO_ROLE,
  type Place,
  type QueueSettings,
  type ReplicationSettings,
  type RunSettings,
  type SiteSettings,
  type WebhookSettings,
} from "./settings.ts";
import { tracingSettings } from "./tracing-section.ts";
import { watchedIssues, watchedSettings } from "./watched-section.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError with everything that is wrong */
export function readConfiguration(file: string, environment: Environment): RunSettings {
  const { value, places } = readPlaced(file, file);
  const issues: ConfigIssue[] = [];
  const add = (found: readonly FoundIssue[]) => {
    for (const { path, ...words } of found) {
      issues.push({ file, line: placeOf(places, path).line, path: pathWords(path), ...words });
    }
  };
  const parsed = DOCUMENT.safeParse(value);
  if (!parsed.success) add(issuesOf(parsed.error, value));
  add(crossIssues(value, environment));
  if (parsed.success) add(scheduleIssues(parsed.data));
  const files = new Files(dirname(resolve(file)));
  const settings = parsed.success ? new Builder(parsed.data, environment, files).build() : undefined;
  if (settings !== undefined) add(settings.issues);
  const sites = settings?.value.sites;
  // Of a site that is not there something else is told.
  const isAws = (name: string) => (sites?.get(name)?.profile.name ?? PROFILES.aws.name) === PROFILES.aws.name;
  if (parsed.success) add(watchedIssues(parsed.data, isAws));
  if (issues.length > 0 || settings === undefined) {
    throw new ConfigError(issues.toSorted((one, other) => one.line - other.line));
  }
  return settings.value;
}

function readPlaced(path: string, shown: string): PlacedValue {
  const wrong = (line: number, what: string, remedy: string): ConfigError =>
    new ConfigError([{ file: shown, line, path: "", expected: "a configuration in YAML", received: what, remedy }]);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw wrong(1, `none (${codeOf(error)})`, "Name a file that may be read with --config");
  }
  const read = readYaml(text);
  if ("says" in read) throw wrong(read.at.line, `other text (${read.says})`, "Correct this line");
  // An empty file is an object without members, so that what is missing is told.
  return read.value === null ? { value: {}, places: leaf({ line: 1, column: 1 }) } : read;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Files that a configuration names, by paths from where it stands. */
class Files {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(path: string): string {
    return resolve(this.#directory, path);
  }

  read(path: string): { readonly text: string } | { readonly code: string } {
    try {
      return { text: readFileSync(this.pathOf(path), "utf8") };
    } catch (error) {
      return { code: codeOf(error) };
    }
  }
}

/** Makes settings of a document that has the right form. */
class Builder {
  readonly #document: ConfigDocument;
  readonly #environment: Environment;
  readonly #files: Files;
  readonly #issues: FoundIssue[] = [];

  constructor(document: ConfigDocument, environment: Environment, files: Files) {
    this.#document = document;
    this.#environment = environment;
    this.#files = files;
  }

  build(): { readonly value: RunSettings; readonly issues: readonly FoundIssue[] } {
    const { sites, replications, intake, ledger = "sqlite:lockstep.db", console: console_, tracing } = this.#document;
    const ledgerUrl = this.#ledgerUrl(resolved(ledger, this.#environment));
    const value: RunSettings = {
      sites: new Map(Object.keys(sites).map((name) => [name, this.#site(name)])),
      replications: Object.entries(replications).map(([name, one]) => this.#replication(name, one)),
      watched: watchedSettings(this.#document.watched),
      scanEveryMs: millisecondsOf(intake?.scan?.every ?? "15m"),
      ...(intake?.scan?.metadata === undefined ? {} : { scanMetadata: intake.scan.metadata }),
      webhooks: (intake?.webhooks ?? []).map((one, index) => this.#webhook(["intake", "webhooks", index], one)),
      queues: (intake?.queues ?? []).map((one, index) => this.#queue(["intake", "queues", index], one)),
      ledgerUrl,
      alerts: alertsSettingsOf(this.#document.alerts, {
        resolved: (text) => resolved(text, this.#environment),
        text: (path, file) => this.#text(path, file),
        credentials: (given) => this.#credentials(given),
        issue: (found) => this.#issues.push(found),
      }),
      ...(console_ === undefined ? {} : { console: this.#console(console_) }),
      schedules: scheduleSettings(this.#document.schedules, { files: this.#files, ledgerUrl }),
      metrics: metricsSettings(this.#document, this.#files),
      ...(tracing === undefined
        ? {}
        : {
            tracing: tracingSettings(tracing, {
              url: (given) =>
                this.#url(["tracing", "endpoint"], resolved(given, this.#environment), "http://127.0.0.1"),
              text: (given) => resolved(given, this.#environment),
            }),
          }),
    };
    return { value, issues: this.#issues };
  }

  #site(name: string): SiteSettings {
    const site = this.#document.sites[name] ?? {};
    const region = site.region ?? DEFAULT_REGION;
    const given = resolved(site.endpoint ?? `https://s3.${region}.amazonaws.com`, this.#environment);
    const endpoint = this.#url(["sites", name, "endpoint"], given, `https://s3.${region}.amazonaws.com`);
    const profile = this.#profile(endpoint, site.provider ?? "auto");
    const { requestsPerSecond, bytesPerSecond, inFlight } = this.#document.limits?.[name] ?? {};
    const ca = site.ca === undefined ? undefined : this.#text(["sites", name, "ca"], site.ca);
    return {
      name,
      endpoint,
      region,
      profile,
      isProfileGuessed: (site.provider ?? "auto") === "auto" && profile.name === PROFILES.generic.name,
      addressing: site.addressing ?? profile.addressing,
      credentials: this.#credentials(site.credentials ?? "environment"),
      limits: {
        ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
        ...(inFlight === undefined ? {} : { inFlight }),
      },
      ...(ca === undefined ? {} : { ca }),
    };
  }

  #profile(endpoint: string, provider: "auto" | keyof typeof PROFILES) {
    return provider === "auto" ? profileOf(endpoint) : PROFILES[provider];
  }

  /** What a reference leads to, and whether a port is one, is seen only here. @returns the other one where it is no URL */
  #url(path: JsonPath, given: string, otherwise: string): string {
    if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given;
    const remedy = "Write http[s]://HOST, or http[s]://HOST:PORT";
    // What is not set at all is told elsewhere.
    if (given !== "") this.#issues.push({ path, expected: "a URL", received: received(given, path), remedy });
    return otherwise;
  }

  #credentials(given: CredentialsForm): CredentialSource {
    if (given === "environment") return { kind: "environment" };
    if ("file" in given) {
      return { kind: "file", file: this.#files.pathOf(given.file), profile: given.profile ?? "default" };
    }
    if ("profile" in given) return { kind: "profile", profile: given.profile };
    const value = (text: string) => resolved(text, this.#environment);
    const { accessKeyId, secretAccessKey, sessionToken } = given;
    const keys = { accessKeyId: value(accessKeyId), secretAccessKey: value(secretAccessKey) };
    return { kind: "keys", ...keys, ...(sessionToken === undefined ? {} : { sessionToken: value(sessionToken) }) };
  }

  #webhook(path: JsonPath, { site, host, port, path: at, token, tls }: WebhookDocument): WebhookSettings {
    const address = { site, host: host ?? DEFAULT_HOST, port, path: at ?? `/${site}` };
    const secret = { token: resolved(token, this.#environment) };
    if (tls === undefined) return { ...address, ...secret };
    const certificate = this.#text([...path, "tls", "certificate"], tls.certificate) ?? "";
    const key = this.#text([...path, "tls", "key"], tls.key) ?? "";
    return { ...address, ...secret, tls: { certificate, key } };
  }

  #console(given: ConsoleDocument): ConsoleSettings {
    const { host = DEFAULT_HOST, port, tokenFile = "lockstep.token", names = [], users = {}, tls, insecure } = given;
    const pem = (member: "certificate" | "key", file: string) => this.#text(["console", "tls", member], file) ?? "";
    return {
      host,
      port,
      tokenFile: this.#files.pathOf(tokenFile),
      names,
      users: new Map(Object.entries(users)),
      ...(insecure === undefined ? {} : { insecure }),
      ...(tls === undefined
        ? {}
        : { tls: { certificate: pem("certificate", tls.certificate), key: pem("key", tls.key) } }),
    };
  }

  #queue(path: JsonPath, { site, url: given, region, credentials }: QueueDocument): QueueSettings {
    const url = this.#url([...path, "url"], resolved(given, this.#environment), "https://sqs.us-east-1.amazonaws.com/");
    const own = this.#document.sites[site];
    return {
      site,
      url,
      region: region ?? regionOfQueue(url) ?? own?.region ?? DEFAULT_REGION,
      credentials: this.#credentials(credentials ?? own?.credentials ?? "environment"),
    };
  }

  #replication(name: string, one: ConfigDocument["replications"][string]): ReplicationSettings {
    const { site, bucket, as: called = bucket } = one.source;
    const destinations = Object.entries(one.destinations).map(([arn, place]): [string, Place] => [
      arn,
      { name: bucketOfArn(arn) ?? arn, ...place },
    ]);
    const path = ["replications", name, "configuration"];
    const configuration = this.#configuration(path, one.configuration, new Map(destinations));
    return {
      name,
      source: { name: called, site, bucket },
      destinations: new Map(destinations),
      ...(configuration === undefined ? {} : { configuration }),
      ...(one.propagateDeletes === undefined ? {} : { propagateDeletes: one.propagateDeletes }),
      ...(one.role === undefined ? {} : { roleArn: one.role }),
    };
  }

  #configuration(
    path: JsonPath,
    given: ConfigDocument["replications"][string]["configuration"],
    destinations: ReadonlyMap<string, Place>,
  ): ReplicationConfiguration | undefined {
    if ("fromBucket" in given) return undefined;
    const isFile = "file" in given && typeof given.file === "string";
    const document = isFile ? this.#replicationFile([...path, "file"], String(given.file)) : given;
    if (document === undefined) return undefined;
    const { configuration, problems } = parseReplication({ Role: NO_ROLE, ...(document as object) });
    for (const { path: within, says } of problems) {
      const at = isFile ? [...path, "file"] : [...path, ...readPath(within)];
      const expected = "a replication configuration that AWS would take";
      const value = isFile ? `${within || "the whole"} of ${String(given.file)}` : "another one";
      this.#issues.push({ path: at, expected, received: value, remedy: says });
    }
    if (isFile) {
      const arns = new Set(configuration?.rules.map((one) => one.destination.bucketArn));
      for (const arn of arns) if (!destinations.has(arn)) this.#issues.push(unplaced([...path, "file"], arn));
    }
    return configuration;
  }

  #replicationFile(path: JsonPath, file: string): unknown {
    const text = this.#text(path, file);
    if (text === undefined) return undefined;
    const wrong = (what: string): undefined => {
      const expected = "a replication configuration in JSON, YAML or XML";
      this.#issues.push({ path, expected, received: what, remedy: `Correct ${file}` });
    };
    if (/^\uFEFF?\s*</.test(text)) {
      try {
        return documentOfXml(parseXml(text));
      } catch (error) {
        if (!(error instanceof XmlError)) throw error;
        return wrong(error.message);
      }
    }
    const read = readYaml(text);
    return "says" in read ? wrong(`line ${read.at.line}: ${read.says}`) : read.value;
  }

  #text(path: JsonPath, file: string): string | undefined {
    const read = this.#files.read(file);
    if ("text" in read) return read.text;
    const what = `${file}, which cannot be read (${read.code})`;
    const remedy = "Correct the path: a relative one starts at the configuration file";
    this.#issues.push({ path, expected: "a file that can be read", received: what, remedy });
    return undefined;
  }

  /** A relative path starts at the configuration, as all of them do. */
  #ledgerUrl(url: string): string {
    const path = /^sqlite:(.+)$/s.exec(url)?.[1];
    return path === undefined || path === ":memory:" ? url : `sqlite:${this.#files.pathOf(path)}`;
  }
}

type IntakeDocument = NonNullable<ConfigDocument["intake"]>;
type WebhookDocument = NonNullable<IntakeDocument["webhooks"]>[number];
type ConsoleDocument = NonNullable<ConfigDocument["console"]>;
type QueueDocument = NonNullable<IntakeDocument["queues"]>[number];

/** AWS's own queues say in their URL where they are. */
function regionOfQueue(url: string): string | undefined {
  return /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\//.exec(url)?.[1];
}
