/** Handlers of multipart uploads. */
import { childrenNamed, childText, type XmlNode } from "../../../core/xml.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader } from "../../../s3/checksum.ts";
import { SEALED_HEADER } from "../../../s3/replica-headers.ts";
import type { ChecksumAlgorithm, Checksums } from "../../../s3/store.ts";
import type { ServiceAnswer } from "../../model.ts";
import { type CompletedPart, completeMultipartUpload } from "../complete.ts";
import { uploadPartCopy } from "../copy.ts";
import { parseCustomerKey, printKmsContext } from "../encryption.ts";
import { invalidArgument, invalidRequest, s3Error } from "../errors.ts";
import { abortMultipartUpload, createMultipartUpload, uploadPart } from "../multipart.ts";
import type { S3Service } from "../service.ts";
import type { StoredPart, UploadDetails } from "../upload-rows.ts";
import { listMultipartUploads, listParts } from "../uploads.ts";
import { encodeForListing, encodingTypeOf, maxOf } from "./list-handlers.ts";
import {
  type AnswerHeaders,
  checksumNodes,
  emptyAnswer,
  encryptionHeaders,
  KMS_CONTEXT_HEADER,
  xmlAnswer,
  xmlDate,
} from "./print.ts";
import { algorithmNamed, bodyClaims, integerOf, LONG_DOCUMENT_BYTES_MAX, readXml, type S3Request } from "./request.ts";
import { copySourceOf, replicaOf, writeConditionsOf, writeInputOf } from "./write-headers.ts";

export async function handleCreateMultipartUpload(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { headers, bucket, key } = request;
  const algorithm = headers["x-amz-checksum-algorithm"];
  const type = checksumTypeOf(headers);
  const { uploadId, details } = await createMultipartUpload(s3, request.call, {
    ...writeInputOf(request),
    checksum: {
      ...(algorithm === undefined ? {} : { algorithm: algorithmNamed(algorithm, "x-amz-checksum-algorithm") }),
      ...(type === undefined ? {} : { type }),
    },
  });
  const shown = encryptionHeaders(details);
  if (details.kmsContext !== undefined) shown[KMS_CONTEXT_HEADER] = printKmsContext(details.kmsContext);
  if (details.checksumWasNamed) {
    shown["x-amz-checksum-algorithm"] = details.checksum.algorithm;
    shown["x-amz-checksum-type"] = details.checksum.type;
  }
  return xmlAnswer(
    [
      "InitiateMultipartUploadResult",
      [
        ["Bucket", bucket],
        ["Key", key],
        ["UploadId", uploadId],
      ],
    ],
    shown,
  );
}

export async function handleUploadPart(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const customerKey = parseCustomerKey(request.headers);
  const sealed = request.headers[SEALED_HEADER];
  const { part, details, claimed } = await uploadPart(
    s3,
    request.call,
    {
      ...uploadRefOf(request),
      partNumber: partNumberOf(request),
      claims: bodyClaims(request),
      ...(customerKey === undefined ? {} : { customerKey }),
      ...(sealed === undefined ? {} : { sealed }),
    },
    request.body,
  );
  const headers = encryptionHeaders(details);
  headers["etag"] = `"${part.etag}"`;
  const { algorithm, value } = claimed ?? part.checksum;
  headers[checksumHeader(algorithm)] = value;
  return emptyAnswer(200, headers);
}

export async function handleUploadPartCopy(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { headers } = request;
  const range = headers["x-amz-copy-source-range"];
  const customerKey = parseCustomerKey(headers);
  const { part, details, sourceVersionId } = await uploadPartCopy(s3, request.call, {
    ...uploadRefOf(request),
    partNumber: partNumberOf(request),
    source: copySourceOf(headers),
    ...(range === undefined ? {} : { range }),
    ...(customerKey === undefined ? {} : { customerKey }),
  });
  const shown = encryptionHeaders(details);
  if (sourceVersionId !== undefined) shown["x-amz-copy-source-version-id"] = sourceVersionId;
  return xmlAnswer(
    [
      "CopyPartResult",
      [["LastModified", xmlDate(part.modifiedMs)], ["ETag", `"${part.etag}"`], ...partChecksumNodes(part, details)],
    ],
    shown,
  );
}

export async function handleCompleteMultipartUpload(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { headers, bucket, key } = request;
  const document = await readXml(withoutObjectChecksum(request), "CompleteMultipartUpload", LONG_DOCUMENT_BYTES_MAX);
  const parts = childrenNamed(document, "Part").map((part): CompletedPart => {
    const partNumber = Number(childText(part, "PartNumber"));
    const etag = childText(part, "ETag");
    if (!Number.isInteger(partNumber) || etag === undefined) throw s3Error("MalformedXML");
    const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = childText(part, `Checksum${algorithm}`);
      if (value !== undefined) checksums[algorithm] = value;
    }
    return { partNumber, etag: etag.trim().replace(/^"|"$/g, ""), checksums };
  });
  const sizeBytes = integerOf(headers["x-amz-mp-object-size"], () =>
    invalidArgument("x-amz-mp-object-size", headers["x-amz-mp-object-size"] ?? "", "Invalid object size"),
  );
  const checksums = objectChecksumOf(headers);
  const conditions = writeConditionsOf(headers);
  const answer = await completeMultipartUpload(s3, request.call, {
    ...uploadRefOf(request),
    parts,
    ...(checksums === undefined ? {} : { checksums }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...replicaOf(headers),
  });
  const shown = encryptionHeaders(answer);
  if (answer.versionId !== undefined) shown["x-amz-version-id"] = answer.versionId;
  return xmlAnswer(
    [
      "CompleteMultipartUploadResult",
      [
        ["Location", `http://${headers["host"] ?? ""}/${bucket}/${encodeURIComponent(key)}`],
        ["Bucket", bucket],
        ["Key", key],
        ["ETag", `"${answer.etag}"`],
        ...checksumNodes(answer.checksums),
      ],
    ],
    shown,
  );
}

export async function handleAbortMultipartUpload(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await abortMultipartUpload(s3, request.call, uploadRefOf(request));
  return emptyAnswer(204);
}

export function handleListParts(s3: S3Service, request: S3Request): ServiceAnswer {
  const { query, call } = request;
  const marker = query.get("part-number-marker");
  const afterNumber =
    integerOf(marker, () => invalidArgument("part-number-marker", marker ?? "", "Invalid part number marker")) ?? 0;
  const maxParts = maxOf(query, "max-parts");
  const ref = uploadRefOf(request);
  const { upload, parts, isTruncated, ownerId } = listParts(s3, call, { ...ref, afterNumber, maxParts });
  const { details } = upload;
  return xmlAnswer([
    "ListPartsResult",
    [
      ["Bucket", ref.bucket],
      ["Key", ref.key],
      ["UploadId", upload.id],
      [
        "Initiator",
        [
          ["ID", upload.initiator],
          ["DisplayName", upload.initiator],
        ],
      ],
      ["Owner", [["ID", ownerId]]],
      ["StorageClass", details.storageClass],
      ["PartNumberMarker", afterNumber],
      ["NextPartNumberMarker", parts.at(-1)?.number ?? afterNumber],
      ["MaxParts", maxParts],
      ["IsTruncated", isTruncated],
      ["ChecksumAlgorithm", details.checksumWasNamed ? details.checksum.algorithm : undefined],
      ["ChecksumType", details.checksumWasNamed ? details.checksum.type : undefined],
      ...parts.map(
        (part): XmlNode => [
          "Part",
          [
            ["PartNumber", part.number],
            ["LastModified", xmlDate(part.modifiedMs)],
            ["ETag", `"${part.etag}"`],
            ["Size", part.sizeBytes],
            ...partChecksumNodes(part, details),
          ],
        ],
      ),
    ],
  ]);
}

export function handleListMultipartUploads(s3: S3Service, request: S3Request): ServiceAnswer {
  const { query, bucket } = request;
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keyMarker = query.get("key-marker") ?? "";
  const uploadIdMarker = query.get("upload-id-marker") ?? "";
  const maxUploads = maxOf(query, "max-uploads");
  const encodingType = encodingTypeOf(query);
  const encode = (text: string): string => encodeForListing(text, encodingType);
  const page = listMultipartUploads(s3, request.call, {
    bucket,
    prefix,
    delimiter,
    keyMarker,
    uploadIdMarker,
    maxUploads,
  });
  return xmlAnswer([
    "ListMultipartUploadsResult",
    [
      ["Bucket", bucket],
      ["KeyMarker", encode(keyMarker)],
      ["UploadIdMarker", uploadIdMarker],
      ["NextKeyMarker", page.next === undefined ? undefined : encode(page.next.key)],
      ["NextUploadIdMarker", page.next?.uploadId],
      ["Prefix", encode(prefix)],
      ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
      ["EncodingType", encodingType],
      ["MaxUploads", maxUploads],
      ["IsTruncated", page.next !== undefined],
      ...page.uploads.map(
        (upload): XmlNode => [
          "Upload",
          [
            ["Key", encode(upload.key)],
            ["UploadId", upload.id],
            [
              "Initiator",
              [
                ["ID", upload.initiator],
                ["DisplayName", upload.initiator],
              ],
            ],
            ["Owner", [["ID", page.ownerId]]],
            ["StorageClass", upload.details.storageClass],
            ["Initiated", xmlDate(upload.startedMs)],
          ],
        ],
      ),
      ...page.commonPrefixes.map((one): XmlNode => ["CommonPrefixes", [["Prefix", encode(one)]]]),
    ],
  ]);
}

function uploadRefOf({ bucket, key, query }: S3Request) {
  return { bucket, key, uploadId: query.get("uploadId") ?? "" };
}

function partNumberOf({ query }: S3Request): number {
  const text = query.get("partNumber") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
}

function checksumTypeOf(headers: S3Request["headers"]): Checksums["type"] | undefined {
  const value = headers["x-amz-checksum-type"];
  if (value === undefined || value === "FULL_OBJECT" || value === "COMPOSITE") return value;
  throw invalidRequest("Value for x-amz-checksum-type header is invalid.");
}

/** In a completion the checksum headers are of the object, not of the document. */
function objectChecksumOf(headers: S3Request["headers"]): Checksums | undefined {
  const type = checksumTypeOf(headers);
  const values: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = headers[checksumHeader(algorithm)];
    if (value !== undefined) values[algorithm] = value;
  }
  return Object.keys(values).length === 0 ? undefined : { type: type ?? "FULL_OBJECT", values };
}

function withoutObjectChecksum(request: S3Request): S3Request {
  const headers: AnswerHeaders = { ...request.headers };
  for (const algorithm of CHECKSUM_ALGORITHMS) delete headers[checksumHeader(algorithm)];
  return { ...request, headers };
}

function partChecksumNodes(part: StoredPart, details: UploadDetails): XmlNode[] {
  return details.checksumWasNamed ? [[`Checksum${part.checksum.algorithm}`, part.checksum.value]] : [];
}
