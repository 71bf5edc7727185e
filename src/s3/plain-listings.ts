/** Pages of versions straight from their text into rows: a page has ten thousand elements, and nobody needs a tree of them. */
import { keyDecoder, VersionRow, versionPage } from "./listings.ts";
import { type PlainVisitor, visitPlainXml } from "./plain-xml.ts";
import type { VersionPage } from "./store.ts";

/** Levels below the root: a row, its members, and those of its owner. What lies deeper is of nobody's interest. */
const DEPTH_MAX = 32;
const LENGTH_MAX = 8 * 1024 * 1024;

/**
 * What `readVersionPage` makes of the document; undefined where it is not plain, or something else than such a page.
 *
 * @throws ListingError for a page that cannot be continued or read
 */
export function readPlainVersionPage(text: string): VersionPage | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const reader = new PageReader();
  return visitPlainXml(text.trimStart(), DEPTH_MAX, reader) ? reader.page() : undefined;
}

class PageReader implements PlainVisitor {
  readonly #rows: VersionRow[] = [];
  /** Of each member of the page itself the first one counts. */
  readonly #said = new Map<string, string>();
  #root = "";
  #row: VersionRow | undefined;
  #isInOwner = false;
  #ownerId: string | undefined;

  begin(name: string, depth: number): void {
    if (depth === 0) this.#root = name;
    else if (depth === 1) {
      this.#row = name === "Version" || name === "DeleteMarker" ? new VersionRow(name === "DeleteMarker") : undefined;
    } else if (depth === 2) {
      this.#isInOwner = name === "Owner";
      this.#ownerId = undefined;
    }
  }

  end(name: string, text: string, depth: number): void {
    const row = this.#row;
    if (depth === 1) {
      if (row !== undefined) this.#rows.push(row);
      else if (!this.#said.has(name)) this.#said.set(name, text);
    } else if (row === undefined) return;
    else if (depth === 3 && this.#isInOwner && name === "ID") this.#ownerId ??= text;
    else if (depth === 2) {
      if (name === "Owner") row.ownerId = this.#ownerId;
      else row.set(name, text);
    }
  }

  page(): VersionPage | undefined {
    if (this.#root !== "ListVersionsResult") return undefined;
    const decode = keyDecoder(this.#said.get("EncodingType"));
    const end = {
      isTruncated: this.#said.get("IsTruncated"),
      keyMarker: this.#said.get("NextKeyMarker"),
      versionIdMarker: this.#said.get("NextVersionIdMarker"),
    };
    return versionPage(
      this.#rows.map((one) => one.listed(decode)),
      decode,
      end,
    );
  }
}
