/** Headers of Object Lock: of writes, of deletes, and of answers that describe a version. */
import type { Retention } from "../../../core/model.ts";
import { invalidArgument, s3Error } from "../errors.ts";
import type { ObjectLock } from "../object-lock.ts";
import type { AnswerHeaders } from "./print.ts";
import type { S3Request } from "./request.ts";

/** What the header says about bypassing GOVERNANCE mode; nothing when it is not there. */
export function bypassAsked(headers: S3Request["headers"]): { readonly bypassGovernance?: boolean } {
  const header = headers["x-amz-bypass-governance-retention"];
  return header === undefined ? {} : { bypassGovernance: header.toLowerCase() === "true" };
}

const MODE_HEADER = "x-amz-object-lock-mode";
const UNTIL_HEADER = "x-amz-object-lock-retain-until-date";
const HOLD_HEADER = "x-amz-object-lock-legal-hold";

/** What the headers of a write protect its version with. @throws ServiceError InvalidArgument */
export function lockOf(headers: S3Request["headers"]): { readonly lock?: ObjectLock } {
  const { [MODE_HEADER]: mode, [UNTIL_HEADER]: until, [HOLD_HEADER]: hold } = headers;
  if (mode === undefined && until === undefined && hold === undefined) return {};
  if ((mode === undefined) !== (until === undefined)) {
    throw s3Error("InvalidArgument", {
      message: `${UNTIL_HEADER} and ${MODE_HEADER} must both be supplied`,
      details: { ArgumentName: mode === undefined ? MODE_HEADER : UNTIL_HEADER },
    });
  }
  const retainUntilMs = until === undefined ? undefined : instantOf(until);
  if (until !== undefined && retainUntilMs === undefined) {
    throw invalidArgument(UNTIL_HEADER, until, "The retain until date must be provided in ISO 8601 format");
  }
  if (hold !== undefined && hold !== "ON" && hold !== "OFF") {
    throw invalidArgument(HOLD_HEADER, hold, "Legal Hold must be either of 'ON' or 'OFF'");
  }
  if (mode !== undefined && !isMode(mode)) throw invalidArgument(MODE_HEADER, mode, "Unknown wormMode directive.");
  return {
    lock: {
      ...(mode === undefined || retainUntilMs === undefined ? {} : { retention: { mode, retainUntilMs } }),
      ...(hold === undefined ? {} : { legalHold: hold === "ON" }),
    },
  };
}

/** Adds the headers by which S3 describes what protects a version. */
export function addLockHeaders(headers: AnswerHeaders, { retention, legalHold }: ObjectLock): void {
  if (retention !== undefined) {
    headers[MODE_HEADER] = retention.mode;
    headers[UNTIL_HEADER] = new Date(retention.retainUntilMs).toISOString();
  }
  if (legalHold !== undefined) headers[HOLD_HEADER] = legalHold ? "ON" : "OFF";
}

export function isMode(text: string): text is Retention["mode"] {
  return text === "GOVERNANCE" || text === "COMPLIANCE";
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** A timestamp in ms; undefined when it is none. */
export function instantOf(text: string): number | undefined {
  const ms = ISO_8601.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
