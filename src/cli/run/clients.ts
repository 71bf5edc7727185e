/** The clients of the configured sites: one for each site and role, within the limits of the site. */
import type { AwsAccess } from "../../aws/access.ts";
import { AwsError } from "../../aws/errors.ts";
import { assumeRole } from "../../aws/sts.ts";
import type { Credentials } from "../../core/model.ts";
import { REPLICATION_SESSION } from "../../core/plan.ts";
import type { Clock } from "../../engine/ports.ts";
import { createS3Client, type S3Client } from "../../s3/client.ts";
import { S3Error } from "../../s3/errors.ts";
import { Limiter } from "../../s3/limited.ts";
import { networkFailureOf } from "../../s3/network-errors.ts";
import { PROFILES } from "../../s3/profiles.ts";
import type { BucketSettings } from "../../s3/settings.ts";
import type { Store } from "../../s3/store.ts";
import type { SiteSettings } from "../config/settings.ts";
import { kept, siteCredentials } from "./credentials.ts";

export interface SiteClient {
  /** Within the site's limits. */
  readonly store: Store;
  /** Rarely asked, and without limits. */
  readonly settings: BucketSettings;
  /** What it signs with. Rejects with an S3Error when there is nothing, or the role cannot be assumed. */
  readonly credentials: () => Promise<Credentials>;
}

interface OpenSite {
  readonly settings: SiteSettings;
  /** To tell whether it is still the same. */
  readonly text: string;
  readonly limiter: Limiter;
  readonly credentials: () => Promise<Credentials>;
  /** By role; "" for the site's own credentials. */
  readonly clients: Map<string, OpenClient>;
}

interface OpenClient {
  readonly client: S3Client;
  readonly credentials: () => Promise<Credentials>;
}

export interface ClientsOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

const CONNECTIONS_MAX = 64;

export class SiteClients {
  readonly #options: ClientsOptions;
  #sites = new Map<string, OpenSite>();
  /** Clients of sites that were changed: calls under way end in peace. */
  readonly #retired: OpenClient[] = [];

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Takes new settings; sites that did not change keep their connections. */
  use(sites: ReadonlyMap<string, SiteSettings>): void {
    const before = this.#sites;
    this.#sites = new Map(
      [...sites].map(([name, settings]) => {
        const same = before.get(name);
        return [name, same?.text === JSON.stringify(settings) ? same : this.#open(settings)];
      }),
    );
    for (const [name, site] of before) {
      if (this.#sites.get(name) !== site) this.#retired.push(...site.clients.values());
    }
  }

  /** @param roleArn assumed where the site is AWS; elsewhere and without one the site's own credentials speak */
  client(site: string, roleArn?: string): SiteClient {
    const open = this.#sites.get(site);
    if (open === undefined)
      throw new S3Error(`there is no site ${site}`, { operation: "Connect", network: "protocol" });
    const { settings, limiter, clients } = open;
    const role = isAws(settings) ? (roleArn ?? "") : "";
    let one = clients.get(role);
    if (one === undefined) {
      one = this.#connect(open, role);
      clients.set(role, one);
    }
    const { client, credentials } = one;
    return { store: limiter.limit(client), settings: client, credentials };
  }

  /** Undefined for a site that is not there. */
  site(name: string): SiteSettings | undefined {
    return this.#sites.get(name)?.settings;
  }

  isAws(site: string): boolean {
    const open = this.#sites.get(site);
    return open !== undefined && isAws(open.settings);
  }

  async close(): Promise<void> {
    const clients = [...this.#sites.values()].flatMap((one) => [...one.clients.values()]);
    await Promise.all([...clients, ...this.#retired].map((one) => one.client.close()));
  }

  #open(settings: SiteSettings): OpenSite {
    const { clock, environment } = this.#options;
    return {
      settings,
      text: JSON.stringify(settings),
      limiter: new Limiter(settings.limits, clock),
      credentials: siteCredentials(settings.name, settings.credentials, { environment, clock: () => clock.nowMs() }),
      clients: new Map(),
    };
  }

  #connect({ settings, credentials: own }: OpenSite, role: string): OpenClient {
    const { name, endpoint, region, profile, addressing, ca } = settings;
    const clock = () => this.#options.clock.nowMs();
    const access = { region, credentials: own, ...(endpointIsAws(endpoint) ? {} : { endpoint }) };
    const credentials = role === "" ? own : kept(() => assumed(access, role), name, clock);
    const client = createS3Client({
      endpoint,
      region,
      profile,
      addressing,
      credentials,
      clock,
      connectionsMax: CONNECTIONS_MAX,
      ...(ca === undefined ? {} : { ca }),
    });
    return { client, credentials };
  }
}

function isAws({ profile }: SiteSettings): boolean {
  return profile.name === PROFILES.aws.name;
}

/** S3's own address is none of STS or CloudWatch. */
export function endpointIsAws(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

async function assumed(access: AwsAccess, roleArn: string): Promise<Credentials> {
  try {
    return await assumeRole(access, roleArn, REPLICATION_SESSION);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const { status, code } = error;
    const answer = status === undefined ? { network: networkFailureOf(code, "request") } : { status, code };
    throw new S3Error(error.message, { operation: "AssumeRole", ...answer }, { cause: error });
  }
}
