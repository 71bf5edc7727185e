/** Writes samples into the lab as the owner of their bucket, or as another account's root user. */
import { randomBytes } from "node:crypto";
import type { AccessControlList, AclGrant } from "../../core/model.ts";
import type { Sample } from "../../doctor/rehearsal.ts";
import type { Lab } from "../../lab/lab.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Store, UploadedPart, WriteRequest } from "../../s3/store.ts";
import { DEFAULT_REGION } from "../defaults.ts";

/** A version id, or why the sample could not be written. */
export type Written = { readonly versionId: string } | { readonly refused: string };

/** Some account that is nobody else's. */
const STRANGER = "999999999999";
/** The least that a part may hold which is not the last. */
const PART_BYTES = 5 * 1024 * 1024;
const RETAINED_MS = 24 * 60 * 60 * 1000;
const EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers";

/** One after another, so that versions of one key have an order. Answers in the order of the samples. */
export async function writeSamples(
  lab: Lab,
  bucket: string,
  samples: readonly Sample[],
  clock: () => number,
): Promise<readonly Written[]> {
  const { account = "", region = DEFAULT_REGION } = lab.bucket(bucket) ?? {};
  const customerKey = randomBytes(32);
  const owners = lab.direct(await lab.account(account), region, { customerKey });
  const strangers = lab.direct(await lab.account(STRANGER), region, { customerKey });
  const ids = { owner: lab.identity.canonicalUserId(account), stranger: lab.identity.canonicalUserId(STRANGER) };
  const large = samples.some((one) => one.isMultipart === true) ? Buffer.alloc(PART_BYTES, 1) : Buffer.alloc(0);
  const written: Written[] = [];
  for (const sample of samples) {
    const store = sample.foreign === undefined ? owners : strangers;
    const acl = aclOf(sample, ids);
    const request: WriteRequest = {
      bucket,
      key: sample.key,
      contentHeaders: {},
      userMetadata: {},
      storageClass: sample.storageClass,
      encryption: sample.encryption,
      tags: sample.tags,
      ...(acl === undefined ? {} : { acl }),
      ...(sample.retained === true
        ? { retention: { mode: "GOVERNANCE", retainUntilMs: clock() + RETAINED_MS } as const }
        : {}),
      ...(sample.held === true ? { legalHold: true } : {}),
    };
    written.push(await writeOne(store, sample, request, large));
  }
  return written;
}

async function writeOne(store: Store, sample: Sample, request: WriteRequest, large: Uint8Array): Promise<Written> {
  try {
    const { versionId = "null" } =
      sample.isDeleteMarker === true
        ? await store.deleteObject({ bucket: request.bucket, key: request.key })
        : sample.isMultipart === true
          ? await writeInParts(store, request, large)
          : await store.putObject({ ...request, body: Buffer.from("rehearsal") });
    return { versionId };
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return { refused: error.message };
  }
}

async function writeInParts(store: Store, request: WriteRequest, large: Uint8Array) {
  const { bucket, key } = request;
  const { uploadId } = await store.createMultipartUpload(request);
  const parts: UploadedPart[] = [];
  for (const [at, body] of [large, Buffer.from("rehearsal")].entries()) {
    parts.push(await store.uploadPart({ bucket, key, uploadId, partNumber: at + 1, body }));
  }
  return await store.completeMultipartUpload({ bucket, key, uploadId, parts });
}

function aclOf(
  { foreign, isPublic }: Sample,
  ids: { readonly owner: string; readonly stranger: string },
): AccessControlList | undefined {
  if (foreign === undefined && isPublic !== true) return undefined;
  const writer = foreign === undefined ? ids.owner : ids.stranger;
  const grants: AclGrant[] = [
    { grantee: { kind: "user", id: writer }, permission: "FULL_CONTROL" },
    ...(foreign?.bucketOwnerMay ?? []).map(
      (permission): AclGrant => ({ grantee: { kind: "user", id: ids.owner }, permission }),
    ),
    ...(isPublic === true ? [{ grantee: { kind: "group", uri: EVERYBODY }, permission: "READ" } as const] : []),
  ];
  return { ownerId: writer, grants };
}
