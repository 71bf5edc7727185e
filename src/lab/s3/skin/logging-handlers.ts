/** Handlers of server access logging. */
import { child, childrenNamed, childText, escapeXml, type XmlElement } from "../../../core/xml.ts";
import { grantElements, S3_NAMESPACE } from "../../../s3/requests.ts";
import type { ServiceAnswer } from "../../model.ts";
import { s3Error } from "../errors.ts";
import { type BucketLogging, getBucketLogging, putBucketLogging } from "../logging.ts";
import type { S3Service } from "../service.ts";
import { grantOf } from "./acl-headers.ts";
import { emptyAnswer, xmlAnswer } from "./print.ts";
import { readXml, type S3Request } from "./request.ts";

export function handleGetBucketLogging(s3: S3Service, request: S3Request): ServiceAnswer {
  const logging = getBucketLogging(s3, request.call, request.bucket);
  if (logging === undefined) return xmlAnswer(["BucketLoggingStatus", ""]);
  const { targetBucket, targetPrefix, grants, keyFormat, showsFormat } = logging;
  const format =
    keyFormat === "simple"
      ? "<SimplePrefix/>"
      : `<PartitionedPrefix><PartitionDateSource>${keyFormat}</PartitionDateSource></PartitionedPrefix>`;
  const body =
    `<?xml version="1.0" encoding="UTF-8"?>\n<BucketLoggingStatus xmlns="${S3_NAMESPACE}"><LoggingEnabled>` +
    `<TargetBucket>${escapeXml(targetBucket)}</TargetBucket><TargetPrefix>${escapeXml(targetPrefix)}</TargetPrefix>` +
    (grants.length === 0 ? "" : `<TargetGrants>${grantElements(grants)}</TargetGrants>`) +
    (showsFormat ? `<TargetObjectKeyFormat>${format}</TargetObjectKeyFormat>` : "") +
    "</LoggingEnabled></BucketLoggingStatus>";
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

export async function handlePutBucketLogging(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "BucketLoggingStatus");
  const enabled = child(root, "LoggingEnabled");
  await putBucketLogging(s3, request.call, request.bucket, enabled === undefined ? undefined : loggingOf(enabled));
  return emptyAnswer();
}

function loggingOf(element: XmlElement): BucketLogging {
  const targetBucket = childText(element, "TargetBucket");
  const targetPrefix = childText(element, "TargetPrefix");
  if (targetBucket === undefined || targetPrefix === undefined) throw s3Error("MalformedXML");
  const grants = child(element, "TargetGrants");
  const format = child(element, "TargetObjectKeyFormat");
  return {
    targetBucket,
    targetPrefix,
    grants: grants === undefined ? [] : childrenNamed(grants, "Grant").map(grantOf),
    keyFormat: format === undefined ? "simple" : keyFormatOf(format),
    showsFormat: format !== undefined,
  };
}

function keyFormatOf(format: XmlElement): BucketLogging["keyFormat"] {
  const partitioned = child(format, "PartitionedPrefix");
  if (partitioned === undefined) return "simple";
  if (child(format, "SimplePrefix") !== undefined) throw s3Error("MalformedXML");
  const source = childText(partitioned, "PartitionDateSource") ?? "EventTime";
  if (source !== "EventTime" && source !== "DeliveryTime") throw s3Error("MalformedXML");
  return source;
}
