/** The phases that write small objects whole: bytes and metadata, whose ids versions get, tags, checksums, conditions. */
import { createHash, randomUUID } from "node:crypto";
import type { Tag } from "../../core/model.ts";
import { CHECKSUM_ALGORITHMS, checksumOf } from "../../s3/checksum.ts";
import type { ChecksumAlgorithm } from "../../s3/store.ts";
import { learnFromWrite } from "./access.ts";
import { type Bench, codeOfError } from "./bench.ts";
import type { PlannedWrite } from "./model.ts";

const BODY = Buffer.from("written by lockstep probe\n");
const OTHER_BODY = Buffer.from("written by lockstep Probe\n");
const DAY_MS = 86_400_000;

export const OBJECT_WRITES: readonly PlannedWrite[] = [
  write("put", "put", 1, "an object with metadata"),
  write("put", "any-text", 1, "an object with metadata outside ASCII"),
  write("identity", "identity", 1, "an object that asks for a version id of its own"),
  write("tags", "tags", 1, "an object with tags"),
  ...CHECKSUM_ALGORITHMS.map((name) => write("checksums", name, 2, "an object with a right and with a wrong checksum")),
  write("condition", "condition", 2, "an object that is to be written once only"),
];

function write(phase: PlannedWrite["phase"], name: string, versionsMax: number, what: string): PlannedWrite {
  return { phase, name, sizeBytes: BODY.byteLength, versionsMax, what };
}

/** @returns whether objects can be written and, as far as can be seen, removed again */
export async function put(bench: Bench): Promise<boolean> {
  const contentHeaders = { "content-type": "text/x-probe", "cache-control": "max-age=60" };
  const userMetadata = { "with-dash": "a, b; c=d" };
  const write = { ...bench.write("put"), contentHeaders, userMetadata };
  const reply = await bench.attempt("put.write", "an object cannot be written", () =>
    bench.store.putObject({ ...write, body: BODY }),
  );
  if (reply === undefined) return false;
  bench.note("put.write", "ok", "an object is written");
  learnFromWrite(bench, reply);
  const at = { bucket: bench.bucket, key: write.key };
  const read = await bench.attempt("put.bytes", "what was written cannot be read", async () => {
    const { head, body } = await bench.store.getObject(at);
    return { head, bytes: await body.bytes() };
  });
  if (read === undefined) return true;
  const { head, bytes } = read;
  const same = BODY.equals(bytes);
  bench.note("put.bytes", same ? "ok" : "broken", same ? "its bytes come back" : "other bytes come back");

  const lost = [
    ...Object.entries(contentHeaders).filter(([name, value]) => head.contentHeaders[name] !== value),
    ...Object.entries(userMetadata).filter(([name, value]) => head.userMetadata[name] !== value),
  ].map(([name]) => name);
  if (lost.length === 0) bench.note("put.metadata", "ok", "its headers and metadata come back");
  else bench.note("put.metadata", "broken", `not as they were written: ${lost.join(", ")}`);

  bench.found.etagIsMd5 = head.etag === createHash("md5").update(BODY).digest("hex");
  if (bench.found.etagIsMd5) bench.note("put.etag", "ok", "the ETag is the MD5 of the bytes");
  else bench.note("put.etag", "differs", "the ETag is not the MD5 of the bytes");
  if (head.retention !== undefined) {
    bench.note("lock.configured", "ok", "the store retains what is written: the probe stopped writing");
    return false;
  }
  await anyText(bench);
  return true;
}

/** Separately, for there are stores that refuse it. */
async function anyText(bench: Bench): Promise<void> {
  const userMetadata = { color: "grün ✓" };
  const written = await bench.attempt("put.any-text", "metadata outside ASCII", async () => {
    await bench.store.putObject({ ...bench.write("any-text"), userMetadata, body: BODY });
    return await bench.store.headObject({ bucket: bench.bucket, key: bench.key("any-text") });
  });
  if (written === undefined) {
    if (bench.codeOf("put.any-text") === "absent") bench.found.metadataIsAnyText = false;
    return;
  }
  const same = written.userMetadata["color"] === userMetadata.color;
  bench.found.metadataIsAnyText = same;
  const says = same ? "metadata outside ASCII comes back" : "metadata outside ASCII comes back changed";
  bench.note("put.any-text", same ? "ok" : "differs", says);
}

export async function identity(bench: Bench): Promise<void> {
  // Whole seconds: not every store keeps what is finer. A UUID, for there are stores that take no other ids.
  const lastModifiedMs = Math.floor((bench.nowMs() - DAY_MS) / 1000) * 1000;
  const replica = { versionId: randomUUID(), lastModifiedMs };
  const told = await bench.attempt("identity.version-id", "an object with a version id of its own", async () => {
    const reply = await bench.store.putObject({ ...bench.write("identity", { replica }), body: BODY });
    return { reply, head: await bench.store.headObject({ bucket: bench.bucket, key: bench.key("identity") }) };
  });
  if (told === undefined) {
    // Whoever may not say what a replica is gets what everybody gets.
    if (bench.codeOf("identity.version-id") === "refused") bench.found.versionIds = "minted";
    return;
  }
  const { reply, head } = told;
  const versionId = head.versionId ?? reply.versionId;
  if (versionId === replica.versionId) {
    bench.found.versionIds = "kept";
    bench.note("identity.version-id", "ok", "a replica keeps the version id of its source");
  } else if (versionId === undefined || versionId === "null") {
    bench.found.versionIds = "none";
    bench.note("identity.version-id", "absent", "versions have no ids");
  } else {
    bench.found.versionIds = "minted";
    bench.note("identity.version-id", "differs", "the store gives version ids of its own");
  }
  bench.found.keepsLastModified = head.lastModifiedMs === lastModifiedMs;
  if (bench.found.keepsLastModified) bench.note("identity.last-modified", "ok", "a replica keeps its date");
  else bench.note("identity.last-modified", "differs", "a replica has the date of its writing");
}

export async function tags(bench: Bench): Promise<void> {
  const first: readonly Tag[] = [{ key: "a b", value: "c/d=e+f@h" }];
  const second: readonly Tag[] = [{ key: "only", value: "one" }];
  const at = { bucket: bench.bucket, key: bench.key("tags") };
  const read = await bench.attempt("tags.on-put", "an object with tags", async () => {
    await bench.store.putObject({ ...bench.write("tags", { tags: first }), body: BODY });
    return await bench.store.getObjectTagging(at);
  });
  if (read === undefined) {
    if (bench.codeOf("tags.on-put") === "absent") bench.found.tags = false;
    return;
  }
  bench.found.tags = sameTags(read, first);
  if (bench.found.tags) bench.note("tags.on-put", "ok", "the tags of a write come back");
  else bench.note("tags.on-put", read.length === 0 ? "absent" : "broken", "the tags of a write do not come back");
  const replaced = await bench.attempt("tags.replace", "tags cannot be replaced", async () => {
    await bench.store.putObjectTagging({ ...at, tags: second });
    return await bench.store.getObjectTagging(at);
  });
  if (replaced === undefined) return;
  const same = sameTags(replaced, second);
  bench.note("tags.replace", same ? "ok" : "broken", same ? "tags can be replaced" : "replaced tags do not come back");
}

export function sameTags(one: readonly Tag[], other: readonly Tag[]): boolean {
  const text = (all: readonly Tag[]) => all.map(({ key, value }) => JSON.stringify([key, value])).toSorted();
  return JSON.stringify(text(one)) === JSON.stringify(text(other));
}

export async function checksums(bench: Bench): Promise<void> {
  const verified: ChecksumAlgorithm[] = [];
  const told: ChecksumAlgorithm[] = [];
  let isCertain = true;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const result = await checksum(bench, algorithm);
    if (result?.verified === true) verified.push(algorithm);
    if (result?.told === true) told.push(algorithm);
    isCertain &&= result !== undefined || bench.codeOf(`checksums.${algorithm}`) === "absent";
  }
  if (!isCertain) return;
  bench.found.checksumsVerified = verified;
  bench.found.checksumsTold = told;
}

async function checksum(bench: Bench, algorithm: ChecksumAlgorithm) {
  const id = `checksums.${algorithm}` as const;
  const right = await checksumOf(algorithm, BODY);
  const wrong = await checksumOf(algorithm, OTHER_BODY);
  const putWith = async (value: string) => {
    const values = { [algorithm]: value };
    const write = bench.write(algorithm);
    await bench.store.putObject({ ...write, body: BODY, checksums: { type: "FULL_OBJECT", values } });
  };
  const head = await bench.attempt(id, `${algorithm} on a write`, async () => {
    await putWith(right);
    return await bench.store.headObject({ bucket: bench.bucket, key: bench.key(algorithm) });
  });
  if (head === undefined) return undefined;
  const told = head.checksums?.values[algorithm] === right;
  const error = await bench.refusal(() => putWith(wrong));
  if (error !== undefined && codeOfError(error) !== "absent") {
    bench.noteError(id, `${algorithm} that is wrong`, error);
    return undefined;
  }
  const verified = error !== undefined;
  const words = `${algorithm} is ${verified ? "verified" : "not verified"} and ${told ? "told" : "not told"}`;
  bench.note(id, verified && told ? "ok" : verified || told ? "differs" : "absent", words);
  return { verified, told };
}

export async function condition(bench: Bench): Promise<void> {
  const write = { ...bench.write("condition"), onlyIfAbsent: true };
  const first = await bench.attempt("condition.only-if-absent", "a conditional write", async () => {
    return await bench.store.putObject({ ...write, body: BODY });
  });
  if (first === undefined) {
    if (bench.codeOf("condition.only-if-absent") === "absent") bench.found.conditionalPut = false;
    return;
  }
  const error = await bench.refusal(() => bench.store.putObject({ ...write, body: OTHER_BODY }));
  if (error?.status === 412) {
    bench.found.conditionalPut = true;
    bench.note("condition.only-if-absent", "ok", "If-None-Match is heeded on a write");
  } else if (error === undefined) {
    bench.found.conditionalPut = false;
    bench.note("condition.only-if-absent", "absent", "If-None-Match is ignored on a write");
  } else {
    bench.noteError("condition.only-if-absent", "a conditional write over an object", error);
  }
}
