/**
 * Rules of tag sets, on objects and buckets.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
import type { Tag } from "../../core/model.ts";
import { invalidArgument, s3Error } from "./errors.ts";

export const OBJECT_TAGS_MAX = 10;
export const BUCKET_TAGS_MAX = 50;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** @throws ServiceError InvalidTag or BadRequest */
export function checkTags(tags: readonly Tag[], of: "object" | "bucket"): void {
  const most = of === "object" ? OBJECT_TAGS_MAX : BUCKET_TAGS_MAX;
  if (tags.length > most) {
    throw s3Error("BadRequest", {
      message: of === "object" ? "Object tags cannot be greater than 10" : "Bucket tag count cannot be greater than 50",
    });
  }
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (key === "" || key.length > KEY_LENGTH_MAX || !ALLOWED.test(key)) {
      throw s3Error("InvalidTag", { message: "The TagKey you have provided is invalid", details: { TagKey: key } });
    }
    if (value.length > VALUE_LENGTH_MAX || !ALLOWED.test(value)) {
      throw s3Error("InvalidTag", {
        message: "The TagValue you have provided is invalid",
        details: { TagKey: key, TagValue: value },
      });
    }
    if (key.startsWith("aws:")) {
      throw s3Error("InvalidTag", { message: "System tags cannot be added/updated by requester" });
    }
    if (seen.has(key)) {
      throw s3Error("InvalidTag", {
        message: "Cannot provide multiple Tags with the same key",
        details: { TagKey: key },
      });
    }
    seen.add(key);
  }
}

/** Reads the `x-amz-tagging` header: a query string. @throws ServiceError InvalidArgument */
export function parseTaggingHeader(header: string): Tag[] {
  if (header === "") return [];
  const tags = header.split("&").map((pair): Tag => {
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    return { key: decode(key, header), value: equals < 0 ? "" : decode(pair.slice(equals + 1), header) };
  });
  if (new Set(tags.map((tag) => tag.key)).size !== tags.length || tags.some((tag) => tag.key === "")) {
    throw badHeader(header);
  }
  return tags;
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badHeader(header);
  }
}

function badHeader(header: string): Error {
  return invalidArgument(
    "x-amz-tagging",
    header,
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
  );
}
