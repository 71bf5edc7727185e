/**
 * The steps of a plan, performed: one function per step name. A step that a store refuses throws a StepFailure.
 */

import { assert } from "../core/assert.ts";
import type { Step, StepName } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import type { ObjectHead, PutReply, WriteRequest } from "../s3/store.ts";
import { putAcl, withBelongings } from "./belongings.ts";
import { confirmGone, removeReplica } from "./removal.ts";
import { findByMark } from "./replica-search.ts";
import {
  answered,
  BUFFER_MAX_BYTES,
  Discrepancy,
  destinationOf,
  headOf,
  identityOf,
  layoutFor,
  markReading,
  type Run,
  replicaRef,
  StepFailure,
  sendSource,
  sourceOf,
  target,
} from "./run.ts";
import { completeUpload, createUpload, uploadParts } from "./upload-steps.ts";
import { comparedThere, verifyBytes, verifyStream } from "./verify.ts";
import { versionsOfKey } from "./versions-of-key.ts";
import { copiesWithin, copyObjectWithin } from "./within.ts";
import { finishWrite, writeRequest } from "./write.ts";

/** Performs one step. @throws StepFailure when a store refuses it */
export function performStep(run: Run, step: Step): Promise<void> {
  return PERFORM[step.name](run, step);
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
  confirmGone,
  removeReplica,
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

/**
 * Small bodies are read whole at once; of large ones first only the head, the bytes when there is a place to send them.
 * What the store copies by itself is not read at all.
 */
async function readVersion(run: Run, step: Step): Promise<void> {
  const source = sourceOf(run);
  const { version, sizeBytes } = run.task;
  if (sizeBytes > BUFFER_MAX_BYTES || copiesWithin(run)) {
    run.source.head = await answered(step, source.headObject(version, run));
    if (run.source.head.encryption.kind !== "SSE-C") return;
  }
  const sealed = run.session?.movesSealed === true ? { sealed: true } : {};
  const { head, body } = await answered(step, source.getObject({ ...version, ...sealed }, run));
  run.source.head = head;
  run.source.body = body;
  if (head.encryption.kind === "SSE-C") run.source.seal = sealOf(run, step, head);
  if (layoutFor(run).kind !== "whole" || body.sizeBytes > BUFFER_MAX_BYTES) {
    body.cancel();
    delete run.source.body;
    return;
  }
  const isCompared = comparedThere(run) !== undefined;
  if (isCompared && body.sizeBytes > HELD_MAX_BYTES) return;
  run.source.bytes = await answered(step, body.bytes());
  delete run.source.body;
  if (run.source.seal !== undefined || isCompared) return;
  await answered(step, verifyBytes(head, run.source.bytes, version));
}

/** Where nothing has to be known of a body before it is sent, a longer one passes through. */
const HELD_MAX_BYTES = 64 * 1024;

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
  const compared = comparedThere(run);
  const proofs = compared?.algorithm === "MD5" ? { ...checksums, md5: compared.value } : checksums;
  const put = async (plain: WriteRequest): Promise<PutReply> => {
    const destination = destinationOf(run);
    const copied = await copyObjectWithin(run, plain);
    if (copied !== undefined) return copied;
    const request = run.keyIsNew === true ? { ...plain, onlyIfAbsent: true } : plain;
    if (bytes !== undefined) return destination.putObject({ ...request, ...proofs, body: bytes }, run);
    return await sendSource(run, step, async ({ body }) => {
      const isOurs = seal === undefined && compared === undefined;
      const chunks = isOurs ? verifyStream(head, body.stream(), run.task.version) : body.stream();
      const reading = markReading(step, chunks);
      const payload = { sizeBytes: body.sizeBytes, stream: reading.chunks };
      return await reading.orBlame(destination.putObject({ ...request, ...proofs, body: payload }, run));
    });
  };
  const reply = await withBelongings(run, step, writeRequest(run), put);
  checkReplica(run, step, reply);
  // Of copies that radosgw makes by itself it does not tell the ids.
  const versionId = reply.versionId ?? (copiesWithin(run) ? await findByMark(run, step) : undefined);
  await finishWrite(run, step, versionId === undefined ? reply : { ...reply, versionId });
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

/**
 * Of bytes under S3's own keys the ETag is their MD5, on both sides, and so it is in stores that are known for it:
 * another one at the destination says that other bytes were stored than were sent. Of any other kind nothing follows.
 */
function checkReplica(run: Run, step: Step, reply: PutReply): void {
  const { etag, encryption } = headOf(run);
  const isMd5 =
    encryption.kind === "SSE-S3" || (encryption.kind === "NOT-SSE" && run.destinationTraits.etagIsMd5 === true);
  if (!isMd5 || !MD5_TEXT.test(etag) || !MD5_TEXT.test(reply.etag) || etag === reply.etag) return;
  const { bucket, key } = target(run);
  const message = `${bucket}/${key} was stored with the ETag ${reply.etag}, its source has ${etag}`;
  const error = new Discrepancy("ReplicaAltered", message, { operation: step.call, bucket, key });
  throw new StepFailure(step, "destination", "UnknownAnswer", error);
}

const MD5_TEXT = /^[0-9a-f]{32}$/;
