/**
 * Listing documents as pages of rows. Keys are asked for in percent-encoding (XML cannot hold every key) and decoded
 * here when the store says that it encoded them.
 */
import { compareKeys } from "../core/keys.ts";
import { childrenNamed, childText, type XmlElement } from "../core/xml.ts";
import { optional, unquoted } from "./answers.ts";
import { CHECKSUM_ALGORITHMS } from "./checksum.ts";
import { CHECKSUM_ELEMENTS } from "./requests.ts";
import type { ChecksumAlgorithm, Checksums, ListedPart, ListedVersion, PartPage, VersionPage } from "./store.ts";

/** Says that a document is not the page that was asked for. The client makes a protocol error of it. */
export class ListingError extends Error {
  override readonly name = "ListingError";
}

/**
 * A `ListVersionsResult` document.
 *
 * @throws ListingError for a page that cannot be continued or read
 */
export function readVersionPage(root: XmlElement): VersionPage {
  const decode = keyDecoder(childText(root, "EncodingType"));
  const versions: ListedVersion[] = [];
  for (const element of root.children) {
    if (element.name === "Version") versions.push(readVersion(element, false, decode));
    else if (element.name === "DeleteMarker") versions.push(readVersion(element, true, decode));
  }
  return versionPage(versions, decode, {
    isTruncated: childText(root, "IsTruncated"),
    keyMarker: childText(root, "NextKeyMarker"),
    versionIdMarker: childText(root, "NextVersionIdMarker"),
  });
}

/** What stands in a page of versions besides its rows, as it is written. */
export interface PageEnd {
  readonly isTruncated: string | undefined;
  readonly keyMarker: string | undefined;
  readonly versionIdMarker: string | undefined;
}

/** @throws ListingError for a page that cannot be continued */
export function versionPage(versions: ListedVersion[], decode: (text: string) => string, end: PageEnd): VersionPage {
  sortUnlessSorted(versions);
  if (end.isTruncated !== "true") return { versions };
  // A page that says there is more but not where would be asked for again for ever.
  if (end.keyMarker === undefined || end.keyMarker === "")
    throw new ListingError("the page is cut off without a marker");
  return { versions, next: { keyMarker: decode(end.keyMarker), versionIdMarker: end.versionIdMarker ?? "" } };
}

/** One row, in one pass over its children: a page has a thousand of them. */
function readVersion(element: XmlElement, isDeleteMarker: boolean, decode: (text: string) => string): ListedVersion {
  const row = new VersionRow(isDeleteMarker);
  for (const one of element.children) {
    if (one.name === "Owner") row.ownerId = childText(one, "ID");
    else row.set(one.name, one.text);
  }
  return row.listed(decode);
}

/** A row that is being read: its members as they are written. */
export class VersionRow {
  readonly #isDeleteMarker: boolean;
  #key = "";
  #versionId = "null";
  #isLatest = false;
  #lastModified = "";
  #sizeBytes = 0;
  #etag = "";
  #storageClass = "STANDARD";
  ownerId: string | undefined;

  constructor(isDeleteMarker: boolean) {
    this.#isDeleteMarker = isDeleteMarker;
  }

  /** @param name of an element in the row; of those that nobody needs nothing is kept */
  set(name: string, text: string): void {
    switch (name) {
      case "Key":
        this.#key = text;
        break;
      case "VersionId":
        this.#versionId = text;
        break;
      case "IsLatest":
        this.#isLatest = text === "true";
        break;
      case "LastModified":
        this.#lastModified = text;
        break;
      case "Size":
        this.#sizeBytes = Number(text);
        break;
      case "ETag":
        this.#etag = unquoted(text);
        break;
      case "StorageClass":
        this.#storageClass = text;
        break;
    }
  }

  /** @throws ListingError for a key that cannot be decoded */
  listed(decode: (text: string) => string): ListedVersion {
    const isDeleteMarker = this.#isDeleteMarker;
    const key = decode(this.#key);
    const [versionId, isLatest, lastModifiedMs] = [this.#versionId, this.#isLatest, Date.parse(this.#lastModified)];
    const owner = this.ownerId === undefined ? {} : { ownerId: this.ownerId };
    if (isDeleteMarker) {
      const bare = { sizeBytes: 0, etag: "", storageClass: "STANDARD" };
      return { key, versionId, isLatest, isDeleteMarker, lastModifiedMs, ...bare, ...owner };
    }
    const [sizeBytes, etag, storageClass] = [this.#sizeBytes, this.#etag, this.#storageClass];
    return { key, versionId, isLatest, isDeleteMarker, lastModifiedMs, sizeBytes, etag, storageClass, ...owner };
  }
}

/** One row of a listing of current objects. */
export interface ListedObject {
  readonly key: string;
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly storageClass: string;
}

export interface ObjectPage {
  readonly objects: readonly ListedObject[];
  /** What several keys have in common up to the delimiter, where one was given. */
  readonly commonPrefixes: readonly string[];
  /** For the next page; undefined on the last one. */
  readonly continuationToken?: string;
}

/**
 * A `ListBucketResult` document of ListObjectsV2.
 *
 * @throws ListingError for a page that cannot be continued or read
 */
export function readObjectPage(root: XmlElement): ObjectPage {
  const decode = keyDecoder(childText(root, "EncodingType"));
  const isTruncated = childText(root, "IsTruncated") === "true";
  const token = childText(root, "NextContinuationToken");
  if (isTruncated && !token) throw new ListingError("the page is cut off without a continuation token");
  return {
    objects: childrenNamed(root, "Contents").map((element) => {
      const { key, lastModifiedMs, sizeBytes, etag, storageClass } = readVersion(element, false, decode);
      return { key, lastModifiedMs, sizeBytes, etag, storageClass };
    }),
    commonPrefixes: childrenNamed(root, "CommonPrefixes").map((one) => decode(childText(one, "Prefix") ?? "")),
    ...optional("continuationToken", isTruncated ? token : undefined),
  };
}

/**
 * A `ListPartsResult` document.
 *
 * @throws ListingError for a page that cannot be continued or read
 */
export function readPartPage(root: XmlElement): PartPage {
  const parts = childrenNamed(root, "Part").map((element): ListedPart => {
    const partNumber = Number(childText(element, "PartNumber"));
    const sizeBytes = Number(childText(element, "Size"));
    if (!Number.isInteger(partNumber) || !Number.isInteger(sizeBytes)) {
      throw new ListingError("a part lacks its number or its size");
    }
    const etag = unquoted(childText(element, "ETag") ?? "");
    return { partNumber, sizeBytes, etag, ...optional("checksums", documentChecksums(element)) };
  });
  if (childText(root, "IsTruncated") !== "true") return { parts };
  const next = Number(childText(root, "NextPartNumberMarker") ?? parts.at(-1)?.partNumber);
  if (!Number.isInteger(next) || parts.length === 0) throw new ListingError("the page is cut off without a marker");
  return { parts, next };
}

/** The checksums of its bytes that an element tells; undefined when there are none. */
export function documentChecksums(element: XmlElement): Checksums | undefined {
  const values: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = childText(element, CHECKSUM_ELEMENTS[algorithm]);
    if (value !== undefined && value !== "") values[algorithm] = value;
  }
  return Object.keys(values).length === 0 ? undefined : { type: "FULL_OBJECT", values };
}

/** How the keys of a document are read: some stores write them as they are, whatever was asked for. */
export function keyDecoder(encodingType: string | undefined): (text: string) => string {
  if (encodingType !== "url") return (text) => text;
  return (text) => {
    if (!/[%+]/.test(text)) return text;
    try {
      // AWS writes a blank as a plus sign and a plus sign as %2B.
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      throw new ListingError(`the key ${text} is not percent-encoded UTF-8`);
    }
  };
}

/**
 * Brings a page into the order of the port. S3 sends it in that order; there are stores that list delete markers behind
 * all versions, and stores that compare keys as UTF-16.
 */
function sortUnlessSorted(versions: ListedVersion[]): void {
  for (let index = 1; index < versions.length; index++) {
    const [before, after] = [versions[index - 1], versions[index]];
    if (before === undefined || after === undefined || compareKeys(before.key, after.key) <= 0) continue;
    versions.sort((a, b) => compareKeys(a.key, b.key) || newestFirst(a, b));
    return;
  }
}

function newestFirst(a: ListedVersion, b: ListedVersion): number {
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1;
  return b.lastModifiedMs - a.lastModifiedMs;
}
