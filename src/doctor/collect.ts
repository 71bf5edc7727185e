/**
 * Collects facts: reads every document that has a say in a bucket's replication, and looks at its versions.
 *
 * Nothing is written. What the caller may not read is recorded with the reason and never stops the rest; only the source
 * bucket itself must be there. Versions are looked at page by page and counted by what they are, so that a bucket may have
 * millions of them; only where one key is asked for they are kept.
 */

import { parseArn } from "../core/arn.ts";
import { type DocumentValue, documentOfXml } from "../core/config/document.ts";
import { parseReplication } from "../core/config/parse.ts";
import { Examination } from "../core/diagnose/diagnose.ts";
import type { Facts, OrganizationFacts, Read, RoleFacts, Setup, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import { bucketFacts, destinationFacts } from "./collect-buckets.ts";
import { KeyRing } from "./collect-keys.ts";
import { collectOrganization } from "./collect-organization.ts";
import { collectStrays } from "./collect-strays.ts";
import { type Looked, type Scope, versionPages } from "./collect-versions.ts";
import { withDifferences } from "./compare-metadata.ts";
import type { BucketAccess, Surroundings } from "./ports.ts";
import { read } from "./read.ts";

/**
 * Collects facts with every version in them: for one key, or for buckets that fit into memory.
 *
 * @param onSeen called with the number of versions seen so far
 * @throws S3Error when the bucket cannot be reached or is not there
 */
export async function collectFacts(
  surroundings: Surroundings,
  scope: Scope,
  onSeen: (versions: number) => void,
): Promise<Facts> {
  const gathering = await Gathering.begin(surroundings, scope);
  const seen: VersionFacts[] = [];
  for await (const { versions } of gathering.pages(onSeen)) for (const one of versions) seen.push(one);
  const setup = await gathering.setup();
  if (scope.key === undefined) return { ...setup, versions: seen };
  const versions = await withDifferences(surroundings, gathering.access.store, seen);
  return {
    ...setup,
    versions,
    strays: await collectStrays(surroundings, scope.key, gathering.configuration, versions),
  };
}

export interface Examined {
  readonly setup: Setup;
  readonly examination: Examination;
}

/**
 * Collects facts and examines the versions as they come: memory grows with what differs, not with the bucket.
 *
 * @param onSeen called with the number of versions seen so far
 * @throws S3Error when the bucket cannot be reached or is not there
 */
export async function examine(
  surroundings: Surroundings,
  scope: Scope,
  onSeen: (versions: number) => void,
): Promise<Examined> {
  const gathering = await Gathering.begin(surroundings, scope);
  let setup = await gathering.setup();
  let examination = new Examination(setup);
  for await (const { versions, isMore } of gathering.pages(onSeen)) {
    if (isMore) {
      setup = await gathering.setup();
      examination = examination.under(setup);
    }
    for (const one of versions) examination.add(one);
  }
  return { setup: { ...setup, ...gathering.unread() }, examination };
}

/** What is read once, and what the versions add to it: a key that nobody has named before, and its account. */
class Gathering {
  readonly access: BucketAccess;
  readonly configuration: ReplicationConfiguration | undefined;
  readonly #surroundings: Surroundings;
  readonly #looked: Looked;
  readonly #fixed: Pick<Setup, "takenAtMs" | "source" | "destinations" | "role">;
  readonly #keys: KeyRing;
  readonly #organizations = new Map<string, Read<OrganizationFacts>>();

  private constructor(
    surroundings: Surroundings,
    access: BucketAccess,
    looked: Looked,
    fixed: Pick<Setup, "takenAtMs" | "source" | "destinations" | "role">,
  ) {
    this.access = access;
    this.configuration = looked.configuration;
    this.#surroundings = surroundings;
    this.#looked = looked;
    this.#fixed = fixed;
    this.#keys = new KeyRing(surroundings, looked.destinations, looked.unread);
  }

  static async begin(surroundings: Surroundings, scope: Scope): Promise<Gathering> {
    const access = await surroundings.bucket(scope.bucket);
    const takenAtMs = surroundings.clock();
    const source = await bucketFacts(scope.bucket, access, surroundings, undefined);
    const replication = await readReplication(scope.bucket, access);
    const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
    const destinations = await destinationFacts(surroundings, configuration);
    const role: Read<RoleFacts> =
      configuration === undefined
        ? { state: "absent" }
        : await read(() => readRole(surroundings, configuration.roleArn));
    const looked = { scope, configuration, source, destinations, unread: new Set<string>() };
    const fixed = { takenAtMs, source: { ...source, replication }, destinations, role };
    const gathering = new Gathering(surroundings, access, looked, fixed);
    await gathering.#keys.see((configuration?.rules ?? []).flatMap((rule) => rule.destination.replicaKmsKeyArn ?? []));
    return gathering;
  }

  /** Versions, and whether the setup has more to say since the page before. */
  async *pages(
    onSeen: (versions: number) => void,
  ): AsyncGenerator<{ readonly versions: readonly VersionFacts[]; readonly isMore: boolean }> {
    let seen = 0;
    for await (const versions of versionPages(this.#surroundings, this.access.store, this.#looked)) {
      seen += versions.length;
      onSeen(seen);
      const isMore = await this.#keys.see(versions.flatMap((one) => one.encryption.kmsKeyArn ?? []));
      yield { versions, isMore };
    }
  }

  async setup(): Promise<Setup> {
    const keys = this.#keys.facts();
    const { source, destinations } = this.#fixed;
    const accounts = [
      parseArn(this.configuration?.roleArn ?? "")?.account ?? "",
      ...[source, ...Object.values(destinations)].map((one) => one.account),
      ...Object.keys(keys.keys).map((arn) => parseArn(arn)?.account ?? ""),
    ];
    return { ...this.#fixed, ...keys, organization: await this.#organization(accounts), ...this.unread() };
  }

  /** What was not read and has no place of its own. */
  unread(): Pick<Setup, "unread"> {
    const { unread } = this.#looked;
    return unread.size === 0 ? {} : { unread: [...unread].sort() };
  }

  /** Asked again only where an account is new. */
  async #organization(accounts: readonly string[]): Promise<Read<OrganizationFacts>> {
    const name = [...new Set(accounts)].sort().join(" ");
    const known = this.#organizations.get(name);
    if (known !== undefined) return known;
    const { organizations, accountId } = this.#surroundings;
    const asked = await collectOrganization(organizations, accountId, accounts);
    this.#organizations.set(name, asked);
    return asked;
  }
}

async function readReplication(name: string, access: BucketAccess): Promise<Read<DocumentValue>> {
  return await read(async () => {
    const element = await access.settings.getBucketReplication(name);
    return element === undefined ? undefined : documentOfXml(element);
  });
}

/** The role with every policy that is its own. @throws AwsError */
export async function readRole(surroundings: Surroundings, roleArn: string): Promise<RoleFacts | undefined> {
  const { iam } = surroundings;
  const role = await iam.role(roleArn);
  if (role === undefined) return undefined;
  const inline = await iam.inlinePolicies(roleArn);
  const managed = await iam.attachedPolicies(roleArn);
  const boundary = role.boundaryArn === undefined ? undefined : await iam.managedPolicy(role.boundaryArn);
  return {
    arn: role.arn,
    name: role.name,
    roleId: role.roleId,
    trust: role.trust,
    policies: [
      ...inline.map(({ name, document }) => ({ kind: "inline" as const, name, document })),
      ...managed.map((one) => ({ kind: "managed" as const, ...one })),
    ],
    ...(boundary === undefined
      ? {}
      : { boundary: { arn: role.boundaryArn ?? "", name: boundary.name, document: boundary.document } }),
  };
}
