/** Handlers of the operations that read an object: what it is, and its bytes. */
import { SEALED_HEADER, SEALED_SIZE_HEADER } from "../../../s3/replica-headers.ts";
import type { ServiceAnswer } from "../../model.ts";
import { archiveHeaders } from "../archive.ts";
import { getObjectAttributes } from "../attributes.ts";
import { parseCustomerKey } from "../encryption.ts";
import { invalidArgument, invalidRequest } from "../errors.ts";
import { getObject, headObject, type ReadAnswer, type ReadInput } from "../read.ts";
import type { S3Service } from "../service.ts";
import { addLockHeaders } from "./lock-headers.ts";
import {
  type AnswerHeaders,
  checksumHeaders,
  checksumNodes,
  versionHeaders,
  versionIdHeader,
  xmlAnswer,
} from "./print.ts";
import { dateOf, integerOf, type S3Request, targetOf } from "./request.ts";

export async function handleGetObject(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const answer = await getObject(s3, request.call, readInputOf(request));
  try {
    const { status, headers } = describeRead(request, answer);
    headers["content-length"] = String(answer.sizeBytes);
    return { status, headers, body: answer.body };
  } catch (error) {
    answer.cancel();
    throw error;
  }
}

export function handleHeadObject(s3: S3Service, request: S3Request): ServiceAnswer {
  const answer = headObject(s3, request.call, readInputOf(request));
  const { status, headers } = describeRead(request, answer);
  const { range, version } = answer;
  headers["content-length"] = String(range === undefined ? version.sizeBytes : range.lastByte - range.firstByte + 1);
  return { status, headers };
}

export function handleGetObjectAttributes(s3: S3Service, request: S3Request): ServiceAnswer {
  const { headers, call } = request;
  const wanted = new Set((headers["x-amz-object-attributes"] ?? "").split(",").map((one) => one.trim()));
  wanted.delete("");
  const known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
  if (wanted.size === 0 || [...wanted].some((one) => !known.includes(one))) {
    throw invalidArgument(
      "x-amz-object-attributes",
      headers["x-amz-object-attributes"] ?? "null",
      "Invalid attribute name specified.",
    );
  }
  const number = (name: string) =>
    integerOf(headers[name], () => invalidArgument(name, headers[name] ?? "", "Invalid value"));
  const afterPart = number("x-amz-part-number-marker") ?? 0;
  const maxParts = Math.min(number("x-amz-max-parts") ?? 1000, 1000);
  const customerKey = parseCustomerKey(headers);
  const answer = getObjectAttributes(s3, call, {
    ...targetOf(request),
    afterPart,
    maxParts,
    ...(customerKey === undefined ? {} : { customerKey }),
  });
  const { version, parts, shownVersionId } = answer;
  const lastPart = parts?.page.at(-1)?.number ?? afterPart;
  return xmlAnswer(
    [
      "GetObjectAttributesResponse",
      [
        ["ETag", wanted.has("ETag") ? version.etag : undefined],
        wanted.has("Checksum") && version.checksums !== undefined
          ? ["Checksum", checksumNodes(version.checksums)]
          : undefined,
        wanted.has("ObjectParts") && parts !== undefined
          ? [
              "ObjectParts",
              [
                ["PartsCount", parts.total],
                ["PartNumberMarker", afterPart],
                ["NextPartNumberMarker", lastPart],
                ["MaxParts", maxParts],
                ["IsTruncated", parts.isTruncated],
                ...parts.page.map(
                  (part) =>
                    [
                      "Part",
                      [
                        ["PartNumber", part.number],
                        ["Size", part.sizeBytes],
                        [`Checksum${part.checksum.algorithm}`, part.checksum.value],
                      ],
                    ] as const,
                ),
              ],
            ]
          : undefined,
        ["StorageClass", wanted.has("StorageClass") ? version.storageClass : undefined],
        ["ObjectSize", wanted.has("ObjectSize") ? version.sizeBytes : undefined],
      ],
    ],
    { "last-modified": new Date(version.modifiedMs).toUTCString(), ...versionIdHeader(shownVersionId) },
  );
}

function readInputOf(request: S3Request): ReadInput {
  const { headers, query } = request;
  const range = headers["range"];
  const customerKey = parseCustomerKey(headers);
  const part = query.get("partNumber");
  const partNumber = integerOf(part, () => invalidPartNumber(part ?? ""));
  if (partNumber !== undefined && (partNumber < 1 || partNumber > 10_000)) throw invalidPartNumber(part ?? "");
  return {
    ...targetOf(request),
    ...conditionsOf(headers),
    ...(range === undefined ? {} : { range }),
    ...(partNumber === undefined ? {} : { partNumber }),
    ...(customerKey === undefined ? {} : { customerKey }),
    ...(headers[SEALED_HEADER] === undefined ? {} : { sealed: true }),
  };
}

function invalidPartNumber(value: string): Error {
  return invalidArgument("partNumber", value, "Part number must be an integer between 1 and 10000, inclusive");
}

function conditionsOf(headers: S3Request["headers"]): Pick<ReadInput, "conditions"> {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  const ifModifiedSinceMs = dateOf(headers["if-modified-since"]);
  const ifUnmodifiedSinceMs = dateOf(headers["if-unmodified-since"]);
  if ((ifMatch ?? ifNoneMatch ?? ifModifiedSinceMs ?? ifUnmodifiedSinceMs) === undefined) return {};
  return {
    conditions: {
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
      ...(ifModifiedSinceMs === undefined ? {} : { ifModifiedSinceMs }),
      ...(ifUnmodifiedSinceMs === undefined ? {} : { ifUnmodifiedSinceMs }),
    },
  };
}

/** Query parameters of a signed read that replace headers of its answer. */
const RESPONSE_OVERRIDES = [
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
  ["response-content-language", "content-language"],
  ["response-content-type", "content-type"],
  ["response-expires", "expires"],
] as const;

/** Status and headers that GET and HEAD have in common. */
function describeRead(
  request: S3Request,
  answer: ReadAnswer,
): { readonly status: number; readonly headers: AnswerHeaders } {
  const { version, range, shownVersionId, partsCount, lock } = answer;
  const headers = versionHeaders(version, shownVersionId);
  if (lock !== undefined) addLockHeaders(headers, lock);
  // Checksums are of the whole object, so a range shows none.
  const isWhole = range === undefined || (range.firstByte === 0 && range.lastByte === version.sizeBytes - 1);
  if (request.headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" && isWhole) {
    checksumHeaders(version.checksums, headers);
  }
  if (partsCount !== undefined) headers["x-amz-mp-parts-count"] = String(partsCount);
  const { archive } = version.metadata;
  if (archive !== undefined) Object.assign(headers, archiveHeaders(archive, request.call.nowMs));
  if (answer.sealed !== undefined) {
    headers[SEALED_HEADER] = answer.sealed;
    headers[SEALED_SIZE_HEADER] = String(version.sizeBytes);
  }
  if (request.query.size > 0) overrideHeaders(request, headers);
  if (range === undefined) return { status: 200, headers };
  headers["content-range"] = `bytes ${range.firstByte}-${range.lastByte}/${version.sizeBytes}`;
  return { status: 206, headers };
}

function overrideHeaders(request: S3Request, headers: AnswerHeaders): void {
  for (const [parameter, header] of RESPONSE_OVERRIDES) {
    const value = request.query.get(parameter);
    if (value === undefined) continue;
    if (request.call.caller.principal.kind === "anonymous") {
      throw invalidRequest("Request specific response headers cannot be used for anonymous GET requests.");
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw invalidArgument(parameter, value, "Invalid header value");
    headers[header] = value;
  }
}
