/** Calls IAM under a clock of one's own, which the AWS SDK does not take. */
import assert from "node:assert/strict";
import type { Credentials } from "../../src/core/model.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";

export interface QueryCallerOptions {
  /** With its port. */
  readonly host: string;
  readonly credentials: Credentials;
  readonly clock: () => number;
}

export class QueryCaller {
  readonly #options: QueryCallerOptions;

  constructor(options: QueryCallerOptions) {
    this.#options = options;
  }

  async call(action: string, parameters: Readonly<Record<string, string>>): Promise<void> {
    const { host, credentials, clock } = this.#options;
    const body = new URLSearchParams({ Action: action, Version: "2010-05-08", ...parameters }).toString();
    const headers = { host, "content-type": "application/x-www-form-urlencoded" };
    const signed = signHeaders(
      { method: "POST", rawPath: "/", rawQuery: "", headers },
      hashPayload(Buffer.from(body)),
      { credentials, region: "us-east-1", service: "iam", nowMs: clock() },
    );
    const answer = await fetch(`http://${host}/`, { method: "POST", headers: { ...headers, ...signed }, body });
    assert.equal(answer.status, 200, `${action}: ${await answer.text()}`);
  }
}
