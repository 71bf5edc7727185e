/** Handlers of the operations that write, copy, remove or restore an object. What reads one is in `read-handlers.ts`. */
import { child, childrenNamed, childText } from "../../../core/xml.ts";
import { type ServiceAnswer, ServiceError } from "../../model.ts";
import { restoreObject } from "../archive.ts";
import { copyObject } from "../copy.ts";
import { deleteObject, deleteObjects } from "../delete.ts";
import { printKmsContext } from "../encryption.ts";
import { s3Error } from "../errors.ts";
import { putObject } from "../put.ts";
import type { S3Service } from "../service.ts";
import { bypassAsked } from "./lock-headers.ts";
import {
  type AnswerHeaders,
  checksumNodes,
  emptyAnswer,
  encryptionHeaders,
  KMS_CONTEXT_HEADER,
  writeHeaders,
  xmlAnswer,
  xmlDate,
} from "./print.ts";
import {
  algorithmNamed,
  bodyClaims,
  LONG_DOCUMENT_BYTES_MAX,
  readXml,
  requireDigest,
  type S3Request,
  targetOf,
  versionIdOf,
} from "./request.ts";
import { copySourceOf, directiveOf, replicaOf, writeInputOf } from "./write-headers.ts";

export async function handlePutObject(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const input = { ...writeInputOf(request), claims: bodyClaims(request) };
  return emptyAnswer(200, writeHeaders(await putObject(s3, request.call, input, request.body)));
}

export async function handleDeleteObject(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { bucket, key, headers, call } = request;
  const ifMatch = headers["if-match"];
  const answer = await deleteObject(s3, call, {
    bucket,
    key,
    ...versionIdOf(request),
    ...replicaOf(headers),
    ...bypassAsked(headers),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  });
  const shown: AnswerHeaders = {};
  if (answer.versionId !== undefined) shown["x-amz-version-id"] = answer.versionId;
  if (answer.isMarker) shown["x-amz-delete-marker"] = "true";
  return emptyAnswer(204, shown);
}

export async function handleDeleteObjects(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  requireDigest(request);
  const root = await readXml(request, "Delete", LONG_DOCUMENT_BYTES_MAX);
  const isQuiet = childText(root, "Quiet") === "true";
  const keys = childrenNamed(root, "Object").map((one) => {
    const key = childText(one, "Key");
    if (key === undefined || key === "") throw s3Error("MalformedXML");
    const versionId = childText(one, "VersionId");
    const ifMatch = childText(one, "ETag");
    return {
      key,
      ...(versionId === undefined || versionId === "" ? {} : { versionId }),
      ...(ifMatch === undefined ? {} : { ifMatch }),
    };
  });
  const deleted = await deleteObjects(s3, request.call, request.bucket, keys, bypassAsked(request.headers));
  return xmlAnswer([
    "DeleteResult",
    deleted.map(({ key, versionId, answer }) => {
      if (answer instanceof ServiceError) {
        return [
          "Error",
          [
            ["Key", key],
            ["VersionId", versionId],
            ["Code", answer.code],
            ["Message", answer.message],
          ],
        ];
      }
      if (isQuiet) return undefined;
      const isNewMarker = versionId === undefined && answer.isMarker;
      return [
        "Deleted",
        [
          ["Key", key],
          ["VersionId", versionId],
          ["DeleteMarker", answer.isMarker ? true : undefined],
          ["DeleteMarkerVersionId", isNewMarker || answer.isMarker ? answer.versionId : undefined],
        ],
      ];
    }),
  ]);
}

const METADATA_DIRECTIVE = "x-amz-metadata-directive";

export async function handleCopyObject(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const { headers, call } = request;
  const algorithm = headers["x-amz-checksum-algorithm"];
  const answer = await copyObject(s3, call, {
    ...writeInputOf(request),
    source: copySourceOf(headers),
    ...(headers[METADATA_DIRECTIVE] === undefined
      ? {}
      : { metadataDirective: directiveOf(headers, METADATA_DIRECTIVE) }),
    taggingDirective: directiveOf(headers, "x-amz-tagging-directive"),
    ...(algorithm === undefined ? {} : { checksumAlgorithm: algorithmNamed(algorithm, "x-amz-checksum-algorithm") }),
  });
  const shown = encryptionHeaders(answer);
  if (answer.kmsContext !== undefined) shown[KMS_CONTEXT_HEADER] = printKmsContext(answer.kmsContext);
  if (answer.versionId !== undefined) shown["x-amz-version-id"] = answer.versionId;
  if (answer.sourceVersionId !== undefined) shown["x-amz-copy-source-version-id"] = answer.sourceVersionId;
  return xmlAnswer(
    [
      "CopyObjectResult",
      [["LastModified", xmlDate(answer.modifiedMs)], ["ETag", `"${answer.etag}"`], ...checksumNodes(answer.checksums)],
    ],
    shown,
  );
}

export async function handleRestoreObject(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "RestoreRequest");
  if (["SelectParameters", "OutputLocation", "Type"].some((name) => child(root, name) !== undefined)) {
    throw s3Error("NotImplemented", { details: { Element: "SelectParameters" } });
  }
  const days = childText(root, "Days");
  const restored = await restoreObject(s3, request.call, {
    ...targetOf(request),
    ...(days === undefined ? {} : { days: Number(days) }),
  });
  return emptyAnswer(restored ? 200 : 202);
}
