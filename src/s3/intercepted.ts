/** What every decorator of a Store has in common: one function around all its calls. */
import type { Store } from "./store.ts";

/** Asks with the request as it is, or with another one, now or later. */
export type Around = <Request extends { readonly bucket: string }, Reply>(
  call: { readonly name: keyof Store; readonly request: Request; readonly signal: AbortSignal | undefined },
  ask: (request: Request) => Promise<Reply>,
) => Promise<Reply>;

/** A Store whose every call goes through `around`. */
export function intercepted(store: Store, around: Around): Store {
  return {
    headObject: (request, options) =>
      around({ name: "headObject", request, signal: options?.signal }, (one) => store.headObject(one, options)),
    getObject: (request, options) =>
      around({ name: "getObject", request, signal: options?.signal }, (one) => store.getObject(one, options)),
    putObject: (request, options) =>
      around({ name: "putObject", request, signal: options?.signal }, (one) => store.putObject(one, options)),
    deleteObject: (request, options) =>
      around({ name: "deleteObject", request, signal: options?.signal }, (one) => store.deleteObject(one, options)),
    createMultipartUpload: (request, options) =>
      around({ name: "createMultipartUpload", request, signal: options?.signal }, (one) =>
        store.createMultipartUpload(one, options),
      ),
    uploadPart: (request, options) =>
      around({ name: "uploadPart", request, signal: options?.signal }, (one) => store.uploadPart(one, options)),
    completeMultipartUpload: (request, options) =>
      around({ name: "completeMultipartUpload", request, signal: options?.signal }, (one) =>
        store.completeMultipartUpload(one, options),
      ),
    abortMultipartUpload: (request, options) =>
      around({ name: "abortMultipartUpload", request, signal: options?.signal }, (one) =>
        store.abortMultipartUpload(one, options),
      ),
    listParts: (request, options) =>
      around({ name: "listParts", request, signal: options?.signal }, (one) => store.listParts(one, options)),
    copyObject: (request, options) =>
      around({ name: "copyObject", request, signal: options?.signal }, (one) => store.copyObject(one, options)),
    uploadPartCopy: (request, options) =>
      around({ name: "uploadPartCopy", request, signal: options?.signal }, (one) => store.uploadPartCopy(one, options)),
    getObjectTagging: (request, options) =>
      around({ name: "getObjectTagging", request, signal: options?.signal }, (one) =>
        store.getObjectTagging(one, options),
      ),
    putObjectTagging: (request, options) =>
      around({ name: "putObjectTagging", request, signal: options?.signal }, (one) =>
        store.putObjectTagging(one, options),
      ),
    getObjectAcl: (request, options) =>
      around({ name: "getObjectAcl", request, signal: options?.signal }, (one) => store.getObjectAcl(one, options)),
    putObjectAcl: (request, options) =>
      around({ name: "putObjectAcl", request, signal: options?.signal }, (one) => store.putObjectAcl(one, options)),
    getObjectRetention: (request, options) =>
      around({ name: "getObjectRetention", request, signal: options?.signal }, (one) =>
        store.getObjectRetention(one, options),
      ),
    putObjectRetention: (request, options) =>
      around({ name: "putObjectRetention", request, signal: options?.signal }, (one) =>
        store.putObjectRetention(one, options),
      ),
    getObjectLegalHold: (request, options) =>
      around({ name: "getObjectLegalHold", request, signal: options?.signal }, (one) =>
        store.getObjectLegalHold(one, options),
      ),
    putObjectLegalHold: (request, options) =>
      around({ name: "putObjectLegalHold", request, signal: options?.signal }, (one) =>
        store.putObjectLegalHold(one, options),
      ),
    listObjectVersions: (request, options) =>
      around({ name: "listObjectVersions", request, signal: options?.signal }, (one) =>
        store.listObjectVersions(one, options),
      ),
  };
}

/** A Store whose bucket is known to its caller under another name. What is copied is asked for by its own name. */
export function renamed(store: Store, bucket: string): Store {
  return intercepted(store, ({ request }, ask) => ask({ ...request, bucket }));
}
