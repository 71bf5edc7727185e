/** Leases: tasks are taken by workers, and given back in one of four ways. */
import { assert } from "../../core/assert.ts";
import type { Claim, ClaimRequest, SizeRange, StreamLimit } from "../ledger.ts";
import { linesOf, ORIGINS } from "../words.ts";
import type { Groups } from "./groups.ts";
import { tasksOf } from "./rows.ts";
import type { Server } from "./server.ts";

/** The end of a lease, in the words of the type `ending`; what does not belong to its kind is left out. */
export interface Ending {
  readonly id: number;
  readonly fence: number;
  readonly kind: "complete" | "retryLater" | "park" | "release";
  /** The group in which the task is counted from now on: of the completed, or of those that failed with this code. */
  readonly group_id?: number;
  readonly bytes?: number;
  readonly replica_version_id?: string;
  readonly next_try_at_ms?: number;
  readonly failure?: string;
  readonly started_at_ms?: number;
  readonly ended_at_ms?: number;
}

/** @see Ledger.claim */
export async function claimTasks(server: Server, groups: Groups, request: ClaimRequest): Promise<readonly Claim[]> {
  const classes = linesOf(0, request);
  const limits = await limitsOf(groups, request.limits ?? []);
  const rows = await server.query("SELECT * FROM claim_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9)", [
    request.worker,
    request.limit,
    request.nowMs,
    request.leaseUntilMs,
    sizeOver(request),
    sizeAtMost(request),
    classes.first,
    classes.last,
    JSON.stringify(limits),
  ]);
  const tasks = await tasksOf(rows, groups);
  return tasks.map((task, index) => ({ task, fence: Number(rows[index]?.["fence"]) }));
}

const STREAM_LIMITS_MAX = 1000;

interface KnownLimit {
  readonly bucket_id: number;
  readonly destination_id: number;
  readonly at_most: number;
  readonly held: number;
}

/** The limits in the words of the type `stream_limit`; those of streams that no task ever named are left out. */
async function limitsOf(groups: Groups, limits: readonly StreamLimit[]): Promise<readonly KnownLimit[]> {
  assert(limits.length <= STREAM_LIMITS_MAX, `limits of ${limits.length} streams`);
  const ids = await groups.nameIds(limits.flatMap((limit) => [limit.bucket, limit.destinationArn]));
  return limits.flatMap(({ bucket, destinationArn, atMost, held = 0 }) => {
    const [bucketId, destinationId] = [ids.get(bucket), ids.get(destinationArn)];
    if (bucketId === undefined || destinationId === undefined) return [];
    return [{ bucket_id: bucketId, destination_id: destinationId, at_most: atMost, held }];
  });
}

function sizeOver(sizes: SizeRange): number {
  return sizes.sizeOverBytes ?? -1;
}

function sizeAtMost(sizes: SizeRange): number {
  return sizes.sizeAtMostBytes ?? Number.MAX_SAFE_INTEGER;
}

/** Ends leases of different tasks; tells of each whether it was held. */
export async function endLeases(server: Server, endings: readonly Ending[]): Promise<readonly boolean[]> {
  const [row] = await server.query("SELECT end_leases($1) AS held", [JSON.stringify(endings)]);
  const held = numbersOf(row?.["held"]);
  return endings.map((ending) => held.has(ending.id));
}

/** Returns the ids of the claims that are lost. */
export async function renewLeases(
  server: Server,
  claims: readonly Claim[],
  leaseUntilMs: number,
): Promise<readonly number[]> {
  if (claims.length === 0) return [];
  // Of one task there may be several claims here, and one of them at most is held.
  const different = [...new Map(claims.map((claim) => [wordsOf(claim), claim])).values()];
  const [row] = await server.query("SELECT renew_leases($1, $2, $3) AS held", [
    different.map((claim) => claim.task.id),
    different.map((claim) => claim.fence),
    leaseUntilMs,
  ]);
  const places = numbersOf(row?.["held"]);
  const held = new Set(different.filter((_, index) => places.has(index + 1)).map(wordsOf));
  return claims.filter((claim) => !held.has(wordsOf(claim))).map((claim) => claim.task.id);
}

function wordsOf({ task, fence }: Claim): string {
  return `${task.id} ${fence}`;
}

function numbersOf(value: unknown): ReadonlySet<unknown> {
  assert(Array.isArray(value), "the answer is a list of numbers");
  return new Set<unknown>(value);
}

const NEXT_DUE = `
SELECT min(at_ms) AS at_ms FROM (
  SELECT bucket_id, destination_id, lease_until_ms AS at_ms FROM lanes
  WHERE lease_until_ms IS NOT NULL AND size_bytes > $1 AND size_bytes <= $2
  UNION ALL
  SELECT h.bucket_id, h.destination_id, h.due_at_ms FROM unnest($3::int[], $4::int[]) o(first_line, last_line)
  CROSS JOIN LATERAL due_heads(o.first_line, o.last_line, $1, $2) h
) moments
WHERE NOT EXISTS (SELECT FROM json_populate_recordset(NULL::stream_limit, $5) g
  WHERE g.bucket_id = moments.bucket_id AND g.destination_id = moments.destination_id AND g.at_most <= 0)`;

/** When the head of a lane with these sizes is due or its lease ends, but for streams of which nothing is to be taken. */
export async function nextDueAtMs(
  server: Server,
  groups: Groups,
  request: Pick<ClaimRequest, "sizeAtMostBytes" | "sizeOverBytes" | "limits">,
): Promise<number | undefined> {
  const ranges = [...ORIGINS.keys()].map((origin) => linesOf(origin, request));
  const limits = await limitsOf(groups, request.limits ?? []);
  const [row] = await server.query(NEXT_DUE, [
    sizeOver(request),
    sizeAtMost(request),
    ranges.map((range) => range.first),
    ranges.map((range) => range.last),
    JSON.stringify(limits.filter((limit) => limit.at_most <= 0)),
  ]);
  const atMs = row?.["at_ms"];
  return typeof atMs === "number" ? atMs : undefined;
}

/** Keeps a text with a leased task; false when the lease was lost. */
export async function noteTask(server: Server, { task, fence }: Claim, text: string | undefined): Promise<boolean> {
  const [row] = await server.query("SELECT note_task($1, $2, $3) AS held", [task.id, fence, text ?? null]);
  return row?.["held"] === true;
}
