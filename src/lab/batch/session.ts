/**
 * The job's role at work: assumed for S3 Batch Operations, and calling S3 like everybody else. Everything that a job
 * reads or writes goes through here and is judged by the role's policies.
 *
 * @source aws-replication.md §5.1, batch rows
 */
import type { Credentials } from "../../core/model.ts";
import type { S3Error } from "../../s3/errors.ts";
import type { Store } from "../../s3/store.ts";
import { callOf, openDirectStore } from "../direct.ts";
import { ServiceError } from "../model.ts";
import { takeRandomBytes } from "../random.ts";
import type { S3Call } from "../s3/call.ts";
import type { S3Service } from "../s3/service.ts";
import { type Job, JobError } from "./model.ts";

/** The service that a job's role has to trust. */
export const BATCH_SERVICE = "batchoperations.s3.amazonaws.com";

export interface JobSession {
  readonly store: Store;
  /** A call as the role makes it now. @throws JobError when the role is gone since */
  call(): S3Call;
}

export interface JobSessions {
  /** @throws JobError AssumeRoleNotPermitted */
  of(job: Job): Promise<JobSession>;
  /** Of a job that works no more. */
  forget(job: Job): void;
}

/** How long a session is used: a trust policy that is broken meanwhile is noticed after that. */
const SESSION_MS = 30_000;

export function openJobSessions(s3: S3Service, clock: () => number): JobSessions {
  const kept = new Map<string, { readonly session: JobSession; readonly status: string; readonly untilMs: number }>();

  async function open(job: Job): Promise<JobSession> {
    let by: Credentials;
    try {
      by = await s3.identity.assumeForService({
        service: BATCH_SERVICE,
        roleArn: job.request.roleArn,
        // What AWS calls its sessions here is unconfirmed.
        sessionName: `s3-batch-operations_${job.id}`,
        nowMs: clock(),
      });
    } catch (error) {
      throw error instanceof ServiceError ? notAssumed(error) : error;
    }
    const options = { by, region: job.region, clock };
    return {
      store: openDirectStore(s3, options),
      call() {
        try {
          return callOf(s3, options, takeRandomBytes(8).toString("hex").toUpperCase());
        } catch (error) {
          throw error instanceof ServiceError ? notAssumed(error) : error;
        }
      },
    };
  }

  return {
    async of(job) {
      const known = kept.get(job.id);
      if (known !== undefined && known.status === job.status && known.untilMs > clock()) return known.session;
      kept.delete(job.id);
      const session = await open(job);
      kept.set(job.id, { session, status: job.status, untilMs: clock() + SESSION_MS });
      return session;
    },
    forget: (job) => void kept.delete(job.id),
  };
}

function notAssumed(cause: ServiceError): JobError {
  return new JobError("AssumeRoleNotPermitted", `The job's role cannot be assumed by ${BATCH_SERVICE}.`, { cause });
}

/** What a refusal is called in a message: S3's code, or the status where there is none. */
export function codeOfRefusal(error: S3Error): string {
  return error.fields.code ?? String(error.fields.status ?? "no answer");
}
