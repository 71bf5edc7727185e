/** A lab in this process, behind a real socket, and clients of the unmodified AWS SDK that talk to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "../../src/core/model.ts";
import type { FlavourName } from "../../src/lab/flavours/flavours.ts";
import { type Lab, openLab } from "../../src/lab/lab.ts";
import type { LabServer } from "../../src/lab/server.ts";

export const ALICE = "111122223333";
export const BOB = "444455556666";
export const REGION = "us-east-1";

export interface TestLabOptions {
  /** Whether the lab keeps its data on disk. */
  readonly onDisk?: boolean;
  /** False: batch jobs work by `lab.stepJobs` only. */
  readonly runsJobs?: boolean;
  /** Whose store it does as. */
  readonly flavour?: FlavourName;
}

export class TestLab {
  /** How far the lab's clock is ahead of the clients'. */
  skewMs = 0;
  /** Faults of the lab; there must be none. */
  readonly faults: unknown[] = [];
  readonly directory: string | undefined;
  readonly alice: Credentials;
  readonly #options: TestLabOptions;
  #lab: Lab;
  #server: LabServer;
  readonly #clients: { destroy(): void }[] = [];

  private constructor(parts: {
    directory: string | undefined;
    lab: Lab;
    server: LabServer;
    alice: Credentials;
    options: TestLabOptions;
  }) {
    this.#options = parts.options;
    this.directory = parts.directory;
    this.#lab = parts.lab;
    this.#server = parts.server;
    this.alice = parts.alice;
  }

  static async start(options: TestLabOptions = {}): Promise<TestLab> {
    const directory = options.onDisk === true ? mkdtempSync(join(tmpdir(), "lockstep-lab-")) : undefined;
    const holder: { lab?: TestLab } = {};
    const lab = await TestLab.#open(directory, holder, options);
    const made = new TestLab({
      options,
      directory,
      lab,
      server: await lab.listen({ port: 0 }),
      alice: await lab.account(ALICE),
    });
    holder.lab = made;
    return made;
  }

  static #open(directory: string | undefined, holder: { lab?: TestLab }, options: TestLabOptions): Promise<Lab> {
    return openLab({
      runsJobs: options.runsJobs ?? true,
      ...(options.flavour === undefined ? {} : { flavour: options.flavour }),
      clock: () => Date.now() + (holder.lab?.skewMs ?? 0),
      adminToken: "test-token",
      onFault: (error) => {
        holder.lab?.faults.push(error);
      },
      ...(directory === undefined ? {} : { dataDir: directory }),
    });
  }

  get lab(): Lab {
    return this.#lab;
  }

  get port(): number {
    return this.#server.port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Closes the lab and opens it again over the same directory. */
  async restart(): Promise<void> {
    await this.#lab.close();
    this.#lab = await TestLab.#open(this.directory, { lab: this }, this.#options);
    this.#server = await this.#lab.listen({ port: 0 });
  }

  s3(credentials: Credentials = this.alice, config: S3ClientConfig = {}): S3Client {
    return this.keep(new S3Client({ ...this.#config(credentials), forcePathStyle: true, ...config }));
  }

  iam(credentials: Credentials = this.alice): IAMClient {
    return this.keep(new IAMClient(this.#config(credentials)));
  }

  kms(credentials: Credentials = this.alice, region = REGION): KMSClient {
    return this.keep(new KMSClient({ ...this.#config(credentials), region }));
  }

  sts(credentials: Credentials = this.alice): STSClient {
    return this.keep(new STSClient(this.#config(credentials)));
  }

  sqs(credentials: Credentials = this.alice, region = REGION): SQSClient {
    return this.keep(new SQSClient({ ...this.#config(credentials), region }));
  }

  cloudWatch(credentials: Credentials = this.alice, region = REGION): CloudWatchClient {
    return this.keep(new CloudWatchClient({ ...this.#config(credentials), region }));
  }

  async bucket(name: string, options: { versioned?: boolean; by?: Credentials } = {}): Promise<string> {
    const s3 = this.s3(options.by);
    await s3.send(new CreateBucketCommand({ Bucket: name }));
    if (options.versioned === true) {
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    }
    return name;
  }

  /** One of the lab's own calls. @throws Error unless it is answered with 200 */
  async admin(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.endpoint}/_lockstep/${path}`, {
      method,
      headers: { authorization: "Bearer test-token" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const told: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(told)}`);
    return told;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.#lab.close();
    if (this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true });
    if (this.faults.length > 0) throw new AggregateError(this.faults, "the lab had faults");
  }

  #config(credentials: Credentials) {
    return { endpoint: this.endpoint, region: REGION, credentials, maxAttempts: 1 };
  }

  /** Destroys the client when the lab stops. */
  keep<T extends { destroy(): void }>(client: T): T {
    this.#clients.push(client);
    return client;
  }
}

/** What a call of the SDK was refused with. */
export interface Refused {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Expects a call of the SDK to be refused. */
export async function refused(call: Promise<unknown>): Promise<Refused> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata, $response } = error as {
      name: string;
      message: string;
      $metadata?: { httpStatusCode?: number };
      $response?: { headers?: Record<string, string> };
    };
    if ($metadata?.httpStatusCode === undefined) throw error;
    return { code: name, status: $metadata.httpStatusCode, message, headers: $response?.headers ?? {} };
  }
  throw new Error("the call was expected to be refused, and was not");
}

/** Code and status only, for comparisons. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const { code, status } = await refused(call);
  return `${code} ${status}`;
}
