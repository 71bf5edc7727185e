/** An S3 call as it came over HTTP, with bucket, key and operation found; and reading its headers and documents. */
import { hash } from "node:crypto";
import type { XmlElement } from "../../../core/xml.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader, checksumOf } from "../../../s3/checksum.ts";
import type { ChecksumAlgorithm } from "../../../s3/store.ts";
import { parseXml, XmlError } from "../../../s3/xml.ts";
import type { IncomingBody, S3Call } from "../call.ts";
import { invalidRequest, s3Error } from "../errors.ts";
import type { VersionInput } from "../metadata.ts";
import { badVersionId } from "../read.ts";
import type { BodyClaims } from "../receive.ts";
import { trailerAlgorithm } from "../receive.ts";
import { isVersionId } from "../version-id.ts";

export interface S3Request {
  readonly call: S3Call;
  readonly method: string;
  /** "" when the request names none. */
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IncomingBody;
}

/** Documents of settings are small; DeleteObjects and CompleteMultipartUpload have a limit of their own. */
export const DOCUMENT_BYTES_MAX = 256 * 1024;
export const LONG_DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Reads the body as text, and checks the integrity headers that came with it. */
export async function readText(request: S3Request, bytesMax: number = DOCUMENT_BYTES_MAX): Promise<string> {
  if ((request.body.sizeBytes ?? 0) > bytesMax) {
    throw s3Error("MaxMessageLengthExceeded", { details: { MaxMessageLengthBytes: String(bytesMax) } });
  }
  const bytes = await request.body.bytes(bytesMax);
  const claims = bodyClaims(request);
  if (claims.contentMd5 !== undefined && hash("md5", bytes, "base64") !== claims.contentMd5) throw s3Error("BadDigest");
  if (claims.checksum !== undefined) {
    const { algorithm, value = request.body.trailers()[checksumHeader(algorithm)] } = claims.checksum;
    if (value !== (await checksumOf(algorithm, bytes))) {
      throw s3Error("BadDigest", { message: `The ${algorithm} you specified did not match the calculated checksum.` });
    }
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** Reads the body as a document. @throws ServiceError MissingRequestBodyError, MalformedXML */
export async function readXml(request: S3Request, root: string, bytesMax?: number): Promise<XmlElement> {
  const text = await readText(request, bytesMax);
  if (text.trim() === "") throw s3Error("MissingRequestBodyError");
  const element = xmlOf(text);
  if (element.name !== root) throw s3Error("MalformedXML");
  return element;
}

export function xmlOf(text: string): XmlElement {
  try {
    return parseXml(text);
  } catch (error) {
    if (error instanceof XmlError) throw s3Error("MalformedXML");
    throw error;
  }
}

/** What the headers claim of the body. @throws ServiceError InvalidRequest when they claim two things */
export function bodyClaims({ headers }: Pick<S3Request, "headers">): BodyClaims {
  const contentMd5 = headers["content-md5"];
  const checksum = checksumClaim(headers);
  return {
    ...(contentMd5 === undefined ? {} : { contentMd5 }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function checksumClaim(headers: S3Request["headers"]): BodyClaims["checksum"] {
  const trailer = headers["x-amz-trailer"];
  const given = CHECKSUM_ALGORITHMS.filter((one) => headers[checksumHeader(one)] !== undefined);
  const announced = trailer === undefined ? undefined : trailerAlgorithm(trailer);
  if (given.length + (announced === undefined ? 0 : 1) > 1) {
    throw invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  if (announced !== undefined) return { algorithm: announced };
  const [algorithm] = given;
  if (algorithm === undefined) return undefined;
  const value = headers[checksumHeader(algorithm)] ?? "";
  const sdk = headers["x-amz-sdk-checksum-algorithm"]?.toUpperCase();
  if (sdk !== undefined && sdk !== algorithm) {
    throw invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (Buffer.from(value, "base64").length !== CHECKSUM_BYTES[algorithm]) {
    throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`);
  }
  return { algorithm, value };
}

const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** The calls whose damage would be great have to carry a digest. @source aws-replication.md §1.1 */
export function requireDigest(request: S3Request): void {
  const { contentMd5, checksum } = bodyClaims(request);
  if (contentMd5 !== undefined || checksum !== undefined) return;
  throw invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

/** `?versionId=…`; undefined when it is not there. @throws ServiceError InvalidArgument for an empty one */
export function versionIdOf(request: S3Request): { readonly versionId?: string } {
  const versionId = request.query.get("versionId");
  if (versionId === undefined) return {};
  if (!isVersionId(versionId)) throw badVersionId(versionId);
  return { versionId };
}

/** What a request on an object is about. */
export function targetOf(request: S3Request): VersionInput {
  return { bucket: request.bucket, key: request.key, ...versionIdOf(request) };
}

/** An algorithm by its name in a header, in any case. */
export function algorithmNamed(name: string, header: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => one === name.toUpperCase());
  if (algorithm === undefined) throw invalidRequest(`Value for ${header} header is invalid.`);
  return algorithm;
}

/** A date header in ms; undefined when it is absent or unreadable, which conditions ignore. */
export function dateOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A whole number in a parameter; undefined when it is absent. */
export function integerOf(text: string | undefined, ifWrong: () => Error): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw ifWrong();
  return Number(text);
}
