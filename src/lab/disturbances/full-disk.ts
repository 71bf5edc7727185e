/** A disk without room, ordered or real, as S3 answers it: not as a fault of the lab. */
import { DatabaseError } from "../../ledger/database.ts";
import type { ServiceError } from "../model.ts";
import { s3Error } from "../s3/errors.ts";

/**
 * What AWS never has to say and MinIO does.
 *
 * @source MinIO: 507 XMinioStorageFull
 */
export function storageFull(): ServiceError {
  return s3Error("XMinioStorageFull");
}

/** Whether an error of the file system or of the database says that there is no room. */
export function isOutOfRoom(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.reason === "full";
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
