/**
 * From the headers and documents that S3 answers with to the replies of the Store port. Pure; errors are in
 * `error-answers.ts`.
 *
 * Readers take what is there: a header that a store leaves out becomes undefined, never a guess.
 */
import type { AccessControlList, AclGrant, Encryption, Retention, Tag } from "../core/model.ts";
import { child, childrenNamed, childText, type XmlElement } from "../core/xml.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader } from "./checksum.ts";
import { fromHeaderText, type HeaderTextCustom } from "./header-text.ts";
import { SEALED_HEADER, SEALED_SIZE_HEADER } from "./replica-headers.ts";
import type { ChecksumAlgorithm, Checksums, ObjectHead } from "./store.ts";

/** What the readers need of an answer. */
export interface AnswerHeaders {
  /** One character per byte; undefined when the answer does not have it. */
  header(name: string): string | undefined;
  /** In lower case. */
  headerNames(): readonly string[];
}

const CONTENT_HEADERS = [
  "content-type",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
  "x-amz-website-redirect-location",
];
const META_PREFIX = "x-amz-meta-";

/** A head in the making. */
type Draft<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** @param custom how the store writes user metadata that is not ASCII */
export function readObjectHead(answer: AnswerHeaders, custom: HeaderTextCustom): ObjectHead {
  // Filled in property by property: one of these is made per object that is copied.
  const head: Draft<ObjectHead> = {
    etag: unquoted(answer.header("etag") ?? ""),
    sizeBytes: readSize(answer),
    lastModifiedMs: Date.parse(answer.header("last-modified") ?? ""),
    storageClass: answer.header("x-amz-storage-class") ?? "STANDARD",
    encryption: readEncryption(answer),
    contentHeaders: readContentHeaders(answer),
    userMetadata: readUserMetadata(answer, custom),
  };
  const versionId = answer.header("x-amz-version-id");
  if (versionId !== undefined) head.versionId = versionId;
  const checksums = readChecksums(answer);
  if (checksums !== undefined) head.checksums = checksums;
  const replicationStatus = answer.header("x-amz-replication-status");
  if (replicationStatus !== undefined) head.replicationStatus = replicationStatus;
  const tagCount = readNumber(answer.header("x-amz-tagging-count"));
  if (tagCount !== undefined) head.tagCount = tagCount;
  const partsCount = readNumber(answer.header("x-amz-mp-parts-count"));
  if (partsCount !== undefined) head.partsCount = partsCount;
  const retention = readRetentionHeaders(answer);
  if (retention !== undefined) head.retention = retention;
  const legalHold = answer.header("x-amz-object-lock-legal-hold");
  if (legalHold !== undefined) head.legalHold = legalHold === "ON";
  const archiveStatus = answer.header("x-amz-archive-status");
  if (archiveStatus !== undefined) head.archiveStatus = archiveStatus;
  const sealed = answer.header(SEALED_HEADER);
  if (sealed !== undefined) head.sealed = sealed;
  const requestId = answer.header("x-amz-request-id");
  if (requestId !== undefined) head.requestId = requestId;
  return head;
}

function readRetentionHeaders(answer: AnswerHeaders): Retention | undefined {
  return retentionOf(answer.header("x-amz-object-lock-mode"), answer.header("x-amz-object-lock-retain-until-date"));
}

function retentionOf(mode: string | undefined, until: string | undefined): Retention | undefined {
  const retainUntilMs = Date.parse(until ?? "");
  if ((mode !== "GOVERNANCE" && mode !== "COMPLIANCE") || !Number.isFinite(retainUntilMs)) return undefined;
  return { mode, retainUntilMs };
}

function readContentHeaders(answer: AnswerHeaders): Record<string, string> {
  const contentHeaders: Record<string, string> = {};
  for (const name of CONTENT_HEADERS) {
    const value = answer.header(name);
    if (value !== undefined) contentHeaders[name] = fromHeaderText(value, "utf-8");
  }
  // Some stores keep the framing of the upload, which is not a property of the object, as its encoding.
  const encoding = contentHeaders["content-encoding"];
  if (encoding?.includes("aws-chunked")) {
    const kept = encoding.split(",").filter((one) => one.trim() !== "aws-chunked");
    if (kept.length === 0) delete contentHeaders["content-encoding"];
    else contentHeaders["content-encoding"] = kept.join(",").trim();
  }
  return contentHeaders;
}

function readUserMetadata(answer: AnswerHeaders, custom: HeaderTextCustom): Record<string, string> {
  const userMetadata: Record<string, string> = {};
  for (const name of answer.headerNames()) {
    if (!name.startsWith(META_PREFIX)) continue;
    userMetadata[name.slice(META_PREFIX.length)] = fromHeaderText(answer.header(name) ?? "", custom);
  }
  return userMetadata;
}

/** Of the whole object: behind the slash where the answer is a range. */
function readSize(answer: AnswerHeaders): number {
  const sealed = answer.header(SEALED_SIZE_HEADER);
  if (sealed !== undefined) return Number(sealed);
  const total = /\/(\d+)$/.exec(answer.header("content-range") ?? "")?.[1];
  return Number(total ?? answer.header("content-length") ?? Number.NaN);
}

/** The encryption that an answer tells of. */
export function readEncryption(answer: AnswerHeaders): Encryption {
  if (answer.header("x-amz-server-side-encryption-customer-algorithm") !== undefined) return { kind: "SSE-C" };
  const algorithm = answer.header("x-amz-server-side-encryption");
  if (algorithm === undefined) return { kind: "NOT-SSE" };
  if (algorithm !== "aws:kms" && algorithm !== "aws:kms:dsse") return { kind: "SSE-S3" };
  const bucketKey = answer.header("x-amz-server-side-encryption-bucket-key-enabled");
  return {
    kind: algorithm === "aws:kms" ? "SSE-KMS" : "DSSE-KMS",
    ...optional("kmsKeyArn", answer.header("x-amz-server-side-encryption-aws-kms-key-id")),
    ...optional("bucketKey", bucketKey === undefined ? undefined : bucketKey === "true"),
  };
}

/** The checksums that an answer tells of; undefined when there are none. */
export function readChecksums(answer: AnswerHeaders): Checksums | undefined {
  const values: Partial<Record<ChecksumAlgorithm, string>> = {};
  let isComposite = answer.header("x-amz-checksum-type") === "COMPOSITE";
  let isEmpty = true;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = answer.header(checksumHeader(algorithm));
    if (value === undefined) continue;
    values[algorithm] = value;
    isEmpty = false;
    // Stores older than the type header mark a composite by its number of parts alone.
    if (value.includes("-")) isComposite = true;
  }
  return isEmpty ? undefined : { type: isComposite ? "COMPOSITE" : "FULL_OBJECT", values };
}

/** @param root a `Tagging` document */
export function readTags(root: XmlElement): Tag[] {
  const set = child(root, "TagSet");
  if (set === undefined) return [];
  return childrenNamed(set, "Tag").map((tag) => ({
    key: childText(tag, "Key") ?? "",
    value: childText(tag, "Value") ?? "",
  }));
}

/** @param root an `AccessControlPolicy` document */
export function readAcl(root: XmlElement): AccessControlList {
  const list = child(root, "AccessControlList");
  const grants = list === undefined ? [] : childrenNamed(list, "Grant");
  return { ownerId: childText(child(root, "Owner") ?? root, "ID") ?? "", grants: grants.flatMap(readGrant) };
}

const PERMISSIONS: ReadonlySet<string> = new Set(["FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"]);

/** Grants to an address are answered as grants to the user behind it. */
function readGrant(grant: XmlElement): AclGrant[] {
  const grantee = child(grant, "Grantee");
  const permission = childText(grant, "Permission") ?? "";
  if (grantee === undefined || !PERMISSIONS.has(permission)) return [];
  const id = childText(grantee, "ID");
  const uri = childText(grantee, "URI");
  const held = { permission: permission as AclGrant["permission"] };
  if (uri) return [{ ...held, grantee: { kind: "group", uri } }];
  return id ? [{ ...held, grantee: { kind: "user", id } }] : [];
}

/** @param root a `Retention` document; undefined when it says nothing */
export function readRetention(root: XmlElement): Retention | undefined {
  return retentionOf(childText(root, "Mode"), childText(root, "RetainUntilDate"));
}

/** ETags stand in quotes, in headers and in documents. */
export function unquoted(etag: string): string {
  return etag.startsWith('"') && etag.endsWith('"') && etag.length >= 2 ? etag.slice(1, -1) : etag;
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** An object with the property, or without it where the value is undefined: the port tells the two apart. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]?: Value });
}
