/**
 * The embedded whole in this process: a lab with two accounts in an organisation, an engine that replicates from one to
 * the other, and the doctor's surroundings.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { type Connection, openConnection } from "../../src/cli/connection.ts";
import { ConsoleClient } from "../../src/cli/console-client.ts";
import { type Embedded, startEmbedded } from "../../src/cli/up/embedded.ts";
import { diagnose, type Explained } from "../../src/core/diagnose/diagnose.ts";
import type { Facts } from "../../src/core/diagnose/facts.ts";
import { patchesOf } from "../../src/core/diagnose/patches.ts";
import type { Cause, Patch } from "../../src/core/diagnose/report.ts";
import type { Credentials } from "../../src/core/model.ts";
import { applyPatches } from "../../src/doctor/apply.ts";
import { collectFacts } from "../../src/doctor/collect.ts";
import { type Answer, organizations, policy, textIn } from "./call.ts";

export const MANAGEMENT = "777788889999";
export const SOURCE = "111122223333";
export const DESTINATION = "444455556666";
export const ROLE = `arn:aws:iam::${SOURCE}:role/replication`;

const REGION = "us-east-1";
const POLLS_MAX = 500;
const POLL_MS = 20;

export class World {
  readonly #embedded: Embedded;
  readonly #directory: string;
  readonly #faults: unknown[];
  readonly #clients: { destroy(): void }[] = [];
  #connections: Connection[] = [];

  private constructor(embedded: Embedded, directory: string, faults: unknown[]) {
    this.#embedded = embedded;
    this.#directory = directory;
    this.#faults = faults;
  }

  static async start(): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-organizations-"));
    const faults: unknown[] = [];
    const embedded = await startEmbedded({
      dataDir: directory,
      host: "127.0.0.1",
      port: 0,
      consolePort: 0,
      environment: {},
      clock: () => Date.now(),
      onFault: (_, error) => faults.push(error),
    });
    return new World(embedded, directory, faults);
  }

  async stop(): Promise<void> {
    for (const one of this.#connections) await one.close();
    for (const one of this.#clients) one.destroy();
    await this.#embedded.close();
    rmSync(this.#directory, { recursive: true, force: true });
    assert.deepEqual(this.#faults, []);
  }

  account(id: string): Promise<Credentials> {
    return this.#embedded.lab.account(id);
  }

  async s3(account: string): Promise<S3> {
    return this.#keep(new S3({ ...(await this.#settings(account)), forcePathStyle: true }));
  }

  async iam(account: string): Promise<IAM> {
    return this.#keep(new IAM(await this.#settings(account)));
  }

  /** A call of the management account. */
  async organization(operation: string, input: object = {}): Promise<Answer> {
    return await organizations(this.#embedded.endpoint, await this.account(MANAGEMENT), operation, input);
  }

  /** Puts both accounts into an organisation. Returns the id of its root. */
  async organize(): Promise<string> {
    await this.organization("CreateOrganization");
    const root = textIn(await this.organization("ListRoots"), "Roots", 0, "Id");
    for (const account of [SOURCE, DESTINATION]) {
      assert.equal(await this.#embedded.lab.joinOrganization(MANAGEMENT, account), true);
    }
    for (const PolicyType of ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]) {
      await this.organization("EnablePolicyType", { RootId: root, PolicyType });
    }
    return root;
  }

  async attach(Type: string, Name: string, target: string, ...statements: object[]): Promise<string> {
    const made = await this.organization("CreatePolicy", {
      Type,
      Name,
      Description: "",
      Content: policy(...statements),
    });
    const PolicyId = textIn(made, "Policy", "PolicySummary", "Id");
    await this.organization("AttachPolicy", { PolicyId, TargetId: target });
    return PolicyId;
  }

  async policyDocument(policyId: string): Promise<unknown> {
    return JSON.parse(textIn(await this.organization("DescribePolicy", { PolicyId: policyId }), "Policy", "Content"));
  }

  /** Two buckets, a role that may do everything that it needs, and a rule from one bucket to the other. */
  async replicate(destinationAccount: string): Promise<void> {
    const [source, destination] = [await this.s3(SOURCE), await this.s3(destinationAccount)];
    for (const [s3, Bucket] of [[source, "photos"] as const, [destination, "photos-replica"] as const]) {
      await s3.createBucket({ Bucket });
      await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    const iam = await this.iam(SOURCE);
    const trust = policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    await iam.createRole({ RoleName: "replication", AssumeRolePolicyDocument: trust });
    const PolicyDocument = policy({
      Effect: "Allow",
      Action: "s3:*",
      Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*", "arn:aws:s3:::photos-replica/*"],
    });
    await iam.putRolePolicy({ RoleName: "replication", PolicyName: "replicate", PolicyDocument });
    if (destinationAccount !== SOURCE) {
      const Policy = policy({
        Effect: "Allow",
        Principal: { AWS: ROLE },
        Action: ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
        Resource: "arn:aws:s3:::photos-replica/*",
      });
      await destination.putBucketPolicy({ Bucket: "photos-replica", Policy });
    }
    await source.putBucketReplication({
      Bucket: "photos",
      ReplicationConfiguration: {
        Role: ROLE,
        Rules: [
          {
            ID: "all",
            Priority: 1,
            Status: "Enabled",
            Filter: {},
            DeleteMarkerReplication: { Status: "Disabled" },
            Destination: { Bucket: "arn:aws:s3:::photos-replica", Account: destinationAccount },
          },
        ],
      },
    });
  }

  /** Writes an object and waits until its replication has ended. Returns the status. */
  async write(key: string, Tagging?: string): Promise<string> {
    const s3 = await this.s3(SOURCE);
    await s3.putObject({ Bucket: "photos", Key: key, Body: key, ...(Tagging === undefined ? {} : { Tagging }) });
    return await this.status(key);
  }

  /** The status of an object's replication, once it has ended. */
  async status(key: string): Promise<string> {
    const s3 = await this.s3(SOURCE);
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const { ReplicationStatus } = await s3.headObject({ Bucket: "photos", Key: key });
      if (ReplicationStatus !== "PENDING") return ReplicationStatus ?? "none";
      await sleep(POLL_MS);
    }
    return "PENDING";
  }

  /** What the doctor says, asked by the source's account. @param organization who asks for the organisation's policies */
  async diagnose(organization: string = MANAGEMENT): Promise<Explained> {
    return diagnose(await this.facts(organization));
  }

  /** @param key only this one */
  async facts(organization: string = MANAGEMENT, key?: string): Promise<Facts> {
    const scope = { bucket: "photos", ...(key === undefined ? {} : { key }) };
    return await collectFacts(await this.#connection(organization), scope, () => undefined);
  }

  /** The only cause there is. */
  async cause(): Promise<Cause> {
    const { causes, unexplained } = (await this.diagnose()).diagnosis;
    assert.deepEqual(unexplained, []);
    const [cause, ...others] = causes;
    assert.deepEqual(
      others.map((one) => one.fix.summary),
      [],
    );
    assert.ok(cause !== undefined);
    return cause;
  }

  /** Applies the patches of every cause, and returns them. */
  async fix(): Promise<readonly Patch[]> {
    const { edits } = await this.diagnose();
    const patches = patchesOf([...edits.values()].flat());
    await this.apply(patches);
    return patches;
  }

  async apply(patches: readonly Patch[]): Promise<void> {
    await applyPatches(await this.#connection(MANAGEMENT), patches, { sleep: async () => undefined });
  }

  /** Replicates again what is FAILED. Returns how many came through and how many did not. */
  async resync(): Promise<readonly [completed: number, failed: number]> {
    const { engine } = this.#embedded;
    const request = { bucket: "photos", failed: true, untried: false, dryRun: false };
    const { id } = await engine.resync.start(request);
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const progress = await engine.resync.progress(id);
      if (progress?.state === "done") return [progress.completed, progress.failed];
      await sleep(POLL_MS);
    }
    throw new Error("the resync did not end");
  }

  async #connection(organization: string): Promise<Connection> {
    const [credentials, others] = [await this.account(SOURCE), await this.account(organization)];
    const { endpoint, consoleUrl, token } = this.#embedded;
    const connection = await openConnection(
      { endpoint, region: REGION, credentials: async () => credentials },
      () => Date.now(),
      new ConsoleClient(consoleUrl, token),
      async () => others,
    );
    this.#connections.push(connection);
    return connection;
  }

  async #settings(account: string) {
    const credentials = await this.account(account);
    return { endpoint: this.#embedded.endpoint, region: REGION, credentials, maxAttempts: 1 };
  }

  #keep<T extends { destroy(): void }>(client: T): T {
    this.#clients.push(client);
    return client;
  }
}
