/**
 * Events in the form of S3's own notifications, which Ceph, MinIO and its forks use too: a list of records.
 *
 * Names differ: MinIO and old gateways of Ceph put `s3:` before them, MinIO calls changes of tags and locks creations, and
 * Ceph has names of its own for what lifecycle and its multisite do. AWS and MinIO encode keys like a form; whether Ceph
 * does depends on its release, so both readings of its keys count.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
 * @source https://docs.ceph.com/en/latest/radosgw/s3-notification-compatibility/
 * @source https://min.io/docs/minio/linux/administration/monitoring/bucket-notifications.html
 */
import { asObject, asString } from "../config/document.ts";
import { NOTHING_READ, type NoticedChange, problem, type ReadNotification } from "./notice.ts";

/** Names that stand for something else than what they begin with. */
const CHANGES_BY_NAME: ReadonlyMap<string, NoticedChange> = new Map([
  ["ObjectCreated:PutTagging", "tags"],
  ["ObjectCreated:DeleteTagging", "tags"],
  ["ObjectCreated:PutRetention", "retention"],
  ["ObjectCreated:PutLegalHold", "legalHold"],
]);

const CHANGES_BY_KIND: ReadonlyMap<string, NoticedChange> = new Map([
  ["ObjectCreated", "versions"],
  ["ObjectRemoved", "versions"],
  ["LifecycleExpiration", "versions"],
  ["ObjectLifecycle", "versions"],
  ["ObjectSynced", "versions"],
  ["ObjectTagging", "tags"],
  ["ObjectAcl", "acl"],
]);

/** Reads one of the `Records`. */
export function readRecord(value: unknown): ReadNotification {
  const record = asObject(value) ?? {};
  const s3 = asObject(record["s3"]) ?? {};
  const object = asObject(s3["object"]) ?? {};
  const name = asString(record["eventName"]);
  const bucket = asString(asObject(s3["bucket"])?.["name"]);
  const key = asString(object["key"]);
  if (name === undefined) return problem("a record without an eventName");
  const change = changeOf(name.replace(/^s3:/, ""));
  if (change === undefined) return { ...NOTHING_READ, ignored: 1 };
  if (bucket === undefined || bucket === "") return problem(`a record of ${name} without s3.bucket.name`);
  if (key === undefined || key === "") return problem(`a record of ${name} without s3.object.key`);
  const versionId = asString(object["versionId"]);
  const isCeph = asString(record["eventSource"])?.startsWith("ceph:") === true;
  const decoded = formDecoded(key);
  const notice = {
    bucket,
    keys: isCeph && decoded !== key ? [key, decoded] : [decoded],
    change,
    ...(versionId === undefined || versionId === "" ? {} : { versionId }),
  };
  return { ...NOTHING_READ, notices: [notice] };
}

function changeOf(name: string): NoticedChange | undefined {
  return CHANGES_BY_NAME.get(name) ?? CHANGES_BY_KIND.get(name.replace(/:.*$/s, ""));
}

/** A key that is no such text is taken as it stands. */
function formDecoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}
