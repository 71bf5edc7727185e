/**
 * A call as it was answered: what server access logs and CloudTrail are written from. The server makes a record only of
 * calls that somebody asks for (`Recorders`), so nobody else pays for it.
 */
import type { Claim } from "./authenticate.ts";
import { isControlRequest } from "./batch/skin/skin.ts";
import { ANONYMOUS, type Caller, type ServiceAnswer, type ServiceError } from "./model.ts";
import type { IncomingBody } from "./s3/call.ts";
import type { DetectedOperation } from "./s3/skin/detect.ts";
import { detectOperation } from "./s3/skin/detect.ts";
import { resolveTarget } from "./s3/skin/resolve.ts";
import type { Wire } from "./wire-request.ts";

/** What a call of S3 is about. */
export interface S3Target {
  /** Undefined when S3 has no such operation. */
  readonly operation: DetectedOperation | undefined;
  /** "" when the request names none. */
  readonly bucket: string;
  readonly key: string;
}

export interface CallRecord {
  readonly wire: Wire;
  /** As in the scope of the signature; `s3control` for S3 Control, which signs as S3. */
  readonly service: string;
  /** Undefined for unsigned calls. */
  readonly claim: Claim | undefined;
  readonly remoteIp: string;
  /** Only of S3. */
  readonly target: S3Target | undefined;
  /** Whoever's signature was good; anonymous when none was. */
  caller: Caller;
  /** The body, where it is a document. */
  body: Uint8Array | undefined;
  /** What was refused. */
  error: ServiceError | undefined;
}

/** The end of a call. */
export interface CallEnd {
  readonly answer: ServiceAnswer;
  /** When the answer was ready, and when it was sent. */
  readonly readyMs: number;
  readonly sentMs: number;
}

export interface Recorder {
  /** Decides by what is known before the call is authenticated; asked for every call. */
  wants(call: Pick<CallRecord, "service" | "target">): boolean;
  /** Never throws. */
  record(record: CallRecord, end: CallEnd): void;
}

export interface Recorders {
  /** Undefined when nobody wants to know of the call. */
  begin(wire: Wire, claim: Claim | undefined, remoteIp: string): CallRecord | undefined;
  end(record: CallRecord, end: CallEnd): void;
}

const CONTROL_SERVICE = "s3control";

/** @param hostSuffixes as the skin of S3 has them */
export function createRecorders(recorders: readonly Recorder[], hostSuffixes: readonly string[]): Recorders {
  function targetOf({ method, rawPath, headers, query }: Wire): S3Target | undefined {
    try {
      const { bucket, key } = resolveTarget(headers["host"] ?? "", rawPath, hostSuffixes);
      let detected: { readonly operation: S3Target["operation"] } | undefined;
      return {
        bucket,
        key,
        // Most requests are for objects that nobody records, and then it is not asked for.
        get operation() {
          detected ??= { operation: detectOperation({ method, bucket, key, query, headers }) };
          return detected.operation;
        },
      };
    } catch {
      // A path that is no percent-encoding of UTF-8 names nothing.
      return undefined;
    }
  }

  return {
    begin(wire, claim, remoteIp) {
      const signedFor = claim?.scope.service ?? "s3";
      const isControl = signedFor === "s3" && isControlRequest(wire.rawPath, wire.headers);
      const service = isControl ? CONTROL_SERVICE : signedFor;
      const target = service === "s3" ? targetOf(wire) : undefined;
      const call = { service, target };
      if (!recorders.some((one) => one.wants(call))) return undefined;
      return { wire, ...call, claim, remoteIp, caller: ANONYMOUS, body: undefined, error: undefined };
    },
    end(record, end) {
      for (const one of recorders) if (one.wants(record)) one.record(record, end);
    },
  };
}

/** Keeps what is read at once of a body: documents are, bytes of objects may not be. */
export function keepingDocument(body: IncomingBody, record: CallRecord): IncomingBody {
  const { target } = record;
  if (target !== undefined && target.key !== "") return body;
  return {
    get sizeBytes() {
      return body.sizeBytes;
    },
    async bytes(bytesMax) {
      record.body = await body.bytes(bytesMax);
      return record.body;
    },
    stream: () => body.stream(),
    trailers: () => body.trailers(),
  };
}

/** How many bytes of an answer's body were sent. */
export function bytesSent({ answer: { status, headers, body } }: CallEnd, method: string): number {
  if (method === "HEAD" || status === 204 || status === 304 || body === undefined) return 0;
  if (typeof body === "string") return Buffer.byteLength(body);
  if (body instanceof Uint8Array) return body.length;
  return Number(headers?.["content-length"] ?? 0);
}
