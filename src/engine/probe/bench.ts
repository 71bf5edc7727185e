/**
 * What the phases of a probe work with: the store, under their eyes; the list of checks; and what has been found out.
 *
 * Everything written through it is remembered, so that it can be removed even where listing is refused.
 */

import type { FailureCode } from "../../core/failures/catalogue.ts";
import { classify } from "../../core/failures/classify.ts";
import { BODY_WRITES, METADATA_WRITES, type StepName } from "../../core/plan.ts";
import type { Capabilities } from "../../s3/capabilities.ts";
import { S3Error } from "../../s3/errors.ts";
import type { BucketSettings } from "../../s3/settings.ts";
import type { PutRequest, Store, UploadRef, WriteRequest } from "../../s3/store.ts";
import { CHECKS, type Check, type CheckCode, type CheckId, type RawAnswer } from "./model.ts";

/** Thrown between two calls when the caller wants the probe to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export interface BenchOptions {
  readonly store: Store;
  readonly settings: BucketSettings;
  readonly bucket: string;
  readonly prefix: string;
  readonly nowMs: () => number;
  readonly signal?: AbortSignal;
}

export interface WrittenRef {
  readonly key: string;
  readonly versionId: string | undefined;
}

export class Bench {
  readonly bucket: string;
  readonly prefix: string;
  readonly settings: BucketSettings;
  readonly store: Store;
  readonly nowMs: () => number;
  readonly found: { -readonly [Name in keyof Capabilities]?: Capabilities[Name] } = {};
  /** Versions and markers whose writing was answered, newest last. */
  readonly written: WrittenRef[] = [];
  readonly uploads: UploadRef[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #checks = new Map<CheckId, Check>();

  constructor(options: BenchOptions) {
    this.bucket = options.bucket;
    this.prefix = options.prefix;
    this.settings = options.settings;
    this.nowMs = options.nowMs;
    this.store = remembering(options.store, this);
    this.#signal = options.signal;
  }

  key(name: string): string {
    return this.prefix + name;
  }

  write(name: string, more: Partial<PutRequest> = {}): WriteRequest {
    return { bucket: this.bucket, key: this.key(name), contentHeaders: {}, userMetadata: {}, ...more };
  }

  /** Checks in the order of their phases. */
  get checks(): readonly Check[] {
    return (Object.keys(CHECKS) as CheckId[]).flatMap((id) => this.#checks.get(id) ?? []);
  }

  codeOf(id: CheckId): CheckCode | undefined {
    return this.#checks.get(id)?.code;
  }

  /** @param named what the engine would call it, where the answer does not tell */
  note(id: CheckId, code: CheckCode, says: string, error?: S3Error, named?: FailureCode): void {
    const failure = named ?? (error === undefined ? undefined : failureOf(error));
    this.#checks.set(id, {
      id,
      code,
      says,
      ...(failure === undefined ? {} : { failure }),
      ...(error === undefined ? {} : { answer: answerOf(error) }),
    });
    if (failure === "DstQuotaExceeded" || failure === "DstStorageFull") {
      this.#checks.set("quota.room", {
        id: "quota.room",
        code: "refused",
        says: "the store has no room left",
        failure,
      });
    }
  }

  /** Notes that an error came where none should have. */
  noteError(id: CheckId, what: string, error: S3Error): void {
    const code = codeOfError(error);
    const why = {
      refused: "the caller may not",
      absent: "the store does not have it",
      broken: "the answer is not usable",
    };
    this.note(id, code, `${what}: ${why[code]}`, error);
  }

  /**
   * Does something that should work. An error of the store becomes the check's code, and the answer is undefined.
   *
   * Calls that are under way are never cut short: what became of a write would not be known.
   */
  async attempt<Result>(id: CheckId, what: string, deed: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await this.run(deed);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      this.noteError(id, what, error);
      return undefined;
    }
  }

  /** Does something whose refusal is of interest: tells the error, or undefined. */
  async refusal(deed: () => Promise<unknown>): Promise<S3Error | undefined> {
    try {
      await this.run(deed);
      return undefined;
    } catch (error) {
      if (error instanceof S3Error) return error;
      throw error;
    }
  }

  async run<Result>(deed: () => Promise<Result>): Promise<Result> {
    if (this.#signal?.aborted === true) throw new Interrupted("the probe was interrupted");
    return await deed();
  }
}

/** 5xx and silence say nothing about the store's abilities; a denial says something about the caller's only. */
export function codeOfError(error: S3Error): "refused" | "absent" | "broken" {
  const { status } = error;
  if (status === undefined) return "broken";
  if (status === 401 || status === 403 || status === 507) return "refused";
  if (status === 408 || status === 429 || (status >= 500 && status !== 501)) return "broken";
  return "absent";
}

const STEPS = { ...BODY_WRITES, ...METADATA_WRITES };

/** What the engine would call it. Reads at the destination are no steps of a replication: most have no name. */
export function failureOf(error: S3Error): FailureCode | undefined {
  if (error.fields.network === "protocol") return undefined;
  const found = (Object.keys(STEPS) as (keyof typeof STEPS)[]).find(
    (name) => STEPS[name].call === error.fields.operation,
  );
  const name: StepName = found ?? "writeReplica";
  const deniedCode: FailureCode = found === undefined ? "UnknownAnswer" : STEPS[found].deniedCode;
  const isAbsence = found === undefined && error.status === 404 && error.code !== "NoSuchBucket";
  const failure = isAbsence ? "UnknownAnswer" : classify({ name, side: "destination", deniedCode }, error.fields);
  return failure === "UnknownAnswer" ? undefined : failure;
}

function answerOf(error: S3Error): RawAnswer {
  const { operation, status, code, network, requestId } = error.fields;
  return {
    operation,
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(network === undefined ? {} : { network }),
    ...(requestId === undefined ? {} : { requestId }),
    message: error.message,
  };
}

/** `AccessDenied (403)`, or what the network did. */
export function answerWords({ status, code, fields }: S3Error): string {
  if (status === undefined) return fields.network ?? "no answer";
  return code === undefined ? `status ${status}` : `${code} (${status})`;
}

function remembering(store: Store, bench: Pick<Bench, "written" | "uploads">): Store {
  return {
    ...store,
    putObject: async (request, options) => {
      const reply = await store.putObject(request, options);
      bench.written.push({ key: request.key, versionId: reply.versionId });
      return reply;
    },
    deleteObject: async (request, options) => {
      const reply = await store.deleteObject(request, options);
      if (reply.isDeleteMarker && request.versionId === undefined) {
        bench.written.push({ key: request.key, versionId: reply.versionId });
      }
      return reply;
    },
    createMultipartUpload: async (request, options) => {
      const { uploadId } = await store.createMultipartUpload(request, options);
      bench.uploads.push({ bucket: request.bucket, key: request.key, uploadId });
      return { uploadId };
    },
    completeMultipartUpload: async (request, options) => {
      const reply = await store.completeMultipartUpload(request, options);
      bench.written.push({ key: request.key, versionId: reply.versionId });
      return reply;
    },
  };
}
