/** The phase that uploads an object in two parts: the least that S3 allows, 5 MiB and a byte. */
import { createHash } from "node:crypto";
import type { ObjectHead, PutReply, UploadedPart } from "../../s3/store.ts";
import type { Bench } from "./bench.ts";
import type { PlannedWrite } from "./model.ts";
import { sameTags } from "./objects.ts";

/** @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PART_BYTES_MIN = 5 * 1024 * 1024;

export const UPLOAD_WRITES: readonly PlannedWrite[] = [
  {
    phase: "multipart",
    name: "multipart",
    sizeBytes: PART_BYTES_MIN + 1,
    versionsMax: 1,
    what: "an upload in two parts",
  },
];

export async function multipart(bench: Bench): Promise<void> {
  const pieces = [Buffer.alloc(PART_BYTES_MIN, "lockstep"), Buffer.from("!")];
  const reply = await upload(bench, pieces);
  if (reply === undefined) {
    if (bench.codeOf("multipart.upload") === "absent") bench.found.multipart = false;
    return;
  }
  bench.found.multipart = true;
  bench.note("multipart.upload", "ok", "an object is uploaded in parts");
  const at = { bucket: bench.bucket, key: bench.key("multipart") };
  const head = await bench.attempt("multipart.bytes", "what was uploaded cannot be read", () =>
    bench.store.headObject(at),
  );
  if (head === undefined) return;
  await bytes(bench, head);
  etags(bench, pieces, { head, reply });
  const same = head.userMetadata["probe"] === METADATA.probe && head.contentHeaders["content-type"] === "text/x-probe";
  if (same) bench.note("multipart.metadata", "ok", "the metadata of an upload comes back");
  else bench.note("multipart.metadata", "broken", "the metadata of an upload does not come back");
  await partReads(bench);
  await uploadTags(bench);
}

const METADATA = { probe: "a, b" };
const TAGS = [{ key: "a b", value: "c/d=e" }];

async function upload(bench: Bench, pieces: readonly Buffer[]): Promise<PutReply | undefined> {
  return await bench.attempt("multipart.upload", "an upload in parts", async () => {
    const write = { ...bench.write("multipart"), contentHeaders: { "content-type": "text/x-probe" } };
    const begun = await begin(bench, { ...write, userMetadata: METADATA });
    const parts: UploadedPart[] = [];
    for (const [index, body] of pieces.entries()) {
      const part = { bucket: bench.bucket, key: write.key, uploadId: begun, partNumber: index + 1, body };
      parts.push(await bench.run(() => bench.store.uploadPart(part)));
    }
    const ref = { bucket: bench.bucket, key: write.key, uploadId: begun };
    return await bench.run(() => bench.store.completeMultipartUpload({ ...ref, parts }));
  });
}

/** With tags; without them where the store refuses an upload for having them. */
async function begin(bench: Bench, write: ReturnType<Bench["write"]>): Promise<string> {
  const error = await bench.refusal(() => bench.store.createMultipartUpload({ ...write, tags: TAGS }));
  const made = bench.uploads.at(-1);
  if (error === undefined && made !== undefined) return made.uploadId;
  if (error !== undefined) bench.noteError("multipart.tags", "the tags of an upload", error);
  return (await bench.run(() => bench.store.createMultipartUpload(write))).uploadId;
}

/** Around the seam of the parts: what lies elsewhere cannot be out of order. */
async function bytes(bench: Bench, head: ObjectHead): Promise<void> {
  const range = { firstByte: PART_BYTES_MIN - 1, lastByte: PART_BYTES_MIN };
  const seam = await bench.attempt("multipart.bytes", "a range of what was uploaded cannot be read", async () => {
    const { body } = await bench.store.getObject({ bucket: bench.bucket, key: bench.key("multipart"), range });
    return Buffer.from(await body.bytes()).toString("latin1");
  });
  if (seam === undefined) return;
  const isSame = seam === "p!" && head.sizeBytes === PART_BYTES_MIN + 1;
  bench.note("multipart.bytes", isSame ? "ok" : "broken", isSame ? "its bytes come back" : "other bytes come back");
}

function etags(
  bench: Bench,
  pieces: readonly Buffer[],
  { head, reply }: { readonly head: ObjectHead; readonly reply: PutReply },
): void {
  const digests = Buffer.concat(pieces.map((piece) => createHash("md5").update(piece).digest()));
  const expected = `${createHash("md5").update(digests).digest("hex")}-${pieces.length}`;
  bench.found.multipartEtag = head.etag === expected;
  if (bench.found.multipartEtag) bench.note("multipart.etag", "ok", "the ETag is made of the parts' MD5s");
  else bench.note("multipart.etag", "differs", "the ETag is not made of the parts' MD5s");
  bench.found.completeTellsEtag = reply.etag === head.etag && reply.etag !== "";
  if (bench.found.completeTellsEtag)
    bench.note("multipart.complete-etag", "ok", "CompleteMultipartUpload tells the ETag");
  else if (reply.etag === "") bench.note("multipart.complete-etag", "absent", "CompleteMultipartUpload tells no ETag");
  else bench.note("multipart.complete-etag", "differs", "CompleteMultipartUpload tells another ETag than HEAD");
}

async function partReads(bench: Bench): Promise<void> {
  const at = { bucket: bench.bucket, key: bench.key("multipart"), partNumber: 2 };
  const read = await bench.attempt("multipart.part-reads", "a single part", async () => {
    const { head, body } = await bench.store.getObject(at);
    body.cancel();
    return { sizeBytes: body.sizeBytes, partsCount: head.partsCount };
  });
  if (read === undefined) {
    if (bench.codeOf("multipart.part-reads") === "absent") bench.found.readsParts = false;
    return;
  }
  bench.found.readsParts = read.sizeBytes === 1 && read.partsCount === 2;
  if (bench.found.readsParts) bench.note("multipart.part-reads", "ok", "single parts can be read");
  else if (read.sizeBytes === 1) bench.note("multipart.part-reads", "differs", "parts are read, and not counted");
  else bench.note("multipart.part-reads", "absent", "asked for a part, the store sends the whole object");
}

async function uploadTags(bench: Bench): Promise<void> {
  if (bench.codeOf("multipart.tags") !== undefined) {
    if (bench.codeOf("multipart.tags") === "absent") bench.found.tagsOnUploads = false;
    return;
  }
  const at = { bucket: bench.bucket, key: bench.key("multipart") };
  const read = await bench.attempt("multipart.tags", "the tags of an upload", () => bench.store.getObjectTagging(at));
  if (read === undefined) {
    // Refused tags are not to be sent; tags that make an unreadable answer are none.
    const code = bench.codeOf("multipart.tags");
    const answer = bench.checks.find((check) => check.id === "multipart.tags")?.answer;
    if (code === "absent" || answer?.network === "protocol") bench.found.tagsOnUploads = false;
    return;
  }
  bench.found.tagsOnUploads = sameTags(read, TAGS);
  if (bench.found.tagsOnUploads) bench.note("multipart.tags", "ok", "the tags of an upload come back");
  else bench.note("multipart.tags", "absent", "the tags of an upload do not come back");
}
