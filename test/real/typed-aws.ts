/** Debian's AWS CLI, typed against a lab of its own that the real binary serves. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  cleanEnvironment,
  type Environment,
  type Outcome,
  run,
  type Served,
  serve,
  temporaryDirectory,
} from "../e2e/binary.ts";

const AWS = "/usr/bin/aws";

export interface TypedOptions {
  /** The CLI reaches the lab by this name: it may put the account in front of it. */
  readonly host?: string;
  /** The lab is the CLI's HTTP proxy. */
  readonly isProxy?: boolean;
}

export class TypedAws {
  readonly #directory = temporaryDirectory();
  readonly #options: TypedOptions;
  #served: Served | undefined;
  #environment: Environment = {};

  constructor(options: TypedOptions = {}) {
    this.#options = options;
  }

  get path(): string {
    return this.#directory.path;
  }

  /** Of the lab. */
  get data(): string {
    return `${this.path}/.lockstep`;
  }

  /** `http://127.0.0.1:9000` */
  get endpoint(): string {
    assert.ok(this.#served !== undefined, "the lab has been started");
    return this.#served.endpoint;
  }

  async start(): Promise<void> {
    assert.ok(existsSync(AWS), "install Debian's package awscli: apt-get install awscli");
    this.#served = await serve(this.data, this.path);
    this.#environment = {
      ...cleanEnvironment(this.path),
      ...(await this.#served.environment()),
      AWS_PAGER: "",
      ...(this.#options.isProxy === true ? { HTTP_PROXY: this.endpoint } : {}),
    };
  }

  async stop(): Promise<void> {
    await this.#served?.stop();
    this.#directory.remove();
  }

  readonly typed = async (...words: string[]): Promise<Outcome> => {
    const url = this.endpoint.replace("127.0.0.1", this.#options.host ?? "127.0.0.1");
    const where = ["--region", "us-east-1", "--endpoint-url", url, "--output", "json"];
    return await run(AWS, [...where, ...words], this.#environment, this.path);
  };

  /** What it printed; it must have succeeded. */
  readonly type = async (...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await this.typed(...words);
    assert.equal(status, 0, `${words.join(" ")}: ${stderr}`);
    return stdout;
  };

  readonly answer = async <T>(...words: string[]): Promise<T> => {
    const stdout = await this.type(...words);
    return JSON.parse(stdout === "" ? "{}" : stdout) as T;
  };

  async account(): Promise<string> {
    return (await this.answer<{ Account: string }>("sts", "get-caller-identity")).Account;
  }
}
