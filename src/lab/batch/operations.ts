/**
 * The operations of S3 Batch Operations: who may make, see and change jobs. The work of a job is the runner's.
 *
 * Making a job and listing jobs have no resource in IAM: only a statement for `*` allows them. Passing the job's role is
 * asked for without iam:PassedToService, which CreateJob does not set.
 *
 * @source aws-replication.md §5.1; "Actions, resources, and condition keys for Amazon S3" for the condition keys
 */
import { randomUUID } from "node:crypto";
import type { RequestContext } from "../../core/iam/model.ts";
import type { Tag } from "../../core/model.ts";
import type { ServiceCall } from "../model.ts";
import { accountOf } from "../s3/access.ts";
import type { S3Service } from "../s3/service.ts";
import {
  accessDenied,
  idempotencyException,
  invalidNextToken,
  invalidRequest,
  jobStatusException,
  noSuchJob,
} from "./errors.ts";
import type { JobMarker, Jobs } from "./jobs.ts";
import {
  CANCELLABLE_STATUSES,
  isFinal,
  JOB_STATUSES,
  type Job,
  type JobRequest,
  type JobStatus,
  jobArn,
  REPLICATE_OPERATION,
  SUSPENDED_CAUSE,
} from "./model.ts";

const UNFINISHED_STATUSES = JOB_STATUSES.filter((one) => !isFinal(one));

export interface BatchService {
  readonly s3: S3Service;
  readonly jobs: Jobs;
  /** Tells the runner that there may be something to do. */
  readonly wake: () => void;
}

/** A call on its way through an operation. @param account whose jobs are meant */
export interface BatchCall extends Pick<ServiceCall, "caller" | "region" | "nowMs" | "context"> {
  readonly account: string;
}

/** Idempotent by the request's token: the job that it made before is returned. */
export async function createJob(batch: BatchService, call: BatchCall, request: JobRequest): Promise<Job> {
  const { priority, roleArn, tags } = request;
  const context = {
    "s3:requestjobpriority": String(priority),
    "s3:requestjoboperation": REPLICATE_OPERATION,
    ...tagContext(tags),
  };
  authorise(batch, call, { action: "s3:CreateJob", resource: "*", context });
  if (tags.length > 0) authorise(batch, call, { action: "s3:PutJobTagging", resource: "*", context });
  batch.s3.identity.requirePassRole(call.caller, { roleArn, context: call.context });
  const fresh: Job = {
    id: randomUUID(),
    account: call.account,
    region: call.region,
    request,
    status: "New",
    priority,
    createdMs: call.nowMs,
    failures: [],
    tasks: 0,
    nextTask: 0,
    failedTasks: 0,
    destinationRegions: {},
  };
  const job = await batch.jobs.add(fresh);
  if (JSON.stringify(job.request) !== JSON.stringify(request)) throw idempotencyException();
  batch.wake();
  return job;
}

/** @throws ServiceError NoSuchJob */
export async function describeJob(batch: BatchService, call: BatchCall, id: string): Promise<Job> {
  return await openJob(batch, call, { id, action: "s3:DescribeJob" });
}

export interface JobPage {
  readonly jobs: readonly Job[];
  readonly nextToken?: string;
}

export const JOBS_LISTED_MAX = 1000;

/** The newest first. @throws ServiceError InvalidNextTokenException */
export async function listJobs(
  batch: BatchService,
  call: BatchCall,
  request: { readonly statuses: readonly JobStatus[]; readonly maxResults: number; readonly nextToken?: string },
): Promise<JobPage> {
  authorise(batch, call, { action: "s3:ListJobs", resource: "*" });
  await batch.jobs.expire();
  const { statuses, maxResults: limit, nextToken } = request;
  const after = nextToken === undefined ? {} : { after: markerOf(nextToken) };
  const found = batch.jobs.list(call, { statuses, limit: limit + 1, ...after });
  const jobs = found.slice(0, limit);
  const last = jobs.at(-1);
  return found.length > limit && last !== undefined ? { jobs, nextToken: tokenOf(last) } : { jobs };
}

/** Confirms a suspended job, or cancels one. @throws ServiceError NoSuchJob, JobStatusException */
export async function updateJobStatus(
  batch: BatchService,
  call: BatchCall,
  request: { readonly id: string; readonly status: "Ready" | "Cancelled"; readonly reason?: string },
): Promise<Job> {
  const { id, status, reason } = request;
  await openJob(batch, call, { id, action: "s3:UpdateJobStatus" });
  const from: readonly JobStatus[] = status === "Ready" ? ["Suspended"] : CANCELLABLE_STATUSES;
  const job = await batch.jobs.move(id, from, ({ activeSinceMs }) => ({
    ...(reason === undefined ? {} : { statusUpdateReason: reason }),
    ...(status === "Ready" ? { status } : { status: "Cancelling" }),
    ...(status === "Cancelled" && activeSinceMs !== undefined ? { activeUntilMs: call.nowMs } : {}),
  }));
  if (job === undefined) {
    const now = batch.jobs.find(id)?.status ?? "gone";
    throw jobStatusException(`A job that is ${now} cannot become ${status}`);
  }
  batch.wake();
  return job;
}

/** @throws ServiceError NoSuchJob; InvalidRequest when the job is final */
export async function updateJobPriority(
  batch: BatchService,
  call: BatchCall,
  { id, priority }: { readonly id: string; readonly priority: number },
): Promise<Job> {
  const context = { "s3:requestjobpriority": String(priority) };
  const { status } = await openJob(batch, call, { id, action: "s3:UpdateJobPriority", context });
  const job = await batch.jobs.move(id, UNFINISHED_STATUSES, () => ({ priority }));
  if (job === undefined) throw invalidRequest(`The priority of a job that is ${status} cannot be changed`);
  return job;
}

/** Authorises with what the job is, then looks whether it is there. */
async function openJob(
  batch: BatchService,
  call: BatchCall,
  ask: { readonly id: string; readonly action: string; readonly context?: RequestContext },
): Promise<Job> {
  await batch.jobs.expire();
  const { id, action, context } = ask;
  const found = batch.jobs.find(id);
  const job = found?.account === call.account && found.region === call.region ? found : undefined;
  const resource = jobArn({ id, account: call.account, region: call.region });
  authorise(batch, call, {
    action,
    resource,
    context: { ...context, ...(job === undefined ? {} : existingContext(job)) },
  });
  if (job === undefined) throw noSuchJob();
  return job;
}

function existingContext({ priority, status }: Job): RequestContext {
  return {
    "s3:existingjobpriority": String(priority),
    "s3:existingjoboperation": REPLICATE_OPERATION,
    ...(status === "Suspended" ? { "s3:jobsuspendedcause": SUSPENDED_CAUSE } : {}),
  };
}

/** Jobs belong to the account that calls: there is no way to another one's. */
function authorise(
  { s3 }: BatchService,
  { caller, account, context }: BatchCall,
  ask: { readonly action: string; readonly resource: string; readonly context?: RequestContext },
): void {
  if (accountOf(caller.principal) !== account) throw accessDenied();
  const { action, resource } = ask;
  s3.authoriser.require(caller, {
    action,
    resource,
    resourceAccount: account,
    context: { ...context, ...ask.context, "s3:resourceaccount": account },
  });
}

function tagContext(tags: readonly Tag[]): RequestContext {
  if (tags.length === 0) return {};
  return {
    "aws:tagkeys": tags.map((one) => one.key),
    ...Object.fromEntries(tags.map(({ key, value }) => [`aws:requesttag/${key.toLowerCase()}`, value])),
  };
}

function tokenOf({ createdMs, id }: JobMarker): string {
  return Buffer.from(JSON.stringify([createdMs, id])).toString("base64url");
}

function markerOf(token: string): JobMarker {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    const [createdMs, id] = Array.isArray(parsed) ? parsed : [];
    if (typeof createdMs === "number" && typeof id === "string") return { createdMs, id };
  } catch {
    // Not one of ours.
  }
  throw invalidNextToken();
}
