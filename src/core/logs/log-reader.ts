/**
 * Reads logs, of either kind and in any order, into failures by cause. What cannot be understood is counted and shown; it
 * never stops the reading. Memory is bounded, whatever the logs hold.
 */

import { REPLICATION_SESSION } from "../plan.ts";
import { AccessLine, logTimeMs } from "./access-line.ts";
import { type Change, changeOf } from "./change.ts";
import { LineSplitter } from "./line-splitter.ts";
import { callOfLine, callOfLogName, callOfRecord, hasFailed, type LogCall, REPLICATION_REQUESTER } from "./log-call.ts";
import { detached, LogCauses } from "./log-causes.ts";
import type { LogReport, LogsRead } from "./log-report.ts";
import { WINDOW_MS } from "./onset.ts";
import { RecordSplitter } from "./record-splitter.ts";
import { readTrailText, type TrailRecord } from "./trail-record.ts";

export interface LogScope {
  /** Both ends included. Changes are read from a day earlier on. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly bucket?: string;
}

/** Text of one file, in chunks. */
export interface LogSink {
  push(text: string): void;
  end(): void;
}

const BAD_SAMPLES_MAX = 5;
const BAD_LENGTH_MAX = 200;
const CHANGES_MAX = 50_000;
/** Ids of failed calls that are remembered, to tell a second mention; twice as many at the most. */
const REMEMBERED_MAX = 100_000;

export class LogReader {
  readonly #sinceMs: number;
  readonly #untilMs: number;
  readonly #bucket: string | undefined;
  readonly #isBounded: boolean;
  readonly #causes = new LogCauses();
  readonly #changes: Change[] = [];
  readonly #line = new AccessLine();
  readonly #counts = {
    lines: 0,
    records: 0,
    replicationCalls: 0,
    replicationFailures: 0,
    duplicates: 0,
    outside: 0,
    bad: 0,
  };
  readonly #badSamples: { readonly in: string; readonly text: string }[] = [];
  #changesLeftOut = 0;
  #lastTime = "";
  #lastMs: number | undefined;
  #known = new Set<string>();
  #knownBefore = new Set<string>();

  constructor({ sinceMs, untilMs, bucket }: LogScope = {}) {
    this.#sinceMs = sinceMs ?? Number.NEGATIVE_INFINITY;
    this.#untilMs = untilMs ?? Number.POSITIVE_INFINITY;
    this.#bucket = bucket;
    this.#isBounded = sinceMs !== undefined || untilMs !== undefined;
  }

  /** @param name of the file, for what cannot be understood */
  accessLog(name: string): LogSink {
    return new LineSplitter(
      (line) => this.#readLine(line, name),
      (beginning) => this.#isBad(beginning, name),
    );
  }

  cloudTrail(name: string): LogSink {
    return new RecordSplitter(
      (text) => this.#readRecord(text, name),
      (beginning) => this.#isBad(beginning, name),
    );
  }

  /** Events from elsewhere: LookupEvents answers them one by one. */
  event(text: string): void {
    this.#readRecord(text, "LookupEvents");
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  report(): LogReport {
    const read: LogsRead = { ...this.#counts, badSamples: this.#badSamples };
    return {
      read,
      causes: this.#causes.causes(this.#changes),
      others: this.#causes.others(),
      leftOut: { ...this.#causes.leftOut, changes: this.#changesLeftOut },
    };
  }

  #readLine(text: string, name: string): void {
    const line = this.#line;
    this.#counts.lines++;
    if (!line.read(text)) {
      this.#isBad(text, name);
      return;
    }
    const isReplication = line.requesterEndsWith(REPLICATION_REQUESTER);
    const isFailure = line.status >= 400;
    // Nearly all lines end here: what others do and what goes well says nothing.
    if (!isReplication && !isFailure && !this.#isBounded && this.#bucket === undefined) return;
    const atMs = this.#timeOf(line);
    if (atMs === undefined) {
      this.#isBad(text, name);
      return;
    }
    if (!this.#isAsked(atMs, line.bucket)) {
      this.#counts.outside++;
      return;
    }
    if (isFailure) {
      this.#take(callOfLine(line, atMs));
      return;
    }
    if (!isReplication || line.status === 0) return;
    const operation = callOfLogName(line.operation);
    if (operation === undefined) return;
    this.#counts.replicationCalls++;
    this.#causes.succeeded(line.bucket, operation, line.requester, atMs);
  }

  /** Lines of one second come together. */
  #timeOf({ time }: AccessLine): number | undefined {
    if (time !== this.#lastTime) {
      this.#lastTime = time;
      this.#lastMs = logTimeMs(time);
    }
    return this.#lastMs;
  }

  #readRecord(text: string, name: string): void {
    this.#counts.records++;
    if (saysNothing(text)) return;
    const record = readTrailText(text);
    if (record === undefined) {
      this.#isBad(text, name);
      return;
    }
    const change = changeOf(record);
    if (change !== undefined) {
      this.#keepChange(record, change);
      return;
    }
    const call = callOfRecord(record);
    if (call === undefined) return;
    if (!this.#isAsked(call.atMs, call.bucket)) {
      this.#counts.outside++;
      return;
    }
    if (record.errorCode !== undefined) {
      this.#take(call);
      return;
    }
    if (call.step === undefined) return;
    this.#counts.replicationCalls++;
    this.#causes.succeeded(call.bucket, call.operation, call.principal, call.atMs);
  }

  /** Calls to roles and keys name no bucket. */
  #isAsked(atMs: number, bucket: string): boolean {
    if (this.#bucket !== undefined && bucket !== "" && bucket !== this.#bucket) return false;
    return atMs >= this.#sinceMs && atMs <= this.#untilMs;
  }

  #take(call: LogCall): void {
    const isReplication = call.step !== undefined;
    if (isReplication) this.#counts.replicationCalls++;
    if (!hasFailed(call)) return;
    if (this.#isKnown(call)) {
      this.#counts.duplicates++;
      if (isReplication) this.#counts.replicationCalls--;
      return;
    }
    if (isReplication) this.#counts.replicationFailures++;
    this.#causes.failed(call);
  }

  #isKnown({ requestId, key }: LogCall): boolean {
    if (requestId === "" || requestId === "-") return false;
    const id = `${requestId} ${key ?? ""}`;
    if (this.#known.has(id) || this.#knownBefore.has(id)) return true;
    if (this.#known.size >= REMEMBERED_MAX) {
      this.#knownBefore = this.#known;
      this.#known = new Set();
    }
    this.#known.add(detached(id));
    return false;
  }

  #keepChange({ atMs }: TrailRecord, change: Change): void {
    if (atMs < this.#sinceMs - WINDOW_MS || atMs > this.#untilMs) return;
    if (this.#changes.length < CHANGES_MAX) this.#changes.push(change);
    else this.#changesLeftOut++;
  }

  #isBad(text: string, name: string): void {
    this.#counts.bad++;
    if (this.#badSamples.length >= BAD_SAMPLES_MAX) return;
    this.#badSamples.push({ in: name, text: detached(text.slice(0, BAD_LENGTH_MAX)) });
  }
}

/** Nearly all records of a busy trail: data events of others that went well. Told without parsing them. */
function saysNothing(text: string): boolean {
  return text.includes('"managementEvent":false') && !text.includes("errorCode") && !text.includes(REPLICATION_SESSION);
}
