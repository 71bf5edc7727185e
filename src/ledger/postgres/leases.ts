/** Leases: tasks are taken by workers, and given back in one of four ways. */
import { assert } from "../../core/assert.ts";
import type { Claim, ClaimRequest, SizeRange } from "../ledger.ts";
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
  const rows = await server.query("SELECT * FROM claim_tasks($1, $2, $3, $4, $5, $6, $7, $8)", [
    request.worker,
    request.limit,
    request.nowMs,
    request.leaseUntilMs,
    sizeOver(request),
    sizeAtMost(request),
    classes.first,
    classes.last,
  ]);
  const tasks = await tasksOf(rows, groups);
  return tasks.map((task, index) => ({ task, fence: Number(rows[index]?.["fence"]) }));
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
  (SELECT lease_until_ms AS at_ms FROM lanes
   WHERE lease_until_ms IS NOT NULL AND size_bytes > $1 AND size_bytes <= $2 ORDER BY lease_until_ms LIMIT 1)
  UNION ALL
  SELECT due.at_ms FROM unnest($3::int[]) w(line)
  CROSS JOIN LATERAL (
    SELECT due_at_ms AS at_ms FROM lanes
    WHERE head_id IS NOT NULL AND lease_until_ms IS NULL AND line = w.line AND size_bytes > $1 AND size_bytes <= $2
    ORDER BY due_at_ms, head_id LIMIT 1) due
) moments`;

/** When the head of a lane with these sizes is due or its lease ends. */
export async function nextDueAtMs(server: Server, sizes: SizeRange): Promise<number | undefined> {
  const lines = [...ORIGINS.keys()].flatMap((origin) => {
    const { first, last } = linesOf(origin, sizes);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  const [row] = await server.query(NEXT_DUE, [sizeOver(sizes), sizeAtMost(sizes), lines]);
  const atMs = row?.["at_ms"];
  return typeof atMs === "number" ? atMs : undefined;
}
