/**
 * Random work on few keys, against a ledger that is a plain array: every answer and every row must be the same.
 *
 * The array is scanned whole for each question, so that it is too simple to be wrong in the way an index can be.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type {
  Claim,
  Count,
  Ledger,
  NewTask,
  RedriveAs,
  Selection,
  SizeRange,
  Standing,
  StreamLimit,
  TaskOrigin,
  TaskRow,
} from "../../../src/ledger/ledger.ts";
import { LAG_BOUNDS_MS } from "../../../src/ledger/tallies.ts";
import { DESTINATION, failedAttempt, job, listAll, NOW, type OpenLedger, OTHER_DESTINATION, task } from "./harness.ts";

/** Fewer where each step is an fsync. */
const RUNS = { inMemory: 100, onDisk: 15 };
const STEPS_MAX = 60;
const ORIGINS: readonly TaskOrigin[] = ["live", "resync", "scan"];
const JOBS = ["job1", "job2"];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface ModelRow extends Mutable<TaskRow> {
  position: number;
  fence: number;
}

type Step =
  | { readonly do: "add"; readonly tasks: readonly NewTask[] }
  | {
      readonly do: "claim";
      readonly limit: number;
      readonly sizes: SizeRange;
      readonly limits: readonly StreamLimit[];
      readonly leaseMs: number;
    }
  | { readonly do: "complete" | "release" | "renew"; readonly claim: number }
  | { readonly do: "retryLater" | "park"; readonly claim: number; readonly code: string; readonly afterMs: number }
  | { readonly do: "note"; readonly claim: number; readonly text?: string }
  | { readonly do: "redrive"; readonly selection: Selection; readonly as: RedriveAs }
  | { readonly do: "hurry"; readonly destinationArn: string }
  | { readonly do: "discard"; readonly selection: Selection }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "reopen" };

/** The ledger as an array. */
class Model {
  rows: ModelRow[] = [];
  nowMs = NOW;
  /** Of each job the tasks that were completed and that were parked. */
  readonly jobs = new Map(JOBS.map((id) => [id, { completed: 0, failed: 0 }]));
  /** Of each bucket, rule and destination how long its live versions took; of each way to fail how many tries did. */
  readonly lags = new Map<string, number[]>();
  readonly failures = new Map<string, number>();
  readonly #completed = new Map<string, { tasks: number; bytes: number }>();
  #redrives = 0;
  #nextId = 1;

  /** Returns the rows that came in. Their ids are the model's until the ledger's are known. */
  add(tasks: readonly NewTask[]): readonly ModelRow[] {
    const added: ModelRow[] = [];
    for (const one of tasks) {
      const same = this.rows.filter((row) => identityOf(row) === identityOf(one));
      const active = same.filter((row) => row.state !== "parked");
      const rereads = !["put", "deleteMarker"].includes(one.operation);
      if (active.some((row) => row.state === "waiting" || !rereads)) {
        for (const row of active) {
          row.origin = ORIGINS[Math.min(rank(row), rank(one))] ?? row.origin;
          if (one.jobId !== undefined && (row.state === "waiting" || !rereads)) row.jobId = one.jobId;
        }
        continue;
      }
      if (same.some((row) => row.state === "parked")) continue;
      const row: ModelRow = {
        ...one,
        id: Number.MAX_SAFE_INTEGER / 2 + this.#nextId++,
        state: "waiting",
        nextTryAtMs: one.dueAtMs,
        attempts: 0,
        redrives: 0,
        position: this.#redrives,
        fence: 0,
      };
      this.rows.push(row);
      added.push(row);
    }
    return added;
  }

  claim(limit: number, sizes: SizeRange, limits: readonly StreamLimit[], leaseUntilMs: number): readonly ModelRow[] {
    const open = this.#firsts().filter((row) => fits(row, sizes) && this.#dueAtMs(row) <= this.nowMs);
    const claimed: ModelRow[] = [];
    const takenOf = (row: ModelRow): number => claimed.filter((one) => streamOf(one) === streamOf(row)).length;
    while (claimed.length < limit) {
      const [next] = open
        .filter((row) => !claimed.includes(row) && takenOf(row) < (limitOf(row, limits)?.atMost ?? limit))
        .toSorted(
          (one, other) =>
            this.#urgency(one) - this.#urgency(other) ||
            (limitOf(one, limits)?.held ?? 0) + takenOf(one) - (limitOf(other, limits)?.held ?? 0) - takenOf(other) ||
            one.nextTryAtMs - other.nextTryAtMs ||
            one.id - other.id,
        );
      if (next === undefined) break;
      claimed.push(next);
    }
    for (const row of claimed) {
      if (row.state === "leased") row.attempts++;
      row.state = "leased";
      row.lease = { worker: "w", untilMs: leaseUntilMs };
      row.fence++;
    }
    return claimed;
  }

  held(claim: Claim): ModelRow | undefined {
    return this.rows.find((row) => row.id === claim.task.id && row.fence === claim.fence && row.state === "leased");
  }

  complete(row: ModelRow, bytes: number, endedAtMs: number): void {
    this.rows = this.rows.filter((one) => one !== row);
    const job = this.jobs.get(row.jobId ?? "");
    if (job !== undefined) job.completed++;
    if (row.origin === "live" && ["put", "deleteMarker"].includes(row.operation)) {
      const kind = ruleOf(row);
      this.lags.set(kind, [...(this.lags.get(kind) ?? []), endedAtMs - row.writtenAtMs]);
    }
    const sum = this.#completed.get(kindOf(row)) ?? { tasks: 0, bytes: 0 };
    this.#completed.set(kindOf(row), { tasks: sum.tasks + 1, bytes: sum.bytes + bytes });
  }

  /** Ends a lease. */
  put(row: ModelRow, state: "waiting" | "parked"): void {
    row.state = state;
    delete row.lease;
  }

  fail(row: ModelRow, state: "waiting" | "parked", code: string): void {
    const attempt = failedAttempt(code);
    const tally = `${kindOf(row)} ${code} ${state === "parked"}`;
    this.failures.set(tally, (this.failures.get(tally) ?? 0) + 1);
    this.put(row, state);
    row.attempts++;
    row.firstAttemptAtMs ??= attempt.startedAtMs;
    row.lastAttemptAtMs = attempt.endedAtMs;
    row.failure = attempt.failure;
    if (state === "waiting") return;
    delete row.note;
    const job = this.jobs.get(row.jobId ?? "");
    if (job !== undefined) job.failed++;
  }

  hurry(destinationArn: string): number {
    const hurried = this.rows.filter(
      (row) =>
        row.state === "waiting" &&
        row.version.bucket === "source" &&
        row.destinationArn === destinationArn &&
        row.attempts > 0 &&
        row.nextTryAtMs > this.nowMs,
    );
    for (const row of hurried) row.nextTryAtMs = this.nowMs;
    return hurried.length;
  }

  redrive(selection: Selection, { origin, jobId }: RedriveAs): number {
    this.#redrives++;
    const parked = this.rows.filter((row) => row.state === "parked" && isSelected(row, selection));
    for (const row of parked) {
      row.state = "waiting";
      row.origin = origin ?? row.origin;
      if (jobId !== undefined) row.jobId = jobId;
      row.nextTryAtMs = this.nowMs;
      row.attempts = 0;
      row.redrives++;
      row.position = this.#redrives;
      delete row.firstAttemptAtMs;
      delete row.lastAttemptAtMs;
    }
    return parked.length;
  }

  discard(selection: Selection): number {
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => row.state === "leased" || !isSelected(row, selection));
    return before - this.rows.length;
  }

  nextDueAtMs(sizes: SizeRange, limits: readonly StreamLimit[]): number | undefined {
    const moments = this.#firsts()
      .filter((row) => fits(row, sizes) && limitOf(row, limits)?.atMost !== 0)
      .map((row) => this.#dueAtMs(row));
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  standing(id: number): Standing | undefined {
    const row = this.rows.find((one) => one.id === id);
    if (row?.state !== "waiting") return undefined;
    const firsts = this.#firsts();
    const first = firsts.find((one) => laneOf(one) === laneOf(row)) ?? row;
    const isBefore = (one: ModelRow, other: ModelRow) =>
      one.position - other.position < 0 || (one.position === other.position && one.id < other.id);
    const inLane = this.rows.filter(
      (one) =>
        one !== row &&
        one.state !== "parked" &&
        laneOf(one) === laneOf(row) &&
        (one.state === "leased" || isBefore(one, row)),
    );
    const inStream = firsts.filter(
      (one) =>
        one !== first &&
        one.state === "waiting" &&
        streamOf(one) === streamOf(row) &&
        one.nextTryAtMs <= this.nowMs &&
        (this.#urgency(one) - this.#urgency(first) || one.nextTryAtMs - first.nextTryAtMs || one.id - first.id) < 0,
    );
    return { inLane: inLane.length, inStream: inStream.length };
  }

  openOf(jobId: string): number {
    return this.rows.filter((row) => row.jobId === jobId && row.state !== "parked").length;
  }

  counts(): readonly string[] {
    const kinds = grouped(this.rows, (row) => `${kindOf(row)} ${row.state} ${row.failure?.code ?? ""}`);
    const undone = [...kinds].map(([kind, rows]) => {
      const bytes = rows.reduce((sum, row) => sum + row.sizeBytes, 0);
      return `${kind} ${rows.length} ${bytes} ${Math.min(...rows.map((row) => row.writtenAtMs))}`;
    });
    const completed = [...this.#completed].map(([kind, { tasks, bytes }]) => `${kind} completed  ${tasks} ${bytes} `);
    return [...undone, ...completed].sort();
  }

  /** Of every lane the leased row, else the oldest that is not parked. */
  #firsts(): readonly ModelRow[] {
    const lanes = grouped(
      this.rows.filter((row) => row.state !== "parked"),
      laneOf,
    );
    return [...lanes.values()].flatMap((lane) => {
      const byAge = lane.toSorted((one, other) => one.position - other.position || one.id - other.id);
      return byAge.find((row) => row.state === "leased") ?? byAge.slice(0, 1);
    });
  }

  #dueAtMs(row: ModelRow): number {
    return row.lease?.untilMs ?? row.nextTryAtMs;
  }

  #urgency(row: ModelRow): number {
    const lane = this.rows.filter((one) => one.state !== "parked" && laneOf(one) === laneOf(row));
    return Math.min(...lane.map(rank));
  }
}

function grouped(rows: readonly ModelRow[], keyOf: (row: ModelRow) => string): ReadonlyMap<string, ModelRow[]> {
  const groups = new Map<string, ModelRow[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

function identityOf({ version, operation, destinationArn }: NewTask): string {
  return JSON.stringify([version.bucket, version.key, version.versionId, operation, destinationArn]);
}

function laneOf({ version, destinationArn }: NewTask): string {
  return JSON.stringify([version.bucket, version.key, destinationArn]);
}

function streamOf({ version, destinationArn }: NewTask): string {
  return JSON.stringify([version.bucket, destinationArn]);
}

function limitOf(row: NewTask, limits: readonly StreamLimit[]): StreamLimit | undefined {
  return limits.find((limit) => limit.bucket === row.version.bucket && limit.destinationArn === row.destinationArn);
}

function kindOf({ version, ruleId, destinationArn, operation }: NewTask): string {
  return `${version.bucket} ${ruleId} ${destinationArn} ${operation}`;
}

function ruleOf({ version, ruleId, destinationArn }: NewTask): string {
  return `${version.bucket} ${ruleId} ${destinationArn}`;
}

function rank({ origin }: NewTask): number {
  return ORIGINS.indexOf(origin);
}

function fits(
  { sizeBytes }: NewTask,
  { sizeAtMostBytes = Number.POSITIVE_INFINITY, sizeOverBytes = -1 }: SizeRange,
): boolean {
  return sizeBytes <= sizeAtMostBytes && sizeBytes > sizeOverBytes;
}

function isSelected(row: ModelRow, selection: Selection): boolean {
  return (
    (selection.bucket ?? row.version.bucket) === row.version.bucket &&
    row.version.key.startsWith(selection.prefix ?? "") &&
    (selection.state ?? row.state) === row.state &&
    (selection.jobId ?? row.jobId) === row.jobId &&
    (selection.failureCodes?.includes(row.failure?.code ?? "") ?? true)
  );
}

function countInShort(count: Count): string {
  const { bucket, ruleId, destinationArn, operation, state, failureCode = "", tasks, bytes } = count;
  return `${bucket} ${ruleId} ${destinationArn} ${operation} ${state} ${failureCode} ${tasks} ${bytes} ${count.oldestWrittenAtMs ?? ""}`;
}

/** Optional properties are left out rather than undefined. */
function maybe<T extends object>(arbitrary: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record<T, never>(arbitrary, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const anySizes = maybe<Required<SizeRange>>({
  sizeAtMostBytes: fc.constantFrom(2 ** 20, 2 ** 24, 500),
  sizeOverBytes: fc.constantFrom(2 ** 20, 500),
});
const anyOrigin = fc.constantFrom(...ORIGINS);
const anyClaim = fc.nat(5);
const anyCode = fc.constantFrom("A", "B");
const anyJob = fc.constantFrom(...JOBS);
const anyDestination = fc.constantFrom(DESTINATION, DESTINATION, OTHER_DESTINATION);
const anyTask = fc
  .record({
    bucket: fc.constantFrom("source", "source", "source2"),
    key: fc.constantFrom("a", "ab", "b"),
    versionId: fc.constantFrom("null", "v1", "v2"),
    destinationArn: anyDestination,
    operation: fc.constantFrom("put" as const, "put" as const, "tags" as const, "deleteMarker" as const),
    ruleId: fc.constantFrom("rule", "rule2"),
    origin: anyOrigin,
    sizeBytes: fc.constantFrom(1, 2 ** 20, 2 ** 20 + 1, 2 ** 30),
    writtenAtMs: fc.integer({ min: NOW - 100, max: NOW }),
    dueAtMs: fc.integer({ min: NOW - 50, max: NOW + 50 }),
    jobId: fc.option(anyJob, { nil: undefined }),
  })
  .map(({ jobId, ...rest }) => task(jobId === undefined ? rest : { ...rest, jobId }));
const anyLimits = fc.uniqueArray(
  maybe<Pick<Required<StreamLimit>, "held">>({ held: fc.nat(3) }).chain((held) =>
    fc.record({
      bucket: fc.constantFrom("source", "source2", "nowhere"),
      destinationArn: anyDestination,
      atMost: fc.nat(3),
      ...Object.fromEntries(Object.entries(held).map(([name, value]) => [name, fc.constant(value)])),
    }),
  ),
  { maxLength: 3, selector: ({ bucket, destinationArn }) => `${bucket} ${destinationArn}` },
);
const anySelection = maybe<Pick<Required<Selection>, "bucket" | "prefix" | "state" | "jobId" | "failureCodes">>({
  bucket: fc.constantFrom("source", "source", "nowhere"),
  prefix: fc.constantFrom("a", "ab", ""),
  state: fc.constantFrom("waiting" as const, "parked" as const, "leased" as const),
  jobId: anyJob,
  failureCodes: fc.subarray(["A", "B"]),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), tasks: fc.array(anyTask, { maxLength: 5 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      limit: fc.integer({ min: 1, max: 4 }),
      sizes: anySizes,
      limits: anyLimits,
      leaseMs: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("complete" as const, "release" as const, "renew" as const),
      claim: anyClaim,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("retryLater" as const, "park" as const),
      claim: anyClaim,
      code: anyCode,
      afterMs: fc.nat(30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("redrive" as const),
      selection: anySelection,
      as: maybe<Required<RedriveAs>>({ origin: anyOrigin, jobId: anyJob }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { do: fc.constant("note" as const), claim: anyClaim, text: fc.constantFrom("", "half way") },
      { requiredKeys: ["do", "claim"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hurry" as const), destinationArn: anyDestination }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("discard" as const), selection: anySelection }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
);

/** Does one step on both, and compares the answers. */
async function take(step: Step, model: Model, ledger: Ledger, claims: Claim[]): Promise<void> {
  switch (step.do) {
    case "add": {
      const known = new Set(model.rows.map((row) => row.id));
      const added = model.add(step.tasks);
      assert.deepEqual(await ledger.add(step.tasks), { added: added.length });
      const ids = (await listAll(ledger)).map((row) => row.id).filter((id) => !known.has(id));
      assert.equal(ids.length, added.length);
      for (const [index, id] of ids.toSorted((one, other) => one - other).entries()) {
        const row = added[index];
        assert.ok(row !== undefined && id > Math.max(0, ...known));
        row.id = id;
      }
      return;
    }
    case "claim": {
      const leaseUntilMs = model.nowMs + step.leaseMs;
      const { limit, limits, sizes } = step;
      assert.equal(await ledger.nextDueAtMs({ ...sizes, limits }), model.nextDueAtMs(sizes, limits));
      const expected = model.claim(limit, sizes, limits, leaseUntilMs);
      const request = { worker: "w", limit, limits, nowMs: model.nowMs, leaseUntilMs, ...sizes };
      const given = await ledger.claim(request);
      assert.deepEqual(
        given.map((claim) => claim.task),
        expected.map(shown),
      );
      for (const claim of given) {
        assert.ok(claims.every((old) => old.task.id !== claim.task.id || old.fence < claim.fence));
        const row = model.rows.find((one) => one.id === claim.task.id);
        assert.ok(row);
        row.fence = claim.fence;
        claims.unshift(claim);
      }
      return;
    }
    case "redrive": {
      const redriven = model.redrive(step.selection, step.as);
      assert.deepEqual(await ledger.redrive(step.selection, model.nowMs, step.as), { redriven });
      return;
    }
    case "hurry": {
      const stream = { bucket: "source", destinationArn: step.destinationArn };
      assert.deepEqual(await ledger.hurry(stream, model.nowMs), { hurried: model.hurry(step.destinationArn) });
      return;
    }
    case "discard":
      assert.deepEqual(await ledger.discard(step.selection), { discarded: model.discard(step.selection) });
      return;
    case "wait":
      model.nowMs += step.ms;
      return;
    case "reopen":
      return;
    case "complete":
    case "release":
    case "renew":
    case "note":
    case "retryLater":
    case "park": {
      const claim = claims[step.claim];
      if (claim !== undefined) await end(step, claim, model, ledger);
    }
  }
}

type Ending = Extract<Step, { readonly claim: number }>;

async function end(step: Ending, claim: Claim, model: Model, ledger: Ledger): Promise<void> {
  const row = model.held(claim);
  const isHeld = row !== undefined;
  switch (step.do) {
    case "complete":
      if (isHeld) model.complete(row, 7, model.nowMs);
      assert.equal(await ledger.complete(claim, { startedAtMs: 0, endedAtMs: model.nowMs, bytes: 7 }), isHeld);
      return;
    case "release":
      if (isHeld) model.put(row, "waiting");
      await ledger.release([claim]);
      return;
    case "renew":
      if (isHeld) row.lease = { worker: "w", untilMs: model.nowMs + 20 };
      assert.deepEqual(await ledger.renew([claim], model.nowMs + 20), { lost: isHeld ? [] : [claim.task.id] });
      return;
    case "note":
      if (isHeld) {
        delete row.note;
        if (step.text !== undefined) row.note = step.text;
      }
      assert.equal(await ledger.note(claim, step.text), isHeld);
      return;
    case "retryLater":
      if (isHeld) {
        model.fail(row, "waiting", step.code);
        row.nextTryAtMs = model.nowMs + step.afterMs;
      }
      assert.equal(await ledger.retryLater(claim, failedAttempt(step.code), model.nowMs + step.afterMs), isHeld);
      return;
    case "park":
      if (isHeld) model.fail(row, "parked", step.code);
      assert.equal(await ledger.park(claim, failedAttempt(step.code)), isHeld);
  }
}

/** A row of the model as the port shows it. */
function shown({ position: _position, fence: _fence, ...row }: ModelRow): TaskRow {
  return row;
}

async function compare(model: Model, ledger: Ledger): Promise<void> {
  const byAge = (one: TaskRow, other: TaskRow): number => one.writtenAtMs - other.writtenAtMs || one.id - other.id;
  assert.deepEqual(await listAll(ledger), model.rows.map(shown).toSorted(byAge));
  assert.deepEqual((await ledger.counts()).map(countInShort).sort(), model.counts());
  await compareTallies(model, ledger);
  for (const sizes of [{}, { sizeAtMostBytes: 2 ** 20 }, { sizeOverBytes: 2 ** 20 }]) {
    assert.equal(await ledger.nextDueAtMs(sizes), model.nextDueAtMs(sizes, []));
  }
  for (const { id } of model.rows) {
    assert.deepEqual(await ledger.standing(id, model.nowMs), model.standing(id));
  }
  for (const id of JOBS) {
    const job = await ledger.job(id);
    const { open, completed, failed } = job ?? assert.fail();
    assert.deepEqual({ open, completed, failed }, { open: model.openOf(id), ...model.jobs.get(id) });
  }
}

async function compareTallies(model: Model, ledger: Ledger): Promise<void> {
  const { lags, failures } = await ledger.tallies();
  const classOf = (lagMs: number) => LAG_BOUNDS_MS.filter((bound) => bound < lagMs).length;
  const classesOf = (all: readonly number[]) =>
    [...LAG_BOUNDS_MS, 0].map((_, place) => all.filter((lagMs) => classOf(lagMs) === place).length);
  const sumOf = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0);
  assert.deepEqual(
    lags.map((one) => `${one.bucket} ${one.ruleId} ${one.destinationArn} ${one.tasks.join(" ")} ${one.sumMs}`).sort(),
    [...model.lags].map(([kind, all]) => `${kind} ${classesOf(all).join(" ")} ${sumOf(all)}`).sort(),
  );
  assert.deepEqual(
    failures
      .map(
        (one) =>
          `${one.bucket} ${one.ruleId} ${one.destinationArn} ${one.operation} ${one.failureCode} ${one.isFinal} ${one.attempts}`,
      )
      .sort(),
    [...model.failures].map(([tally, attempts]) => `${tally} ${attempts}`).sort(),
  );
}

export function testAgainstModel(open: OpenLedger): void {
  describe("a model", () => {
    it("answers like the ledger, whatever is asked of both", async () => {
      const sample = await open();
      const runs = sample.reopen === undefined ? RUNS.inMemory : RUNS.onDisk;
      await sample.close();
      const property = fc.asyncProperty(fc.array(anyStep, { maxLength: STEPS_MAX, size: "max" }), async (steps) => {
        const opened = await open();
        let { ledger } = opened;
        const model = new Model();
        const claims: Claim[] = [];
        try {
          for (const id of JOBS) await ledger.addJob(job({ id }));
          for (const step of steps) {
            if (step.do === "reopen" && opened.reopen !== undefined) ledger = await opened.reopen();
            await take(step, model, ledger, claims);
            await compare(model, ledger);
          }
        } finally {
          await opened.close();
        }
      });
      await fc.assert(property, { numRuns: runs });
    });
  });
}
