/** The `Range` header: one range of bytes, as S3 reads it. */
import { s3Error } from "./errors.ts";
import type { ByteRange } from "./serve.ts";

/**
 * The bytes that a header means; undefined when it is to be ignored (not bytes, several ranges, not well formed).
 *
 * @throws ServiceError InvalidRange when it is well formed and lies outside of the object
 * @source RFC 9110 §14.1.2
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const range =
    first === ""
      ? { firstByte: Math.max(0, sizeBytes - Number(last)), lastByte: sizeBytes - 1 }
      : { firstByte: Number(first), lastByte: last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  if (range.firstByte > range.lastByte || range.firstByte >= sizeBytes) {
    throw s3Error("InvalidRange", {
      details: { RangeRequested: header.trim(), ActualObjectSize: String(sizeBytes) },
      headers: { "content-range": `bytes */${sizeBytes}` },
    });
  }
  return range;
}

/** `x-amz-copy-source-range`, which must have both ends and lie within the source. */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(header.trim());
  const firstByte = Number(match?.[1]);
  const lastByte = Number(match?.[2]);
  if (match === null || lastByte < firstByte || firstByte >= sizeBytes || lastByte >= sizeBytes) {
    throw s3Error("InvalidArgument", {
      message: `Range specified is not valid for source object of size: ${sizeBytes}`,
      details: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
    });
  }
  return { firstByte, lastByte };
}
