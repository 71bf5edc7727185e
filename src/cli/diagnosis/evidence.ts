/** What diagnose begins with where failures are told of or counted elsewhere: inventories, events, reports, kept walks. */
import { AwsError } from "../../aws/errors.ts";
import { SqsQueue } from "../../aws/sqs.ts";

import type { EvidenceSource } from "../../core/diagnose/report.ts";
import { type EventCount, readEventFile, readEventQueue } from "../../doctor/evidence/events.ts";
import { FailureLog } from "../../doctor/evidence/failure-log.ts";
import { examineInventory } from "../../doctor/evidence/inventory.ts";
import { withInventory } from "../../doctor/evidence/inventory-files.ts";
import { readReport } from "../../doctor/evidence/reports.ts";
import { type WalkScope, walk } from "../../doctor/evidence/walk.ts";
import type { Surroundings } from "../../doctor/ports.ts";
import { plural } from "../../doctor/report.ts";
import type { CommandInput } from "../command.ts";
import { accessOf } from "../connection.ts";
import type { Context } from "../context.ts";
import { AccessError, UsageError } from "../errors.ts";
import type { EvidenceWish } from "./evidence-options.ts";
import { type Scan, scan } from "./scan.ts";

export interface EvidenceRequest {
  readonly scope: WalkScope;
  readonly wish: EvidenceWish;
  readonly input: CommandInput;
}

/** What events and reports tell, and what an engine has on record. */
export interface Told {
  readonly log: FailureLog;
  readonly sources: readonly EvidenceSource[];
  /** Empties the queues of what was understood, where that was asked for. */
  readonly drain: () => Promise<void>;
}

/** Looks at a bucket by the evidence that is named, and at every version where none is. @throws as `scanEvidence` */
export async function scanBy(
  surroundings: Surroundings,
  request: Omit<EvidenceRequest, "wish"> & { readonly wish: EvidenceWish | undefined },
  context: Context,
): Promise<Scan> {
  const { scope, wish } = request;
  if (wish === undefined) return await scan(surroundings, scope, context);
  return await scanEvidence(surroundings, { ...request, wish }, context);
}

/** @throws UsageError, EvidenceError when what is named cannot be used */
async function scanEvidence(surroundings: Surroundings, request: EvidenceRequest, context: Context): Promise<Scan> {
  const { scope, wish } = request;
  if (wish.inventory !== undefined && wish.resume !== undefined)
    throw new UsageError("--resume is of walks, and --inventory needs none: leave one out");
  const { log, sources: told, drain } = await readTold(surroundings, request, context);
  const sources = [...told];
  const explained =
    wish.inventory === undefined
      ? await walked(surroundings, { scope, wish, log, sources }, context)
      : await inventoried(surroundings, { scope, where: wish.inventory, log, sources });
  await drain();
  return { ...explained, diagnosis: { ...explained.diagnosis, sources } };
}

/** Reads what events and reports tell of a bucket. @throws UsageError, EvidenceError when what is named cannot be used */
export async function readTold(
  surroundings: Surroundings,
  { scope, wish, input }: EvidenceRequest,
  context: Context,
): Promise<Told> {
  const sqsUrls = wish.events.filter((one) => one.startsWith("sqs://"));
  if (wish.drain && sqsUrls.length === 0) throw new UsageError("--drain makes no sense without --events sqs://…");
  const log = new FailureLog();
  const { records } = surroundings;
  for await (const page of records?.failures(scope.bucket, scope.prefix) ?? []) for (const one of page) log.add(one);
  const sources: EvidenceSource[] = [];
  const drains: (() => Promise<void>)[] = [];
  for (const where of wish.reports) {
    const { failures, createdAtMs } = await readReport(surroundings, scope.bucket, where, log);
    const takenAt = createdAtMs === undefined ? {} : { takenAt: new Date(createdAtMs).toISOString() };
    sources.push({ kind: "report", name: where, ...takenAt, says: plural(failures, "failed task") });
  }
  for (const where of wish.events) {
    const count = sqsUrls.includes(where)
      ? await fromQueue(where, { scope, input, log, drains }, context)
      : await readEventFile(where, scope.bucket, log);
    sources.push({ kind: "events", name: where, says: eventWords(count) });
  }
  const drain = async () => {
    if (wish.drain) for (const one of drains) await one();
  };
  return { log, sources, drain };
}

function eventWords({ failures, ignored, problems }: EventCount): string {
  const others = [`${ignored} of other kinds or buckets`, ...(problems === 0 ? [] : [`${problems} not understood`])];
  return `${plural(failures, "failure event")}, ${others.join(", ")}`;
}

async function fromQueue(
  where: string,
  into: {
    readonly scope: WalkScope;
    readonly input: CommandInput;
    readonly log: FailureLog;
    readonly drains: (() => Promise<void>)[];
  },
  context: Context,
): Promise<EventCount> {
  const rest = where.slice("sqs://".length);
  const url = /^https?:\/\//.test(rest) ? rest : `https://${rest}`;
  if (!URL.canParse(url)) throw new UsageError(`"${where}" is not sqs://QUEUE-URL`);
  const access = accessOf(into.input, context);
  const [, region = access.region] = /^sqs\.([a-z0-9-]+)\.amazonaws\./.exec(new URL(url).hostname) ?? [];
  const queue = new SqsQueue({ ...access, region }, url);
  const { bucket } = into.scope;
  const { drain, ...count } = await readEventQueue(queue, { bucket, log: into.log }, context.interrupted).catch(
    (cause: unknown) => {
      if (!(cause instanceof AwsError)) throw cause;
      throw new AccessError(`no events could be read from ${where} in ${region}: ${cause.message}`, { cause });
    },
  );
  into.drains.push(drain);
  return count;
}

async function inventoried(
  surroundings: Surroundings,
  request: {
    readonly scope: WalkScope;
    readonly where: string;
    readonly log: FailureLog;
    readonly sources: EvidenceSource[];
  },
): Promise<Scan> {
  const { scope, where, log, sources } = request;
  return await withInventory(surroundings, scope.bucket, where, async (inventory) => {
    const { setup, examination, rows, looked } = await examineInventory(surroundings, scope, inventory, log);
    sources.push({
      kind: "inventory",
      name: inventory.name,
      takenAt: new Date(inventory.manifest.takenAtMs).toISOString(),
      says: `${plural(rows, "row")}, ${plural(looked, "version")} looked at; what was written since is not in it`,
    });
    return { setup, alike: examination.alike(), ...examination.explained() };
  });
}

async function walked(
  surroundings: Surroundings,
  request: {
    readonly scope: WalkScope;
    readonly wish: EvidenceWish;
    readonly log: FailureLog;
    readonly sources: EvidenceSource[];
  },
  context: Context,
): Promise<Scan> {
  const { scope, wish, log, sources } = request;
  const live = context.stderr.isTTY === true;
  const { setup, examination, versions, resumed } = await walk(surroundings, scope, {
    log,
    path: wish.resume,
    signal: context.interrupted,
    onSeen: (seen) => {
      if (live) context.stderr.write(`\r\u001b[Klooking at s3://${scope.bucket}: ${plural(seen, "version")}`);
    },
  });
  if (live) context.stderr.write("\r\u001b[K");
  const before = resumed === 0 ? "" : `, ${resumed} of them before an interruption`;
  sources.push({
    kind: "walk",
    name: `through s3://${scope.bucket}`,
    says: `${plural(versions, "version")} looked at${before}`,
  });
  return { setup, alike: examination.alike(), ...examination.explained() };
}
