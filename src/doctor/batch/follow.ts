/** Waits for a Batch Replication job: until it is over, or waits for a word of its maker, or nobody waits any more. */
import { AwsError } from "../../aws/errors.ts";
import type { JobDescription, JobPlace, S3Control } from "../../aws/s3-control.ts";

/** @source aws-replication.md §6.4 */
const FINAL_STATUSES: readonly string[] = ["Complete", "Failed", "Cancelled"];

const POLL_MS_FIRST = 200;
/** S3 Control allows few requests, and jobs of AWS take minutes. */
const POLL_MS_MAX = 10_000;

export function isOver({ status }: Pick<JobDescription, "status">): boolean {
  return FINAL_STATUSES.includes(status);
}

export interface Following {
  readonly sleep: (ms: number) => Promise<void>;
  readonly isOver: () => boolean;
  readonly onProgress: (job: JobDescription) => void;
}

/** The job as it is then; undefined when there is none. @throws AwsError */
export async function followJob(
  control: Pick<S3Control, "describeJob">,
  place: JobPlace,
  id: string,
  following: Following,
): Promise<JobDescription | undefined> {
  for (let waitMs = POLL_MS_FIRST; ; waitMs = Math.min(waitMs * 2, POLL_MS_MAX)) {
    const job = await described(control, place, id);
    if (job === undefined) return undefined;
    if (job !== "throttled") {
      following.onProgress(job);
      if (isOver(job) || job.status === "Suspended" || following.isOver()) return job;
    }
    await following.sleep(waitMs);
  }
}

async function described(
  control: Pick<S3Control, "describeJob">,
  place: JobPlace,
  id: string,
): Promise<JobDescription | undefined | "throttled"> {
  try {
    return await control.describeJob(place, id);
  } catch (error) {
    if (error instanceof AwsError && error.code === "TooManyRequestsException") return "throttled";
    throw error;
  }
}
