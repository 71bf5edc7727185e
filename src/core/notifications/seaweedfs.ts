/**
 * Notifications of a SeaweedFS filer by webhook: what happened to a file, with its entry before and after.
 *
 * The filer knows files, not S3: a bucket is a folder of `/buckets`, the versions of a key are files `v_…` in the folder
 * `KEY.versions` beside it, and tags are attributes whose names begin with `X-Amz-Tagging-`.
 *
 * @source https://github.com/seaweedfs/seaweedfs/tree/master/weed/notification/webhook
 */
import { asObject, asString, type Members } from "../config/document.ts";
import { joined, NOTHING_READ, type NoticedChange, problem, type ReadNotification } from "./notice.ts";

const BUCKETS = "/buckets/";
/** Holds the parts of uploads that are not complete. */
const UPLOADS = ".uploads";
const VERSIONS = /^(.+)\.versions(?:\/.*)?$/s;
const TAGS = "X-Amz-Tagging-";

export function isSeaweedfs(members: Members): boolean {
  return members["event_type"] !== undefined && members["key"] !== undefined;
}

export function readSeaweedfs(members: Members): ReadNotification {
  const path = asString(members["key"]);
  if (path === undefined) return problem("a notification of a filer whose key is no text");
  const message = asObject(members["message"]) ?? {};
  const before = asObject(message["old_entry"]);
  const after = asObject(message["new_entry"]);
  const folder = asString(message["new_parent_path"]);
  const name = asString(after?.["name"]);
  // A rename tells where the file went besides.
  const moved = folder === undefined || folder === "" || name === undefined ? path : `${folder}/${name}`;
  if (after?.["is_directory"] === true || (after === undefined && before?.["is_directory"] === true)) {
    return { ...NOTHING_READ, ignored: 1 };
  }
  const changes: NoticedChange[] = ["versions"];
  if (before !== undefined && after !== undefined && tagsOf(before) !== tagsOf(after)) changes.push("tags");
  const paths = [...new Set([path, moved])];
  return joined(paths.flatMap((one) => changes.map((change) => readPath(one, change))));
}

function readPath(path: string, change: NoticedChange): ReadNotification {
  const [bucket = "", ...folders] = path.startsWith(BUCKETS) ? path.slice(BUCKETS.length).split("/") : [];
  const file = folders.join("/");
  if (bucket === "" || file === "" || folders[0] === UPLOADS) return { ...NOTHING_READ, ignored: 1 };
  const key = VERSIONS.exec(file)?.[1] ?? file;
  return { ...NOTHING_READ, notices: [{ bucket, keys: [key], change }] };
}

function tagsOf(entry: Members): string {
  const attributes = Object.entries(asObject(entry["extended"]) ?? {}).filter(([name]) => name.startsWith(TAGS));
  return JSON.stringify(attributes.sort(([one], [other]) => (one < other ? -1 : 1)));
}
