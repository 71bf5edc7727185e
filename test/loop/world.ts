/**
 * A world of its own for one case: a lab in memory behind a socket, the engine, its console, and the doctor of the
 * command line, all in this process and under one clock. `standard.ts` furnishes it.
 */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { acrossAccounts } from "../../src/cli/accounts.ts";
import { type Connection, openConnection } from "../../src/cli/connection.ts";
import { ConsoleClient } from "../../src/cli/console-client.ts";
import type { Context } from "../../src/cli/context.ts";
import { scan, scanKey } from "../../src/cli/diagnosis/scan.ts";
import * as fixing from "../../src/cli/fix/fixing.ts";
import { startConsole } from "../../src/console/server.ts";
import { type Alike, Examination } from "../../src/core/diagnose/diagnose.ts";
import { explainVersion, type VersionExplanation } from "../../src/core/diagnose/explain-version.ts";
import type { Setup } from "../../src/core/diagnose/facts.ts";
import type { Diagnosis, Patch } from "../../src/core/diagnose/report.ts";
import type { Credentials } from "../../src/core/model.ts";
import type { Proof } from "../../src/doctor/prove.ts";
import { parseSnapshot, type Snapshot, snapshotOf } from "../../src/doctor/snapshot.ts";
import { masked } from "../../src/doctor/snapshot-mask.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { ResyncProgress, ResyncRequest } from "../../src/engine/resync/model.ts";
import { type Lab, openLab } from "../../src/lab/lab.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { LoopClock } from "./clock.ts";
import { Events, tellingFeed, tellingLedger } from "./events.ts";
import { LoopSites } from "./sites.ts";

export const ACCOUNT = "111122223333";
export const OTHER_ACCOUNT = "444455556666";
export const SOURCE_REGION = "us-east-1";
export const REPLICA_REGION = "eu-west-1";

/** Nothing that a world waits for takes longer, however busy the machine is. */
const PATIENCE_MS = 60_000;
const STOP_GRACE_MS = 5000;
const TOKEN = "loop";

interface Parts {
  readonly clock: LoopClock;
  readonly lab: Lab;
  readonly endpoint: string;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly sites: LoopSites;
  readonly console: ConsoleClient;
  readonly consoleUrl: string;
  readonly events: Events;
  readonly stateDir: string;
}

export class World {
  readonly clock: LoopClock;
  readonly lab: Lab;
  readonly endpoint: string;
  readonly ledger: Ledger;
  readonly sites: LoopSites;
  /** What was diagnosed last. */
  said: Diagnosis | undefined;
  readonly #parts: Parts;
  readonly #closing: (() => Promise<unknown>)[];
  readonly #context: Context;
  readonly #connections = new Map<string, Promise<Connection>>();

  private constructor(parts: Parts, closing: (() => Promise<unknown>)[]) {
    const { clock, lab, endpoint, ledger, sites, stateDir } = parts;
    this.clock = clock;
    this.lab = lab;
    this.endpoint = endpoint;
    this.ledger = ledger;
    this.sites = sites;
    this.#parts = parts;
    this.#closing = closing;
    const stream = new PassThrough();
    this.#context = {
      environment: { LOCKSTEP_STATE_DIR: stateDir },
      clock: () => clock.nowMs(),
      stderr: stream,
      stdout: stream,
      workingDirectory: stateDir,
      interrupted: new AbortController().signal,
      onHangup: () => () => undefined,
    };
  }

  /** @param stateDir where `fix` keeps what it applied */
  static async make(stateDir: string): Promise<World> {
    const clock = new LoopClock();
    const now = () => clock.nowMs();
    const events = new Events();
    const lab = await openLab({
      clock: now,
      adminToken: TOKEN,
      runsJobs: false,
      onFault: (error) => {
        throw error;
      },
    });
    const server = await lab.listen({ port: 0 });
    const endpoint = `http://${server.host}:${server.port}`;
    const ledger = tellingLedger(openSqliteLedger({ path: ":memory:" }), events);
    const sites = new LoopSites(lab, endpoint, now);
    const feed = tellingFeed(lab, events);
    const engine = new Engine({
      name: "loop",
      ledger,
      feed,
      sites,
      clock,
      onBroken: (error) => {
        throw error;
      },
    });
    engine.start();
    const replications = { list: async () => [], find: async () => undefined };
    const about = { version: "0.0.0", mode: "up" as const };
    const parts = { engine, ledger, replications, clock: now, token: TOKEN, about };
    const served = await startConsole({ ...parts, host: "127.0.0.1", port: 0 });
    const closing = [
      () => lab.close(),
      () => ledger.close(),
      () => sites.close(),
      () => engine.stop(STOP_GRACE_MS),
      () => served.close(),
    ];
    const console = new ConsoleClient(served.url, TOKEN);
    return new World(
      { clock, lab, endpoint, ledger, engine, sites, console, consoleUrl: served.url, events, stateDir },
      closing,
    );
  }

  /** The variables that `lockstep env` would print. */
  async environment(accountId = ACCOUNT): Promise<Readonly<Record<string, string>>> {
    const { accessKeyId, secretAccessKey } = await this.credentials(accountId);
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: SOURCE_REGION,
      LOCKSTEP_CONSOLE_URL: this.#parts.consoleUrl,
      LOCKSTEP_CONSOLE_TOKEN: TOKEN,
    };
  }

  /** Orders something of the lab by one of its own calls. @param path under `/_lockstep/` */
  async order(method: "PUT" | "POST" | "DELETE", path: string, what?: object): Promise<void> {
    const answer = await fetch(`${this.endpoint}/_lockstep/${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(what === undefined ? {} : { body: JSON.stringify(what) }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }

  /** Called when the world is closed, the latest first. */
  onClose(close: () => Promise<unknown>): void {
    this.#closing.push(close);
  }

  async close(): Promise<void> {
    for (const one of this.#closing.toReversed()) await one();
  }

  /** Root credentials of an account. */
  credentials(accountId: string): Promise<Credentials> {
    return this.lab.account(accountId);
  }

  /** Waits until nothing is under way, and nothing waits but for a later try. */
  async settle(): Promise<void> {
    const { events } = this.#parts;
    const patience = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const seen = events.count;
      if (await this.#isSettled()) return;
      await events.after(seen, patience).catch(async (cause: unknown) => {
        throw new Error(`the engine does not come to rest:\n${await this.story()}`, { cause });
      });
    }
  }

  async #isSettled(): Promise<boolean> {
    // A feed of its own sees everything that is not in the ledger yet.
    if ((await this.lab.openChanges().take(1)).length > 0) return false;
    const counts = await this.ledger.counts();
    if (counts.some((one) => one.state === "leased")) return false;
    const dueAtMs = await this.ledger.nextDueAtMs();
    return dueAtMs === undefined || dueAtMs > this.clock.nowMs();
  }

  /** Puts the clock forward to the next try of what waits, until nothing waits any more. */
  async settleRetries(): Promise<void> {
    for (let round = 0; round < RETRIES_MAX; round++) {
      await this.settle();
      const dueAtMs = await this.ledger.nextDueAtMs();
      if (dueAtMs === undefined) return;
      this.clock.pass(Math.max(0, dueAtMs - this.clock.nowMs()) + 1);
    }
    assert.fail(`it is tried again and again:\n${await this.story()}`);
  }

  /** The JSON that `lockstep diagnose s3://BUCKET --json` prints. */
  async diagnose(bucket = SOURCE): Promise<Diagnosis> {
    const { diagnosis, setup, alike } = await scan(await this.doctor(), { bucket }, this.#context);
    assertSnapshotSays(diagnosis, setup, alike);
    this.said = JSON.parse(JSON.stringify(diagnosis)) as Diagnosis;
    return this.said;
  }

  /** What `lockstep diagnose s3://BUCKET/KEY` says of the key's versions. */
  async explain(bucket: string, key: string): Promise<readonly VersionExplanation[]> {
    const { facts } = await scanKey(await this.doctor(), { bucket, key }, this.#context);
    return facts.versions.map((one) => explainVersion(facts, one));
  }

  /** What `lockstep fix s3://BUCKET --apply` does, with `--cause` where one is named; returns what was applied. */
  async fixAll(bucket = SOURCE, cause?: string): Promise<readonly Patch[]> {
    const doctor = await this.doctor();
    const plan = fixing.planOf(await scan(doctor, { bucket }, this.#context), cause);
    await fixing.apply(doctor, plan, this.#context, { yes: true });
    return plan.patches;
  }

  /** What `lockstep fix s3://BUCKET --prove` finds. */
  async prove(bucket = SOURCE, cause?: string): Promise<Proof> {
    const plan = fixing.planOf(await scan(await this.doctor(), { bucket }, this.#context), cause);
    return await fixing.proofOf(plan, this.#context);
  }

  /** What `lockstep resync s3://BUCKET` asks the engine for; returns when every version is done or waits for a later try. */
  async resync(request: Partial<ResyncRequest> = {}): Promise<ResyncProgress> {
    const { engine, console } = this.#parts;
    const whole = { bucket: SOURCE, failed: true, untried: true, dryRun: false, ...request };
    const { id } = await console.startResync(whole);
    const deadline = Date.now() + PATIENCE_MS;
    while (isListing(await engine.resync.progress(id))) {
      assert.ok(Date.now() < deadline, "the resync never ends its listing");
      await new Promise(setImmediate);
    }
    await this.settle();
    const progress = await engine.resync.progress(id);
    assert.ok(progress !== undefined);
    assert.notEqual(progress.state, "broken", progress.error);
    return progress;
  }

  /** The doctor's surroundings: across both accounts where the world has two. */
  async doctor(): Promise<Connection> {
    const first = await this.#connectionOf(ACCOUNT, SOURCE_REGION);
    if (this.lab.bucket(REPLICA)?.account !== OTHER_ACCOUNT && !this.isAcrossAccounts) return first;
    return acrossAccounts(first, [await this.#connectionOf(OTHER_ACCOUNT, REPLICA_REGION)]);
  }

  /** Whether the destination belongs to the other account. */
  isAcrossAccounts = false;

  async #connectionOf(accountId: string, region: string): Promise<Connection> {
    const credentials = await this.credentials(accountId);
    const access = { endpoint: this.endpoint, region, credentials: async () => credentials };
    let connection = this.#connections.get(accountId);
    if (connection === undefined) {
      connection = openConnection(access, () => this.clock.nowMs(), this.#parts.console);
      this.#connections.set(accountId, connection);
      this.onClose(async () => (await connection)?.close());
    }
    return await connection;
  }

  /** What was said last and what the engine recorded: for messages of failures. */
  async story(): Promise<string> {
    const causes = this.said?.causes.map((one) => {
      const { code, class: kind, action, resource, confidence, affected, evidence, fix } = one;
      const says = evidence.map((piece) => `      ${piece.source}: ${piece.says}`);
      const patches = fix.patches.map((patch) => `      patch ${patch.target} ${patch.resource}`);
      const what = [code, kind, action, resource, confidence, `${affected.versions} versions`];
      return [`    ${what.filter((part) => part !== undefined).join(" · ")}`, ...says, ...patches].join("\n");
    });
    const unexplained = this.said?.unexplained.map((one) => `    ${one.key}, ${one.status}: not known: ${one.missing}`);
    const { tasks } = await this.ledger.list({}, { limit: 1000 });
    const recorded = tasks.map((one) => {
      const { code, step, httpStatus, errorCode, message } = one.failure ?? {};
      const answer = `${step ?? "-"}: ${httpStatus ?? "-"} ${errorCode ?? "-"} ${message ?? ""}`;
      return `    ${one.version.key} ${one.operation} ${one.state} ${code ?? "-"} at ${answer}`;
    });
    return [
      `  diagnose said: ${JSON.stringify(this.said?.scanned)}`,
      ...(causes ?? []),
      ...(unexplained ?? []),
      "  the engine recorded:",
      ...recorded,
    ].join("\n");
  }
}

/** A snapshot is diagnosed as the bucket is; a masked one has the same causes, and nothing in it that was masked. */
function assertSnapshotSays(diagnosis: Diagnosis, setup: Setup, alike: readonly Alike[]): void {
  const caller = { accountId: ACCOUNT, endpoint: "http://127.0.0.1" };
  const taken = snapshotOf({ caller, setup, alike });
  assert.deepEqual(diagnosisOf(taken), diagnosis, "what a snapshot of it says");
  const shown = masked(taken, new Set(["accounts", "keys"] as const), "loop");
  assert.deepEqual(gistOf(diagnosisOf(shown)), gistOf(diagnosis), "what a masked snapshot of it says");
  const text = JSON.stringify(shown);
  for (const account of [ACCOUNT, OTHER_ACCOUNT]) assert.ok(!text.includes(account), `${account} is in it`);
}

function diagnosisOf(snapshot: Snapshot): Diagnosis {
  const read = parseSnapshot(JSON.stringify(snapshot), "loop");
  const examination = new Examination(read.setup);
  for (const one of read.alike) examination.add(one.version, one);
  return examination.explained().diagnosis;
}

function gistOf({ scanned, causes, unexplained, notes }: Diagnosis): unknown {
  const told = causes.map((one) => {
    const patches = one.fix.patches.map((patch) => patch.target).sort();
    return { code: one.code, confidence: one.confidence, versions: one.affected.versions, action: one.action, patches };
  });
  const named = told.map((one) => JSON.stringify(one)).sort();
  return { scanned, causes: named, unexplained: unexplained.length, notes: notes.map((one) => one.kind) };
}

export const SOURCE = "loop-source";
export const REPLICA = "loop-replica";
const RETRIES_MAX = 20;

function isListing(progress: ResyncProgress | undefined): boolean {
  return progress?.state === "running" && progress.stage === "listing";
}
