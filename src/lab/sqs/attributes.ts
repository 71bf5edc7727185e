/**
 * Attributes of queues: which there are, what they may be, and what they are when nobody set them.
 *
 * @source Amazon SQS API Reference, SetQueueAttributes and GetQueueAttributes
 */
import { parseArn } from "../../core/arn.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import { isObject } from "../json-protocol.ts";
import type { Identity } from "../model.ts";
import { invalidAttribute, invalidParameter, sqsError } from "./errors.ts";
import type { Queue, QueueAttributes } from "./model.ts";
import type { Queues } from "./queues.ts";

const NUMBERS = {
  DelaySeconds: { min: 0, max: 900, otherwise: 0 },
  /** 1 MiB since August 2025. */
  MaximumMessageSize: { min: 1024, max: 1_048_576, otherwise: 1_048_576 },
  MessageRetentionPeriod: { min: 60, max: 1_209_600, otherwise: 345_600 },
  ReceiveMessageWaitTimeSeconds: { min: 0, max: 20, otherwise: 0 },
  VisibilityTimeout: { min: 0, max: 43_200, otherwise: 30 },
} as const;

export type NumberAttribute = keyof typeof NUMBERS;

/** The value of a queue's attribute, its default where it was not set. */
export function numberOf(queue: Queue, name: NumberAttribute): number {
  return Number(queue.attributes[name] ?? NUMBERS[name].otherwise);
}

const DOCUMENTS: ReadonlySet<string> = new Set(["Policy", "RedrivePolicy", "RedriveAllowPolicy"]);
/** Bodies lie in the lab's own file either way. */
const MANAGED_ENCRYPTION = "SqsManagedSseEnabled";

const COUNTED = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

/** How many messages of each kind there are. */
export type Counts = Readonly<Record<(typeof COUNTED)[number], number>>;

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(NUMBERS),
  ...DOCUMENTS,
  ...COUNTED,
  MANAGED_ENCRYPTION,
  "QueueArn",
  "CreatedTimestamp",
  "LastModifiedTimestamp",
]);

/**
 * What is to be kept of attributes that somebody sets. An empty document takes the one that is there away.
 *
 * @param queue which they are for
 * @throws ServiceError InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue
 */
export function checkedAttributes(
  given: Readonly<Record<string, string>>,
  queue: Pick<Queue, "arn" | "attributes">,
  surroundings: { readonly identity: Identity; readonly queues: Queues },
): QueueAttributes {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(queue.attributes)) if (value !== undefined) kept[name] = value;
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(NUMBERS, name)) kept[name] = checkedNumber(name as NumberAttribute, value);
    else if (name === MANAGED_ENCRYPTION && /^(?:true|false)$/.test(value)) kept[name] = value;
    else if (!DOCUMENTS.has(name)) throw sqsError("InvalidAttributeName", `Unknown Attribute ${name}.`);
    else if (value === "") delete kept[name];
    else if (name === "Policy") kept[name] = checkedPolicy(value, surroundings.identity);
    else if (name === "RedrivePolicy") kept[name] = checkedRedrive(value, queue.arn, surroundings.queues);
    else kept[name] = checkedAllow(value);
  }
  return kept;
}

function checkedNumber(name: NumberAttribute, text: string): string {
  const { min, max } = NUMBERS[name];
  if (!/^\d{1,7}$/.test(text) || Number(text) < min || Number(text) > max) throw invalidAttribute(name);
  return String(Number(text));
}

function checkedPolicy(text: string, identity: Identity): string {
  if (parsePolicy(text, "resource").problems.length > 0) throw invalidAttribute("Policy");
  const pinned = identity.pinPrincipals(text);
  if ("unknownPrincipal" in pinned) throw invalidAttribute("Policy");
  return pinned.document;
}

/** Where messages go that were received too often. */
export interface Redrive {
  readonly targetArn: string;
  readonly receivesMax: number;
}

const RECEIVES_MAX = 1000;

/** Undefined for a queue without one. */
export function redriveOf({ attributes: { RedrivePolicy } }: Queue): Redrive | undefined {
  return RedrivePolicy === undefined ? undefined : parseRedrive(RedrivePolicy);
}

function parseRedrive(text: string): Redrive | undefined {
  const policy = parseObject(text);
  const targetArn = policy?.["deadLetterTargetArn"];
  const receivesMax = Number(policy?.["maxReceiveCount"]);
  if (typeof targetArn !== "string" || !Number.isInteger(receivesMax)) return undefined;
  return receivesMax < 1 || receivesMax > RECEIVES_MAX ? undefined : { targetArn, receivesMax };
}

function checkedRedrive(text: string, arn: string, queues: Queues): string {
  const invalid = (reason: string) =>
    invalidParameter(`Value ${text} for parameter RedrivePolicy is invalid. Reason: ${reason}`);
  const redrive = parseRedrive(text);
  if (redrive === undefined) {
    throw invalid(`It needs a deadLetterTargetArn, and a maxReceiveCount from 1 to ${RECEIVES_MAX}.`);
  }
  const [own, target] = [parseArn(arn), parseArn(redrive.targetArn)];
  if (target?.region !== own?.region || target?.account !== own?.account) {
    throw invalid("Dead-letter target owner should be same as the source.");
  }
  const found = queues.get(redrive.targetArn);
  if (found === undefined) throw invalid("Dead letter target does not exist.");
  if (!allowsRedrive(found, arn)) {
    throw invalid("The specified target queue's RedriveAllowPolicy does not allow this source queue.");
  }
  return text;
}

function checkedAllow(text: string): string {
  const policy = parseObject(text);
  const permission = policy?.["redrivePermission"];
  const sources = policy?.["sourceQueueArns"];
  const isList = Array.isArray(sources) && sources.length > 0 && sources.length <= 10;
  if (permission === "byQueue" ? !isList : permission !== "allowAll" && permission !== "denyAll") {
    throw invalidAttribute("RedriveAllowPolicy");
  }
  return text;
}

function allowsRedrive({ attributes: { RedriveAllowPolicy } }: Queue, sourceArn: string): boolean {
  const policy = RedriveAllowPolicy === undefined ? undefined : parseObject(RedriveAllowPolicy);
  if (policy === undefined || policy["redrivePermission"] === "allowAll") return true;
  const sources = policy["sourceQueueArns"];
  return policy["redrivePermission"] === "byQueue" && Array.isArray(sources) && sources.includes(sourceArn);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a caller is shown.
 *
 * @param names `All` stands for all of them
 * @throws ServiceError InvalidAttributeName
 */
export function shownAttributes(
  queue: Queue,
  names: readonly string[],
  { identity, counts }: { readonly identity: Identity; readonly counts: () => Counts },
): Readonly<Record<string, string>> {
  const wantsAll = names.includes("All");
  for (const name of names) {
    if (name !== "All" && !KNOWN.has(name)) throw sqsError("InvalidAttributeName", `Unknown Attribute ${name}.`);
  }
  const { attributes } = queue;
  const all: Record<string, string> = { [MANAGED_ENCRYPTION]: "true" };
  for (const [name, { otherwise }] of Object.entries(NUMBERS)) all[name] = String(otherwise);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) all[name] = value;
  if (attributes["Policy"] !== undefined) all["Policy"] = identity.showPrincipals(attributes["Policy"]);
  all["QueueArn"] = queue.arn;
  all["CreatedTimestamp"] = seconds(queue.createdMs);
  all["LastModifiedTimestamp"] = seconds(queue.modifiedMs);
  if (wantsAll || COUNTED.some((name) => names.includes(name))) {
    for (const [name, count] of Object.entries(counts())) all[name] = String(count);
  }
  return wantsAll ? all : Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}
