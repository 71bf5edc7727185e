/**
 * Publishes to a topic of Amazon SNS, by one signed request of its query protocol.
 *
 * @source https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
import { parseArn } from "../../core/arn.ts";
import type { Credentials } from "../../core/model.ts";
import { hashPayload, signHeaders } from "../../s3/sigv4.ts";
import { post } from "./post.ts";
import { type Sink, SinkError } from "./sink.ts";
import { bodyOf, subjectOf } from "./text.ts";

export interface SnsOptions {
  readonly topicArn: string;
  readonly credentials: () => Promise<Credentials>;
  /** Default: SNS of the topic's Region. */
  readonly endpoint?: string;
  readonly clock: () => number;
}

/** A subject is ASCII, shorter than 100 characters, and begins with none that is a space. */
const SUBJECT_MAX = 99;
const MESSAGE_BYTES_MAX = 250_000;

export function snsSink({ topicArn, credentials, endpoint, clock }: SnsOptions): Sink {
  const { region = "us-east-1", partition = "aws" } = parseArn(topicArn) ?? {};
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL("/", endpoint ?? `https://sns.${region}.${suffix}`);
  return {
    send: async (message, signal) => {
      const ascii = subjectOf(message)
        .replaceAll("→", "->")
        .replace(/[^\x20-\x7e]/g, "?");
      const parameters = new URLSearchParams({
        Action: "Publish",
        Version: "2010-03-31",
        TopicArn: topicArn,
        Subject: ascii.slice(0, SUBJECT_MAX),
        Message: bodyOf(message).slice(0, MESSAGE_BYTES_MAX / 4),
        // Topics that keep order drop what they were sent already.
        ...(topicArn.endsWith(".fifo")
          ? { MessageGroupId: "lockstep", MessageDeduplicationId: message.id.replace(/[^A-Za-z0-9-]/g, "-") }
          : {}),
      });
      const body = parameters.toString();
      const headers = { host: url.host, "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
      const signed = signHeaders(
        { method: "POST", rawPath: url.pathname, rawQuery: "", headers },
        hashPayload(Buffer.from(body)),
        { credentials: await own(credentials), region, service: "sns", nowMs: clock() },
      );
      const { host: _, ...sent } = headers;
      await post({ url: url.href, headers: { ...sent, ...signed }, body }, clock(), signal);
    },
  };
}

async function own(credentials: () => Promise<Credentials>): Promise<Credentials> {
  try {
    return await credentials();
  } catch (error) {
    throw new SinkError("there are no credentials for SNS", { isFinal: false }, { cause: error });
  }
}
