/** What the parts of the ledger's conformance suite share: a ledger for each test, and short words for common steps. */
import assert from "node:assert/strict";
import { afterEach, beforeEach } from "node:test";
import type {
  Claim,
  ClaimRequest,
  Completion,
  Count,
  FailedAttempt,
  Ledger,
  NewJob,
  NewTask,
  Selection,
  TaskRow,
} from "../../../src/ledger/ledger.ts";

/** A ledger that nobody else uses, empty. */
export interface OpenedLedger {
  readonly ledger: Ledger;
  /** Closes it, opens it again and leaves what was in it. */
  readonly reopen?: () => Promise<Ledger>;
  /** Opens the same record a second time, as another process would; the test closes it. */
  readonly openAgain?: () => Promise<Ledger>;
  readonly close: () => Promise<void>;
}

export type OpenLedger = () => Promise<OpenedLedger>;

/** The ledger of the test that runs. */
export interface Subject {
  readonly ledger: Ledger;
  /** Missing where the ledger lives no longer than the process. */
  readonly reopen: (() => Promise<void>) | undefined;
  readonly openAgain: (() => Promise<Ledger>) | undefined;
  /** Says that this test ends with leases on purpose. */
  leavesLeases(): void;
}

/** Gives every test of the surrounding `describe` a ledger of its own, and fails one that leaves a lease behind. */
export function subjectFor(open: OpenLedger): Subject {
  let opened: OpenedLedger | undefined;
  let ledger: Ledger | undefined;
  let mayLeaveLeases = false;
  beforeEach(async () => {
    opened = await open();
    ledger = opened.ledger;
    mayLeaveLeases = false;
  });
  afterEach(async () => {
    const leased = mayLeaveLeases ? [] : ((await ledger?.counts()) ?? []).filter((count) => count.state === "leased");
    await opened?.close();
    assert.deepEqual(leased, [], "a test left a lease behind");
  });
  return {
    get ledger() {
      assert.ok(ledger);
      return ledger;
    },
    get reopen() {
      const reopen = opened?.reopen;
      return reopen === undefined
        ? undefined
        : async () => {
            ledger = await reopen();
          };
    },
    get openAgain() {
      return opened?.openAgain;
    },
    leavesLeases() {
      mayLeaveLeases = true;
    },
  };
}

export const DESTINATION = "arn:aws:s3:::destination";
export const OTHER_DESTINATION = "arn:aws:s3:::other-destination";
export const NOW = 1_700_000_000_000;
export const LEASE_END = NOW + 60_000;

/** A task that was due a second ago. Change what the test is about. */
export function task(
  change: Partial<Omit<NewTask, "version">> & { bucket?: string; key?: string; versionId?: string } = {},
): NewTask {
  const { bucket = "source", key = "key", versionId = "v1", ...rest } = change;
  return {
    version: { bucket, key, versionId },
    operation: "put",
    destinationArn: DESTINATION,
    ruleId: "rule",
    origin: "live",
    sizeBytes: 100,
    writtenAtMs: NOW - 5000,
    dueAtMs: NOW - 1000,
    ...rest,
  };
}

export function request(change: Partial<ClaimRequest> = {}): ClaimRequest {
  return { worker: "worker", limit: 100, nowMs: NOW, leaseUntilMs: LEASE_END, ...change };
}

export function job(change: Partial<NewJob> = {}): NewJob {
  return { id: "job", kind: "resync", bucket: "source", createdAtMs: NOW, request: '{"prefix":"a"}', ...change };
}

export const DONE: Completion = { startedAtMs: NOW, endedAtMs: NOW + 10, bytes: 100 };

export function failedAttempt(code = "DstBucketUnversioned"): FailedAttempt {
  return { startedAtMs: NOW, endedAtMs: NOW + 10, failure: { code, step: "putObject", message: "no" } };
}

/** Claims one task and no other. */
export async function claimOne(ledger: Ledger, change: Partial<ClaimRequest> = {}): Promise<Claim> {
  const claims = await ledger.claim(request(change));
  const [claim] = claims;
  assert.ok(claim !== undefined && claims.length === 1, `${claims.length} claims instead of one`);
  return claim;
}

/** Parks every task that is due, the ones behind them too. */
export async function parkAll(ledger: Ledger, code?: string): Promise<void> {
  for (let claims = await ledger.claim(request()); claims.length > 0; claims = await ledger.claim(request())) {
    for (const claim of claims) assert.equal(await ledger.park(claim, failedAttempt(code)), true);
  }
}

const PAGES_MAX = 5000;

/** All pages of a selection, one after another. */
export async function listAll(ledger: Ledger, selection: Selection = {}, limit = 100): Promise<readonly TaskRow[]> {
  const rows: TaskRow[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    assert.ok(pages++ < PAGES_MAX, "the pages never end");
    const page = await ledger.list(selection, after === undefined ? { limit } : { after, limit });
    assert.ok(page.tasks.length <= limit);
    rows.push(...page.tasks);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

/** "key versionId state" of each row: what most tests want to see. */
export function inShort(rows: readonly TaskRow[]): readonly string[] {
  return rows.map(({ version, state }) => `${version.key} ${version.versionId} ${state}`);
}

export function keysOf(claims: readonly Claim[]): readonly string[] {
  return claims.map((claim) => claim.task.version.key);
}

/** State → number of tasks, over all kinds. */
export function totals(counts: readonly Count[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const count of counts) sums[count.state] = (sums[count.state] ?? 0) + count.tasks;
  return sums;
}
