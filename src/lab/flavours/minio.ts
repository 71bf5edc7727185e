/**
 * Requests by which a replica keeps its version id at MinIO, as the lab's own front door takes them: from then on they are
 * judged and done as S3's own replication, so the caller needs `s3:ReplicateObject`, `s3:ReplicateDelete`,
 * `s3:ReplicateTags`, whoever it is.
 *
 * @source `s3/replica-headers.ts`
 */
import {
  isUuid,
  MINIO_DATE_HEADER,
  MINIO_MARKER_HEADER,
  MINIO_REPLICATION_HEADER,
  REPLICA_LAST_MODIFIED_HEADER,
  REPLICA_VERSION_ID_HEADER,
} from "../../s3/replica-headers.ts";
import { REPLICATION_SERVICE } from "../s3/call.ts";
import { invalidArgument } from "../s3/errors.ts";
import type { S3Operation } from "../s3/operations.ts";
import { badVersionId } from "../s3/read.ts";
import type { S3Request } from "../s3/skin/request.ts";

/** The same request in the lab's terms; itself when it is none of replication's. @throws ServiceError InvalidArgument */
export function asReplicator(operation: S3Operation, request: S3Request): S3Request {
  const { headers, query, call } = request;
  if (headers[MINIO_REPLICATION_HEADER] !== "true") return request;
  const trusted = { ...call, caller: { ...call.caller, invokedBy: REPLICATION_SERVICE } };
  const versionId = query.get("versionId");
  if (operation === "DeleteObject" && headers[MINIO_MARKER_HEADER] === "true") {
    return identified({ ...request, call: trusted, query: withoutVersion(query) }, versionId);
  }
  if (operation === "PutObject" || operation === "CreateMultipartUpload") {
    return identified({ ...request, call: trusted }, versionId);
  }
  // Which version an upload becomes was said when it was created.
  return TRUSTED.has(operation) ? { ...request, call: trusted } : request;
}

const TRUSTED: ReadonlySet<S3Operation> = new Set<S3Operation>(["CompleteMultipartUpload", "DeleteObject"]);

function identified(request: S3Request, versionId: string | undefined): S3Request {
  if (versionId === undefined) return request;
  if (!isUuid(versionId)) throw badVersionId(versionId);
  const date = request.headers[MINIO_DATE_HEADER];
  const dateMs = date === undefined ? undefined : Date.parse(date);
  if (Number.isNaN(dateMs)) throw invalidArgument(MINIO_DATE_HEADER, date ?? "", "The date cannot be parsed");
  return {
    ...request,
    headers: {
      ...request.headers,
      [REPLICA_VERSION_ID_HEADER]: versionId,
      ...(dateMs === undefined ? {} : { [REPLICA_LAST_MODIFIED_HEADER]: String(dateMs) }),
    },
  };
}

function withoutVersion(query: S3Request["query"]): S3Request["query"] {
  return new Map([...query].filter(([name]) => name !== "versionId"));
}
