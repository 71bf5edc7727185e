/** Operations on queues: making, finding, setting, emptying and deleting them. */
import { pageOf } from "../../pages.ts";
import { checkedAttributes, redriveOf, shownAttributes } from "../attributes.ts";
import { invalidParameter, sqsError } from "../errors.ts";
import { type Queue, queueArn } from "../model.ts";
import type { SqsRequest } from "../request.ts";

const NAME = /^[A-Za-z0-9_-]{1,80}$/;
const PAGE = { min: 1, max: 1000 };
const PURGE_PAUSE_MS = 60_000;
const TAGS_MAX = 50;

/** Idempotent: a queue of the same name and the same attributes is the queue that was asked for. */
export async function createQueue(request: SqsRequest) {
  const { input, region, accountId: account, queues } = request;
  const name = input.text("QueueName");
  if (name.endsWith(".fifo")) throw sqsError("UnsupportedOperation", "The lab has no FIFO queues.");
  if (!NAME.test(name)) {
    throw invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  }
  const arn = queueArn(region, account, name);
  request.authorise(account, name, queues.get(arn));
  const given = input.textMap("Attributes");
  const tags = input.textMap("tags");
  const queue = await queues.change<Queue>(() => {
    const before = queues.get(arn);
    const fresh = checkedAttributes(given, { arn, attributes: {} }, request);
    if (before !== undefined) {
      requireSame(request, before, fresh);
      return [before];
    }
    const nowMs = request.clock();
    const made = { arn, account, region, name, createdMs: nowMs, modifiedMs: nowMs, attributes: fresh, tags };
    return [made, made];
  });
  return { QueueUrl: request.urlOf(queue) };
}

function requireSame(request: SqsRequest, queue: Queue, wanted: Queue["attributes"]): void {
  const shown = shownAttributes({ ...queue }, ["All"], { identity: request.identity, counts: noCounts });
  const asked = shownAttributes({ ...queue, attributes: wanted }, Object.keys(wanted), {
    identity: request.identity,
    counts: noCounts,
  });
  for (const [name, value] of Object.entries(asked)) {
    if (shown[name] === value) continue;
    throw sqsError(
      "QueueNameExists",
      `A queue already exists with the same name and a different value for attribute ${name}`,
    );
  }
}

const noCounts = () => ({
  ApproximateNumberOfMessages: 0,
  ApproximateNumberOfMessagesNotVisible: 0,
  ApproximateNumberOfMessagesDelayed: 0,
});

export async function getQueueUrl(request: SqsRequest) {
  const { input, accountId } = request;
  const queue = request.named(input.optionalText("QueueOwnerAWSAccountId") ?? accountId, input.text("QueueName"));
  return { QueueUrl: request.urlOf(queue) };
}

export async function listQueues(request: SqsRequest) {
  const { input, accountId, region, queues } = request;
  request.authorise(accountId, "*", undefined);
  const prefix = input.optionalText("QueueNamePrefix") ?? "";
  const found = [...queues.all()].filter(
    (one) => one.account === accountId && one.region === region && one.name.startsWith(prefix),
  );
  return pageOfUrls(request, found, "QueueUrls");
}

export async function listDeadLetterSourceQueues(request: SqsRequest) {
  const { arn } = request.queue();
  const found = [...request.queues.all()].filter((one) => redriveOf(one)?.targetArn === arn);
  return pageOfUrls(request, found, "queueUrls");
}

function pageOfUrls(request: SqsRequest, found: readonly Queue[], member: string) {
  const limit = request.input.integer("MaxResults", PAGE) ?? PAGE.max;
  const marker = request.input.optionalText("NextToken");
  const { items, marker: next } = pageOf(found, ({ name }) => name, { limit, marker });
  return { [member]: items.map((one) => request.urlOf(one)), ...(next === undefined ? {} : { NextToken: next }) };
}

export async function getQueueAttributes(request: SqsRequest) {
  const queue = request.queue();
  const attributes = shownAttributes(queue, request.input.texts("AttributeNames"), {
    identity: request.identity,
    counts: () => request.messages.counts(queue.arn, request.clock()),
  });
  return Object.keys(attributes).length === 0 ? {} : { Attributes: attributes };
}

export async function setQueueAttributes(request: SqsRequest) {
  const given = request.input.textMap("Attributes");
  await changeQueue(request, (queue) => ({ attributes: checkedAttributes(given, queue, request) }));
  return undefined;
}

export async function deleteQueue(request: SqsRequest) {
  await request.queues.remove(request.queue().arn);
  return undefined;
}

export async function purgeQueue(request: SqsRequest) {
  const nowMs = request.clock();
  const queue = await changeQueue(request, ({ name, purgedMs }) => {
    if (purgedMs !== undefined && nowMs - purgedMs < PURGE_PAUSE_MS) {
      const message = `Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`;
      throw sqsError("PurgeQueueInProgress", message, 403);
    }
    return { purgedMs: nowMs };
  });
  await request.messages.purge(queue.arn);
  return undefined;
}

export async function tagQueue(request: SqsRequest) {
  const added = request.input.textMap("Tags");
  await changeQueue(request, ({ tags }) => {
    const after = { ...tags, ...added };
    if (Object.keys(after).length > TAGS_MAX) throw invalidParameter(`A queue has ${TAGS_MAX} tags at most.`);
    return { tags: after };
  });
  return undefined;
}

export async function untagQueue(request: SqsRequest) {
  const gone = request.input.texts("TagKeys");
  await changeQueue(request, ({ tags }) => ({
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.includes(key))),
  }));
  return undefined;
}

export async function listQueueTags(request: SqsRequest) {
  const { tags } = request.queue();
  return Object.keys(tags).length === 0 ? {} : { Tags: tags };
}

/** Changes the queue that the call is about; `change` sees it as it is then. */
function changeQueue(request: SqsRequest, change: (queue: Queue) => Partial<Queue>): Promise<Queue> {
  const { arn } = request.queue();
  return request.queues.change<Queue>(() => {
    const queue = request.queues.get(arn) ?? request.queue();
    const after = { ...queue, modifiedMs: request.clock(), ...change(queue) };
    return [after, after];
  });
}
