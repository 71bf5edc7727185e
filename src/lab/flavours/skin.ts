/**
 * Makes the differences of a flavour around the S3 skin's handlers: what of a request is looked at, and what of the answer
 * is told. The brain knows of no flavour but how it makes version ids.
 */
import { fromHeaderText, toHeaderText } from "../../s3/header-text.ts";
import type { ServiceAnswer } from "../model.ts";
import { ServiceError } from "../model.ts";
import { s3Error } from "../s3/errors.ts";
import type { S3Operation } from "../s3/operations.ts";
import type { S3Request } from "../s3/skin/request.ts";
import { FLAVOURS, type Flavour } from "./flavours.ts";
import { asReplicator } from "./minio.ts";

/** Answers one operation as a store of the flavour does. @throws ServiceError */
export async function answerAs(
  flavour: Flavour,
  operation: S3Operation,
  request: S3Request,
  handle: (request: S3Request) => ServiceAnswer | Promise<ServiceAnswer>,
): Promise<ServiceAnswer> {
  if (flavour === FLAVOURS.aws) return await handle(request);
  const lacking = flavour.lacks[operation];
  if (lacking !== undefined) throw s3Error(lacking);
  const refused = Object.keys(request.headers).find((name) => isAmong(flavour.refusesHeaders, name));
  if (refused !== undefined) throw s3Error("NotImplemented", { details: { Header: refused } });
  try {
    return toldAs(flavour, operation, await handle(seenBy(flavour, operation, request)));
  } catch (error) {
    if (error instanceof ServiceError) throw namedBy(flavour, error);
    throw error;
  }
}

/** Headers of every answer, those of errors included; undefined where they are the lab's own. */
export function signatureOf(flavour: Flavour, requestId: string): Readonly<Record<string, string>> | undefined {
  if (flavour === FLAVOURS.aws) return undefined;
  const { server, requestIds } = flavour;
  // Of one that does not name itself an empty header is as good as none to whoever reads it.
  return requestIds === "aws" ? { server } : { server, "x-amz-request-id": cephId(requestId) };
}

/** A name of a transaction: tx, a number, the time, the instance, the zone. */
function cephId(requestId: string): string {
  return `tx${requestId.toLowerCase().padStart(21, "0")}-0000000000-1-default`;
}

function seenBy(flavour: Flavour, operation: S3Operation, request: S3Request): S3Request {
  const headers = without(request.headers, flavour.ignoresHeaders[operation] ?? []);
  if (flavour.damagesTags.includes(operation) && headers["x-amz-tagging"] !== undefined) {
    headers["x-amz-tagging"] = `${UNREADABLE}=`;
  }
  const blind = flavour.ignoresParameters[operation] ?? [];
  const query =
    blind.length === 0 ? request.query : new Map([...request.query].filter(([name]) => !blind.includes(name)));
  const seen = { ...request, headers, query };
  return flavour.takesMinioReplicas ? asReplicator(operation, seen) : seen;
}

/** In the place of tags that were kept in a form that cannot be read. */
const UNREADABLE = "lab:unreadable";

function toldAs(flavour: Flavour, operation: S3Operation, answer: ServiceAnswer): ServiceAnswer {
  const headers = without(answer.headers ?? {}, flavour.hidesHeaders);
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith("x-amz-meta-")) continue;
    headers[name] = toHeaderText(fromHeaderText(value, "rfc2047"), flavour.metadataText);
  }
  const told = { ...answer, headers };
  const { body } = answer;
  if (typeof body !== "string") return told;
  if (flavour.forgetsEtags && operation === "CompleteMultipartUpload") {
    return { ...told, body: body.replace(/<ETag>[^<]*<\/ETag>/, "<ETag></ETag>") };
  }
  if (operation === "GetObjectTagging" && body.includes(`<Key>${UNREADABLE}</Key>`)) return { ...told, body: "" };
  return told;
}

function namedBy(flavour: Flavour, error: ServiceError): ServiceError {
  const { code, status, message, details } = error;
  const isMarker = error.headers["x-amz-delete-marker"] !== undefined;
  if (isMarker && flavour.hidesMarkers) return s3Error("NoSuchKey", { details: code === "NoSuchKey" ? details : {} });
  const named = flavour.errors[code];
  if (named === undefined) return error;
  return new ServiceError(named.code, named.status ?? status, message, { details, headers: error.headers });
}

function without(headers: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isAmong(names, name)));
}

function isAmong(names: readonly string[], name: string): boolean {
  return names.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name));
}
