/** Amazon Resource Names: `arn:partition:service:region:account:resource`. */

export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  /** Everything after the fifth colon, colons included. */
  readonly resource: string;
}

/** Takes an ARN apart; undefined when it does not have the six parts. */
export function parseArn(text: string): Arn | undefined {
  const parts = text.split(":");
  if (parts.length < 6 || parts[0] !== "arn") return undefined;
  const [, partition = "", service = "", region = "", account = ""] = parts;
  return { partition, service, region, account, resource: parts.slice(5).join(":") };
}

const BUCKET_ARN_START = "arn:aws:s3:::";

export function bucketArn(bucket: string): string {
  return `${BUCKET_ARN_START}${bucket}`;
}

export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}

/** The bucket's name in a bucket ARN; undefined when it is not one. */
export function bucketOfArn(arn: string): string | undefined {
  // Every task asks several times: nearly all ARNs are of this form, and need not be taken apart.
  if (arn.startsWith(BUCKET_ARN_START)) {
    const bucket = arn.slice(BUCKET_ARN_START.length);
    return bucket === "" || bucket.includes("/") ? undefined : bucket;
  }
  const parsed = parseArn(arn);
  if (parsed?.service !== "s3" || parsed.region !== "" || parsed.account !== "") return undefined;
  return parsed.resource === "" || parsed.resource.includes("/") ? undefined : parsed.resource;
}
