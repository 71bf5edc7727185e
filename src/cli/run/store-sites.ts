/**
 * The engine's `Sites` over real stores: every bucket by the name that the configuration gives it, at its own site, with
 * that site's own credentials.
 *
 * Stores other than the service itself show no replication status: the ledger is the record, and `publish` does nothing.
 */
import { assert } from "../../core/assert.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import type { BucketTraits, Clock, Origin, Session, SessionRequest, Sites } from "../../engine/ports.ts";
import { traitsOfStore } from "../../engine/store-traits.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { S3Error } from "../../s3/errors.ts";
import { renamed } from "../../s3/intercepted.ts";
import type { Store } from "../../s3/store.ts";
import { NO_ROLE, type Place, type ReplicationSettings, type RunSettings } from "../config/settings.ts";
import type { SiteClient, SiteClients } from "./clients.ts";
import { type KnownBucket, knownBucket } from "./kept-probes.ts";

export interface StoreSitesOptions {
  readonly clients: SiteClients;
  readonly clock: Clock;
  /** Where what probes have found is kept; without one everything is assumed. */
  readonly ledger?: Pick<Ledger, "checkpoint">;
  /** Told of what a configuration that was read from a bucket lacks here; once for each. */
  readonly onTrouble: (says: string) => void;
}

/** How long a bucket's configuration and traits are believed. */
const CONFIGURATION_MS = 30_000;
const TRAITS_MS = 5 * 60_000;

interface Kept<T> {
  readonly value: T;
  readonly untilMs: number;
}

export class StoreSites implements Sites {
  readonly showsNoStatus = true;
  readonly #options: StoreSitesOptions;
  #replications: ReadonlyMap<string, ReplicationSettings> = new Map();
  #places: ReadonlyMap<string, Place> = new Map();
  /** By place and role: every task asks for two. */
  readonly #stores = new Map<string, Store>();
  readonly #configurations = new Map<string, Kept<ReplicationConfiguration | undefined>>();
  readonly #traits = new Map<string, Kept<Promise<BucketTraits>>>();
  readonly #told = new Set<string>();

  constructor(options: StoreSitesOptions) {
    this.#options = options;
  }

  /** Takes new settings; what is under way goes on by the old ones. */
  use(settings: RunSettings): void {
    const { replications } = settings;
    this.#options.clients.use(settings.sites);
    this.#replications = new Map(replications.map((one) => [one.source.name, one]));
    this.#places = new Map(
      replications.flatMap((one) => [one.source, ...one.destinations.values()]).map((place) => [place.name, place]),
    );
    this.#stores.clear();
    this.#configurations.clear();
    this.#traits.clear();
    this.#told.clear();
  }

  /** The names of what is replicated. */
  sources(): string[] {
    return [...this.#replications.keys()];
  }

  /** The name of a site's bucket that something is replicated from. */
  nameOf(site: string, bucket: string): string | undefined {
    const sources = [...this.#replications.values()].map((one) => one.source);
    return sources.find((one) => one.site === site && one.bucket === bucket)?.name;
  }

  async configuration(name: string): Promise<ReplicationConfiguration | undefined> {
    const replication = this.#replications.get(name);
    if (replication === undefined) return undefined;
    if (replication.configuration !== undefined) return replication.configuration;
    const nowMs = this.#options.clock.nowMs();
    const kept = this.#configurations.get(name);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.value;
    try {
      const value = this.#withPlaces(replication, await this.readConfiguration(replication));
      this.#configurations.set(name, { value, untilMs: nowMs + CONFIGURATION_MS });
      return value;
    } catch (error) {
      // A store that is away has not changed its mind.
      if (kept !== undefined && error instanceof S3Error) return kept.value;
      throw error;
    }
  }

  /** The configuration that the source bucket has now. @throws S3Error */
  async readConfiguration({ source }: ReplicationSettings): Promise<ReplicationConfiguration | undefined> {
    const root = await this.#client(source).settings.getBucketReplication(source.bucket);
    return root === undefined ? undefined : parseReplication(documentOfXml(root)).configuration;
  }

  async traits(name: string): Promise<BucketTraits> {
    const place = this.#places.get(name);
    if (place === undefined) return {};
    const nowMs = this.#options.clock.nowMs();
    const kept = this.#traits.get(name);
    if (kept !== undefined && kept.untilMs > nowMs) return await kept.value;
    // Many ask at once, and one question answers all of them. What was not answered is asked again.
    const value = this.#readTraits(place);
    const asked = { value, untilMs: nowMs + TRAITS_MS };
    this.#traits.set(name, asked);
    value.catch(() => {
      if (this.#traits.get(name) === asked) this.#traits.delete(name);
    });
    return await value;
  }

  /** Every bucket of the configuration, once. */
  places(): Place[] {
    return [...this.#places.values()];
  }

  /** What is known of a bucket's store, and where from. */
  async known({ site, bucket }: Place): Promise<KnownBucket> {
    const { clients, clock, ledger } = this.#options;
    const settings = clients.site(site);
    assert(settings !== undefined, "a place is at a site of the configuration");
    return await knownBucket(ledger, { site: settings, bucket, nowMs: clock.nowMs() });
  }

  async session({ sourceBucket, destinationArn }: SessionRequest): Promise<Session> {
    const replication = this.#replications.get(sourceBucket);
    const destination = replication?.destinations.get(destinationArn);
    if (replication === undefined || destination === undefined) {
      const message = `${destinationArn} is no destination of ${sourceBucket} in the configuration any more`;
      throw new S3Error(message, { operation: "Connect", status: 404, code: "NoSuchBucket" });
    }
    const { source, roleArn } = replication;
    for (const place of [source, destination]) await this.#client(place, roleArn).credentials();
    const within = source.site === destination.site ? { sourceWithin: source.bucket } : {};
    return { source: this.#store(source, roleArn), destination: this.#store(destination, roleArn), ...within };
  }

  reader(name: string): Store {
    const place = this.#places.get(name);
    if (place === undefined) {
      throw new S3Error(`there is no bucket called ${name} in the configuration`, {
        operation: "Connect",
        status: 404,
        code: "NoSuchBucket",
      });
    }
    // A role may read what it replicates; to list is the affair of the site's own credentials.
    return this.#store(place, undefined);
  }

  propagatesDeletes(name: string): boolean {
    return this.#replications.get(name)?.propagateDeletes === true;
  }

  origins(name: string): readonly Origin[] {
    const here = this.#places.get(name);
    return [...this.#replications.values()].flatMap((one) =>
      [...one.destinations]
        .filter(([, place]) => place.site === here?.site && place.bucket === here.bucket)
        .map(([destinationArn]) => ({ bucket: one.source.name, destinationArn })),
    );
  }

  async publish(): Promise<void> {
    // Nobody but the service itself can set the status that a version shows.
  }

  /** Rules whose destinations nobody has said the place of cannot be followed: that is told, and the others are. */
  #withPlaces(
    { name, destinations }: ReplicationSettings,
    configuration: ReplicationConfiguration | undefined,
  ): ReplicationConfiguration | undefined {
    if (configuration === undefined) {
      this.#tell(`the source of ${name} has no replication configuration: nothing is replicated`);
      return undefined;
    }
    const rules = configuration.rules.filter((one) => {
      const { bucketArn } = one.destination;
      if (destinations.has(bucketArn)) return true;
      this.#tell(`rule ${one.id} of ${name} replicates to ${bucketArn}: add it under destinations with its site`);
      return false;
    });
    return { ...configuration, roleArn: NO_ROLE, rules };
  }

  #tell(says: string): void {
    if (this.#told.has(says)) return;
    this.#told.add(says);
    this.#options.onTrouble(says);
  }

  async #readTraits(place: Place): Promise<BucketTraits> {
    const { clients } = this.#options;
    const { settings } = this.#client(place);
    const isAws = clients.isAws(place.site);
    const lock = await answer(settings.getObjectLock(place.bucket).then((one) => one !== undefined));
    const ownership = isAws ? await answer(settings.getBucketOwnership(place.bucket)) : undefined;
    const accountsMeanSomething = isAws && this.#sourcesOf(place).every((one) => clients.isAws(one.site));
    const { capabilities } = await this.known(place);
    return {
      ...traitsOfStore(capabilities),
      mintsVersionIds: true,
      ...(lock === undefined ? {} : { objectLock: lock }),
      ...(ownership === undefined ? {} : { ownerEnforced: ownership === "BucketOwnerEnforced" }),
      ...(accountsMeanSomething ? {} : { takesGrants: false }),
    };
  }

  #sourcesOf(place: Place): Place[] {
    return this.origins(place.name).flatMap((one) => this.#replications.get(one.bucket)?.source ?? []);
  }

  #client(place: Place, roleArn?: string): SiteClient {
    return this.#options.clients.client(place.site, roleArn);
  }

  #store(place: Place, roleArn: string | undefined): Store {
    const name = `${place.name} ${roleArn ?? ""}`;
    let store = this.#stores.get(name);
    if (store === undefined) {
      const { store: own } = this.#client(place, roleArn);
      store = place.name === place.bucket ? own : renamed(own, place.bucket);
      this.#stores.set(name, store);
    }
    return store;
  }
}

/** What a store does not know, or does not tell, is not known. */
async function answer<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}
