/**
 * Events that Amazon S3 sends through EventBridge. Keys are as they are.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
import { asObject, asString, type Members } from "../config/document.ts";
import { NOTHING_READ, type NoticedChange, problem, type ReadNotification } from "./notice.ts";

const CHANGES: ReadonlyMap<string, NoticedChange> = new Map([
  ["Object Created", "versions"],
  ["Object Deleted", "versions"],
  ["Object Tags Added", "tags"],
  ["Object Tags Deleted", "tags"],
  ["Object ACL Updated", "acl"],
]);

export function readEventBridge(members: Members): ReadNotification {
  const type = asString(members["detail-type"]) ?? "";
  const change = CHANGES.get(type);
  if (members["source"] !== "aws.s3" || change === undefined) return { ...NOTHING_READ, ignored: 1 };
  const detail = asObject(members["detail"]) ?? {};
  const object = asObject(detail["object"]) ?? {};
  const bucket = asString(asObject(detail["bucket"])?.["name"]);
  const key = asString(object["key"]);
  if (bucket === undefined || key === undefined) return problem(`an event ${type} without a bucket or a key`);
  const versionId = asString(object["version-id"]);
  const notice = { bucket, keys: [key], change, ...(versionId === undefined ? {} : { versionId }) };
  return { ...NOTHING_READ, notices: [notice] };
}
