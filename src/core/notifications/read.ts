/**
 * Reads the notifications of S3 stores: the events themselves, and the envelopes that they come in.
 *
 * Pure and total. A body is known by its members, not by who sends it, so one address serves every kind of store. What is
 * not understood becomes a problem in words, and the rest of the body counts all the same.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * @source https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
import { asArray, asObject, asString, type Members } from "../config/document.ts";
import { jsonIn } from "../json.ts";
import { readEventBridge } from "./event-bridge.ts";
import { joined, NOTHING_READ, problem, type ReadNotification } from "./notice.ts";
import { readRecord } from "./records.ts";
import { isSeaweedfs, readSeaweedfs } from "./seaweedfs.ts";

/** EventBridge in SNS in SQS is the longest way that a body can have come. */
const ENVELOPES_MAX = 3;
const SHOWN_MAX = 120;

/** @param text the body of a request or of a message of a queue */
export function readNotification(text: string): ReadNotification {
  return readText(text, 0);
}

function readText(text: string, envelopes: number): ReadNotification {
  // An empty POST is how some senders try an address.
  if (text.trim() === "") return NOTHING_READ;
  const value = jsonIn(text);
  const members = asObject(value);
  if (members === undefined) return problem(`not a JSON object: ${shortened(text)}`);
  return readMembers(members, envelopes);
}

function readMembers(members: Members, envelopes: number): ReadNotification {
  if (Array.isArray(members["Records"])) return joined(asArray(members["Records"]).map(readRecord));
  if (members["Event"] === "s3:TestEvent") return NOTHING_READ;
  if (asString(members["Type"]) !== undefined && members["TopicArn"] !== undefined) return readSns(members, envelopes);
  if (members["detail-type"] !== undefined && members["source"] !== undefined) return readEventBridge(members);
  if (isSeaweedfs(members)) return readSeaweedfs(members);
  const names = Object.keys(members).join(", ") || "no members";
  return problem(`no notification that is known: an object with ${shortened(names)}`);
}

function readSns(members: Members, envelopes: number): ReadNotification {
  const topic = asString(members["TopicArn"]) ?? "";
  if (members["Type"] === "SubscriptionConfirmation") {
    const url = asString(members["SubscribeURL"]) ?? "its SubscribeURL";
    return problem(`the subscription to ${topic} waits to be confirmed: open ${url}`);
  }
  if (members["Type"] !== "Notification") return { ...NOTHING_READ, ignored: 1 };
  const message = asString(members["Message"]);
  if (message === undefined || envelopes >= ENVELOPES_MAX) return problem(`a message of ${topic} that holds no event`);
  return readText(message, envelopes + 1);
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
