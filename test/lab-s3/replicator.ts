/** A role that S3 itself assumes to replicate, and stores that speak as it: only they may write replicas. */
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import { ALICE, REGION, type TestLab } from "./lab.ts";

export interface Statement {
  readonly Effect?: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: object;
}

export class Replicator {
  readonly #lab: TestLab;
  readonly #name: string;
  readonly #clients: S3Client[] = [];

  private constructor(lab: TestLab, name: string) {
    this.#lab = lab;
    this.#name = name;
  }

  /** Makes the role. @param statements default: everything is allowed */
  static async make(lab: TestLab, name = "replicator", ...statements: Statement[]): Promise<Replicator> {
    const made = new Replicator(lab, name);
    const Principal = { Service: "s3.amazonaws.com" };
    const AssumeRolePolicyDocument = documentOf([{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }]);
    await lab.iam().send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
    await made.may(...(statements.length === 0 ? [{ Action: "*" }] : statements));
    return made;
  }

  get roleName(): string {
    return this.#name;
  }

  get roleArn(): string {
    return `arn:aws:iam::${ALICE}:role/${this.#name}`;
  }

  /** Replaces what the role may do. */
  async may(...statements: Statement[]): Promise<void> {
    const PolicyDocument = documentOf(statements.map((one) => ({ Effect: "Allow", Resource: "*", ...one })));
    const input = { RoleName: this.#name, PolicyName: "policy", PolicyDocument };
    await this.#lab.iam().send(new PutRolePolicyCommand(input));
  }

  credentials() {
    return this.#lab.lab.assumeReplicationRole(this.roleArn);
  }

  async direct(): Promise<Store> {
    return this.#lab.lab.direct(await this.credentials());
  }

  async overHttp(): Promise<S3Client> {
    const profile = { ...PROFILES.aws, addressing: "path" } as const;
    const client = createS3Client({
      endpoint: this.#lab.endpoint,
      region: REGION,
      credentials: await this.credentials(),
      profile,
      clock: () => Date.now(),
    });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((one) => one.close()));
  }
}

function documentOf(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
