/**
 * Traces of what an engine tries, by OpenTelemetry: one trace for a version and a destination, one span for each try. They
 * are sent in OTLP over HTTP, in batches, and what a receiver does not take is left out: a trace is told of, the ledger keeps
 * the record.
 *
 * The trace's id is made of what is copied to where. So tries of several engines, and those after a restart, come together,
 * and each trace is sent whole or not at all, but for failures, which are always sent.
 */
import { createHash, randomBytes } from "node:crypto";
import { type Attributes, type HrTime, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { TaskFailure, TaskRow } from "../ledger/ledger.ts";

export interface TracingSettings {
  /** Where spans are posted to, with its path: `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string;
  /** Of each request, besides those of OTLP. */
  readonly headers: Readonly<Record<string, string>>;
  /** 0..1: of so many versions the tries that succeeded are sent. */
  readonly sample: number;
}

/** A try of a task that is over. */
export interface Tried {
  readonly task: TaskRow;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Bytes that were sent, where it succeeded. */
  readonly bytes?: number;
  readonly failure?: TaskFailure;
}

export interface TracingOptions {
  readonly settings: TracingSettings;
  /** Tells the engines of one ledger apart. */
  readonly instance: string;
  readonly version: string;
  /** Told when the receiver takes no more, and when it does so again. */
  readonly onTrouble: (says: string) => void;
}

/** What waits to be sent at most, some 16 MiB: newer spans are left out. */
const WAITING_MAX = 16_384;
const SEND_EVERY_MS = 1_000;
/** A receiver that does not answer holds up the end of the process for so long. */
const SEND_MS_MAX = 5_000;

export class Tracing {
  readonly #settings: TracingSettings;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  /** Of the span that is being made. */
  #traceId = "";

  constructor({ settings, instance, version, onTrouble }: TracingOptions) {
    const { endpoint, headers } = settings;
    this.#settings = settings;
    const exporter = new OTLPTraceExporter({ url: endpoint, headers: { ...headers }, timeoutMillis: SEND_MS_MAX });
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({
        "service.name": "lockstep",
        "service.version": version,
        "service.instance.id": instance,
      }),
      idGenerator: { generateTraceId: () => this.#traceId, generateSpanId: () => randomBytes(8).toString("hex") },
      spanProcessors: [
        new BatchSpanProcessor(telling(exporter, new URL(endpoint).host, onTrouble), {
          maxQueueSize: WAITING_MAX,
          scheduledDelayMillis: SEND_EVERY_MS,
          exportTimeoutMillis: SEND_MS_MAX,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("lockstep", version);
  }

  /** Takes a try into a trace; never waits and never throws. */
  tried(tried: Tried): void {
    const { task, startedAtMs, endedAtMs, failure } = tried;
    const traceId = traceIdOf(task);
    if (failure === undefined && shareOf(traceId) >= this.#settings.sample) return;
    this.#traceId = traceId;
    const options = {
      kind: SpanKind.INTERNAL,
      root: true,
      startTime: timeOf(startedAtMs),
      attributes: attributesOf(tried),
    };
    const span = this.#tracer.startSpan(`replicate ${task.operation}`, options, ROOT_CONTEXT);
    span.setStatus(
      failure === undefined
        ? { code: SpanStatusCode.OK }
        : { code: SpanStatusCode.ERROR, message: `${failure.code}: ${failure.message}` },
    );
    span.end(timeOf(endedAtMs));
  }

  /** Sends what waits; after some seconds it is left out. */
  async close(): Promise<void> {
    // What could not be sent has been told.
    await this.#provider.shutdown().catch(() => undefined);
  }
}

/** The same for every try of a version at a destination; 32 hexadecimal digits. */
export function traceIdOf({ version, destinationArn, operation }: TaskRow): string {
  const what = [version.bucket, version.key, version.versionId, destinationArn, operation];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 32);
}

/** 0..1, evenly spread over traces. */
function shareOf(traceId: string): number {
  return Number.parseInt(traceId.slice(-8), 16) / 2 ** 32;
}

/** In the words of OpenTelemetry's conventions where there are such, of ours elsewhere. */
function attributesOf({ task, startedAtMs, endedAtMs, bytes, failure }: Tried): Attributes {
  const { version, destinationArn, ruleId, operation, origin, attempts, redrives, sizeBytes, writtenAtMs } = task;
  return {
    "aws.s3.bucket": version.bucket,
    "aws.s3.key": version.key,
    "lockstep.version_id": version.versionId,
    "lockstep.destination": destinationArn,
    "lockstep.rule": ruleId,
    "lockstep.operation": operation,
    "lockstep.origin": origin,
    "lockstep.attempt": attempts + 1,
    "lockstep.redrives": redrives,
    "lockstep.size_bytes": sizeBytes,
    "lockstep.waited_ms": startedAtMs - writtenAtMs,
    "lockstep.lag_ms": endedAtMs - writtenAtMs,
    "lockstep.sent_bytes": bytes,
    ...(failure === undefined
      ? {}
      : {
          "error.type": failure.code,
          "lockstep.step": failure.step,
          "lockstep.error_code": failure.errorCode,
          "http.response.status_code": failure.httpStatus,
          "lockstep.source_request_id": failure.sourceRequestId,
          "lockstep.destination_request_id": failure.destinationRequestId,
        }),
  };
}

/** A number would be taken for one of this process's own clock. */
function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/** Tells once that sending fails, and once that it goes on. */
function telling(exporter: SpanExporter, host: string, tell: (says: string) => void): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const fails = result.code !== 0;
        if (fails && !isAway) {
          const why = result.error?.message ?? "no reason given";
          tell(`traces are not taken by ${host} (${why}): they are left out until it takes them`);
        }
        if (!fails && isAway) tell(`traces are taken by ${host} again`);
        isAway = fails;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush === undefined ? {} : { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}
