/**
 * One try of one task on its way through the plan: what is known so far, and how stores are asked on its behalf.
 */
import { bucketOfArn } from "../core/arn.ts";
import { assert } from "../core/assert.ts";
import type { SkipReason } from "../core/eligibility.ts";
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { AccessControlList, Retention, Rule, Tag } from "../core/model.ts";
import type { Step } from "../core/plan.ts";
import type { TaskRow } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { partsOfEtag } from "../s3/etag.ts";
import type { Body, ObjectHead, ObjectReply, ReplicaIdentity, Store, UploadedPart, UploadRef } from "../s3/store.ts";
import type { Belonging } from "./belongings.ts";
import type { BucketTraits, Session, Sites } from "./ports.ts";

/** Bodies of more bytes are never held whole. */
export const BUFFER_MAX_BYTES = 8 * 1024 * 1024;

/** Grows from step to step. */
export interface Run {
  readonly task: TaskRow;
  readonly rule: Rule;
  readonly roleArn: string;
  readonly sites: Pick<Sites, "session">;
  readonly signal: AbortSignal;
  /** What is known of the buckets themselves. */
  readonly sourceTraits: BucketTraits;
  readonly destinationTraits: BucketTraits;
  session?: Session;
  /** What has been read of the source. */
  readonly source: SourceSeen;
  uploadId?: string;
  parts?: readonly UploadedPart[];
  /** Once it is written or found, where it may differ from the source's. */
  replicaVersionId?: string;
  sentBytes: number;
  /** What the replica lacks because its write was denied with it. */
  toBring?: readonly Belonging[];
  /** The replica was written, but without something that belongs to it: the task has failed all the same. */
  metadataFailure?: StepFailure;
  /** Nothing is to be written: no rule takes the version, now that it has been read. */
  unwanted?: SkipReason["reason"];
}

/** What was read of the source version, from step to step. */
export interface SourceSeen {
  head?: ObjectHead;
  bytes?: Uint8Array;
  body?: Body;
  tags?: readonly Tag[];
  acl?: AccessControlList;
  retention?: Retention | undefined;
  legalHold?: boolean;
  /** What describes the stored bytes of an SSE-C version. */
  seal?: string;
}

/** A store's answer, and the step that it ended. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
  readonly step: Step;
  readonly side: Step["side"];
  readonly deniedCode: FailureCode;
  readonly error: S3Error;

  constructor(step: Step, side: Step["side"], deniedCode: FailureCode, error: S3Error) {
    super(error.message, { cause: error });
    this.step = step;
    this.side = side;
    this.deniedCode = deniedCode;
    this.error = error;
  }
}

/** What the engine itself found wrong with what it read or wrote: no store refused anything. */
export class Discrepancy extends S3Error {
  readonly failureCode: FailureCode;

  constructor(failureCode: FailureCode, message: string, where: DiscrepancyPlace) {
    super(message, where);
    this.failureCode = failureCode;
  }
}

export interface DiscrepancyPlace {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
}

/** Waits for a store's answer to a step's call. */
export async function answered<T>(step: Step, answer: Promise<T>, as: Partial<AnsweredAs> = {}): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    throw new StepFailure(step, as.side ?? step.side, as.deniedCode ?? deniedCodeOf(step), error);
  }
}

interface AnsweredAs {
  readonly side: Step["side"];
  readonly deniedCode: FailureCode;
}

function deniedCodeOf(step: Step): FailureCode {
  return step.checks[0]?.deniedCode ?? "UnknownAnswer";
}

/**
 * Sends what the source has. Its body is closed whatever comes of it: a destination that refuses, or that is not there,
 * may not have begun to read it. A refusal of the source is the source's, whatever step it happens in.
 */
export async function sendSource<R>(
  run: Run,
  step: Step,
  send: (reply: ObjectReply) => Promise<R>,
  partNumber?: number,
): Promise<R> {
  const reply = await openSource(run, step, partNumber);
  try {
    return await send(reply);
  } finally {
    reply.body.cancel();
  }
}

async function openSource(run: Run, step: Step, partNumber?: number): Promise<ObjectReply> {
  const { version } = run.task;
  const sealed = run.source.seal === undefined ? {} : { sealed: true };
  const request = { ...version, ...sealed, ...(partNumber === undefined ? {} : { partNumber }) };
  const reply = await answered(step, sourceOf(run).getObject(request, run), READING);
  const { etag } = headOf(run);
  if (reply.head.etag === etag) return reply;
  reply.body.cancel();
  const message = `${version.bucket}/${version.key} had the ETag ${etag} when its copy began, and has ${reply.head.etag} now`;
  const error = new Discrepancy("SourceChanged", message, { operation: "GetObject", ...place(version) });
  throw new StepFailure(step, READING.side, READING.deniedCode, error);
}

function place({ bucket, key }: { readonly bucket: string; readonly key: string }) {
  return { bucket, key };
}

const READING = { side: "source", deniedCode: "SrcGetObjectNotPermitted" } as const;

/** Chunks on their way from the source to the destination. */
export interface Reading {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Waits for the write; when it fails because the reading did, the reading is to blame. */
  orBlame<T>(write: Promise<T>): Promise<T>;
}

/** Passes chunks on and remembers when it was the reading that failed. */
export function markReading(step: Step, chunks: AsyncIterable<Uint8Array>): Reading {
  let failure: StepFailure | undefined;
  async function* pass(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      if (error instanceof S3Error) failure = new StepFailure(step, READING.side, READING.deniedCode, error);
      throw error;
    }
  }
  return {
    chunks: pass(),
    orBlame: async (write) => {
      try {
        return await write;
      } catch (error) {
        throw failure ?? error;
      }
    },
  };
}

/** What makes the written version the source's own, for stores that listen to it. */
export function identityOf(run: Run, lastModifiedMs: number): { readonly replica?: ReplicaIdentity } {
  if (run.destinationTraits.mintsVersionIds === true) return {};
  const replica = {
    versionId: run.task.version.versionId,
    lastModifiedMs,
    ...(run.rule.destination.ownerOverride ? { ownerOverride: true } : {}),
    ...(run.source.seal === undefined ? {} : { sealed: run.source.seal }),
  };
  return { replica };
}

/** Where the replica goes. */
export function target(run: Run): { readonly bucket: string; readonly key: string } {
  return { bucket: bucketOfArn(run.task.destinationArn) ?? run.task.destinationArn, key: run.task.version.key };
}

/** The replica, as its own calls name it. */
export function replicaRef(run: Run) {
  return { ...target(run), versionId: run.replicaVersionId ?? run.task.version.versionId };
}

export function uploadOf(run: Run): UploadRef {
  assert(run.uploadId !== undefined, "createUpload goes before the steps that need an upload");
  return { ...target(run), uploadId: run.uploadId };
}

export function sourceOf(run: Run): Store {
  assert(run.session !== undefined, "assumeRole goes before every other step");
  return run.session.source;
}

export function destinationOf(run: Run): Store {
  assert(run.session !== undefined, "assumeRole goes before every other step");
  return run.session.destination;
}

export function headOf(run: Run): ObjectHead {
  assert(run.source.head !== undefined, "the version is read before it is written");
  return run.source.head;
}

/** In how many parts it is copied; undefined: whole, as an object that was put whole, or whose parts nobody can ask for. */
export function partsToCopy({ sourceTraits }: Run, head: ObjectHead): number | undefined {
  return sourceTraits.readsParts === false ? undefined : partsOfEtag(head.etag);
}
