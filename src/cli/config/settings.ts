/** A configuration as the engine runs by it: references resolved, defaults filled in, files read. */
import type { ConsoleUser } from "../../console/auth/logins.ts";
import type { ConsolePlace } from "../../console/server.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import type { ComparedMetadata } from "../../engine/metadata-drift.ts";
import type { TracingSettings } from "../../monitor/tracing.ts";
import type { ProviderProfile } from "../../s3/profiles.ts";
import type { AlertsSettings } from "./alerts-section.ts";
import type { MetricsSettings } from "./metrics-section.ts";
import type { ScheduleSettings } from "./schedules-section.ts";
import type { WatchedSettings } from "./watched-section.ts";

export interface RunSettings {
  readonly sites: ReadonlyMap<string, SiteSettings>;
  readonly replications: readonly ReplicationSettings[];
  /** Buckets that AWS replicates itself. */
  readonly watched: readonly WatchedSettings[];
  readonly scanEveryMs: number;
  /** What scans compare besides versions. */
  readonly scanMetadata?: ComparedMetadata;
  readonly webhooks: readonly WebhookSettings[];
  readonly queues: readonly QueueSettings[];
  /** As `openLedger` takes it; a path is absolute. */
  readonly ledgerUrl: string;
  readonly alerts: AlertsSettings;
  readonly console?: ConsoleSettings;
  readonly schedules: readonly ScheduleSettings[];
  readonly metrics: MetricsSettings;
  readonly tracing?: TracingSettings;
}

/** Where the console listens, and who may log in. */
export interface ConsoleSettings extends ConsolePlace {
  readonly tokenFile: string;
  /** Besides `localhost` and addresses. */
  readonly names: readonly string[];
  readonly users: ReadonlyMap<string, ConsoleUser>;
}

/** One address that notifications of a site are sent to. Several may share a port. */
export interface WebhookSettings {
  readonly site: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string;
  /** PEM */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** A queue that holds notifications of a site. */
export interface QueueSettings {
  readonly site: string;
  readonly url: string;
  readonly region: string;
  readonly credentials: CredentialSource;
}

export interface SiteSettings {
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  readonly profile: ProviderProfile;
  /** Nobody has said whose store it is, and its address does not tell. */
  readonly isProfileGuessed: boolean;
  /** How its server named itself when it was last asked. */
  readonly server?: string;
  readonly addressing: ProviderProfile["addressing"];
  readonly credentials: CredentialSource;
  /** PEM */
  readonly ca?: string;
  readonly limits: Limits;
}

export type CredentialSource =
  | { readonly kind: "environment" }
  | { readonly kind: "profile"; readonly profile: string }
  | { readonly kind: "file"; readonly file: string; readonly profile: string }
  | {
      readonly kind: "keys";
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    };

/** What a site is asked at most; undefined: without a limit. */
export interface Limits {
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly inFlight?: number;
}

/** A bucket, and what it is called in the ledger and in commands: names are unique over all sites. */
export interface Place {
  readonly name: string;
  readonly site: string;
  readonly bucket: string;
}

export interface ReplicationSettings {
  readonly name: string;
  readonly source: Place;
  /** Undefined: the one that the source bucket has, whatever it is at the time. */
  readonly configuration?: ReplicationConfiguration;
  /** By ARN. A place's name is the bucket's name in its ARN. */
  readonly destinations: ReadonlyMap<string, Place>;
  /** Versions that are removed for good at the source are removed at the destinations. */
  readonly propagateDeletes?: boolean;
  /** Assumed at sites that are AWS. */
  readonly roleArn?: string;
}

/** What stands for the role of a configuration that names none: nobody assumes it. */
export const NO_ROLE = "arn:aws:iam::000000000000:role/none";
