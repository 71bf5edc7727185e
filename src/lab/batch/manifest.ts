/**
 * The manifest that a user has written: read as the job's role, row by row.
 *
 * @source aws-replication.md §6.2, §6.7
 */
import { parseArn } from "../../core/arn.ts";
import { CsvError, fieldsOf } from "../../core/csv.ts";
import { linesOf } from "../../s3/csv-lines.ts";
import { S3Error } from "../../s3/errors.ts";
import { JobError, type Manifest } from "./model.ts";
import { codeOfRefusal, type JobSession } from "./session.ts";
import type { ManifestRow } from "./tasks.ts";

/** Rows as they stand. @throws JobError when the object cannot be read or a row has not the announced fields */
export async function* rowsOfManifest(session: JobSession, manifest: Manifest): AsyncGenerator<ManifestRow> {
  const { bucket, key } = objectOfArn(manifest.objectArn);
  const { objectVersionId } = manifest;
  try {
    const { head, body } = await session.store.getObject({
      bucket,
      key,
      ...(objectVersionId === undefined ? {} : { versionId: objectVersionId }),
    });
    try {
      if (head.etag !== manifest.etag.replaceAll('"', "")) {
        throw new JobError("InvalidManifestContent", "The manifest's ETag is not the one that the job was given.");
      }
      for await (const line of linesOf(body.stream())) yield rowOf(fieldsOf(line), manifest);
    } finally {
      body.cancel();
    }
  } catch (error) {
    if (error instanceof CsvError) throw new JobError("InvalidManifestContent", `${error.message}.`, { cause: error });
    if (!(error instanceof S3Error)) throw error;
    const code = codeOfRefusal(error);
    const reason =
      error.fields.status === 403
        ? `Reading the manifest is forbidden: ${code}`
        : `The manifest cannot be read: ${code}`;
    throw new JobError("ManifestNotReadable", reason, { cause: error });
  }
}

function rowOf(values: readonly string[], { fields }: Manifest): ManifestRow {
  if (values.length !== fields.length) {
    throw new JobError("InvalidManifestContent", "Unexpected number of task fields");
  }
  const fieldValue = (field: "Bucket" | "Key" | "VersionId") => values[fields.indexOf(field)];
  const versionId = fieldValue("VersionId");
  return {
    bucket: fieldValue("Bucket") ?? "",
    key: fieldValue("Key") ?? "",
    ...(versionId === undefined ? {} : { versionId }),
  };
}

/** The key that a row of a manifest means. What is no percent-encoding is taken as it stands. */
export function keyOfRow({ key }: ManifestRow): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** @throws JobError */
function objectOfArn(arn: string): { readonly bucket: string; readonly key: string } {
  const resource = parseArn(arn)?.resource ?? "";
  const slash = resource.indexOf("/");
  if (slash <= 0) throw new JobError("ManifestNotReadable", `${arn} is not the ARN of an object.`);
  return { bucket: resource.slice(0, slash), key: resource.slice(slash + 1) };
}
