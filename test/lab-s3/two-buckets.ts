/** Two buckets of a lab with rules between them, and the engine's own copy as what moves changes: one at a time. */
import assert from "node:assert/strict";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutBucketReplicationCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import type { Credentials, Operation, VersionRef } from "../../src/core/model.ts";
import { replicate } from "../../src/engine/copy.ts";
import { newTask } from "../../src/engine/intake.ts";
import type { Changes } from "../../src/lab/index.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import { ALICE, REGION, TestLab } from "./lab.ts";

const ROLE = `arn:aws:iam::${ALICE}:role/both-ways`;
/** More changes than any case has: a ping-pong ends here. */
const CHANGES_MAX = 50;

/** What the role may do unless a case takes it away. */
export const ALL_ACTIONS = [
  "s3:GetObjectVersionForReplication",
  "s3:GetObjectVersionAcl",
  "s3:GetObjectVersionTagging",
  "s3:GetObjectRetention",
  "s3:GetObjectLegalHold",
  "s3:ListBucket",
  "s3:ReplicateObject",
  "s3:ReplicateDelete",
  "s3:ReplicateTags",
  "s3:PutObjectRetention",
  "s3:PutObjectLegalHold",
] as const;

/** A change that was moved, and what came of it. */
export interface Moved {
  readonly operation: Operation;
  readonly from: string;
  readonly outcome: string;
}

export interface RuleOptions {
  readonly replicaModifications?: boolean;
}

export class TwoBuckets {
  readonly lab: TestLab;
  /** As somebody who may do everything. */
  readonly store: Store;
  readonly #how: "http" | "direct";
  readonly #changes: Changes;
  readonly #clients: S3Client[] = [];
  #tasks = 0;

  private constructor(lab: TestLab, how: "http" | "direct") {
    this.lab = lab;
    this.#how = how;
    this.store = this.#storeOf(lab.alice);
    this.#changes = lab.lab.openChanges();
  }

  static async start(how: "http" | "direct" = "direct"): Promise<TwoBuckets> {
    const lab = await TestLab.start();
    const AssumeRolePolicyDocument = policy({
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    await lab.iam().send(new CreateRoleCommand({ RoleName: "both-ways", AssumeRolePolicyDocument }));
    const made = new TwoBuckets(lab, how);
    await made.permit(ALL_ACTIONS);
    return made;
  }

  async bucket(name: string, options: { readonly objectLock?: boolean } = {}): Promise<string> {
    const s3 = this.lab.s3();
    const ObjectLockEnabledForBucket = options.objectLock === true;
    await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: "Enabled" } }));
    return name;
  }

  async rule(from: string, to: string, options: RuleOptions = {}): Promise<void> {
    const Status = options.replicaModifications === true ? "Enabled" : "Disabled";
    await this.lab.s3().send(
      new PutBucketReplicationCommand({
        Bucket: from,
        ReplicationConfiguration: {
          Role: ROLE,
          Rules: [
            {
              ID: `to-${to}`,
              Priority: 1,
              Status: "Enabled",
              Filter: { Prefix: "" },
              DeleteMarkerReplication: { Status: "Enabled" },
              SourceSelectionCriteria: { ReplicaModifications: { Status } },
              Destination: { Bucket: `arn:aws:s3:::${to}` },
            },
          ],
        },
      }),
    );
  }

  async permit(actions: readonly string[]): Promise<void> {
    const PolicyDocument = policy({ Effect: "Allow", Action: actions, Resource: "*" });
    await this.lab.iam().send(new PutRolePolicyCommand({ RoleName: "both-ways", PolicyName: "p", PolicyDocument }));
  }

  async replicator(): Promise<Store> {
    return this.#storeOf(await this.lab.lab.assumeReplicationRole(ROLE));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((one) => one.close()));
    await this.lab.stop();
  }

  #storeOf(credentials: Credentials): Store {
    if (this.#how === "direct") return this.lab.lab.direct(credentials);
    const { endpoint } = this.lab;
    const profile = { ...PROFILES.aws, addressing: "path" } as const;
    const client = createS3Client({ endpoint, region: REGION, credentials, profile, clock: () => Date.now() });
    this.#clients.push(client);
    return client;
  }

  async put(bucket: string, key: string, more: Partial<Parameters<Store["putObject"]>[0]> = {}): Promise<VersionRef> {
    const write = { bucket, key, body: Buffer.from("x"), contentHeaders: {}, userMetadata: {}, ...more };
    const { versionId } = await this.store.putObject(write);
    assert.ok(versionId !== undefined);
    return { bucket, key, versionId };
  }

  async status(ref: VersionRef): Promise<string | undefined> {
    return (await this.store.headObject(ref)).replicationStatus;
  }

  /** Moves whatever there is to move until there is nothing left. */
  async settle(): Promise<readonly Moved[]> {
    const moved: Moved[] = [];
    for (;;) {
      const [next] = await this.#changes.take(1);
      if (next === undefined) return moved;
      assert.ok(moved.length < CHANGES_MAX, "the changes have no end");
      for (const taken of next.event.taken ?? []) {
        const { version, operation } = next.event;
        moved.push({ operation, from: version.bucket, outcome: await this.#move(next.event, taken) });
      }
      await this.#changes.done([next.seq]);
    }
  }

  async #move(event: Parameters<typeof newTask>[0], taken: Parameters<typeof newTask>[1]): Promise<string> {
    const { lab } = this.lab;
    this.#tasks += 1;
    const task = {
      ...newTask(event, taken, "live"),
      id: this.#tasks,
      state: "leased",
      attempts: 0,
      redrives: 0,
    } as const;
    const store = await this.replicator();
    const outcome = await replicate(
      { ...task, nextTryAtMs: task.dueAtMs },
      lab.bucket(event.version.bucket)?.replication,
      {
        sites: {
          session: async () => ({ source: store, destination: store }),
          traits: async (bucket) => lab.bucket(bucket) ?? {},
        },
        // The lab keeps version ids.
        note: async () => true,
        replicas: { replicaOf: async () => undefined, replicasBetween: async () => [] },
        stillMine: async () => true,
        mayWrite: () => true,
      },
      new AbortController().signal,
    );
    const status = outcome.done === false ? "FAILED" : "COMPLETED";
    await lab.setReplicationStatus(event.version, status, taken.destinationArn);
    return outcome.done === false ? outcome.code : status;
  }
}

function policy(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
