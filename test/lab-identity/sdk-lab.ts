/**
 * A lab of IAM, STS and KMS behind a tiny HTTP server, and clients of the unmodified AWS SDK that talk to it.
 *
 * The server reads who calls from the Authorization header and does not verify the signature: the lab's own server does.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "../../src/core/model.ts";
import { createAuthoriser } from "../../src/lab/authorise.ts";
import { openLabDatabase } from "../../src/lab/database.ts";
import { createIdentity } from "../../src/lab/identity/identity.ts";
import { createKms } from "../../src/lab/kms/kms.ts";
import { type Caller, type ServiceCall, ServiceError, type Skin } from "../../src/lab/model.ts";
import { openSecrets } from "../../src/lab/secrets.ts";

export const ALICE = "111122223333";
export const BOB = "444455556666";
export const REGION = "us-east-1";

export class SdkLab {
  /** The lab's clock. Starts at a fixed instant; tests move it. */
  nowMs = Date.parse("2026-03-01T12:00:00Z");
  readonly directory = mkdtempSync(join(tmpdir(), "lockstep-identity-"));
  #parts = this.#open();
  readonly #server: Server;
  readonly #clients: { destroy(): void }[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  static async start(): Promise<SdkLab> {
    const lab = new SdkLab();
    await new Promise<void>((resolve) => lab.#server.listen(0, "127.0.0.1", resolve));
    return lab;
  }

  get identity() {
    return this.#parts.identity.identity;
  }

  get kms() {
    return this.#parts.kms;
  }

  get authoriser() {
    return this.#parts.authoriser;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whoever the credentials are of, as the lab's services see it. */
  caller(credentials: Credentials): Caller {
    const answer = this.identity.credential(credentials.accessKeyId, credentials.sessionToken, this.nowMs);
    if ("problem" in answer) throw new Error(`credentials are not good: ${answer.problem}`);
    return answer.caller;
  }

  root(accountId: string): Promise<Credentials> {
    return this.identity.ensureAccount(accountId);
  }

  iam(credentials: Credentials): IAMClient {
    return this.#client(new IAMClient(this.#settings(credentials)));
  }

  sts(credentials: Credentials): STSClient {
    return this.#client(new STSClient(this.#settings(credentials)));
  }

  kmsClient(credentials: Credentials, region = REGION): KMSClient {
    return this.#client(new KMSClient({ ...this.#settings(credentials), region }));
  }

  /** Closes the files and opens them again, as a restart of the process does. */
  async restart(): Promise<void> {
    await this.#parts.database.close();
    this.#parts = this.#open();
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#parts.database.close();
    rmSync(this.directory, { recursive: true });
  }

  #client<C extends { destroy(): void }>(client: C): C {
    this.#clients.push(client);
    return client;
  }

  #settings(credentials: Credentials) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    return {
      region: REGION,
      endpoint: this.endpoint,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    };
  }

  #open() {
    const clock = (): number => this.nowMs;
    const database = openLabDatabase(join(this.directory, "lab.db"));
    const secrets = openSecrets(this.directory);
    const authoriser = createAuthoriser();
    const identity = createIdentity({ database, secrets, authoriser, clock });
    const kms = createKms({ database, secrets, identity: identity.identity, authoriser, clock });
    return { database, authoriser, identity, kms };
  }

  async #answer(request: IncomingMessage) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const [, accessKeyId = "", region = "", service = ""] =
      /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers["authorization"] ?? "") ?? [];
    const skin = this.#skin(service);
    const call = {
      requestId: "11111111-2222-3333-4444-555555555555",
      rawPath: request.url ?? "/",
      method: request.method ?? "POST",
    };
    try {
      const answer = this.identity.credential(accessKeyId, headers["x-amz-security-token"], this.nowMs);
      if ("problem" in answer) throw new ServiceError("InvalidClientTokenId", 403, answer.problem);
      const full: ServiceCall = {
        ...call,
        caller: answer.caller,
        region,
        nowMs: this.nowMs,
        context: { "aws:sourceip": "192.0.2.7", "aws:securetransport": "false" },
        query: new Map(),
        headers,
        readBody: async () => Buffer.concat(chunks),
      };
      const { status, headers: answered = {}, body = "" } = await skin.handle(full);
      return { status, headers: answered, body: body as string };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const { status, headers: answered = {}, body = "" } = skin.printError(error, call);
      return { status, headers: answered, body: body as string };
    }
  }

  #skin(service: string): Skin {
    const skin = { iam: this.#parts.identity.iamSkin, sts: this.#parts.identity.stsSkin, kms: this.kms.kmsSkin }[
      service
    ];
    if (skin === undefined) throw new Error(`no service ${service}`);
    return skin;
  }
}

/** A policy document of one statement per argument. */
export function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

export function allow(action: string | readonly string[], resource: string | readonly string[] = "*"): object {
  return { Effect: "Allow", Action: action, Resource: resource };
}

/** A trust policy for one principal, such as `{ AWS: "arn:…" }`. */
export function trust(principal: object | "*", more: object = {}): string {
  return policy({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...more });
}

/** For `assert.rejects`: an SDK exception of that name, status and message. */
export function refusal(name: string, status: number, message?: RegExp) {
  return (error: unknown): boolean => {
    if (!(error instanceof Error)) return false;
    const { $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    const seen = `${error.name} ${$metadata?.httpStatusCode ?? "?"}: ${error.message}`;
    if (
      error.name !== name ||
      $metadata?.httpStatusCode !== status ||
      (message !== undefined && !message.test(error.message))
    ) {
      throw new Error(`expected ${name} ${status} ${message?.source ?? ""}, got ${seen}`);
    }
    return true;
  };
}
