/** The lab as the engine sees it: sessions of assumed roles over signed HTTP, configurations, and statuses. */
import { bucketOfArn } from "../../core/arn.ts";
import type { Credentials, ReplicationConfiguration, ReplicationStatus, VersionRef } from "../../core/model.ts";
import type { BucketTraits, EndedTask, Session, SessionRequest, Sites } from "../../engine/ports.ts";
import type { Lab } from "../../lab/lab.ts";
import { ServiceError } from "../../lab/model.ts";
import { createS3Client, type S3Client } from "../../s3/client.ts";
import { S3Error } from "../../s3/errors.ts";
import { PROFILES } from "../../s3/profiles.ts";
import type { Store } from "../../s3/store.ts";
import { DEFAULT_REGION } from "../defaults.ts";

/** How long an assumed role is used before it is assumed anew: a broken trust policy is noticed after that. */
const SESSION_MS = 30_000;
const CONNECTIONS_MAX = 64;
/** The lab is like AWS in everything but the names of its hosts. */
const LAB_PROFILE = { ...PROFILES.aws, addressing: "path" } as const;

interface KeptSession {
  readonly credentials: Promise<Credentials>;
  readonly untilMs: number;
}

export class LabSites implements Sites {
  readonly #lab: Lab;
  readonly #endpoint: string;
  readonly #clock: () => number;
  readonly #sessions = new Map<string, KeptSession>();
  readonly #clients = new Map<string, S3Client>();

  constructor(lab: Lab, endpoint: string, clock: () => number) {
    this.#lab = lab;
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  async configuration(bucket: string): Promise<ReplicationConfiguration | undefined> {
    return this.#lab.bucket(bucket)?.replication;
  }

  async traits(bucket: string): Promise<BucketTraits> {
    return this.#lab.bucket(bucket) ?? {};
  }

  async session({ roleArn, sourceBucket, destinationArn }: SessionRequest): Promise<Session> {
    await this.#assumed(roleArn);
    const destination = bucketOfArn(destinationArn) ?? destinationArn;
    return {
      source: this.#client(this.#regionOf(sourceBucket), roleArn),
      destination: this.#client(this.#regionOf(destination), roleArn),
      movesSealed: true,
    };
  }

  /** As the root of the account that owns the bucket. */
  reader(bucket: string): Store {
    const { account = "", region = DEFAULT_REGION } = this.#lab.bucket(bucket) ?? {};
    const principal = { kind: "root", accountId: account, arn: `arn:aws:iam::${account}:root` } as const;
    return this.#lab.direct({ principal, accessKeyId: "", identity: [] }, region);
  }

  async publish(
    version: VersionRef,
    destinationArn: string,
    status: ReplicationStatus,
    ended?: EndedTask,
  ): Promise<void> {
    if (status !== "REPLICA") await this.#lab.setReplicationStatus(version, status, destinationArn, ended);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((one) => one.close()));
  }

  async #assumed(roleArn: string): Promise<Credentials> {
    const nowMs = this.#clock();
    const kept = this.#sessions.get(roleArn);
    if (kept !== undefined && kept.untilMs > nowMs) return await kept.credentials;
    const credentials = assumeByService(this.#lab, roleArn);
    this.#sessions.set(roleArn, { credentials, untilMs: nowMs + SESSION_MS });
    // A refusal is not kept: the next task asks again.
    credentials.catch(() => this.#sessions.delete(roleArn));
    return await credentials;
  }

  #regionOf(bucket: string): string {
    return this.#lab.bucket(bucket)?.region ?? DEFAULT_REGION;
  }

  /** One per Region and role; it signs with whatever session the role has at the time. */
  #client(region: string, roleArn: string): S3Client {
    const name = `${region} ${roleArn}`;
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = createS3Client({
        endpoint: this.#endpoint,
        profile: LAB_PROFILE,
        region,
        credentials: () => this.#assumed(roleArn),
        clock: this.#clock,
        connectionsMax: CONNECTIONS_MAX,
      });
      this.#clients.set(name, client);
    }
    return client;
  }
}

/** The service's own assumption of a role, refused in the words that a store would use. @throws S3Error */
export async function assumeByService(lab: Lab, roleArn: string): Promise<Credentials> {
  try {
    return await lab.assumeReplicationRole(roleArn);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { status, code } = error;
    throw new S3Error(error.message, { operation: "AssumeRole", status, code }, { cause: error });
  }
}
