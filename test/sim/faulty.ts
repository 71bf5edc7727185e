/**
 * A Store that fails as networks and stores do: before a call, after it (the answer is lost, the deed is done), in the
 * middle of a body, and with bytes that are not those that were stored. It is a Store and wraps one.
 */
import { S3Error, type S3ErrorFields } from "../../src/s3/errors.ts";
import type { Body, ObjectReply, Store } from "../../src/s3/store.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface Faults {
  /** Chance of a fault per call; 0 switches all of them off. */
  rate: number;
  /** The longest that a call takes. */
  readonly latencyMsMax: number;
}

const REFUSALS: readonly Partial<S3ErrorFields>[] = [
  { network: "reset" },
  { network: "refused" },
  { network: "timeout" },
  { network: "dns" },
  { status: 503, code: "SlowDown", retryAfterMs: 2000 },
  { status: 500, code: "InternalError" },
  { status: 502 },
];

/** A process that was killed: whatever it still asks is never answered. */
export interface Life {
  alive: boolean;
}

export async function unlessDead(life: Life): Promise<void> {
  if (!life.alive) await new Promise<never>(() => undefined);
}

export function faulty(store: Store, time: VirtualTime, faults: Faults, life: Life): Store {
  const call = async <T>(operation: string, deed: () => Promise<T>): Promise<T> => {
    await unlessDead(life);
    time.touch();
    if (faults.latencyMsMax > 0) await time.sleep(time.below(faults.latencyMsMax), new AbortController().signal);
    await unlessDead(life);
    const fails = time.random() < faults.rate;
    const lost = fails && time.random() < 0.3;
    if (fails && !lost) throw new S3Error("a fault of the simulation", { operation, ...time.pick(REFUSALS) });
    const done = await deed();
    time.touch();
    await unlessDead(life);
    if (lost) throw new S3Error("the answer was lost", { operation, network: "reset" });
    return done;
  };
  return {
    headObject: (request, options) => call("HeadObject", () => store.headObject(request, options)),
    getObject: async (request, options) => {
      const reply = await call("GetObject", () => store.getObject(request, options));
      return time.random() < faults.rate ? spoilt(reply, time) : reply;
    },
    putObject: (request, options) => call("PutObject", () => store.putObject(request, options)),
    deleteObject: (request, options) => call("DeleteObject", () => store.deleteObject(request, options)),
    createMultipartUpload: (request, options) =>
      call("CreateMultipartUpload", () => store.createMultipartUpload(request, options)),
    uploadPart: (request, options) => call("UploadPart", () => store.uploadPart(request, options)),
    completeMultipartUpload: (request, options) =>
      call("CompleteMultipartUpload", () => store.completeMultipartUpload(request, options)),
    abortMultipartUpload: (request, options) =>
      call("AbortMultipartUpload", () => store.abortMultipartUpload(request, options)),
    listParts: (request, options) => call("ListParts", () => store.listParts(request, options)),
    copyObject: (request, options) => call("CopyObject", () => store.copyObject(request, options)),
    uploadPartCopy: (request, options) => call("UploadPartCopy", () => store.uploadPartCopy(request, options)),
    getObjectTagging: (request, options) => call("GetObjectTagging", () => store.getObjectTagging(request, options)),
    putObjectTagging: (request, options) => call("PutObjectTagging", () => store.putObjectTagging(request, options)),
    getObjectAcl: (request, options) => call("GetObjectAcl", () => store.getObjectAcl(request, options)),
    putObjectAcl: (request, options) => call("PutObjectAcl", () => store.putObjectAcl(request, options)),
    getObjectRetention: (request, options) =>
      call("GetObjectRetention", () => store.getObjectRetention(request, options)),
    putObjectRetention: (request, options) =>
      call("PutObjectRetention", () => store.putObjectRetention(request, options)),
    getObjectLegalHold: (request, options) =>
      call("GetObjectLegalHold", () => store.getObjectLegalHold(request, options)),
    putObjectLegalHold: (request, options) =>
      call("PutObjectLegalHold", () => store.putObjectLegalHold(request, options)),
    listObjectVersions: (request, options) =>
      call("ListObjectVersions", () => store.listObjectVersions(request, options)),
  };
}

/** A body that breaks off, or whose bytes have changed on the way. */
function spoilt(reply: ObjectReply, time: VirtualTime): ObjectReply {
  const { body, head } = reply;
  const breaksOff = body.sizeBytes === 0 || time.random() < 0.5;
  const at = time.below(Math.max(body.sizeBytes, 1));
  const spoil = (bytes: Uint8Array): Uint8Array => {
    if (breaksOff) throw new S3Error("the body broke off", { operation: "GetObject", network: "truncated" });
    const changed = Uint8Array.from(bytes);
    changed[at % Math.max(changed.length, 1)] = (changed[at % Math.max(changed.length, 1)] ?? 0) ^ 0x40;
    return changed;
  };
  const spoiltBody: Body = {
    sizeBytes: body.sizeBytes,
    bytes: async () => spoil(await body.bytes()),
    stream: async function* () {
      let first = true;
      for await (const chunk of body.stream()) {
        yield first ? spoil(chunk) : chunk;
        first = false;
      }
    },
    cancel: () => body.cancel(),
  };
  return { head, body: spoiltBody };
}
