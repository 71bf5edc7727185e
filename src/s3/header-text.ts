/**
 * Text in HTTP headers. A header carries bytes, and undici and Node hand them over as one character per byte; user
 * metadata is text. Two customs exist for what is not ASCII: UTF-8 as it is, and RFC 2047 words (`=?UTF-8?B?…?=`),
 * which Amazon S3 reads and writes. A profile says which one a store follows.
 *
 * @source RFC 2047; https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */

import { isUtf8 } from "node:buffer";

const NOT_PLAIN = /[^\t\x20-\x7e]/;
const ENCODED_WORD = /=\?([\w-]+)\?([BbQq])\?([^? ]*)\?=/g;
/** A value made of encoded words and nothing else. */
const ENCODED_VALUE = /^\s*=\?[\w-]+\?[BbQq]\?[^? ]*\?=(\s+=\?[\w-]+\?[BbQq]\?[^? ]*\?=)*\s*$/;

export type HeaderTextCustom = "rfc2047" | "utf-8";

/** Text as it goes into a header, one character per byte. */
export function toHeaderText(text: string, custom: HeaderTextCustom): string {
  if (!NOT_PLAIN.test(text)) return text;
  const bytes = Buffer.from(text, "utf8");
  return custom === "rfc2047" ? `=?UTF-8?B?${bytes.toString("base64")}?=` : bytes.toString("latin1");
}

/**
 * Text as it came in a header. Bytes that are not UTF-8 are read as Latin-1. Where the store follows RFC 2047, words
 * in a charset that is not known here stay as they are.
 */
export function fromHeaderText(wire: string, custom: HeaderTextCustom): string {
  if (custom === "rfc2047" && ENCODED_VALUE.test(wire)) return decodeWords(wire);
  if (!NOT_PLAIN.test(wire)) return wire;
  const bytes = Buffer.from(wire, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : wire;
}

function decodeWords(wire: string): string {
  const pieces: Buffer[] = [];
  for (const [, charset = "", encoding = "", content = ""] of wire.matchAll(ENCODED_WORD)) {
    const bytes = encoding.toUpperCase() === "B" ? Buffer.from(content, "base64") : decodeQ(content);
    // A character may be split over two words, so bytes are joined before they are read as text.
    if (/^(utf-8|us-ascii)$/i.test(charset)) pieces.push(bytes);
    else if (/^iso-8859-1$/i.test(charset)) pieces.push(Buffer.from(bytes.toString("latin1"), "utf8"));
    else return wire;
  }
  return Buffer.concat(pieces).toString("utf8");
}

function decodeQ(content: string): Buffer {
  const latin1 = content
    .replaceAll("_", " ")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, "latin1");
}
