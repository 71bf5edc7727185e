/**
 * Takes names out of a snapshot that are nobody else's business, so that it still has the same causes: accounts become other
 * accounts, the same one everywhere, and keys become others that the same rules and policies match.
 *
 * Buckets, roles, keys of KMS and tags keep their names, for rules and policies are read by them.
 */
import { createHmac } from "node:crypto";
import type { Alike } from "../core/diagnose/diagnose.ts";
import type { VersionFacts } from "../core/diagnose/facts.ts";
import { readRules } from "../core/diagnose/rules.ts";
import { namedPrefixes, signatures } from "../core/diagnose/signature.ts";
import type { Mask, Snapshot } from "./snapshot.ts";

/** @param secret of whoever masks: the same secret gives the same pseudonyms, so that masked snapshots can be merged */
export function masked(snapshot: Snapshot, masks: ReadonlySet<Mask>, secret: string): Snapshot {
  if (masks.size === 0) return snapshot;
  const withKeys = masks.has("keys") ? maskKeys(snapshot, secret) : snapshot;
  const withAll = masks.has("accounts") ? maskAccounts(withKeys, secret) : withKeys;
  return { ...withAll, masked: [...masks].sort() };
}

/** Accounts go by number, by the canonical id of their users, and inside of the ids of roles. */
function maskAccounts(snapshot: Snapshot, secret: string): Snapshot {
  const { setup, alike, caller } = snapshot;
  const text = JSON.stringify(snapshot);
  const role = setup.role.state === "read" ? [setup.role.value.roleId] : [];
  const owners = [setup.source, ...Object.values(setup.destinations)].flatMap(({ ownerId }) =>
    ownerId.state === "read" ? [ownerId.value] : [],
  );
  const lists = alike.flatMap((one) => one.version.access?.ownerId ?? []);
  const others = text.match(/(?<![0-9A-Za-z])(?:A(?:ROA|IDA|KIA|SIA)[A-Z0-9]{12,}|[0-9a-f]{64})(?![0-9A-Za-z])/g) ?? [];
  const pseudonyms = new Map<string, string>();
  for (const name of accountsIn(text, caller.accountId)) pseudonyms.set(name, digitsOf(name, secret));
  for (const name of [...role, ...owners, ...lists, ...others]) {
    if (name !== "" && !pseudonyms.has(name)) pseudonyms.set(name, likeness(name, secret));
  }
  return replaced(snapshot, pseudonyms);
}

/** Numbers that stand where ARNs have an account, or alone as a value: in keys and messages only those are accounts. */
function accountsIn(text: string, caller: string): Set<string> {
  const found = new Set<string>(caller === "" ? [] : [caller]);
  for (const [, one = ""] of text.matchAll(/\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):/g)) found.add(one);
  for (const [, one = ""] of text.matchAll(/\\*"(\d{12})\\*"/g)) found.add(one);
  return found;
}

function replaced<T>(value: T, pseudonyms: ReadonlyMap<string, string>): T {
  if (pseudonyms.size === 0) return value;
  const names = [...pseudonyms.keys()].map((one) => one.replace(/[^0-9A-Za-z]/g, "\\$&"));
  const pattern = new RegExp(`(?<![0-9A-Za-z])(?:${names.join("|")})(?![0-9A-Za-z])`, "g");
  const text = JSON.stringify(value).replace(pattern, (name) => pseudonyms.get(name) ?? name);
  return JSON.parse(text) as T;
}

function digest(name: string, secret: string): Buffer {
  return createHmac("sha256", secret).update(name).digest();
}

/** Twelve digits, as of an account. */
function digitsOf(name: string, secret: string): string {
  return (digest(name, secret).readBigUInt64BE() % 10n ** 12n).toString().padStart(12, "0");
}

/** As long as the name, of its letters: what begins like a role's id still does. */
function likeness(name: string, secret: string): string {
  if (/^[0-9a-f]{64}$/.test(name)) return digest(name, secret).toString("hex");
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const rest = [...digest(name, secret)].map((one) => letters[one % letters.length]).join("");
  return (name.slice(0, 4) + rest).slice(0, name.length);
}

/** Messages of stores tell keys, so they are left out. */
function maskKeys(snapshot: Snapshot, secret: string): Snapshot {
  const { setup } = snapshot;
  const sign = signatures(
    setup,
    readRules(setup, () => setup.oldestCompletedMs ?? Number.POSITIVE_INFINITY),
  );
  const prefixes = namedPrefixes(setup);
  const pseudonym = (version: VersionFacts) => {
    const signed = sign(version);
    const candidates = candidatesFor(version.key, prefixes, (part) =>
      digest(part, secret).toString("hex").slice(0, 12),
    );
    return candidates.find((key) => sign({ ...version, key }) === signed) ?? version.key;
  };
  const alike = snapshot.alike.map((one): Alike => {
    const { version } = one;
    const failures = version.failures.map((failure) => ({ ...failure, message: "" }));
    const samples = one.samples.map((sample) => ({ ...sample, key: pseudonym({ ...version, ...sample }) }));
    return { ...one, version: { ...version, key: pseudonym(version), failures }, samples };
  });
  return { ...snapshot, alike };
}

/** From the least telling one on: the named prefix, then as much of the form as a policy may ask for. */
function candidatesFor(key: string, prefixes: readonly string[], hash: (part: string) => string): string[] {
  const prefix = prefixes.filter((one) => key.startsWith(one)).reduce((a, b) => (b.length > a.length ? b : a), "");
  const rest = key.slice(prefix.length);
  if (rest === "") return [key];
  const extension = /\.[A-Za-z0-9]{1,8}$/.exec(rest)?.[0] ?? "";
  const segments = rest.split("/").map((part) => (part === "" ? "" : hash(part)));
  const inPlace = [prefix + hash(rest), prefix + segments.join("/")];
  return [...inPlace, ...inPlace.map((one) => one + extension)];
}
