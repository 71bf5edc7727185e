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
import { isUuid } from "../s3/replica-headers.ts";
import type { Body, ByteSpan, ObjectHead, ObjectReply, ReplicaIdentity, Store, UploadedPart } from "../s3/store.ts";
import type { Belonging } from "./belongings.ts";
import { type Layout, layoutOf } from "./layout.ts";
import type { OpenUpload } from "./parts.ts";
import type { BucketTraits, Session, Sites } from "./ports.ts";
import type { UploadNote } from "./upload-note.ts";
import { comparedThere } from "./verify.ts";
import { copiesWithin } from "./within.ts";

/** Bodies of more bytes are never held whole. */
export const BUFFER_MAX_BYTES = 8 * 1024 * 1024;

/** Grows from step to step. */
export interface Run {
  readonly task: TaskRow;
  readonly rule: Rule;
  readonly roleArn: string;
  readonly sites: Pick<Sites, "session">;
  readonly signal: AbortSignal;
  /** The task is still in our hands, as far as the clock can tell. */
  readonly mayWrite: () => boolean;
  /** What is known of the buckets themselves. */
  readonly sourceTraits: BucketTraits;
  readonly destinationTraits: BucketTraits;
  session?: Session;
  /** What has been read of the source. */
  readonly source: SourceSeen;
  /** Keeps a text for the next try; false when this one is no longer the one that counts. */
  readonly note: (text: string) => Promise<boolean>;
  /** What the try before has noted of its upload. */
  noted?: UploadNote;
  /** How the bytes go over: decided when the version has been read. */
  layout?: Layout;
  upload?: OpenUpload;
  parts?: readonly UploadedPart[];
  /** The destination has refused to copy by itself. */
  refusedWithin?: boolean;
  /** The ETags of the parts did not make up the source's: they prove nothing in this try. */
  provesNothingByEtag?: boolean;
  /** No replica of the key is known: the first write is only for a key without an object. */
  keyIsNew?: boolean;
  /** Once it is written or found, where it may differ from the source's. */
  replicaVersionId?: string;
  /** Of a removal: the source has the version after all, and its replica stays. */
  isThereStill?: boolean;
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
  /** Open and unread: the first to send the whole takes it. */
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
  piece?: Piece,
): Promise<R> {
  const reply = await openSource(run, step, piece);
  try {
    return await send(reply);
  } finally {
    reply.body.cancel();
  }
}

/** A part by its number, or a range that is sent as that part. */
export interface Piece {
  readonly partNumber: number;
  readonly range?: ByteSpan;
}

async function openSource(run: Run, step: Step, piece?: Piece): Promise<ObjectReply> {
  const { body } = run.source;
  if (body !== undefined && piece === undefined) {
    delete run.source.body;
    return { head: headOf(run), body };
  }
  const { version } = run.task;
  const { etag } = headOf(run);
  const sealed = run.source.seal === undefined ? {} : { sealed: true };
  const request = { ...version, ...sealed, ...wordsOf(piece, etag) };
  const reply = await answered(step, sourceOf(run).getObject(request, run), READING);
  if (reply.head.etag === etag) return reply;
  reply.body.cancel();
  const message = `${version.bucket}/${version.key} had the ETag ${etag} when its copy began, and has ${reply.head.etag} now`;
  const error = new Discrepancy("SourceChanged", message, { operation: "GetObject", ...place(version) });
  throw new StepFailure(step, READING.side, READING.deniedCode, error);
}

function wordsOf(piece: Piece | undefined, etag: string) {
  if (piece === undefined) return {};
  const { partNumber, range } = piece;
  return range === undefined ? { partNumber } : { range, ifMatch: etag };
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
  /** Reads on without a write. */
  toEnd(): Promise<void>;
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
  const passing = pass();
  return {
    chunks: passing,
    toEnd: async () => {
      for await (const _ of passing);
    },
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
  const { versionId } = run.task.version;
  if (run.destinationTraits.mintsVersionIds === true) {
    // Without its date: dates are told in whole seconds, and would put versions of one second out of order.
    return keepsId(run) ? { replica: { versionId } } : {};
  }
  const replica = {
    versionId,
    lastModifiedMs,
    ...(run.rule.destination.ownerOverride ? { ownerOverride: true } : {}),
    ...(run.source.seal === undefined ? {} : { sealed: run.source.seal }),
  };
  return { replica };
}

/** Whether the replica takes its source's id at a store that else gives ids of its own. A store's own copies do not. */
function keepsId(run: Run): boolean {
  return run.destinationTraits.keepsUuids === true && isUuid(run.task.version.versionId) && !copiesWithin(run);
}

/** Where the replica goes. */
export function target(run: Run): { readonly bucket: string; readonly key: string } {
  return { bucket: bucketOfArn(run.task.destinationArn) ?? run.task.destinationArn, key: run.task.version.key };
}

/** The replica, as its own calls name it. */
export function replicaRef(run: Run) {
  return { ...target(run), versionId: run.replicaVersionId ?? run.task.version.versionId };
}

export function openUploadOf(run: Run): OpenUpload {
  assert(run.upload !== undefined, "createUpload goes before the steps that need an upload");
  return run.upload;
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

/** How the version's bytes go over. Once decided it stays, so that all steps of a try mean the same parts. */
export function layoutFor(run: Run): Layout {
  if (run.layout !== undefined) return run.layout;
  const { sizeBytes, etag } = headOf(run);
  run.layout = layoutOf({
    sizeBytes,
    etag,
    readsParts: run.sourceTraits.readsParts !== false,
    mayGuess: provesByEtag(run),
    copiesWithin: copiesWithin(run),
    comparedWhole: comparedThere(run) !== undefined,
    keepsWhole: run.destinationTraits.mintsVersionIds !== true || run.source.seal !== undefined,
    takesUploads: run.destinationTraits.takesUploads !== false,
  });
  return run.layout;
}

/** Whether the ETags that the destination gives to the source's parts make up the source's own ETag. */
export function provesByEtag(run: Run): boolean {
  const { source, sourceTraits, destinationTraits, rule } = run;
  const { head, seal } = source;
  if (head === undefined || seal !== undefined || run.provesNothingByEtag === true) return false;
  const { kind } = head.encryption;
  return (
    partsOfEtag(head.etag) !== undefined &&
    (kind === "NOT-SSE" || kind === "SSE-S3") &&
    rule.destination.replicaKmsKeyArn === undefined &&
    sourceTraits.multipartEtag === true &&
    destinationTraits.multipartEtag === true &&
    destinationTraits.etagIsMd5 === true
  );
}
