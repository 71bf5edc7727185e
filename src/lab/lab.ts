/**
 * The lab put together: one database, one root key, identity, organisations, KMS, S3 and its batch jobs, and the socket
 * in front of them.
 *
 * With a data directory everything acknowledged survives kill -9: `lab.db` holds records, versions and small bodies,
 * `blobs/` the large ones, `root.key` the key that all of it is encrypted under, and `lab.lock` keeps a second process
 * out. Without one everything lives in memory.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Setup } from "../core/diagnose/facts.ts";
import type { Credentials, VersionRef } from "../core/model.ts";
import { type Database, holdFile } from "../ledger/database.ts";
import type { Store } from "../s3/store.ts";
import { createAccessLogs } from "./access-logs/access-logs.ts";
import { createAdmin } from "./admin.ts";
import { createAuthoriser } from "./authorise.ts";
import { createBatch } from "./batch/batch.ts";
import { openFileBlobs, openMemoryBlobs } from "./blobs.ts";
import { createRecorders } from "./call-record.ts";
import { createCloudWatch } from "./cloudwatch/cloudwatch.ts";
import { openLabDatabase } from "./database.ts";
import { Deliveries } from "./deliveries.ts";
import { type DirectOptions, openDirectStore } from "./direct.ts";
import { Disturbances, throttledKeys, throttledSkin } from "./disturbances/disturbances.ts";
import { FlavourChoice, type FlavourName } from "./flavours/flavours.ts";
import { createIdentity } from "./identity/identity.ts";
import { createInventories } from "./inventory/inventory.ts";
import { createKms, type KmsService } from "./kms/kms.ts";
import type { Authoriser, Caller, Identity } from "./model.ts";
import { createOrganizations, type OrganizationsService } from "./organizations/organizations.ts";
import { OrganizationTree } from "./organizations/tree.ts";
import { placeSetup } from "./placing.ts";
import { type Bucket, openBuckets } from "./s3/bucket.ts";
import { Delivery } from "./s3/events/delivery.ts";
import { Webhooks } from "./s3/events/webhooks.ts";
import { removeOrphanBlobs } from "./s3/orphans.ts";
import { openQuotas } from "./s3/quotas.ts";
import { assumeReplicationRole, type Changes, openChanges, setReplicationStatus } from "./s3/replication.ts";
import { openSequence } from "./s3/sequence.ts";
import type { S3Service } from "./s3/service.ts";
import { DEFAULT_HOST_SUFFIXES } from "./s3/skin/resolve.ts";
import { createS3Skin } from "./s3/skin/skin.ts";
import type { EndedOperation } from "./s3/tracking.ts";
import { openSecrets } from "./secrets.ts";
import { type LabServer, startServer } from "./server.ts";
import { createSqs, type SqsService } from "./sqs/sqs.ts";
import { createCloudTrail, recordedIdentity, recordedKeys, TrailEvents } from "./trail/trail.ts";

export interface LabOptions {
  /** Made when it is not there; without one the lab lives in memory. */
  readonly dataDir?: string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Guards the calls under `/_lockstep/`; without one they are refused. */
  readonly adminToken?: string;
  /** Whose store it does as; default `aws`, which is the lab itself. */
  readonly flavour?: FlavourName;
  /** Hosts under which `BUCKET.host` names a bucket, longer ones first. */
  readonly hostSuffixes?: readonly string[];
  /** Told of faults of ours while requests are answered, and (without a request id) while batch jobs work. */
  readonly onFault?: (error: unknown, requestId: string) => void;
  /**
   * False: batch jobs do nothing by themselves, only by `stepJobs`, and nothing is delivered but by `deliver`. Default
   * true.
   */
  readonly runsJobs?: boolean;
}

export interface Lab {
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  readonly kms: KmsService;
  /** What replication has to do: a feed for one engine, which starts with everything that is not done. */
  openChanges(): Changes;
  /** Root credentials of an account, which is made when it is new. */
  account(accountId: string): Promise<Credentials>;
  /** Puts an account into the organisation that another one manages; see `OrganizationsService.join`. */
  joinOrganization(managementAccountId: string, accountId: string): Promise<boolean>;
  /** @throws ListenError */
  listen(where: { readonly host?: string; readonly port: number }): Promise<LabServer>;
  /** S3 without sockets, for somebody whose credentials or identity are known; every call is authorised. */
  direct(by: Credentials | Caller, region?: string, options?: Pick<DirectOptions, "customerKey">): Store;
  /** Puts what is known of a real replication into the lab as it is there; see `placing.ts`. Nobody is asked. */
  place(setup: Setup): Promise<void>;
  /** Whose a bucket is, where it is, what it replicates, and what its versions can have; undefined when there is none of that name. */
  bucket(name: string): LabBucket | undefined;
  /** All of them, in the order of their names. */
  buckets(): readonly LabBucket[];
  /**
   * Sets what a version's `x-amz-replication-status` shows. False when the version is gone.
   *
   * @param ended the operation of replication that this is the end of: it is counted, and told of in events
   */
  setReplicationStatus(
    ref: VersionRef,
    status: "PENDING" | "COMPLETED" | "FAILED",
    destinationArn?: string,
    ended?: EndedOperation,
  ): Promise<boolean>;
  /** Delivers access logs, trails and inventories that are due now, instead of some seconds later. */
  deliver(): Promise<void>;
  /** Does one step of the batch job that is next, where jobs do not run by themselves. False when none has work. */
  stepJobs(): Promise<boolean>;
  /** Credentials of a replication role, as S3 itself gets them. @throws ServiceError AccessDenied */
  assumeReplicationRole(roleArn: string): Promise<Credentials>;
  /** Closes sockets, then the database. Idempotent. */
  close(): Promise<void>;
}

export type LabBucket = Pick<
  Bucket,
  "name" | "account" | "region" | "versioning" | "replication" | "objectLock" | "ownerEnforced"
>;

const LOOPBACK = "127.0.0.1";

/** @throws DatabaseError when the directory is in use or is not a lab's; SecretsError when its root key is not right */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { dataDir } = options;
  const disturbances = new Disturbances(options.clock);
  const clock = (): number => options.clock() + disturbances.clockOffsetMs;
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const hold = dataDir === undefined ? undefined : holdFile(join(dataDir, "lab.lock"));
  let database: Database | undefined;
  try {
    database = openLabDatabase(dataDir === undefined ? ":memory:" : join(dataDir, "lab.db"));
    const secrets = openSecrets(dataDir);
    const tree = new OrganizationTree(database);
    const authoriser = createAuthoriser(tree);
    const identity = createIdentity({ database, secrets, authoriser, clock });
    const organizations = createOrganizations({ tree, identity: identity.identity, authoriser, clock });
    const events = new TrailEvents();
    const kms = createKms({ database, secrets, identity: identity.identity, authoriser, clock });
    const sqs = createSqs({ database, identity: identity.identity, authoriser, clock });
    const s3: S3Service = {
      database,
      blobs: dataDir === undefined ? openMemoryBlobs() : openFileBlobs(join(dataDir, "blobs")),
      sequence: openSequence(database),
      buckets: openBuckets(database),
      identity: recordedIdentity(identity.identity, events),
      authoriser,
      keys: throttledKeys(recordedKeys(kms.keys, events, clock), disturbances),
      serviceKey: secrets,
      changeListeners: new Set(),
      eventListeners: new Set(),
      queues: sqs.eventQueues,
      webhooks: new Webhooks(database, secrets),
      quotas: openQuotas(database),
      disturbances,
      flavour: new FlavourChoice(options.flavour),
    };
    removeOrphanBlobs(s3);
    return labOf(s3, { identity, kms, organizations, sqs, events, options: { ...options, clock }, hold });
  } catch (error) {
    await database?.close();
    hold?.release();
    throw error;
  }
}

function labOf(
  s3: S3Service,
  parts: {
    readonly identity: ReturnType<typeof createIdentity>;
    readonly kms: KmsService;
    readonly organizations: OrganizationsService;
    readonly sqs: SqsService;
    readonly events: TrailEvents;
    readonly options: LabOptions;
    readonly hold: { release(): void } | undefined;
  },
): Lab {
  const { kms, organizations, sqs, options, hold } = parts;
  const { identity, iamSkin, stsSkin } = parts.identity;
  const { clock } = options;
  const onFault = options.onFault ?? (() => undefined);
  const hostSuffixes = options.hostSuffixes ?? DEFAULT_HOST_SUFFIXES;
  const skin = createS3Skin(s3, { hostSuffixes });
  const onOwnFault = (error: unknown): void => onFault(error, "");
  const cloudWatch = createCloudWatch(s3, { clock, onFault: onOwnFault });
  cloudWatch.sampler.start();
  const trail = createCloudTrail(s3, parts.events, { database: s3.database, clock, onFault: onOwnFault });
  const accessLogs = createAccessLogs(s3, clock);
  const recorders = createRecorders([trail, accessLogs], hostSuffixes);
  const inventories = createInventories(s3, clock);
  const deliveries = new Deliveries({
    works: [() => accessLogs.deliver(), () => trail.deliver(), () => inventories.runDue()],
    onFault: onOwnFault,
  });
  const skins = new Map([
    ["iam", iamSkin],
    ["sts", stsSkin],
    ["kms", throttledSkin(kms.kmsSkin, s3.disturbances)],
    ["organizations", organizations.organizationsSkin],
    ["sqs", sqs.sqsSkin],
    ["monitoring", cloudWatch.cloudWatchSkin],
    ["cloudtrail", trail.skin],
  ]);
  const admin = createAdmin({
    s3,
    organizations,
    clock,
    deliveries,
    inventories,
    ...(options.adminToken === undefined ? {} : { token: options.adminToken }),
  });
  const batch = createBatch(s3, { clock, onFault: onOwnFault });
  if (options.runsJobs !== false) {
    batch.runner.start();
    deliveries.start();
  }
  const { database, queues, webhooks } = s3;
  const delivery = new Delivery({ database, queues, webhooks, clock, onFault: onOwnFault });
  s3.eventListeners.add(() => delivery.wake());
  delivery.start();
  const servers: LabServer[] = [];
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    sqs.stop();
    await Promise.all(servers.map((one) => one.close()));
    await Promise.all([batch.runner.stop(), delivery.stop(), deliveries.stop(), cloudWatch.sampler.stop()]);
    await s3.database.close();
    hold?.release();
  }

  return {
    identity,
    authoriser: s3.authoriser,
    kms,
    openChanges: () => openChanges(s3),
    account: (accountId) => identity.ensureAccount(accountId),
    joinOrganization: (managementAccountId, accountId) => organizations.join(managementAccountId, accountId),
    async listen({ host = LOOPBACK, port }) {
      const control = batch.skin;
      const common = { clock, identity, s3: skin, control, skins, admin, recorders, onFault };
      const server = await startServer({ host, port, ...common });
      servers.push(server);
      return server;
    },
    direct: (by, region = "us-east-1", more = {}) => openDirectStore(s3, { ...more, by, region, clock }),
    place: (setup) => placeSetup({ s3, identity: parts.identity, kms, organizations, clock }, setup),
    bucket: (name) => s3.buckets.find(name),
    buckets: () => s3.buckets.all().sort((one, other) => (one.name < other.name ? -1 : 1)),
    setReplicationStatus: (ref, status, destinationArn, ended) =>
      setReplicationStatus(s3, ref, status, {
        nowMs: clock(),
        ...(destinationArn === undefined ? {} : { destinationArn }),
        ...(ended === undefined ? {} : { ended }),
      }),
    deliver: () => deliveries.now(),
    stepJobs: () => batch.runner.step(),
    assumeReplicationRole: (roleArn) => assumeReplicationRole(s3, roleArn, clock()),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
