/** `s3://BUCKET` and `s3://BUCKET/KEY` on the command line. */
import type { CommandInput } from "./command.ts";
import { UsageError } from "./errors.ts";

export interface S3Uri {
  readonly bucket: string;
  /** Undefined when only the bucket is named. */
  readonly key?: string;
}

/** @throws UsageError that says what was expected */
export function parseS3Uri(text: string): S3Uri {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text);
  if (match?.[1] === undefined) {
    throw new UsageError(`"${text}" is not an S3 address: write s3://BUCKET or s3://BUCKET/KEY`);
  }
  const [, bucket, key] = match;
  return key === undefined || key === "" ? { bucket } : { bucket, key };
}

/** Likewise, where a key makes no sense. */
export function parseBucketUri(text: string): string {
  const { bucket, key } = parseS3Uri(text);
  if (key !== undefined) throw new UsageError(`"${text}" names a key: this command takes a bucket, s3://${bucket}`);
  return bucket;
}

/** The address that a command was given. @throws UsageError when there is none */
export function uriOf(input: CommandInput): string {
  const [text] = input.arguments;
  if (text === undefined) throw new UsageError("name a bucket: s3://BUCKET, or s3://BUCKET/KEY for one object");
  return text;
}
