/**
 * The steps of a plan, performed: one function per step name. A step that a store refuses throws a StepFailure.
 */

import { assert } from "../core/assert.ts";
import { replicaEncryption } from "../core/encryption.ts";
import type { Encryption } from "../core/model.ts";
import type { Step, StepName } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import type { ChecksumAlgorithm, ObjectHead, PutReply, WriteRequest } from "../s3/store.ts";
import { bringBelongings, putAcl, withBelongings } from "./belongings.ts";
import { MARK, markOf } from "./mark.ts";
import { uploadAllParts } from "./parts.ts";
import {
  answered,
  BUFFER_MAX_BYTES,
  Discrepancy,
  destinationOf,
  headOf,
  identityOf,
  markReading,
  partsToCopy,
  type Run,
  replicaRef,
  StepFailure,
  sendSource,
  sourceOf,
  target,
  uploadOf,
} from "./run.ts";
import { verifyBytes, verifyStream } from "./verify.ts";
import { versionsOfKey } from "./versions-of-key.ts";

/** Performs one step. @throws StepFailure when a store refuses it */
export async function performStep(run: Run, step: Step): Promise<void> {
  await PERFORM[step.name](run, step);
}

const PERFORM: Readonly<Record<StepName, (run: Run, step: Step) => Promise<void>>> = {
  assumeRole,
  headVersion,
  readVersion,
  readAcl,
  readTags,
  readRetention,
  readLegalHold,
  writeReplica,
  createUpload,
  uploadParts,
  completeUpload,
  writeMarker,
  writeTags,
  writeAcl,
  writeRetention,
  writeLegalHold,
};

async function assumeRole(run: Run, step: Step): Promise<void> {
  const { roleArn, task } = run;
  const request = { roleArn, sourceBucket: task.version.bucket, destinationArn: task.destinationArn };
  run.session = await answered(step, run.sites.session(request));
}

/** For a marker the answer is 405: it is there, and it is a marker. */
async function headVersion(run: Run, step: Step): Promise<void> {
  const source = sourceOf(run);
  try {
    run.source.head = await answered(step, source.headObject(run.task.version, run));
  } catch (error) {
    if (run.task.operation !== "deleteMarker" || !(error instanceof StepFailure)) throw error;
    if (error.error.status === 405 || (await isHiddenMarker(run, step, error))) return;
    throw error;
  }
  if (run.task.operation !== "deleteMarker") return;
  const { bucket, key, versionId } = run.task.version;
  const message = `${bucket}/${key} version ${versionId} is an object, not a delete marker`;
  throw new StepFailure(
    step,
    "source",
    "UnknownAnswer",
    new S3Error(message, { operation: "HeadObject", bucket, key }),
  );
}

/** Where the answer is the same as for what is gone, the listing tells. */
async function isHiddenMarker(run: Run, step: Step, { error }: StepFailure): Promise<boolean> {
  if (error.status !== 404 || run.sourceTraits.hidesMarkers !== true) return false;
  const { versionId } = run.task.version;
  for await (const one of versionsOfKey(sourceOf(run), run.task.version, step, run)) {
    if (one.versionId === versionId) return one.isDeleteMarker;
  }
  return false;
}

/** Small bodies are read whole at once; of large ones first only the head, the bytes when there is a place to send them. */
async function readVersion(run: Run, step: Step): Promise<void> {
  const source = sourceOf(run);
  const { version, sizeBytes } = run.task;
  if (sizeBytes > BUFFER_MAX_BYTES) {
    run.source.head = await answered(step, source.headObject(version, run));
    if (run.source.head.encryption.kind !== "SSE-C") return;
  }
  const sealed = run.session?.movesSealed === true ? { sealed: true } : {};
  const { head, body } = await answered(step, source.getObject({ ...version, ...sealed }, run));
  run.source.head = head;
  run.source.body = body;
  if (head.encryption.kind === "SSE-C") run.source.seal = sealOf(run, step, head);
  if (partsToCopy(run, head) !== undefined || body.sizeBytes > BUFFER_MAX_BYTES) {
    body.cancel();
    return;
  }
  run.source.bytes = await answered(step, body.bytes());
  if (run.source.seal !== undefined) return;
  await answered(step, verifyBytes(head, run.source.bytes, version));
}

/** Only the customer can read SSE-C versions: they are moved as they are stored, where both stores know how. */
function sealOf(run: Run, step: Step, { sealed }: ObjectHead): string {
  if (sealed !== undefined) return sealed;
  const { bucket, key } = run.task.version;
  const message = `${bucket}/${key} is under a customer's key (SSE-C), and these stores do not hand it over unread`;
  const error = new Discrepancy("FeatureUnsupported", message, { operation: "GetObject", bucket, key });
  throw new StepFailure(step, "source", "SrcGetObjectNotPermitted", error);
}

async function readAcl(run: Run, step: Step): Promise<void> {
  if (run.destinationTraits.takesGrants === false && run.task.operation === "put") return;
  run.source.acl = await answered(step, sourceOf(run).getObjectAcl(run.task.version, run));
}

async function readRetention(run: Run, step: Step): Promise<void> {
  run.source.retention = await answered(step, sourceOf(run).getObjectRetention(run.task.version, run));
}

async function readLegalHold(run: Run, step: Step): Promise<void> {
  run.source.legalHold = await answered(step, sourceOf(run).getObjectLegalHold(run.task.version, run));
}

async function readTags(run: Run, step: Step): Promise<void> {
  try {
    run.source.tags = await answered(step, sourceOf(run).getObjectTagging(run.task.version, run));
  } catch (error) {
    if (step.bodyNeedsIt || !(error instanceof StepFailure) || error.error.status !== 403) throw error;
    run.metadataFailure = error;
  }
}

async function writeReplica(run: Run, step: Step): Promise<void> {
  const head = headOf(run);
  const { bytes, seal } = run.source;
  // Checksums are of what can be read, and so is what verification compares; the taker checks sealed bytes by their seal.
  const checksums = head.checksums?.type === "FULL_OBJECT" && seal === undefined ? { checksums: head.checksums } : {};
  const put = async (request: WriteRequest): Promise<PutReply> => {
    const destination = destinationOf(run);
    if (bytes !== undefined) return destination.putObject({ ...request, ...checksums, body: bytes }, run);
    return await sendSource(run, step, async ({ body }) => {
      const chunks = seal === undefined ? verifyStream(head, body.stream(), run.task.version) : body.stream();
      const reading = markReading(step, chunks);
      const payload = { sizeBytes: body.sizeBytes, stream: reading.chunks };
      return await reading.orBlame(destination.putObject({ ...request, ...checksums, body: payload }, run));
    });
  };
  const reply = await withBelongings(run, step, writeRequest(run), put);
  checkReplica(run, step, reply);
  await finishWrite(run, step, reply);
}

async function createUpload(run: Run, step: Step): Promise<void> {
  const head = headOf(run);
  const [algorithm] = Object.keys(head.checksums?.values ?? {}) as ChecksumAlgorithm[];
  const checksums =
    algorithm === undefined || head.checksums === undefined
      ? {}
      : { checksums: { algorithm, type: head.checksums.type } };
  const create = (request: WriteRequest) => destinationOf(run).createMultipartUpload({ ...request, ...checksums }, run);
  run.uploadId = (await withBelongings(run, step, writeRequest(run), create)).uploadId;
}

async function uploadParts(run: Run, step: Step): Promise<void> {
  try {
    run.parts = await uploadAllParts(run, step, uploadOf(run));
  } catch (error) {
    await abandonUpload(run);
    throw error;
  }
}

async function completeUpload(run: Run, step: Step): Promise<void> {
  const head = headOf(run);
  const request = {
    ...uploadOf(run),
    parts: run.parts ?? [],
    ...identityOf(run, head.lastModifiedMs),
    ...(head.checksums === undefined ? {} : { checksums: head.checksums }),
  };
  try {
    const reply = await answered(step, destinationOf(run).completeMultipartUpload(request, run));
    await finishWrite(run, step, reply);
  } catch (error) {
    await abandonUpload(run);
    throw error;
  }
}

async function writeMarker(run: Run, step: Step): Promise<void> {
  const request = { ...target(run), ...identityOf(run, run.task.writtenAtMs) };
  const reply = await answered(step, destinationOf(run).deleteObject(request, run));
  run.replicaVersionId = reply.versionId ?? (await markerOnTop(run, step)) ?? run.task.version.versionId;
}

/**
 * The marker that a key had before, at a store that makes none upon it and tells no id then (Ceph): it stands for both.
 * Were nothing remembered, the next scan would find the marker missing, and delete what was written there since.
 */
async function markerOnTop(run: Run, step: Step): Promise<string | undefined> {
  for await (const newest of versionsOfKey(destinationOf(run), target(run), step, run)) {
    return newest.isDeleteMarker ? newest.versionId : undefined;
  }
  return undefined;
}

async function writeTags(run: Run, step: Step): Promise<void> {
  const { tags = [] } = run.source;
  await answered(step, destinationOf(run).putObjectTagging({ ...replicaRef(run), tags }, run));
}

async function writeAcl(run: Run, step: Step): Promise<void> {
  const { acl } = run.source;
  assert(acl !== undefined, "readAcl goes before writeAcl");
  await answered(step, putAcl(run, acl));
}

async function writeRetention(run: Run, step: Step): Promise<void> {
  const { retention } = run.source;
  await answered(step, destinationOf(run).putObjectRetention({ ...replicaRef(run), retention }, run));
}

async function writeLegalHold(run: Run, step: Step): Promise<void> {
  const { legalHold = false } = run.source;
  await answered(step, destinationOf(run).putObjectLegalHold({ ...replicaRef(run), legalHold }, run));
}

function writeRequest(run: Run): WriteRequest {
  const head = headOf(run);
  const encryption = encryptionOf(run, head);
  return {
    ...target(run),
    contentHeaders: head.contentHeaders,
    userMetadata: metadataOf(run, head),
    storageClass: run.rule.destination.storageClass ?? head.storageClass,
    ...(encryption === undefined ? {} : { encryption }),
    ...identityOf(run, head.lastModifiedMs),
  };
}

/** What a bucket elsewhere encrypts with is its own affair, unless the rule names a key of it. */
function encryptionOf({ rule, destinationTraits }: Run, head: ObjectHead): Encryption | undefined {
  if (destinationTraits.mintsVersionIds === true && rule.destination.replicaKmsKeyArn === undefined) return undefined;
  return replicaEncryption(head.encryption, rule);
}

function metadataOf({ task, destinationTraits }: Run, { userMetadata }: ObjectHead): WriteRequest["userMetadata"] {
  return destinationTraits.mintsVersionIds === true ? { ...userMetadata, [MARK]: markOf(task.version) } : userMetadata;
}

async function finishWrite(run: Run, step: Step, reply: PutReply): Promise<void> {
  run.replicaVersionId = reply.versionId ?? run.task.version.versionId;
  run.sentBytes = headOf(run).sizeBytes;
  await bringBelongings(run, step);
}

/**
 * Of bytes under S3's own keys the ETag is their MD5, on both sides: another one at the destination says that other
 * bytes were stored than were sent. Of any other kind of ETag nothing follows.
 */
function checkReplica(run: Run, step: Step, reply: PutReply): void {
  const { etag, encryption } = headOf(run);
  if (encryption.kind !== "SSE-S3" || !MD5_TEXT.test(etag) || !MD5_TEXT.test(reply.etag) || etag === reply.etag) return;
  const { bucket, key } = target(run);
  const message = `${bucket}/${key} was stored with the ETag ${reply.etag}, its source has ${etag}`;
  const error = new Discrepancy("ReplicaAltered", message, { operation: step.call, bucket, key });
  throw new StepFailure(step, "destination", "UnknownAnswer", error);
}

const MD5_TEXT = /^[0-9a-f]{32}$/;

/** What was uploaded so far is of no use; that it cannot be removed either changes nothing about the failure at hand. */
async function abandonUpload(run: Run): Promise<void> {
  try {
    await destinationOf(run).abortMultipartUpload(uploadOf(run));
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}
