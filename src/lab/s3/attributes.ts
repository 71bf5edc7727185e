/** GetObjectAttributes: what a HEAD tells, and the parts. */
import { authoriseAction, existing } from "./access.ts";
import type { S3Call } from "./call.ts";
import { type CustomerKey, checkCustomerKey } from "./encryption.ts";
import { locate, type ReadInput, shownVersionId } from "./read.ts";
import type { S3Service } from "./service.ts";
import { partsOfUpload, type StoredPart } from "./upload-rows.ts";
import type { StoredVersion } from "./versions.ts";

export interface AttributesInput extends Pick<ReadInput, "bucket" | "key" | "versionId"> {
  readonly customerKey?: CustomerKey;
  readonly afterPart: number;
  readonly maxParts: number;
}

export interface AttributesAnswer {
  readonly version: StoredVersion;
  readonly shownVersionId?: string;
  /** One page of the parts, renumbered from 1; undefined for objects that were put whole. */
  readonly parts?: { readonly total: number; readonly page: readonly StoredPart[]; readonly isTruncated: boolean };
}

/** Needs the right to read the object, too. */
export function getObjectAttributes(s3: S3Service, call: S3Call, input: AttributesInput): AttributesAnswer {
  const { bucket, version } = locate(s3, call, "GetObjectAttributes", input);
  authoriseAction(s3, call, input.versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion", {
    bucket,
    key: input.key,
    ...(input.versionId === undefined ? {} : { versionId: input.versionId }),
    ...existing(version),
  });
  checkCustomerKey(version, input.customerKey);
  const shown = shownVersionId(bucket, version);
  const answer = { version, ...(shown === undefined ? {} : { shownVersionId: shown }) };
  if (version.upload === undefined) return answer;
  const all = partsOfUpload(s3.database.committed, version.upload).map((part, index) => ({
    ...part,
    number: index + 1,
  }));
  const page = all.slice(input.afterPart, input.afterPart + input.maxParts);
  const isTruncated = input.afterPart + page.length < all.length;
  return { ...answer, parts: { total: all.length, page, isTruncated } };
}
