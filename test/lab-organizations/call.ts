/** Calls of AWS Organizations, signed and sent as an SDK does: the SDK's own client is not among the dependencies. */
import type { Credentials } from "../../src/core/model.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";

export type Answer = Readonly<Record<string, unknown>>;

/** The members of the answer; rejects with a `Refusal`. */
export async function organizations(
  endpoint: string,
  credentials: Credentials,
  operation: string,
  input: object = {},
): Promise<Answer> {
  const url = new URL("/", endpoint);
  const body = JSON.stringify(input);
  const headers = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": `AWSOrganizationsV20161128.${operation}`,
  };
  const context = { credentials, region: "us-east-1", service: "organizations", nowMs: Date.now() };
  const signed = signHeaders(
    { method: "POST", rawPath: "/", rawQuery: "", headers },
    hashPayload(Buffer.from(body)),
    context,
  );
  const { host: _, ...sent } = headers;
  const answer = await fetch(url, { method: "POST", headers: { ...sent, ...signed }, body });
  const text = await answer.text();
  const members = (text === "" ? {} : JSON.parse(text)) as Answer;
  if (!answer.ok) throw new Refusal(members);
  return members;
}

export class Refusal extends Error {
  readonly code: string;
  readonly reason: string | undefined;

  constructor(members: Answer) {
    super(String(members["Message"]));
    this.code = String(members["__type"]);
    this.reason = typeof members["Reason"] === "string" ? members["Reason"] : undefined;
  }
}

/** Expects a refusal; its code, and the reason where there is one. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.reason === undefined ? error.code : `${error.code} ${error.reason}`;
  }
  throw new Error("the call was expected to be refused, and was not");
}

/** A policy document of one statement per argument. */
export function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** A member of a member of an answer, as text. */
export function textIn(answer: Answer, ...path: readonly (string | number)[]): string {
  let at: unknown = answer;
  for (const step of path) at = (at as Record<string | number, unknown> | undefined)?.[step];
  return String(at);
}
